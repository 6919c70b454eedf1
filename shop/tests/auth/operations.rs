//! A site's own queries and mutations: who may call them, and which parts of the response they see.

use generated::content::{POST, PRODUCT, Post, Product};
use runtime::content::{OperationInfo, Returns, SchemaInfo};
use runtime::kind::Kind;
use runtime::prelude::*;
use runtime::serde_json::{Value as Json, json};
use runtime::site::SiteCode;
use runtime::testing::Node;
use sqlx::Row as _;

use crate::client::{Site, text};

static QUERIES: &[OperationInfo] = &[OperationInfo {
    name: "latest",
    args: &[],
    returns: Returns::Content { of: &PRODUCT, many: true },
    roles: &["anonymous", "viewer"],
    depends_on: None,
}];
static MUTATIONS: &[OperationInfo] = &[
    OperationInfo {
        name: "review",
        args: &[],
        returns: Returns::Content { of: &POST, many: true },
        roles: &["editor", "author"],
        depends_on: None,
    },
    OperationInfo {
        name: "renameTags",
        args: &[],
        returns: Returns::Scalar { kind: Kind::Integer, many: false },
        roles: &["editor", "nobody"],
        depends_on: None,
    },
];

fn schema() -> &'static SchemaInfo {
    let queries = "type Query {\n  latest: [Product!]!";
    let mutations = "type Mutation {\n  review: [Post!]\n  renameTags: Int";
    let sdl = generated::SCHEMA.sdl.replace("type Query {", queries).replace("type Mutation {", mutations);
    Box::leak(Box::new(SchemaInfo {
        queries: [generated::SCHEMA.queries, QUERIES].concat().leak(),
        mutations: [generated::SCHEMA.mutations, MUTATIONS].concat().leak(),
        sdl: Box::leak(sdl.into_boxed_str()),
        ..generated::SCHEMA
    }))
}

/// Returns everything, whoever the actor is.
fn code() -> SiteCode {
    runtime::site::SiteBuilder::new(())
        .query::<Vec<Id<Product>>>("latest", |_, _, cx| {
            Box::pin(cx.ids("select id from {stage}.product order by id desc", &[]))
        })
        .mutation::<Vec<Id<Post>>>("review", |_, _, cx| {
            Box::pin(async move {
                let rows = sqlx::query("select id from draft.post order by id").fetch_all(&mut *cx.connection).await?;
                Ok(rows.iter().map(|row| Id::new(row.get(0))).collect())
            })
        })
        .mutation::<Option<i32>>("renameTags", |_, _, cx| {
            Box::pin(async move {
                let sql = "update draft.tag set name = name || '!'";
                let done = sqlx::query(sql).execute(&mut *cx.connection).await?;
                Ok(i32::try_from(done.rows_affected()).ok())
            })
        })
        .build()
}

async fn site() -> Site {
    Site::of(|node| Node { schema: schema(), site: code(), ..node }).await
}

async fn ask(site: &Site, query: &str, token: Option<&str>) -> Json {
    site.post("/graphql", json!({ "query": query }), token).await.json()
}

/// The access token of a new user.
async fn user(site: &Site, role: &str) -> String {
    let email = format!("{role}@shop.example");
    site.user(&email, role).await;
    text(&site.sign_in(&email).await["accessToken"]).to_owned()
}

fn codes(answer: &Json) -> Vec<&str> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors.map(|error| text(&error["extensions"]["code"])).collect()
}

