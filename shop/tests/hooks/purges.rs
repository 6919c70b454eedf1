//! What a CDN is told when entries change: each service by its own contract, again after failures, and nothing of drafts.

use std::collections::BTreeSet;

use runtime::serde_json::{Value as Json, json};

use crate::receiver::{Received, status};
use crate::site::{Node, Site, eventually, text};

/// A site that tells this service, at the receiver.
async fn site(service: &str, settings: &[(&'static str, &str)], path: &str) -> (Site, Node) {
    let mut site = Site::new().await;
    let own = [("TYPECASE_PURGE", service.to_owned()), ("TYPECASE_PURGE_URL", site.receiver.url(path))];
    site.variables = own.into_iter().chain(settings.iter().map(|(name, value)| (*name, (*value).to_owned()))).collect();
    let node = site.node().await;
    eventually("changes are followed", async || {
        site.number("select count(*) from cms.consumer where name = 'typecase.purge'").await == 1
    })
    .await;
    (site, node)
}

/// The first requests to this path.
async fn received(site: &Site, path: &str, least: usize) -> Vec<Received> {
    eventually("the CDN is told", async || {
        // What is sent again need not be waited for.
        site.run("update cms.job set due = now() where kind = 'typecase.purge' and due > now() and state = 'waiting'")
            .await;
        site.receiver.received(path).len() >= least
    })
    .await;
    site.receiver.received(path)
}

fn words(text: &str) -> BTreeSet<String> {
    text.split([' ', ',']).map(str::to_owned).collect()
}

async fn draft(node: &Node, title: &str) -> (String, i64) {
    let create = "mutation ($title: String!) { made: createProduct(input: { name: $title, price: { amount: \"1\" } }) { id revision } }";
    let made = node.ask(create, json!({ "title": title })).await;
    (text(&made["made"]["id"]), made["made"]["revision"].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fastly_is_told_the_keys_of_what_has_changed() {
    let settings = [("TYPECASE_PURGE_ID", "SU1Z0isxPaozGVKXdv0eY"), ("TYPECASE_PURGE_TOKEN", "secret-of-fastly")];
    let (site, node) = site("fastly", &settings, "/api").await;
    let path = "/api/service/SU1Z0isxPaozGVKXdv0eY/purge";
    let (product, revision) = draft(&node, "Chair").await;
    // A draft changes nothing that anybody keeps; of the publication all is known.
    let publish = "mutation ($id: ID!, $revision: Int!) { publishProduct(id: $id, revision: $revision) { id } }";
    node.ask(publish, json!({ "id": product, "revision": revision })).await;
    let first = received(&site, path, 1).await.remove(0);
    assert_eq!((&*first.headers["fastly-key"], first.body.len()), ("secret-of-fastly", 0));
    assert_eq!(words(&first.headers["surrogate-key"]), words(&format!("product {product}")));
    // Once more, for what another node has answered meanwhile.
    let second = received(&site, path, 2).await.remove(1);
    assert_eq!(second.headers["surrogate-key"], first.headers["surrogate-key"]);
    // What refers to a tag shows it as gone; nobody says which entries these are.
    let tag = node.tag("Red").await;
    let expected = words(&format!("tag {tag} product product-entries post post-entries service service-entries"));
    let third = received(&site, path, 3).await.remove(2);
    let keys = words(&third.headers["surrogate-key"]);
    assert!(keys.is_subset(&expected) && keys.contains("product-entries") && keys.contains(&tag), "{keys:?}");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloudflare_is_told_tags_until_it_has_taken_them() {
    let settings = [("TYPECASE_PURGE_ID", "zone1"), ("TYPECASE_PURGE_TOKEN", "secret-of-cloudflare")];
    let (site, node) = site("cloudflare", &settings, "/client/v4/").await;
    let path = "/client/v4/zones/zone1/purge_cache";
    site.receiver.reply(path, [status(429), status(500), status(200)]);
    let tag = node.tag("Red").await;
    let told = received(&site, path, 3).await;
    for one in &told {
        assert_eq!(
            (&*one.headers["authorization"], &*one.headers["content-type"]),
            ("Bearer secret-of-cloudflare", "application/json")
        );
        let tags = one.json()["tags"].as_array().unwrap().clone();
        assert!(tags.contains(&Json::from("tag")) && tags.contains(&Json::from(tag.as_str())), "{tags:?}");
    }
    eventually("both are done", async || {
        site.run("update cms.job set due = now() where kind = 'typecase.purge' and due > now() and state = 'waiting'")
            .await;
        site.number("select count(*) from cms.job where kind = 'typecase.purge'").await == 0
    })
    .await;
    // Many are sent in parts.
    let before = site.receiver.received(path).len();
    for number in 0..20 {
        node.tag(&format!("Tag {number}")).await;
    }
    eventually("all are told", async || {
        site.run("update cms.job set due = now() where kind = 'typecase.purge' and due > now() and state = 'waiting'").await;
        site.number("select count(*) from cms.job where kind = 'typecase.purge'").await == 0
            && site.number("select count(*) from cms.consumer c, cms.outbox_head h where c.name = 'typecase.purge' and c.position = h.position").await == 1
    })
    .await;
    let parts = site.receiver.received(path).split_off(before);
    let tags = |part: &Received| part.json()["tags"].as_array().unwrap().len();
    assert!(parts.iter().all(|part| (1..=30).contains(&tags(part))), "at most 30 at once");
    let all: BTreeSet<String> =
        parts.iter().flat_map(|part| part.json()["tags"].as_array().unwrap().clone()).map(|tag| text(&tag)).collect();
    assert_eq!(all.iter().filter(|tag| tag.starts_with("tag_")).count(), 20);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloudfront_removes_all_answers_by_a_signed_request() {
    let settings = [("TYPECASE_PURGE_ID", "EDFDVBD6EXAMPLE"), ("TYPECASE_PURGE_TOKEN", "AKIDEXAMPLE:wJalrXUtnFEMI")];
    let (site, node) = site("cloudfront", &settings, "").await;
    let path = "/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation";
    site.receiver.reply(path, [status(503), status(201)]);
    node.tag("Red").await;
    let told = received(&site, path, 3).await;
    let reference = |one: &Received| {
        let (_, rest) = one.body.split_once("<CallerReference>").unwrap();
        rest.split_once("</CallerReference>").unwrap().0.to_owned()
    };
    for one in &told {
        assert!(
            one.body.contains("<Paths><Items><Path>/graphql*</Path></Items><Quantity>1</Quantity></Paths>"),
            "{}",
            one.body
        );
        let authorization = &one.headers["authorization"];
        let day = &one.headers["x-amz-date"][..8];
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{day}/us-east-1/cloudfront/aws4_request, SignedHeaders=host;x-amz-date, Signature="
        );
        let signature = authorization.strip_prefix(&scope).unwrap_or_else(|| panic!("{authorization}"));
        assert!(signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit()), "{signature}");
        assert_eq!(one.headers["host"], site.receiver.address.to_string());
    }
    // A repeated attempt is the same invalidation for CloudFront, and the second purge another one.
    let references: BTreeSet<String> = told.iter().map(reference).collect();
    assert_eq!(references.len(), 2, "{references:?}");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_of_the_sites_own_is_told_the_same() {
    let (site, node) = site("hook", &[("TYPECASE_PURGE_TOKEN", "mine")], "/removes").await;
    let tag = node.tag("Red").await;
    let told = received(&site, "/removes", 1).await.remove(0);
    assert_eq!(told.headers["authorization"], "Bearer mine");
    assert!(told.json()["tags"].as_array().unwrap().contains(&Json::from(tag)), "{}", told.body);
    site.close().await;
}
