//! Passwords, invitations and links that work once.

use runtime::access::Actor;
use runtime::serde_json::{Value as Json, json};

use crate::client::{PASSWORD, Site, text};

const NEW: &str = "copper lantern under rainfall";

async fn signs_in(site: &Site, email: &str, password: &str) -> bool {
    let answer = site.post("/auth/sign-in", json!({ "email": email, "password": password }), None).await;
    answer.status == 200
}

#[tokio::test]
async fn a_changed_password_ends_all_other_sessions() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let [own, other] = [site.sign_in("ada@shop.example").await, site.sign_in("ada@shop.example").await];
    let access = text(&own["accessToken"]);
    let change = async |current: &str, new: &str| {
        site.post("/auth/password", json!({ "current": current, "password": new }), Some(access)).await
    };
    assert_eq!(change("wrong", NEW).await.refusal(), (400, "BAD_USER_INPUT".into()));
    for weak in ["short", "password123456", "ada@shop.example", "aaaaaaaaaaaaaaaaaaaa"] {
        let refused = change(PASSWORD, weak).await;
        assert_eq!(refused.refusal(), (400, "INVALID_VALUE".into()), "{weak}");
        assert_eq!(refused.json()["errors"][0]["path"], json!(["password"]));
        assert!(!refused.body.contains(weak), "a password is not repeated: {}", refused.body);
    }
    assert_eq!(change(PASSWORD, NEW).await.status, 204);
    assert_eq!(site.get("/auth/me", access).await.status, 200);
    assert_eq!(site.get("/auth/me", text(&other["accessToken"])).await.status, 401);
    assert!(!signs_in(&site, "ada@shop.example", PASSWORD).await && signs_in(&site, "ada@shop.example", NEW).await);
    site.stop().await;
}

#[tokio::test]
async fn a_lost_password_is_replaced_by_a_link_that_works_once() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let ask = async |email: &str| {
        let answer = site.post("/auth/password/reset-request", json!({ "email": email }), None).await;
        (answer.status, answer.body)
    };
    let known = ask("Ada@Shop.Example").await;
    assert_eq!((known.0, &known), (202, &ask("nobody@shop.example").await));
    let token = site.mail.token(0).await;
    let reset = async |token: &str, password: &str| {
        site.post("/auth/password/reset", json!({ "token": token, "password": password }), None).await
    };
    assert_eq!(reset(&token, "short").await.refusal().1, "INVALID_VALUE", "that does not use it up");
    // A link is valid for one purpose only.
    let accepted = site.post("/auth/invitation/accept", json!({ "token": token, "password": NEW }), None).await;
    assert_eq!(accepted.refusal().1, "INVALID_LINK");
    let answers = futures_util::future::join_all((0..8).map(|_| reset(&token, NEW))).await;
    let done = answers.iter().filter(|answer| answer.status == 204).count();
    let refused = answers.iter().filter(|answer| answer.refusal() == (400, "INVALID_LINK".into())).count();
    assert_eq!((done, refused), (1, 7));
    assert_eq!(site.get("/auth/me", text(&tokens["accessToken"])).await.status, 401, "all sessions are ended");
    assert!(signs_in(&site, "ada@shop.example", NEW).await);

    ask("ada@shop.example").await;
    let late = site.mail.token(1).await;
    sqlx::query("update cms.one_time_link set expires_at = now()").execute(&site.db.pool).await.expect("time passes");
    assert_eq!(reset(&late, NEW).await.refusal().1, "INVALID_LINK");
    let clear: i64 = sqlx::query_scalar("select count(*) from cms.one_time_link where hash = $1")
        .bind(token.as_bytes())
        .fetch_one(&site.db.pool)
        .await
        .expect("links");
    assert_eq!((clear, site.mail.count()), (0, 2));
    site.stop().await;
}

#[tokio::test]
async fn who_is_invited_chooses_a_password() {
    let site = Site::new().await;
    site.user("ada@shop.example", "admin").await;
    let admin = site.sign_in("ada@shop.example").await;
    let admin = text(&admin["accessToken"]);
    let invited = site
        .post("/auth/users", json!({ "email": "Bob@Shop.example", "name": "Bob", "role": "editor" }), Some(admin))
        .await;
    assert_eq!(invited.status, 201, "{}", invited.body);
    let user = &invited.json()["user"];
    assert_eq!((&user["email"], &user["hasPassword"]), (&json!("bob@shop.example"), &json!(false)));
    assert!(invited.json()["link"].is_null(), "it is in the mail only");
    let first = site.mail.token(0).await;
    let again = site.post(&format!("/auth/users/{}/invitation", text(&user["id"])), Json::Null, Some(admin)).await;
    assert_eq!(again.status, 200, "{}", again.body);
    let second = site.mail.token(1).await;
    let accept = async |token: &str| {
        site.post("/auth/invitation/accept", json!({ "token": token, "password": NEW }), None).await.status
    };
    assert_eq!((accept(&first).await, accept(&second).await, accept(&second).await), (400, 204, 400));
    assert!(signs_in(&site, "bob@shop.example", NEW).await);
    site.stop().await;
}

#[tokio::test]
async fn bodies_are_json_within_limits_and_what_is_wrong_is_told_without_secrets() {
    let site = Site::new().await;
    let json_type = ("content-type", "application/json");
    let sign_in = async |headers: &[(&str, &str)], body: Json| site.send("POST", "/auth/sign-in", headers, body).await;
    assert_eq!(sign_in(&[("content-type", "text/plain")], json!({})).await.status, 415);
    assert_eq!(sign_in(&[json_type], json!({ "email": "a@b" })).await.status, 400);
    assert_eq!(sign_in(&[json_type], json!({ "email": "a@b", "password": "x", "admin": true })).await.status, 400);
    assert_eq!(sign_in(&[json_type], json!({ "email": "a@b", "password": "x".repeat(20_000) })).await.status, 413);
    let wrong = sign_in(&[json_type], json!({ "email": ["my secret"], "password": "x" })).await;
    assert!(wrong.status == 400 && !wrong.body.contains("my secret"), "{}", wrong.body);
    assert_eq!(wrong.header("content-type"), Some("application/problem+json"));
    for method in ["GET", "DELETE"] {
        assert_eq!(site.send(method, "/auth/sign-in", &[], Json::Null).await.status, 405);
    }
    site.stop().await;
}

#[tokio::test]
async fn a_hash_of_former_times_is_made_anew_at_the_next_sign_in() {
    let site = Site::new().await;
    let user = site.user("ada@shop.example", "editor").await;
    let settings = crate::client::settings();
    let today =
        runtime::identity::Accounts::new(site.server.app.api.database.writes.clone(), &generated::SCHEMA, &settings)
            .expect("accounts");
    today.set_password(&Actor::system(), user.id, PASSWORD).await.expect("a password");
    let hash = async || -> String {
        sqlx::query_scalar("select password from cms.user").fetch_one(&site.db.pool).await.expect("a user")
    };
    let before = hash().await;
    assert!(before.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{before}");
    site.sign_in("ada@shop.example").await;
    assert!(hash().await.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    site.stop().await;
}
