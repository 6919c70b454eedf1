//! Compressed responses over HTTP: which, for whom, under which `ETag`, and that what is kept is compressed once.

use std::io::Read as _;

use runtime::serde_json::{Value as Json, json};

use crate::cached::{CACHE, is_caching, is_hit, told};
use crate::client::{Answer, Site, TOKEN, account, migrated};

const LARGE: &str = "{ products(first: 100) { nodes { id name slug description } } }";
const ALL: &str = "gzip, deflate, br, zstd";

/// A site with a response of some thousand bytes.
async fn site(variables: &[(&str, &str)]) -> Site {
    let site = Site::with(migrated().await, variables).await;
    let create = "mutation($input: [ProductUpsertInput!]!) { upsertProducts(input: $input, publish: true) { id } }";
    let product = |number| {
        json!({ "key": { "slug": format!("chair-{number}") }, "data": {
        "name": format!("Chair {number}"), "price": { "amount": "1" }, "description": "A chair of oak. ".repeat(8) } })
    };
    let products: Vec<Json> = (0..40).map(product).collect();
    let made = site.ask_as_developer(create, json!({ "input": products })).await;
    assert!(made.get("errors").is_none(), "{made}");
    site
}

/// The body as the client reads it, which must be complete.
fn read(answer: &Answer) -> String {
    assert_eq!(answer.header("content-length"), Some(answer.bytes.len().to_string().as_str()), "{answer:?}");
    let mut text = String::new();
    match answer.header("content-encoding") {
        None => text = String::from_utf8(answer.bytes.clone()).unwrap(),
        Some("gzip") => {
            flate2::read::GzDecoder::new(&*answer.bytes).read_to_string(&mut text).unwrap();
        }
        Some("br") => {
            brotli::Decompressor::new(&*answer.bytes, 4096).read_to_string(&mut text).unwrap();
        }
        Some("zstd") => text = String::from_utf8(zstd::decode_all(&*answer.bytes).unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
    text
}

async fn post(site: &Site, query: &str, headers: &[(&str, &str)]) -> Answer {
    let answer = site.post(&json!({ "query": query }), headers).await;
    let vary = answer.header("vary").unwrap_or_default();
    assert!(vary.split(", ").any(|header| header == "Accept-Encoding"), "{answer:?}");
    answer
}

fn path() -> String {
    format!("/graphql?query={}", LARGE.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D"))
}

/// Without what a response to POST tells developers.
async fn by_get(site: &Site, headers: &[(&str, &str)]) -> Answer {
    site.send("GET", &path(), headers, "").await
}

#[tokio::test]
async fn the_client_chooses_a_coding_and_small_responses_have_none() {
    let site = site(&[]).await;
    let plain = post(&site, LARGE, &[]).await;
    assert_eq!((plain.status, plain.header("content-encoding")), (200, None));
    for (accept, expected) in [
        (ALL, Some("zstd")),
        ("gzip, br", Some("br")),
        ("gzip", Some("gzip")),
        ("br;q=0.1, gzip;q=0.2", Some("gzip")),
        ("zstd;q=0, *", Some("br")),
        ("identity, br;q=0.9", None),
        ("deflate", None),
        ("gzip;q=0", None),
    ] {
        let answer = post(&site, LARGE, &[("accept-encoding", accept)]).await;
        assert_eq!(answer.header("content-encoding"), expected, "{accept}");
        assert_eq!(read(&answer), plain.body, "{accept}");
        assert!(expected.is_none() || answer.bytes.len() < plain.bytes.len() / 4, "{accept}: {}", answer.bytes.len());
    }
    let all = [("accept-encoding", ALL)];
    assert_eq!(post(&site, "{ __typename }", &all).await.header("content-encoding"), None);
    // A batch is one body.
    let batch = site.post(&json!([{ "query": LARGE }, { "query": "{ __typename }" }]), &all).await;
    assert_eq!(batch.header("content-encoding"), Some("zstd"));
    assert!(read(&batch).contains("\"__typename\""));
    // Events are sent one by one.
    let events = [all[0], ("accept", "text/event-stream"), ("content-type", "application/json")];
    let streamed = site.send("POST", "/graphql", &events, &json!({ "query": LARGE }).to_string()).await;
    assert_eq!((streamed.status, streamed.header("content-encoding")), (200, None));
    site.stop().await;
}

#[tokio::test]
async fn nothing_is_compressed_that_a_cookie_gives_access_to() {
    let site = site(&[]).await;
    let (_, token) = account(&site, "ada@shop.example", "editor").await;
    let all = ("accept-encoding", ALL);
    let (cookie, bearer) = (format!("typecase={token}"), format!("Bearer {token}"));
    let drafts = "{ products(first: 100, stage: DRAFT) { nodes { id name slug description } } }";
    let same = ("sec-fetch-site", "same-origin");
    let by_cookie = post(&site, drafts, &[all, same, ("cookie", &cookie)]).await;
    assert_eq!((by_cookie.header("content-encoding"), by_cookie.body.contains("Chair 1")), (None, true));
    let by_token = post(&site, drafts, &[all, ("authorization", &bearer)]).await;
    assert_eq!((by_token.header("content-encoding"), read(&by_token)), (Some("zstd"), by_cookie.body));
    let link = "mutation { made: createPreviewLink(drafts: true) { token } }";
    let link = site.ask_as_developer(link, json!({})).await["data"]["made"]["token"].as_str().unwrap().to_owned();
    let cookie = format!("typecase-preview={link}");
    let preview = post(&site, LARGE, &[all, ("cookie", &cookie)]).await;
    assert_eq!((preview.header("content-encoding"), preview.body.contains("Chair 1")), (None, true));
    assert_eq!(preview.header("cache-control"), Some("private, no-store"), "it was a preview");
    // A cookie of somebody else's does not matter.
    let other = post(&site, LARGE, &[all, ("cookie", "shop=1")]).await;
    assert_eq!(other.header("content-encoding"), Some("zstd"));
    let body = json!({ "email": "ada@shop.example", "password": "velvet anchor drifting sundial" }).to_string();
    let signed_in = site.send("POST", "/auth/sign-in", &[all, ("content-type", "application/json")], &body).await;
    assert_eq!((signed_in.status, signed_in.header("content-encoding")), (200, None));
    site.stop().await;
}

#[tokio::test]
async fn each_coding_has_its_own_tag() {
    let site = site(&[]).await;
    let path = path();
    let mut tags: Vec<String> = Vec::new();
    for accept in ["identity", "gzip", "br", "zstd"] {
        let headers = [("accept-encoding", accept)];
        let answer = site.send("GET", &path, &headers, "").await;
        let tag = answer.header("etag").unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        assert!(tag.starts_with('"') && !tags.contains(&tag), "{tag} {tags:?}");
        let again = site.send("GET", &path, &headers, "").await;
        assert_eq!((again.header("etag"), &again.bytes), (Some(&*tag), &answer.bytes), "{accept}");
        let known = site.send("GET", &path, &[headers[0], ("if-none-match", &tag)], "").await;
        assert_eq!((known.status, known.bytes.len(), known.header("etag")), (304, 0, Some(&*tag)), "{accept}");
        assert_eq!((known.header("content-encoding"), known.header("vary")), (None, answer.header("vary")), "{accept}");
        // That of another coding is not known.
        for other in &tags {
            let other = site.send("GET", &path, &[headers[0], ("if-none-match", other)], "").await;
            assert_eq!(other.status, 200, "{accept}");
        }
        tags.push(tag);
    }
    let head = site.send("HEAD", &path, &[("accept-encoding", "gzip")], "").await;
    assert_eq!((head.header("etag"), head.header("content-encoding")), (Some(&*tags[1]), Some("gzip")));
    site.stop().await;
}

#[tokio::test]
async fn what_is_kept_is_compressed_once_and_weighed() {
    let site = site(&[CACHE, ("TYPECASE_METRICS_ADDRESS", "127.0.0.1:0")]).await;
    is_caching(&site).await;
    let bytes = async || {
        let address = site.metrics_address();
        let answer = crate::client::send_to(&address, "GET", "/metrics", &[], "").await;
        let line = answer.body.lines().find_map(|line| line.strip_prefix("typecase_response_cache_bytes "));
        line.unwrap().parse::<f64>().unwrap()
    };
    let mut plain = by_get(&site, &[]).await;
    let begun = std::time::Instant::now();
    while !is_hit(&plain) {
        assert!(begun.elapsed() < std::time::Duration::from_secs(20));
        plain = by_get(&site, &[]).await;
    }
    // The smallest coding, since it is sent often.
    let mut weight = bytes().await;
    for (accept, expected) in [(ALL, "br"), ("gzip", "gzip"), ("zstd", "zstd")] {
        let first = by_get(&site, &[("accept-encoding", accept)]).await;
        assert_eq!((first.header("content-encoding"), is_hit(&first)), (Some(expected), true), "{}", told(&first));
        assert_eq!(read(&first), plain.body);
        let more = bytes().await - weight;
        let length = first.bytes.len() as f64;
        assert!(more >= length && more < length + 100.0, "{accept}: {more} for {length}");
        let again = by_get(&site, &[("accept-encoding", accept)]).await;
        assert_eq!((again.bytes, is_hit(&by_get(&site, &[]).await)), (first.bytes, true));
        assert!((bytes().await - weight - more).abs() < 1.0, "{accept}: it is kept once");
        weight += more;
    }
    // A change ends all of them.
    let token = format!("Bearer {TOKEN}");
    let create =
        "mutation { createProduct(input: { name: \"Zebra\", price: { amount: \"1\" } }, publish: true) { id } }";
    site.post(&json!({ "query": create }), &[("authorization", &token)]).await;
    let changed = by_get(&site, &[("accept-encoding", "gzip")]).await;
    assert!(!is_hit(&changed) && read(&changed).contains("Zebra"));
    assert!(bytes().await < weight);
    site.stop().await;
}

#[tokio::test]
async fn it_can_be_turned_off() {
    let site = site(&[("TYPECASE_COMPRESSION", "off")]).await;
    let answer = post(&site, LARGE, &[("accept-encoding", ALL)]).await;
    assert_eq!((answer.status, answer.header("content-encoding")), (200, None));
    site.stop().await;
}
