//! Roles that need a second factor (`second_factor: required`): without one, a user can set it up and do nothing else.

use runtime::access::{Actor, RoleInfo};
use runtime::content::SchemaInfo;
use runtime::identity::totp;
use runtime::serde_json::{Value as Json, json};
use runtime::testing::Node;

use crate::client::{PASSWORD, Site, settings, text};
use crate::others;
use crate::provider::Provider;
use crate::second_factor::{forget_last_code, key, now, set_up};

/// All routes except those that set up a second factor, show the current user, or end the session.
const ROUTES: &[(&str, &str, &str)] = &[
    ("POST", "/graphql", r#"{"query": "{ __typename }"}"#),
    ("POST", "/graphql", r#"{"query": "{ tags { totalCount } }"}"#),
    ("POST", "/graphql", r#"{"query": "mutation { createTag(input: {name: \"a\"}) { id } }"}"#),
    ("GET", "/auth/sessions", "null"),
    ("DELETE", "/auth/sessions/session_00000000000000000000000000", "null"),
    ("POST", "/auth/password", r#"{"current": "a", "password": "b"}"#),
    ("POST", "/auth/totp/disable", r#"{"password": "a", "code": "b"}"#),
    ("GET", "/auth/users", "null"),
    ("POST", "/auth/users", r#"{"email": "a@b.example", "name": "A", "role": "viewer"}"#),
    ("PATCH", "/auth/users/user_00000000000000000000000000", r#"{"name": "A"}"#),
    ("POST", "/auth/users/user_00000000000000000000000000/invitation", "null"),
    ("GET", "/auth/tokens", "null"),
    ("POST", "/auth/tokens", r#"{"name": "A", "role": "viewer", "days": 1}"#),
    ("DELETE", "/auth/tokens/api_token_00000000000000000000000000", "null"),
];

/// The shipped schema, in which `admin` and `editor` need a second factor.
fn schema() -> &'static SchemaInfo {
    let needs = |role: &RoleInfo| role.second_factor || ["admin", "editor"].contains(&role.name);
    let changed = |role: &RoleInfo| RoleInfo { name: role.name, second_factor: needs(role), manages: role.manages };
    let roles: Vec<_> = generated::SCHEMA.roles.iter().map(changed).collect();
    Box::leak(Box::new(SchemaInfo { roles: roles.leak(), ..generated::SCHEMA }))
}

async fn site() -> Site {
    Site::of(|node| Node { schema: schema(), ..node }).await
}

async fn refused(site: &Site, token: &str) {
    for (method, path, body) in ROUTES {
        let body = runtime::serde_json::from_str(body).expect("JSON");
        let answer = site.ask(method, path, body, Some(token)).await;
        let code = if *path == "/graphql" {
            text(&answer.json()["errors"][0]["extensions"]["code"]).to_owned()
        } else {
            answer.refusal().1
        };
        assert_eq!((answer.status, code.as_str()), (403, "ENROLMENT_REQUIRED"), "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn who_has_no_second_factor_sets_one_up_and_does_nothing_else_until_then() {
    let site = site().await;
    site.user("ada@shop.example", "admin").await;
    let tokens = site.sign_in("ada@shop.example").await;
    assert_eq!(tokens["restricted"], true);
    let access = text(&tokens["accessToken"]);
    refused(&site, access).await;
    let me = site.get("/auth/me", access).await.json();
    assert_eq!((&me["restricted"], &me["role"]), (&json!(true), &json!("admin")));
    let again = site.post("/auth/refresh", json!({ "refreshToken": tokens["refreshToken"] }), None).await.json();
    assert_eq!(again["restricted"], true);
    refused(&site, text(&again["accessToken"])).await;
    site.post("/auth/totp/enrol", Json::Null, Some(access)).await;
    let wrong = site.post("/auth/totp/confirm", json!({ "code": "12345x" }), Some(access)).await;
    assert_eq!(wrong.refusal(), (401, "UNAUTHENTICATED".into()));
    refused(&site, access).await;

    let (key, confirmed) = set_up(&site, access).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
    let recovery = confirmed.json()["recoveryCodes"].clone();
    assert_eq!(recovery.as_array().map(Vec::len), Some(10));
    assert!(site.may_write(access).await, "the session goes on as a whole one");
    assert_eq!(site.get("/auth/users", access).await.status, 200);
    let refreshed = site.post("/auth/refresh", json!({ "refreshToken": again["refreshToken"] }), None).await.json();
    assert_eq!(refreshed["restricted"], false);

    let sign_in = async |code: Json| {
        let body = json!({ "email": "ada@shop.example", "password": PASSWORD, "code": code });
        site.post("/auth/sign-in", body, None).await
    };
    assert_eq!(sign_in(Json::Null).await.refusal(), (401, "SECOND_FACTOR_REQUIRED".into()));
    forget_last_code(&site).await;
    assert_eq!(sign_in(json!(totp::at(&key, now()))).await.json()["restricted"], false);
    assert_eq!(sign_in(recovery[0].clone()).await.json()["restricted"], false);
    let disable = json!({ "password": PASSWORD, "code": recovery[1] });
    assert_eq!(site.post("/auth/totp/disable", disable, Some(access)).await.refusal(), (403, "FORBIDDEN".into()));
    site.stop().await;
}

#[tokio::test]
async fn another_role_counts_at_once_and_so_does_a_second_factor_that_is_taken_away() {
    let site = site().await;
    let ada = site.user("ada@shop.example", "viewer").await;
    site.user("root@shop.example", "admin").await;
    let root = site.sign_in("root@shop.example").await;
    let root = text(&root["accessToken"]);
    assert_eq!(set_up(&site, root).await.1.status, 200);
    let tokens = site.sign_in("ada@shop.example").await;
    assert_eq!(tokens["restricted"], false);
    let access = text(&tokens["accessToken"]);
    let path = format!("/auth/users/{}", runtime::id::encode("user", ada.id));
    let give = async |role: &str| {
        let changed = site.ask("PATCH", &path, json!({ "role": role }), Some(root)).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    };
    give("editor").await;
    refused(&site, access).await;
    give("viewer").await;
    assert_eq!(site.get("/auth/sessions", access).await.status, 200);
    give("editor").await;
    assert_eq!(set_up(&site, access).await.1.status, 200);
    assert!(site.may_write(access).await);
    site.accounts().remove_second_factor(&Actor::system(), ada.id).await.expect("an operator takes it away");
    refused(&site, access).await;
    site.stop().await;
}

#[tokio::test]
async fn programs_have_no_second_factor_and_who_signs_in_elsewhere_needs_one() {
    let provider = Provider::start();
    let mut local = provider.settings();
    local.role = Some("editor".into());
    let mut settings = settings();
    settings.providers = vec![local];
    let site = Site::of(|node| Node { schema: schema(), settings, ..node }).await;
    provider.account("a1", others::ada()).await;
    let answer = others::sign_in(&site, &provider, "a1").await;
    let me = others::me(&site, &answer).await;
    assert_eq!((&me["role"], &me["restricted"]), (&json!("editor"), &json!(true)));
    let cookies = answer.cookies().join("; ");
    let page = [("cookie", cookies.as_str()), ("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let query = json!({ "query": "{ __typename }" });
    let refused = site.send("POST", "/graphql", &page, query.clone()).await;
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["extensions"]["code"]),
        (403, &json!("ENROLMENT_REQUIRED"))
    );
    let enrolled = site.send("POST", "/auth/totp/enrol", &page, Json::Null).await;
    let key = key(text(&enrolled.json()["secret"]));
    let code = json!({ "code": totp::at(&key, now()) });
    assert_eq!(site.send("POST", "/auth/totp/confirm", &page, code).await.status, 200);
    assert_eq!(site.send("POST", "/graphql", &page, query).await.status, 200);

    site.user("root@shop.example", "admin").await;
    let root = site.sign_in("root@shop.example").await;
    let root = text(&root["accessToken"]);
    set_up(&site, root).await;
    let made = site.post("/auth/tokens", json!({ "name": "Feed", "role": "editor", "days": 1 }), Some(root)).await;
    assert!(site.may_write(text(&made.json()["token"])).await);
    site.stop().await;
}
