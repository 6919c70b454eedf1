//! Review before publishing: stages, who moves entries, approvals, and that nothing else is published.

use std::pin::Pin;

use generated::content::POST;
use runtime::access::{Actor, Identity, ReviewInfo, StageInfo};
use runtime::content::SchemaInfo;
use runtime::hooks::{Cx, HookSet};
use runtime::id;
use runtime::identity::api_token::NewToken;
use runtime::serde_json::{Value as Json, json};
use runtime::store::write::{self, BulkOptions, Outcome, UpsertItem};
use runtime::testing::Node;
use uuid::Uuid;

use crate::client::{Site, text};

static REVIEWS: &[ReviewInfo] = &[ReviewInfo {
    table: "post",
    stages: &[
        StageInfo { name: "draft", movers: None, from: None, approvals: 0, approvers: &[], own: false },
        StageInfo {
            name: "in_review",
            movers: Some(&["author", "editor"]),
            from: None,
            approvals: 0,
            approvers: &[],
            own: false,
        },
        StageInfo {
            name: "approved",
            movers: Some(&["editor"]),
            from: Some(&["in_review"]),
            approvals: 2,
            approvers: &["editor", "admin"],
            own: false,
        },
    ],
}];

fn schema() -> &'static SchemaInfo {
    // As the generator writes it for a type with a review.
    let (before, after) = generated::SCHEMA.sdl.split_once("type Post implements Node {\n").expect("posts");
    let sdl = format!("{before}type Post implements Node {{\n  reviewStage: String\n{after}");
    Box::leak(Box::new(SchemaInfo { reviews: REVIEWS, sdl: sdl.leak(), ..generated::SCHEMA }))
}

/// The shop, in which posts are reviewed.
async fn site() -> Site {
    Site::of(|node| Node { schema: schema(), ..node }).await
}

/// The id and the access token of a new user.
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
    answer["data"].clone()
}

fn refusal(answer: &Json) -> (&str, &Json) {
    let error = &answer["errors"][0]["extensions"];
    (error["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")), &error["inputPath"])
}

const MOVE: &str = "mutation($id: ID!, $stage: String!, $revision: Int!, $comment: String) {
    made: moveToStage(id: $id, stage: $stage, revision: $revision, comment: $comment) { stage revision approvalsNeeded } }";
const APPROVE: &str = "mutation($id: ID!, $revision: Int!, $comment: String) {
    made: approveRevision(id: $id, revision: $revision, comment: $comment) { approvals { actor comment } } }";
const REVIEW: &str = "query($id: ID!) { was: entryReview(id: $id) {
    stage stages revision approvalsNeeded approvals { actor } steps { kind revision from to comment actor } } }";
const PUBLISH: &str =
    "mutation($id: ID!, $revision: Int!) { made: publishPost(id: $id, revision: $revision) { status } }";
const UPDATE: &str = "mutation($id: ID!, $revision: Int!, $input: PostUpdateInput!, $publish: Boolean! = false) {
    made: updatePost(id: $id, revision: $revision, input: $input, publish: $publish) { revision } }";
const CREATE: &str = "mutation($input: PostCreateInput!, $publish: Boolean! = false) {
    made: createPost(input: $input, publish: $publish) { id } }";

fn to(id: &Json, stage: &str, revision: i64) -> Json {
    json!({ "id": id, "stage": stage, "revision": revision })
}

fn of(id: &Json, revision: i64) -> Json {
    json!({ "id": id, "revision": revision })
}

