//! Who manages webhooks has no more sent than they may read, or may give to a token.

use runtime::access::{Area, RoleInfo};
use runtime::content::SchemaInfo;
use runtime::serde_json::{Value as Json, json};
use runtime::testing::Node;

use crate::client::{Site, text};

/// The shipped schema, in which editors manage webhooks, and authors tokens as well.
fn schema() -> &'static SchemaInfo {
    let changed = |role: &RoleInfo| {
        let manages: &[Area] = match role.name {
            "editor" => &[Area::Webhooks],
            "author" => &[Area::Tokens, Area::Webhooks],
            _ => role.manages,
        };
        RoleInfo { name: role.name, second_factor: role.second_factor, manages }
    };
    let roles: Vec<_> = generated::SCHEMA.roles.iter().map(changed).collect();
    Box::leak(Box::new(SchemaInfo { roles: roles.leak(), ..generated::SCHEMA }))
}

/// The id, or the code and the place of the first error.
async fn sent(site: &Site, token: &str, query: &str, variables: Json) -> String {
    let answer = site.post("/graphql", json!({ "query": query, "variables": variables }), Some(token)).await.json();
    let error = &answer["errors"][0]["extensions"];
    if error["code"].is_string() {
        let place = error["inputPath"].as_array().map_or(&[][..], Vec::as_slice);
        let place: Vec<_> = place.iter().map(text).collect();
        return format!("{} {}", text(&error["code"]), place.join("."));
    }
    let done = answer["data"].as_object().and_then(|data| data.values().next()).expect("an answer");
    text(done.pointer("/webhook/id").unwrap_or(&done["id"])).to_owned()
}

async fn create(site: &Site, token: &str, more: Json) -> String {
    let mut input = json!({ "name": "a", "url": "https://example.com/", "types": ["Product"] });
    input.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let query = "mutation ($input: WebhookCreateInput!) { createWebhook(input: $input) { webhook { id } } }";
    sent(site, token, query, json!({ "input": input })).await
}

async fn update(site: &Site, token: &str, id: &str, input: Json) -> String {
    let query = "mutation ($id: ID!, $input: WebhookUpdateInput!) { updateWebhook(id: $id, input: $input) { id } }";
    sent(site, token, query, json!({ "id": id, "input": input })).await
}

#[tokio::test]
async fn a_webhook_reads_as_nobody_greater_than_its_maker() {
    let site = Site::of(|node| Node { schema: schema(), ..node }).await;
    let mut tokens = Vec::new();
    for role in ["admin", "editor", "author"] {
        let email = format!("{role}@shop.example");
        site.user(&email, role).await;
        tokens.push(text(&site.sign_in(&email).await["accessToken"]).to_owned());
    }
    let [admin, editor, author] = tokens.as_slice() else { unreachable!("three") };
    let document = "query ($id: ID!) { product(id: $id, stage: DRAFT) { externalRef } }";
    let of = |role: &str| json!({ "document": document, "role": role });
    assert!(create(&site, editor, of("editor")).await.starts_with("webhook_"), "their own");
    for role in ["viewer", "admin"] {
        assert_eq!(create(&site, editor, of(role)).await, "FORBIDDEN input.role", "{role}");
    }
    assert!(create(&site, author, of("viewer")).await.starts_with("webhook_"), "they may give it to a token");
    assert_eq!(create(&site, author, of("admin")).await, "FORBIDDEN input.role");
    assert_eq!(create(&site, author, of("author")).await, "FORBIDDEN input.document", "it reads no drafts");
    let filter = json!({ "filter": { "name": { "eq": "a" } } });
    assert_eq!(create(&site, author, filter.clone()).await, "FORBIDDEN input.filter");
    assert!(create(&site, editor, filter).await.starts_with("webhook_"));

    let greater = create(&site, admin, of("admin")).await;
    assert!(greater.starts_with("webhook_"), "{greater}");
    for input in [json!({ "url": "https://elsewhere.example/" }), json!({ "document": "{ __typename }" })] {
        assert_eq!(update(&site, editor, &greater, input).await, "FORBIDDEN input.role");
    }
    for input in [json!({ "enabled": false }), json!({ "name": "b" }), json!({ "document": null, "role": null })] {
        assert_eq!(update(&site, editor, &greater, input).await, greater);
    }
    let viewer = site.user("viewer@shop.example", "viewer").await;
    assert_eq!(viewer.role, "viewer");
    let token = text(&site.sign_in("viewer@shop.example").await["accessToken"]).to_owned();
    assert_eq!(create(&site, &token, json!({})).await, "FORBIDDEN ");
    site.stop().await;
}
