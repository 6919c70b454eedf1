//! Preview links and releases under rules: nobody shows others what they may not see, and a link ends with its maker's rights.

use runtime::access::{AccessInfo, Action, FieldLists, RuleInfo};
use runtime::content::SchemaInfo;
use runtime::id;
use runtime::serde_json::{Value as Json, json};
use runtime::testing::Node;

use crate::client::{Site, text};

const SHOWN: FieldLists = &[("post", &["title", "slug", "body"])];

/// The shop, in which viewers read a part of each draft of a post, and authors publish all posts but do not read their history.
async fn site() -> Site {
    let of_posts = |shipped: &AccessInfo| {
        let others = shipped.rules.iter().filter(|rule| ["editor", "anonymous"].contains(&rule.role));
        let others = others.map(|rule| RuleInfo::new(rule.role, rule.action));
        let viewer =
            [RuleInfo::new("viewer", Action::ReadDrafts).fields(SHOWN), RuleInfo::new("viewer", Action::Publish)];
        let author = [RuleInfo::new("author", Action::ReadDrafts), RuleInfo::new("author", Action::Publish)];
        &*others.chain(viewer).chain(author).collect::<Vec<_>>().leak()
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

async fn told(site: &Site, token: &str, query: &str, variables: Json) -> Json {
    let answer = ask(site, token, query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["made"].clone()
}

fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

const CREATE: &str = "mutation($publish: Boolean!) {
    made: createPost(input: { title: \"First\", body: \"x\", excerpt: \"y\" }, publish: $publish) { id } }";
const UPDATE: &str =
    "mutation($id: ID!) { made: updatePost(id: $id, revision: 1, input: { title: \"Second\" }) { id } }";
const LINK: &str =
    "mutation($entry: ID, $release: ID) { made: createPreviewLink(entry: $entry, release: $release) { token } }";
const RELEASE: &str = "mutation { made: createRelease(title: \"R\") { id } }";
const ADD: &str = "mutation($release: ID!, $entry: ID!, $revision: Int) {
    made: addToRelease(id: $release, changes: [{ entry: $entry, revision: $revision }]) { hidden changes { entry } } }";

#[tokio::test]
async fn nobody_shows_what_they_may_not_see() {
    let site = site().await;
    let (_, editor) = user(&site, "ada", "editor").await;
    let (_, viewer) = user(&site, "vera", "viewer").await;
    let (_, author) = user(&site, "anna", "author").await;
    let post = told(&site, &editor, CREATE, json!({ "publish": true })).await["id"].clone();
    told(&site, &editor, UPDATE, json!({ "id": post })).await;
    // The viewer does not see the excerpt of drafts, which visitors will see once it is published.
    assert_eq!(code(&ask(&site, &viewer, LINK, json!({ "entry": post })).await), "FORBIDDEN");
    let release = told(&site, &viewer, RELEASE, json!({})).await["id"].clone();
    let added = told(&site, &viewer, ADD, json!({ "release": release, "entry": post })).await;
    assert_eq!(added, json!({ "hidden": 0, "changes": [{ "entry": post }] }));
    assert_eq!(code(&ask(&site, &viewer, LINK, json!({ "release": release })).await), "FORBIDDEN");
    assert!(told(&site, &editor, LINK, json!({ "release": release })).await["token"].is_string());

    // The author sees drafts, and no earlier revisions of them.
    let release = told(&site, &author, RELEASE, json!({})).await["id"].clone();
    let read = "query($id: ID!, $release: ID!) { made: post(id: $id, release: $release) { title } }";
    let seen =
        async |token: &str| told(&site, token, read, json!({ "id": post, "release": release })).await["title"].clone();
    told(&site, &author, ADD, json!({ "release": release, "entry": post })).await;
    assert_eq!(seen(&author).await, "Second");
    told(
        &site,
        &editor,
        "mutation($id: ID!) { made: publishPost(id: $id, revision: 2) { id } }",
        json!({ "id": post }),
    )
    .await;
    told(&site, &author, ADD, json!({ "release": release, "entry": post, "revision": 1 })).await;
    assert_eq!((seen(&author).await, seen(&editor).await), (json!("Second"), json!("First")));
    assert_eq!(code(&ask(&site, &author, LINK, json!({ "release": release })).await), "FORBIDDEN");
    site.stop().await;
}

#[tokio::test]
async fn a_link_ends_with_the_account_of_its_maker() {
    let site = site().await;
    let (_, editor) = user(&site, "ada", "editor").await;
    let (_, admin) = user(&site, "root", "admin").await;
    let (eva, other) = user(&site, "eva", "editor").await;
    let post = told(&site, &editor, CREATE, json!({ "publish": false })).await["id"].clone();
    let token = told(&site, &other, LINK, json!({ "entry": post })).await["token"].as_str().unwrap().to_owned();
    let read = json!({ "query": "query($id: ID!) { post(id: $id) { title } }", "variables": { "id": post } });
    let seen = async || {
        site.send(
            "POST",
            "/graphql",
            &[("content-type", "application/json"), ("typecase-preview", &token)],
            read.clone(),
        )
        .await
    };
    let shown = seen().await.json();
    assert_eq!(shown["data"]["post"], json!({ "title": "First" }), "{shown}");
    let disabled = site.ask("PATCH", &format!("/auth/users/{eva}"), json!({ "disabled": true }), Some(&admin)).await;
    assert_eq!(disabled.status, 200, "{}", disabled.json());
    let after = seen().await;
    assert_eq!((after.status, code(&after.json())), (401, "UNAUTHENTICATED"));
    site.stop().await;
}
