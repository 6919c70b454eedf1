//! Panics in the site's own code: the response is an error with the request id, the open transaction is rolled back, and everything else
//! goes on.

use generated::content::{PRODUCT, Product, Tag};
use runtime::axum::Router;
use runtime::axum::routing::get;
use runtime::content::{OperationInfo, Returns, SchemaInfo};
use runtime::hooks::{Event, HookSet};
use runtime::kind::Kind;
use runtime::prelude::*;
use runtime::serde_json::{Value as Json, json};
use runtime::site::SiteBuilder;
use runtime::testing::Node;

use crate::client::{Answer, Site, text};

static QUERIES: &[OperationInfo] = &[OperationInfo {
    name: "explodes",
    args: &[],
    returns: Returns::Scalar { kind: Kind::Integer, many: false },
    roles: &["anonymous", "admin"],
    depends_on: None,
}];
static MUTATIONS: &[OperationInfo] = &[OperationInfo {
    name: "breaks",
    args: &[],
    returns: Returns::Content { of: &PRODUCT, many: true },
    roles: &["admin"],
    depends_on: None,
}];

fn schema() -> &'static SchemaInfo {
    let sdl = generated::SCHEMA.sdl.replace("type Query {", "type Query {\n  explodes: Int");
    let sdl = sdl.replace("type Mutation {", "type Mutation {\n  breaks: [Product!]");
    let sdl = Box::leak(sdl.into_boxed_str());
    let mutations = [generated::SCHEMA.mutations, MUTATIONS].concat().leak();
    let queries = [generated::SCHEMA.queries, QUERIES].concat().leak();
    Box::leak(Box::new(SchemaInfo { queries, mutations, sdl, ..generated::SCHEMA }))
}

/// Panics at the moment that the name of a tag specifies.
struct TagHooks;

impl Hooks<Tag> for TagHooks {
    async fn before_save(&self, _: &mut Cx<'_>, _: Option<&Tag>, tag: &mut Tag) -> Result<()> {
        assert_ne!(tag.name, "before", "told to panic");
        Ok(())
    }

    async fn after_save(&self, _: &mut Cx<'_>, _: Option<&Tag>, tag: &Tag) -> Result<()> {
        assert_ne!(tag.name, "after", "told to panic");
        Ok(())
    }

    async fn after_commit(&self, _: &Store, _: Event<Tag>) {
        panic!("told to panic");
    }
}

async fn site() -> Site {
    let code = SiteBuilder::new(())
        .query::<Option<i32>>("explodes", |_, _, _| panic!("told to panic"))
        .mutation::<Vec<Id<Product>>>("breaks", |_, _, cx| {
            Box::pin(async move {
                let sql = "update draft.product set name = 'Broken' returning id";
                let ids = sqlx::query_scalar(sql).fetch_all(&mut *cx.connection).await?;
                Ok(ids.into_iter().map(Id::new).collect())
            })
        })
        .computed::<Product, bool>("onSale", |_, _, _| Box::pin(async { panic!("told to panic") }))
        .build();
    let mut hooks = HookSet::default();
    hooks.add(TagHooks);
    let routes = Router::new().route("/explodes", get(async || -> &'static str { panic!("told to panic") }));
    Site::of(|node| Node { schema: schema(), site: code, hooks: hooks.into(), routes, ..node }).await
}

async fn admin(site: &Site) -> String {
    site.user("ada@shop.example", "admin").await;
    text(&site.sign_in("ada@shop.example").await["accessToken"]).to_owned()
}

async fn ask(site: &Site, query: &str, token: &str) -> Answer {
    let answer = site.post("/graphql", json!({ "query": query }), Some(token)).await;
    assert!(answer.header("x-request-id").is_some(), "{:?}", answer.headers);
    answer
}

fn error(answer: &Answer) -> Json {
    answer.json()["errors"][0].clone()
}

async fn count(site: &Site, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&site.db.pool).await.expect("a number")
}

#[tokio::test]
async fn a_panic_is_an_answer_and_undoes_what_was_not_committed() {
    let site = site().await;
    let token = admin(&site).await;
    for (name, kept) in [("before", 0), ("after", 0)] {
        let mutation = format!(r#"mutation {{ createTag(input: {{name: "{name}"}}) {{ id }} }}"#);
        let answer = ask(&site, &mutation, &token).await;
        let error = error(&answer);
        assert_eq!((answer.status, &error["extensions"]["code"]), (500, &json!("INTERNAL")), "{}", answer.body);
        assert_eq!(error["path"], json!(["createTag"]));
        assert!(!answer.body.contains("told to panic"), "the cause is for the log: {}", answer.body);
        assert_eq!(count(&site, "select count(*) from draft.tag").await, kept, "{name}");
    }
    let answer = ask(&site, "{ explodes }", &token).await;
    assert_eq!((answer.status, &error(&answer)["extensions"]["code"]), (500, &json!("INTERNAL")), "{}", answer.body);
    let batch = json!([{ "query": "{ explodes }" }, { "query": "{ __typename }" }]);
    let answers = site.post("/graphql", batch, Some(&token)).await.json();
    assert_eq!(answers[1]["data"]["__typename"], "Query", "a batch goes on: {answers}");
    let route = site.get("/explodes", &token).await;
    assert_eq!(route.refusal(), (500, "INTERNAL".into()));
    assert!(route.header("x-request-id").is_some());
    site.stop().await;
}

#[tokio::test]
async fn what_was_committed_before_a_panic_is_told() {
    let site = site().await;
    let token = admin(&site).await;
    // Hooks after the commit cannot make a finished write fail.
    let made = ask(&site, r#"mutation { createTag(input: {name: "Kept"}) { name } }"#, &token).await;
    assert_eq!((made.status, &made.json()["data"]["createTag"]["name"]), (200, &json!("Kept")), "{}", made.body);
    let create = r#"mutation { createProduct(input: {name: "Mug"}) { name } }"#;
    let made = ask(&site, create, &token).await;
    assert_eq!(made.status, 200, "{}", made.body);
    for (mutation, counted) in [
        (r#"mutation { createProduct(input: {name: "Cup"}) { onSale } }"#, "select count(*) from draft.product"),
        ("mutation { breaks { onSale } }", "select count(*) from draft.product where name = 'Broken'"),
    ] {
        let answer = ask(&site, mutation, &token).await;
        assert_eq!(answer.status, 500, "{}", answer.body);
        assert_eq!(error(&answer)["extensions"], json!({ "code": "INTERNAL", "committed": true }));
        assert_eq!(count(&site, counted).await, 2, "{mutation}");
    }
    let read = ask(&site, "{ products(stage: DRAFT) { nodes { onSale } } }", &token).await;
    assert_eq!((read.status, &error(&read)["extensions"]), (500, &json!({ "code": "INTERNAL" })), "{}", read.body);
    site.stop().await;
}
