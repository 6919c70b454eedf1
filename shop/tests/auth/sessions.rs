//! Signing in, refreshing, signing out, and what ends a session at once.

use runtime::access::Actor;
use runtime::identity::user::Change;
use runtime::serde_json::{Value as Json, json};

use crate::client::{PASSWORD, Site, text};

fn unauthenticated() -> (u16, String) {
    (401, "UNAUTHENTICATED".into())
}

#[tokio::test]
async fn who_signs_in_may_do_what_the_role_says() {
    let site = Site::new().await;
    for (role, writes) in [("editor", true), ("viewer", false), ("admin", true)] {
        let email = format!("{role}@shop.example");
        let user = site.user(&email, role).await;
        let tokens = site.sign_in(&email.to_uppercase()).await;
        let access = text(&tokens["accessToken"]);
        assert_eq!((&tokens["tokenType"], &tokens["expiresIn"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(site.may_write(access).await, writes, "{role}");
        let me = site.get("/auth/me", access).await.json();
        assert_eq!((&me["role"], &me["user"]["email"]), (&json!(role), &json!(user.email)));
    }
    let drafts = json!({ "query": "{ brands(stage: DRAFT) { totalCount } }" });
    let viewer = site.sign_in("viewer@shop.example").await;
    assert_eq!(site.post("/graphql", drafts.clone(), Some(text(&viewer["accessToken"]))).await.status, 200);
    let nobody = site.post("/graphql", drafts, None).await.json();
    assert_eq!(nobody["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    site.stop().await;
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_a_disabled_account_look_the_same() {
    let site = Site::new().await;
    let user = site.user("ada@shop.example", "editor").await;
    let try_in = async |email: &str, password: &str| {
        let answer = site.post("/auth/sign-in", json!({ "email": email, "password": password }), None).await;
        (
            answer.status,
            answer.body,
            answer.headers.into_iter().filter(|(name, _)| name != "x-request-id" && name != "date").collect::<Vec<_>>(),
        )
    };
    let wrong = try_in("ada@shop.example", "velvet anchor drifting sundials").await;
    assert_eq!(wrong.0, 401, "{}", wrong.1);
    assert_eq!(try_in("nobody@shop.example", PASSWORD).await, wrong);
    assert_eq!(try_in("ada@shop.example", &"x".repeat(2000)).await, wrong);
    assert_eq!(try_in("ada@shop.example", "").await, wrong);
    let disable = Change { disabled: Some(true), ..Change::default() };
    site.accounts().change_user(&Actor::system(), user.id, &disable).await.expect("disabled");
    assert_eq!(try_in("ada@shop.example", PASSWORD).await, wrong);
    let failures: i64 = sqlx::query_scalar("select count(*) from cms.audit where action = 'sign_in.failed'")
        .fetch_one(&site.db.pool)
        .await
        .expect("the log");
    assert_eq!(failures, 5);
    site.stop().await;
}

#[tokio::test]
async fn refreshing_rotates_and_reuse_ends_the_family() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let first = site.sign_in("ada@shop.example").await;
    let refresh = async |token: &Json| site.post("/auth/refresh", json!({ "refreshToken": token }), None).await;
    let second = refresh(&first["refreshToken"]).await.json();
    assert_ne!(first["refreshToken"], second["refreshToken"]);
    assert_eq!(first["session"], second["session"]);
    assert!(site.may_write(text(&second["accessToken"])).await);
    // Simulates the end of the grace period.
    sqlx::query("update cms.refresh_token set used_at = used_at - interval '11 seconds' where used_at is not null")
        .execute(&site.db.pool)
        .await
        .expect("time passes");
    assert_eq!(refresh(&first["refreshToken"]).await.refusal(), unauthenticated());
    // The thief or the owner has the second one: neither it nor the access tokens are valid any more.
    assert_eq!(refresh(&second["refreshToken"]).await.refusal(), unauthenticated());
    for tokens in [&first, &second] {
        let me = site.get("/auth/me", text(&tokens["accessToken"])).await;
        assert_eq!((me.refusal(), me.header("www-authenticate")), (unauthenticated(), Some("Bearer")));
    }
    assert_eq!(refresh(&json!("nonsense")).await.refusal(), unauthenticated());
    site.stop().await;
}

#[tokio::test]
async fn in_the_grace_all_get_the_same_successor() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let first = site.sign_in("ada@shop.example").await;
    let body = json!({ "refreshToken": first["refreshToken"] });
    let answers = (0..12).map(|_| site.post("/auth/refresh", body.clone(), None));
    let answers = futures_util::future::join_all(answers).await;
    let successors: Vec<_> = answers.iter().map(|answer| answer.json()["refreshToken"].clone()).collect();
    assert!(successors.iter().all(|token| *token == successors[0] && token.is_string()), "{successors:?}");
    let tokens: i64 =
        sqlx::query_scalar("select count(*) from cms.refresh_token").fetch_one(&site.db.pool).await.expect("tokens");
    assert_eq!(tokens, 2);
    let stored: i64 = sqlx::query_scalar("select count(*) from cms.refresh_token where hash = $1 or nonce = $1")
        .bind(text(&successors[0]).as_bytes())
        .fetch_one(&site.db.pool)
        .await
        .expect("tokens");
    assert_eq!(stored, 0, "no token is stored in clear");
    site.stop().await;
}

#[tokio::test]
async fn in_the_grace_too_nobody_comes_back_with_what_was_before_the_last() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let first = site.sign_in("ada@shop.example").await;
    let refresh = async |token: &Json| site.post("/auth/refresh", json!({ "refreshToken": token }), None).await;
    let second = refresh(&first["refreshToken"]).await.json();
    let third = refresh(&second["refreshToken"]).await.json();
    assert_eq!(refresh(&second["refreshToken"]).await.json()["refreshToken"], third["refreshToken"]);
    assert_eq!(refresh(&first["refreshToken"]).await.refusal(), unauthenticated());
    assert_eq!(refresh(&third["refreshToken"]).await.refusal(), unauthenticated(), "the family has ended");
    site.stop().await;
}

#[tokio::test]
async fn signing_out_takes_no_body_and_is_told_by_the_log() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let bearer = format!("Bearer {}", text(&tokens["accessToken"]));
    let headers: &[_] = &[("authorization", bearer.as_str())];
    assert_eq!(site.send("POST", "/auth/sign-out", headers, Json::Null).await.status, 204);
    assert_eq!(site.get("/auth/me", text(&tokens["accessToken"])).await.refusal(), unauthenticated());
    let other = site.sign_in("ada@shop.example").await;
    let body = json!({ "refreshToken": other["refreshToken"] });
    for _ in 0..2 {
        assert_eq!(site.post("/auth/sign-out", body.clone(), None).await.status, 204);
    }
    let told: i64 =
        sqlx::query_scalar("select count(*) from cms.audit where action = 'session.end' and actor is not null")
            .fetch_one(&site.db.pool)
            .await
            .expect("the log");
    assert_eq!(told, 2, "the log has a line for each session");
    let form = site.send("POST", "/auth/sign-out", &[("content-type", "text/plain")], json!({})).await;
    assert_eq!((form.status, &form.json()["status"]), (415, &json!(415)), "{}", form.body);
    site.stop().await;
}

#[tokio::test]
async fn sessions_that_are_old_or_idle_are_over() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    for sql in [
        "update cms.session set expires_at = now() - interval '1 second'",
        "update cms.refresh_token set expires_at = now() - interval '1 second'",
    ] {
        let tokens = site.sign_in("ada@shop.example").await;
        sqlx::query(sql).execute(&site.db.pool).await.expect("time passes");
        let refreshed = site.post("/auth/refresh", json!({ "refreshToken": tokens["refreshToken"] }), None).await;
        assert_eq!(refreshed.refusal(), unauthenticated(), "{sql}");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_change_of_role_and_a_disabled_account_count_at_once() {
    let site = Site::new().await;
    let user = site.user("ada@shop.example", "editor").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let access = text(&tokens["accessToken"]);
    assert!(site.may_write(access).await);
    let change = async |change: Change| {
        site.accounts().change_user(&Actor::system(), user.id, &change).await.expect("changed");
    };
    change(Change { role: Some("viewer".into()), ..Change::default() }).await;
    assert!(!site.may_write(access).await);
    assert_eq!(site.get("/auth/me", access).await.json()["role"], "viewer");
    change(Change { disabled: Some(true), ..Change::default() }).await;
    assert_eq!(site.get("/auth/me", access).await.refusal(), unauthenticated());
    let refreshed = site.post("/auth/refresh", json!({ "refreshToken": tokens["refreshToken"] }), None).await;
    assert_eq!(refreshed.refusal(), unauthenticated());
    // Ended sessions stay ended when the account is enabled again.
    change(Change { disabled: Some(false), ..Change::default() }).await;
    assert_eq!(site.get("/auth/me", access).await.refusal(), unauthenticated());
    site.sign_in("ada@shop.example").await;
    site.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    site.user("eve@shop.example", "editor").await;
    let [one, two, three] = [
        site.sign_in("ada@shop.example").await,
        site.sign_in("ada@shop.example").await,
        site.sign_in("ada@shop.example").await,
    ];
    let eve = site.sign_in("eve@shop.example").await;
    let access = |tokens: &Json| text(&tokens["accessToken"]).to_owned();
    let listed = site.get("/auth/sessions", &access(&one)).await.json();
    let listed = listed["sessions"].as_array().expect("a list");
    assert_eq!(listed.len(), 3);
    let own: Vec<_> = listed.iter().filter(|session| session["current"] == true).collect();
    assert_eq!((own.len(), &own[0]["id"], &own[0]["address"]), (1, &one["session"], &json!("127.0.0.1")));
    let end = async |session: &Json, by: &Json| {
        let path = format!("/auth/sessions/{}", text(session));
        site.ask("DELETE", &path, Json::Null, Some(&access(by))).await.status
    };
    assert_eq!(end(&two["session"], &eve).await, 404, "not one's own");
    assert_eq!(end(&two["session"], &one).await, 204);
    assert_eq!(site.get("/auth/me", &access(&two)).await.status, 401);
    assert_eq!(site.post("/auth/sign-out", json!({ "refreshToken": three["refreshToken"] }), None).await.status, 204);
    assert_eq!(site.get("/auth/me", &access(&three)).await.status, 401);
    assert_eq!(site.post("/auth/sign-out", json!({}), Some(&access(&one))).await.status, 204);
    assert_eq!(site.get("/auth/me", &access(&one)).await.status, 401);
    let [one, two] = [site.sign_in("ada@shop.example").await, site.sign_in("ada@shop.example").await];
    assert_eq!(site.post("/auth/sign-out-everywhere", json!({}), Some(&access(&one))).await.status, 204);
    for tokens in [&one, &two] {
        assert_eq!(site.get("/auth/me", &access(tokens)).await.status, 401);
    }
    assert_eq!(site.get("/auth/me", &access(&eve)).await.status, 200);
    site.stop().await;
}
