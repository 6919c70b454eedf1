//! Which entries are sent, and what of them: filters and documents.

use runtime::serde_json::{Value as Json, json};

use crate::site::{Node, Site, eventually, text};

const CREATE: &str = "mutation ($input: WebhookCreateInput!) { createWebhook(input: $input) { secret } }";
const PRODUCT: &str = "query ($id: ID!) { product(id: $id) { name price { amount } brand { name } } }";

async fn product(node: &Node, name: &str, price: &str, publish: bool) -> String {
    let query = "mutation ($input: ProductCreateInput!, $publish: Boolean!) { createProduct(input: $input, publish: $publish) { id } }";
    let input = json!({ "name": name, "price": { "amount": price, "currency": "EUR" } });
    text(&node.ask(query, json!({ "input": input, "publish": publish })).await["createProduct"]["id"])
}

fn names(site: &Site, path: &str) -> Vec<String> {
    let received = site.receiver.received(path).into_iter();
    received.map(|received| format!("{} {}", text(&received.json()["type"]), received.json()["data"]["id"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_is_held_against_the_entry_and_what_is_deleted_is_sent() {
    let site = Site::new().await;
    let node = site.node().await;
    let filter = json!({ "name": { "startsWith": "Good" } });
    let input = json!({ "name": "a", "url": site.receiver.url("/a"), "types": ["Product"], "filter": filter,
        "actions": ["CREATED", "PUBLISHED", "DELETED"] });
    let (webhook, _) = node.webhook(input).await;
    let bad = product(&node, "Bad shoe", "9", true).await;
    let good = product(&node, "Good shoe", "9", true).await;
    let delete = "mutation ($id: ID!) { deleteProduct(id: $id, revision: 1) }";
    node.ask(delete, json!({ "id": bad })).await;
    let expected = [
        format!("product.created \"{good}\""),
        format!("product.published \"{good}\""),
        format!("product.deleted \"{bad}\""),
    ];
    eventually("three are delivered", async || names(&site, "/a").len() == 3).await;
    let mut found = names(&site, "/a");
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(node.deliveries(&webhook).await.len(), 3);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_of_a_document_is_sent_as_visitors_or_a_role_may_read_it() {
    let site = Site::new().await;
    let node = site.node().await;
    let input = json!({ "name": "public", "url": site.receiver.url("/public"), "types": ["Product"], "actions": ["PUBLISHED"],
        "document": PRODUCT });
    node.webhook(input).await;
    let draft = "query ($id: ID!) { product(id: $id, stage: DRAFT) { name externalRef status } }";
    let input = json!({ "name": "drafts", "url": site.receiver.url("/drafts"), "types": ["Product"], "actions": ["CREATED"],
        "document": draft, "role": "viewer" });
    node.webhook(input).await;
    product(&node, "Shoe", "19.90", true).await;
    eventually("both are delivered", async || {
        site.receiver.received("/public").len() == 1 && site.receiver.received("/drafts").len() == 1
    })
    .await;
    let public = site.receiver.received("/public")[0].json();
    assert_eq!(public["type"], "product.published");
    assert_eq!(public["data"], json!({ "product": { "name": "Shoe", "price": { "amount": "19.90" }, "brand": null } }));
    let drafts = site.receiver.received("/drafts")[0].json();
    assert_eq!(drafts["data"]["product"]["name"], "Shoe");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_or_a_filter_that_does_not_fit_is_refused_where_it_is() {
    let site = Site::new().await;
    let node = site.node().await;
    let with = |more: Json| {
        let mut input = json!({ "name": "a", "url": "https://example.com/", "types": ["Product"] });
        input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({ "input": input })
    };
    let deep =
        format!("{{ products {{ nodes {} {} }} }}", "{ related ".repeat(20), "{ id }".to_owned() + &" }".repeat(20));
    let cases = [
        (json!({ "document": "query {" }), "GRAPHQL_PARSE_FAILED", "input.document"),
        (json!({ "document": "{ nothing }" }), "GRAPHQL_VALIDATION_FAILED", "input.document"),
        (json!({ "document": "mutation { sellOut(product: \"a\") { id } }" }), "BAD_USER_INPUT", "input.document"),
        (
            json!({ "document": "query ($slug: String!) { product(id: \"a\") { name } tag: __typename @skip(if: false) }" }),
            "",
            "input.document",
        ),
        (
            json!({ "document": "query ($name: String!) { products(filter: { name: { eq: $name } }) { totalCount } }" }),
            "BAD_USER_INPUT",
            "input.document",
        ),
        (json!({ "document": deep }), "LIMIT_EXCEEDED", "input.document"),
        (
            json!({ "document": "query ($id: ID!) { product(id: $id) { externalRef } }" }),
            "UNAUTHENTICATED",
            "input.document",
        ),
        (
            json!({ "document": "query ($id: ID!) { product(id: $id, stage: DRAFT) { name } }" }),
            "UNAUTHENTICATED",
            "input.document",
        ),
        (json!({ "document": "{ __typename }", "role": "nobody" }), "BAD_USER_INPUT", "input.role"),
        (json!({ "role": "viewer" }), "BAD_USER_INPUT", "input.role"),
        (json!({ "filter": { "nmae": { "eq": "a" } } }), "BAD_USER_INPUT", "input.filter.nmae"),
        (json!({ "filter": { "name": { "eq": 1 } } }), "", "input.filter.name.eq"),
        (json!({ "filter": { "name": null } }), "BAD_USER_INPUT", "input.filter.name"),
        (json!({ "filter": { "summary": { "eq": "a" } } }), "BAD_USER_INPUT", "input.filter.summary"),
        (json!({ "filter": {}, "types": null }), "BAD_USER_INPUT", "input.filter"),
        (json!({ "types": ["Produkt"] }), "BAD_USER_INPUT", "input.types.0"),
        (json!({ "actions": ["SOLD"] }), "BAD_USER_INPUT", "input.actions.0"),
        (json!({ "name": " " }), "BAD_USER_INPUT", "input.name"),
        (json!({ "url": "https://me:pw@example.com" }), "BAD_USER_INPUT", "input.url"),
    ];
    for (more, code, place) in cases {
        let (found, at, message) = node.refused_admin(CREATE, with(more.clone())).await;
        assert!((code.is_empty() || found == code) && at == place, "{more}: {found} {at} {message}");
    }
    assert_eq!(site.number("select count(*) from cms.webhook").await, 0);
    site.close().await;
}

/// The schema may outgrow what a webhook asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_fails_is_tried_again_and_a_filter_that_fits_no_more_disables() {
    let site = Site::new().await;
    let node = site.node().await;
    let input = json!({ "name": "a", "url": site.receiver.url("/a"), "types": ["Tag"], "actions": ["CREATED"],
        "document": "query ($id: ID!) { tag(id: $id) { name } }" });
    let (webhook, _) = node.webhook(input).await;
    site.run("update cms.webhook set document = 'query ($id: ID!) { tag(id: $id) { colour } }'").await;
    node.tag("Red").await;
    let mut newest = Json::Null;
    eventually("it has failed", async || {
        newest = node.deliveries(&webhook).await.into_iter().next().unwrap_or_default();
        newest["attempts"] == 1 && newest["state"] == "WAITING"
    })
    .await;
    assert!(text(&newest["error"]).starts_with("its document: Unknown field"), "{newest}");
    assert_eq!(site.receiver.connections(), 0);
    site.run("update cms.webhook set document = 'query ($id: ID!) { tag(id: $id) { name } }'").await;
    site.hasten().await;
    node.newest(&webhook, "DELIVERED").await;
    assert_eq!(site.receiver.received("/a")[0].json()["data"], json!({ "tag": { "name": "Red" } }));
    site.run("update cms.webhook set filter = '{\"colour\": {\"eq\": \"red\"}}'").await;
    node.tag("Blue").await;
    eventually("it is disabled", async || node.shown(&webhook).await["enabled"] == false).await;
    let why = text(&node.shown(&webhook).await["disabledReason"]);
    assert_eq!(why, "its filter does not fit the schema any more: unknown field `colour` on `Tag`");
    site.close().await;
}
