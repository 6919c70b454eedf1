//! Comments under rules for fields: what is said about a hidden field is hidden too.

use runtime::access::{AccessInfo, Action, FieldLists, RuleInfo};
use runtime::content::SchemaInfo;
use runtime::id;
use runtime::serde_json::{Value as Json, json};
use runtime::testing::Node;

use crate::client::{Site, text};

const SHOWN: FieldLists = &[("post", &["title", "slug", "body"])];

/// The shop, in which viewers read a part of each post.
async fn site() -> Site {
    let of_posts = |shipped: &AccessInfo| {
        let others =
            shipped.rules.iter().filter(|rule| rule.role == "editor").map(|rule| RuleInfo::new("editor", rule.action));
        let viewer = RuleInfo::new("viewer", Action::ReadDrafts).fields(SHOWN);
        &*others.chain([viewer]).collect::<Vec<_>>().leak()
    };
    let access = generated::SCHEMA.access.iter().map(|access| AccessInfo {
        table: access.table,
        rules: if access.table == "post" { of_posts(access) } else { access.rules },
    });
    let access = access.collect::<Vec<_>>().leak();
    let schema: &'static SchemaInfo = Box::leak(Box::new(SchemaInfo { access, ..generated::SCHEMA }));
    Site::of(|node| Node { schema, ..node }).await
}

async fn user(site: &Site, name: &str, role: &str) -> (String, String) {
    let email = format!("{name}@shop.example");
    let user = site.user(&email, role).await;
    (id::encode("user", user.id), text(&site.sign_in(&email).await["accessToken"]).to_owned())
}

async fn ask(site: &Site, token: &str, query: &str, variables: Json) -> Json {
    site.post("/graphql", json!({ "query": query, "variables": variables }), Some(token)).await.json()
}

fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

const COMMENT: &str = "mutation($id: ID!, $field: String, $mentions: [ID!]) {
    made: commentOn(id: $id, field: $field, text: \"Hm\", mentions: $mentions) { id } }";
const LIST: &str =
    "query($id: ID!, $field: String) { found: entryComments(entry: $id, field: $field) { field replies { text } } }";

#[tokio::test]
async fn what_is_said_about_a_hidden_field_is_hidden() {
    let site = site().await;
    let (_, editor) = user(&site, "ada", "editor").await;
    let (vera, viewer) = user(&site, "vera", "viewer").await;
    let create = "mutation { made: createPost(input: {title: \"News\", body: \"x\", excerpt: \"y\"}) { id } }";
    let post = ask(&site, &editor, create, json!({})).await["data"]["made"]["id"].clone();
    let on = |field: &str| json!({ "id": post, "field": field });
    let hidden = ask(&site, &editor, COMMENT, on("excerpt")).await["data"]["made"]["id"].clone();
    ask(&site, &editor, COMMENT, on("body")).await;
    let found = ask(&site, &viewer, LIST, json!({ "id": post })).await;
    assert_eq!(found["data"]["found"], json!([{ "field": "body", "replies": [] }]), "{found}");
    assert_eq!(ask(&site, &viewer, LIST, on("excerpt")).await["data"]["found"], json!([]));
    assert_eq!(code(&ask(&site, &viewer, COMMENT, on("excerpt")).await), "INVALID_VALUE");
    let reply = "mutation($id: ID!) { made: replyToComment(id: $id, text: \"Yes\") { id } }";
    assert_eq!(code(&ask(&site, &viewer, reply, json!({ "id": hidden })).await), "NOT_FOUND");
    // Nobody is told by a mail of what they may not read.
    let mention = json!({ "id": post, "field": "excerpt", "mentions": [vera] });
    assert_eq!(code(&ask(&site, &editor, COMMENT, mention).await), "INVALID_VALUE");
    let mention = json!({ "id": post, "field": "body", "mentions": [vera] });
    assert!(ask(&site, &editor, COMMENT, mention).await["data"]["made"]["id"].is_string());
    // A field that the schema has no more is for those who read everything.
    sqlx::query("update cms.comment set field = 'former' where field = 'excerpt'")
        .execute(&site.db.pool)
        .await
        .unwrap();
    let fields =
        async |token| ask(&site, token, LIST, json!({ "id": post })).await["data"]["found"].as_array().unwrap().len();
    assert_eq!((fields(&editor).await, fields(&viewer).await), (3, 2));
    site.stop().await;
}