#[tokio::test]
async fn an_operation_is_called_by_its_roles_and_no_others() {
    let site = site().await;
    let [admin, editor, viewer] =
        [user(&site, "admin").await, user(&site, "editor").await, user(&site, "viewer").await];
    let (latest, rename) = ("{ latest { name } }", "mutation { renameTags }");
    for (token, query, refused) in [
        (None, latest, None),
        (Some(&viewer), latest, None),
        (Some(&editor), latest, Some("FORBIDDEN")),
        (Some(&admin), latest, Some("FORBIDDEN")),
        (Some(&editor), rename, None),
        (None, rename, Some("UNAUTHENTICATED")),
        (Some(&viewer), rename, Some("FORBIDDEN")),
        (Some(&admin), rename, Some("FORBIDDEN")),
    ] {
        let answer = ask(&site, query, token.map(String::as_str)).await;
        assert_eq!(codes(&answer), refused.into_iter().collect::<Vec<_>>(), "{query}: {answer}");
    }
    let message = ask(&site, latest, Some(&editor)).await["errors"][0].clone();
    assert_eq!(message["message"], "you may not call `latest`");
    assert_eq!((&message["locations"], &message["path"]), (&json!([{"line": 1, "column": 3}]), &json!(["latest"])));
    // If a part of a document is refused, nothing of it runs, even under an alias or in a fragment.
    let before =
        "mutation { createTag(input: {name: \"Kept out\"}) { id } ... F } fragment F on Mutation { x: renameTags }";
    assert_eq!(codes(&ask(&site, before, Some(&admin)).await), ["FORBIDDEN"]);
    let tags: i64 = sqlx::query_scalar("select count(*) from draft.tag").fetch_one(&site.db.pool).await.expect("tags");
    assert_eq!(tags, 0);
    let skipped = "mutation { createTag(input: {name: \"Let in\"}) { name } renameTags @skip(if: true) }";
    assert_eq!(ask(&site, skipped, Some(&admin)).await["data"]["createTag"]["name"], "Let in");
    assert_eq!(ask(&site, rename, Some(&editor)).await["data"]["renameTags"], 1);
    site.stop().await;
}

#[tokio::test]
async fn the_rules_of_content_types_hold_for_what_an_operation_answers() {
    let site = site().await;
    let [author, editor] = [user(&site, "author").await, user(&site, "editor").await];
    for (token, title) in [(&author, "Mine"), (&editor, "Another's")] {
        let made = format!("mutation {{ createPost(input: {{title: \"{title}\", body: \"x\"}}) {{ id }} }}");
        assert_eq!(codes(&ask(&site, &made, Some(token)).await), [""; 0]);
    }
    let review = "mutation { review { title } }";
    let own = ask(&site, review, Some(&author)).await;
    assert_eq!(own["data"]["review"], json!([{"title": "Mine"}]), "{own}");
    let all = ask(&site, review, Some(&editor)).await;
    assert_eq!(all["data"]["review"], json!([{"title": "Mine"}, {"title": "Another's"}]), "{all}");
    let field = ask(&site, "{ latest { name externalRef } }", None).await;
    assert_eq!(codes(&field), ["UNAUTHENTICATED"], "{field}");
    site.stop().await;
}

#[tokio::test]
async fn a_token_with_scopes_calls_what_they_name() {
    let site = site().await;
    let admin = user(&site, "admin").await;
    let make = async |scopes: Json| {
        let body = json!({ "name": "Feed", "role": "editor", "days": 1, "scopes": scopes });
        site.post("/auth/tokens", body, Some(&admin)).await
    };
    let token = async |scopes: Json| {
        let made = make(scopes).await;
        assert_eq!(made.status, 201, "{}", made.body);
        text(&made.json()["token"]).to_owned()
    };
    let rename = "mutation { renameTags }";
    let of_all_content = json!([{ "type": null, "action": null }]);
    for (scopes, query, refused) in [
        (Json::Null, rename, None),
        (of_all_content, rename, Some("FORBIDDEN")),
        (json!([{ "operation": "renameTags" }]), rename, None),
        (json!([{ "operation": "review" }]), rename, Some("FORBIDDEN")),
        (json!([{ "operation": "latest" }]), "{ latest { __typename } }", Some("FORBIDDEN")),
        (json!([{ "operation": "renameTags" }]), "{ tags { totalCount } }", Some("FORBIDDEN")),
        (json!([{ "operation": "review" }]), "mutation { review { title } }", Some("FORBIDDEN")),
    ] {
        let answer = ask(&site, query, Some(&token(scopes.clone()).await)).await;
        // The call and the fields read from its result may each be refused.
        let mut codes = codes(&answer);
        codes.dedup();
        assert_eq!(codes, refused.into_iter().collect::<Vec<_>>(), "{scopes} {query}: {answer}");
    }
    let shown = make(json!([{ "operation": "renameTags" }])).await.json();
    assert_eq!(shown["apiToken"]["scopes"], json!([{ "operation": "renameTags" }]));
    for wrong in [json!([{ "operation": "isMissing" }]), json!([{ "operation": "renameTags", "type": "tag" }])] {
        assert_eq!(make(wrong.clone()).await.status, 400, "{wrong}");
    }
    site.stop().await;
}