#[tokio::test]
async fn a_post_is_published_once_it_is_approved() {
    let site = site().await;
    let (ada, author) = user(&site, "ada", "author").await;
    let (bob, bobs) = user(&site, "bob", "editor").await;
    let (cid, cids) = user(&site, "cid", "editor").await;
    let input = json!({ "title": "News", "body": "Good" });
    let post = told(&site, &author, CREATE, json!({ "input": input })).await["made"]["id"].clone();
    let begun = told(&site, &author, REVIEW, json!({ "id": post })).await["was"].clone();
    assert_eq!(
        begun,
        json!({ "stage": "draft", "stages": ["draft", "in_review", "approved"], "revision": 1,
        "approvalsNeeded": 0, "approvals": [], "steps": [] })
    );
    let early = ask(&site, &bobs, PUBLISH, of(&post, 1)).await;
    assert_eq!(refusal(&early).0, "NOT_APPROVED", "{early}");
    let check = "query($id: ID!) { found: publishCheck(id: $id) { code details } }";
    let found = told(&site, &bobs, check, json!({ "id": post })).await["found"].clone();
    assert_eq!(found, json!([{ "code": "NOT_APPROVED", "details": { "stage": "draft", "required": "approved" } }]));
    // Only the stage before asks for approvals, and the author moves no further.
    assert_eq!(refusal(&ask(&site, &bobs, APPROVE, of(&post, 1)).await).0, "CONFLICT");
    assert_eq!(refusal(&ask(&site, &bobs, MOVE, to(&post, "approved", 1)).await), ("CONFLICT", &json!(["stage"])));
    let mut variables = to(&post, "in_review", 1);
    variables["comment"] = json!("Please look");
    let moved = told(&site, &author, MOVE, variables).await["made"].clone();
    assert_eq!(moved, json!({ "stage": "in_review", "revision": 1, "approvalsNeeded": 2 }));
    assert_eq!(refusal(&ask(&site, &author, MOVE, to(&post, "approved", 1)).await).0, "FORBIDDEN");
    assert_eq!(refusal(&ask(&site, &author, APPROVE, of(&post, 1)).await).0, "FORBIDDEN");
    told(&site, &bobs, APPROVE, of(&post, 1)).await;
    // Twice by one person is one approval.
    let once = told(&site, &bobs, APPROVE, of(&post, 1)).await["made"]["approvals"].clone();
    assert_eq!(once, json!([{ "actor": bob, "comment": null }]));
    let few = ask(&site, &bobs, MOVE, to(&post, "approved", 1)).await;
    assert_eq!(refusal(&few), ("NOT_APPROVED", &json!(["stage"])));
    assert_eq!(few["errors"][0]["extensions"]["approvals"], 1);
    told(&site, &cids, APPROVE, json!({ "id": post, "revision": 1, "comment": "Fine" })).await;
    told(&site, &bobs, MOVE, to(&post, "approved", 1)).await;
    let made = told(&site, &bobs, PUBLISH, of(&post, 1)).await;
    assert_eq!(made["made"]["status"], "PUBLISHED");
    let was = told(&site, &author, REVIEW, json!({ "id": post })).await["was"].clone();
    let step = |kind: &str, from: &str, to: &str, actor: &str, comment: Json| json!({ "kind": kind, "revision": 1, "from": from, "to": to, "comment": comment, "actor": actor });
    let expected = json!([
        step("MOVE", "in_review", "approved", &bob, Json::Null),
        step("APPROVE", "in_review", "approved", &cid, json!("Fine")),
        step("APPROVE", "in_review", "approved", &bob, Json::Null),
        step("MOVE", "draft", "in_review", &ada, json!("Please look")),
    ]);
    assert_eq!(was["steps"], expected);
    site.stop().await;
}

/// A post of the author that is approved.
async fn approved(site: &Site, author: &str, editors: [&str; 2]) -> Json {
    let input = json!({ "title": "News", "body": "Good" });
    let post = told(site, author, CREATE, json!({ "input": input })).await["made"]["id"].clone();
    told(site, author, MOVE, to(&post, "in_review", 1)).await;
    for editor in editors {
        told(site, editor, APPROVE, of(&post, 1)).await;
    }
    told(site, editors[0], MOVE, to(&post, "approved", 1)).await;
    post
}

#[tokio::test]
async fn an_approval_is_of_a_revision_and_not_of_ones_own() {
    let site = site().await;
    let (_, author) = user(&site, "ada", "author").await;
    let (_, bob) = user(&site, "bob", "editor").await;
    let (_, cid) = user(&site, "cid", "editor").await;
    let post = approved(&site, &author, [&bob, &cid]).await;
    // A save begins the review again, and its editor does not approve it.
    let change = json!({ "id": post, "revision": 1, "input": { "body": "Better" } });
    told(&site, &bob, UPDATE, change).await;
    let was = told(&site, &bob, REVIEW, json!({ "id": post })).await["was"].clone();
    assert_eq!((&was["stage"], &was["revision"], &was["approvals"]), (&json!("draft"), &json!(2), &json!([])));
    assert_eq!(refusal(&ask(&site, &bob, PUBLISH, of(&post, 2)).await).0, "NOT_APPROVED");
    assert_eq!(refusal(&ask(&site, &bob, MOVE, to(&post, "in_review", 1)).await).0, "REVISION_MISMATCH");
    told(&site, &bob, MOVE, to(&post, "in_review", 2)).await;
    assert_eq!(refusal(&ask(&site, &bob, APPROVE, of(&post, 2)).await).0, "FORBIDDEN");
    // Nor does a token of theirs, which is no other person beside the one who made it either.
    let token = async |of: &str| {
        let new = NewToken { name: of.to_owned(), role: "editor".into(), scopes: None, days: 1 };
        let (token, _) = site.accounts().create_token(&Actor::system(), new).await.expect("a token");
        let sql = "update cms.api_token set created_by = (select id from cms.user where email = $1 || '@shop.example')
            where name = $1";
        sqlx::query(sql).bind(of).execute(&site.db.pool).await.expect("it is theirs");
        token
    };
    assert_eq!(refusal(&ask(&site, &token("bob").await, APPROVE, of(&post, 2)).await).0, "FORBIDDEN");
    told(&site, &cid, APPROVE, of(&post, 2)).await;
    let twice = told(&site, &token("cid").await, APPROVE, of(&post, 2)).await["made"]["approvals"].clone();
    assert_eq!(twice.as_array().map(Vec::len), Some(1), "{twice}");
    // Whoever moves an entry back takes its approvals away.
    told(&site, &cid, MOVE, to(&post, "draft", 2)).await;
    told(&site, &author, MOVE, to(&post, "in_review", 2)).await;
    let was = told(&site, &bob, REVIEW, json!({ "id": post })).await["was"].clone();
    assert_eq!((&was["stage"], &was["approvals"]), (&json!("in_review"), &json!([])));
    let at = "query($stage: String!) { found: entriesAtStage(type: \"Post\", stage: $stage) { entry revision } }";
    let found = told(&site, &bob, at, json!({ "stage": "in_review" })).await["found"].clone();
    assert_eq!(found, json!([{ "entry": post, "revision": 2 }]));
    assert_eq!(told(&site, &bob, at, json!({ "stage": "draft" })).await["found"], json!([]));
    let stage = "query($id: ID!, $stage: Stage! = DRAFT) { post(id: $id, stage: $stage) { reviewStage } }";
    assert_eq!(told(&site, &bob, stage, json!({ "id": post })).await["post"]["reviewStage"], "in_review");
    told(&site, &bob, UPDATE, json!({ "id": post, "revision": 2, "input": { "body": "Best" } })).await;
    assert_eq!(told(&site, &bob, stage, json!({ "id": post })).await["post"]["reviewStage"], "draft");
    site.stop().await;
}

/// What a scheduled change does when it is due.
struct Due {
    entry: Uuid,
    revision: Option<i64>,
}

impl write::Transacted for Due {
    type Output = ();

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Pin<Box<dyn Future<Output = runtime::Result<()>> + Send + 'c>> {
        Box::pin(write::entries::publish(cx, &POST, self.entry, self.revision))
    }
}

#[tokio::test]
async fn no_other_way_leads_around_the_review() {
    let site = site().await;
    let (_, author) = user(&site, "ada", "author").await;
    let (_, bob) = user(&site, "bob", "editor").await;
    let (_, cid) = user(&site, "cid", "editor").await;
    let (_, root) = user(&site, "root", "admin").await;
    let input = json!({ "title": "News", "body": "Good" });
    let created = ask(&site, &root, CREATE, json!({ "input": input, "publish": true })).await;
    assert_eq!(refusal(&created), ("NOT_APPROVED", &json!(["input"])));
    let post = approved(&site, &author, [&bob, &cid]).await;
    let change = json!({ "id": post, "revision": 1, "input": { "body": "Other" }, "publish": true });
    assert_eq!(refusal(&ask(&site, &bob, UPDATE, change).await).0, "NOT_APPROVED");
    let upsert = "mutation($input: [PostUpsertInput!]!) { made: upsertPosts(input: $input, publish: true) { id } }";
    let item = json!([{ "key": { "id": post }, "data": { "body": "Other" } }]);
    assert_eq!(refusal(&ask(&site, &bob, upsert, json!({ "input": item })).await).0, "NOT_APPROVED");
    let other = told(&site, &author, CREATE, json!({ "input": input })).await["made"]["id"].clone();
    let all = "mutation($ids: [ID!]!) { made: publishPosts(ids: $ids) { id } }";
    let answer = ask(&site, &bob, all, json!({ "ids": [post, other] })).await;
    assert_eq!(refusal(&answer), ("NOT_APPROVED", &json!(["ids", 1])));
    // An import with the rights of an editor.
    let actor = Actor { identity: Identity::Developer, role: "admin".into(), ..Actor::system() };
    let store = site.db.database(schema()).acting(actor);
    let (key, data) = (json!({ "slug": "imported" }), json!({ "title": "Imported", "body": "x" }));
    let item = UpsertItem { key: Some(&key), data: data.as_object().unwrap(), publish: true };
    let options = BulkOptions { import: true, ..BulkOptions::default() };
    let done = write::save_batch(&store, &HookSet::default(), &POST, &[item], options, None).await.unwrap();
    assert!(
        matches!(&done[0], Outcome::Rejected(problems) if problems[0].code == runtime::Code::NotApproved),
        "{done:?}"
    );
    // What is approved stays approved while it is changed: a revision can be published by its number.
    told(&site, &bob, UPDATE, json!({ "id": post, "revision": 1, "input": { "body": "Next" } })).await;
    let posts = "query { posts { nodes { body revision } } }";
    assert_eq!(told(&site, &bob, posts, json!({})).await["posts"]["nodes"], json!([]));
    assert_eq!(refusal(&ask(&site, &bob, all, json!({ "ids": [post] })).await).0, "NOT_APPROVED");
    let entry = id::decode_as("post", text(&post)).unwrap();
    let publish = async |revision| write::transact(&store, &HookSet::default(), &Due { entry, revision }).await;
    assert_eq!(publish(Some(2)).await.unwrap_err().problems[0].code, runtime::Code::NotApproved);
    publish(Some(1)).await.unwrap();
    let stage = "query($id: ID!) { post(id: $id) { reviewStage } }";
    assert_eq!(told(&site, &bob, stage, json!({ "id": post })).await["post"]["reviewStage"], Json::Null);
    let live = told(&site, &bob, posts, json!({})).await["posts"]["nodes"].clone();
    assert_eq!(live, json!([{ "body": "Good", "revision": 1 }]));
    // The server itself, such as an operator's import, is not asked.
    let trusted = site.db.database(schema()).trusted();
    let done = write::save_batch(&trusted, &HookSet::default(), &POST, &[item], options, None).await.unwrap();
    assert!(matches!(done[0], Outcome::Created(_)), "{done:?}");
    site.stop().await;
}

#[tokio::test]
async fn who_takes_no_part_is_refused_with_the_place() {
    let site = site().await;
    let (_, author) = user(&site, "ada", "author").await;
    let (_, bob) = user(&site, "bob", "editor").await;
    let (_, eve) = user(&site, "eve", "author").await;
    let (_, vera) = user(&site, "vera", "viewer").await;
    let input = json!({ "title": "News", "body": "Good" });
    let post = told(&site, &author, CREATE, json!({ "input": input })).await["made"]["id"].clone();
    // A foreign draft does not exist for an author, and a viewer has no part.
    assert_eq!(refusal(&ask(&site, &eve, MOVE, to(&post, "in_review", 1)).await).0, "NOT_FOUND");
    assert_eq!(refusal(&ask(&site, &eve, REVIEW, json!({ "id": post })).await).0, "NOT_FOUND");
    assert_eq!(refusal(&ask(&site, &vera, MOVE, to(&post, "in_review", 1)).await).0, "FORBIDDEN");
    assert_eq!(refusal(&ask(&site, &bob, MOVE, to(&post, "finished", 1)).await), ("INVALID_VALUE", &json!(["stage"])));
    assert_eq!(refusal(&ask(&site, &bob, MOVE, to(&post, "draft", 1)).await), ("CONFLICT", &json!(["stage"])));
    let mut long = to(&post, "in_review", 1);
    long["comment"] = json!("x".repeat(1_001));
    assert_eq!(refusal(&ask(&site, &bob, MOVE, long).await), ("INVALID_VALUE", &json!(["comment"])));
    let brand = "mutation { createProduct(input: {name: \"A\"}) { id } }";
    let product = told(&site, &bob, brand, json!({})).await["createProduct"]["id"].clone();
    assert_eq!(refusal(&ask(&site, &bob, REVIEW, json!({ "id": product })).await), ("CONFLICT", &json!(["id"])));
    // A stage that the schema has no more is the first one.
    told(&site, &author, MOVE, to(&post, "in_review", 1)).await;
    sqlx::query("update cms.review set stage = 'legal'").execute(&site.db.pool).await.unwrap();
    assert_eq!(told(&site, &bob, REVIEW, json!({ "id": post })).await["was"]["stage"], "draft");
    let at = "query { found: entriesAtStage(type: \"Post\", stage: \"draft\") { entry } }";
    assert_eq!(told(&site, &bob, at, json!({})).await["found"], json!([{ "entry": post }]));
    site.stop().await;
}
