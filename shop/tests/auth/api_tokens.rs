//! API tokens: shown once, hashed, scoped, expiring, revoked.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, text};

#[tokio::test]
async fn a_token_works_until_it_expires_or_is_revoked() {
    let site = Site::new().await;
    site.user("ada@shop.example", "admin").await;
    let admin = site.sign_in("ada@shop.example").await;
    let admin = text(&admin["accessToken"]);
    let made = site.post("/auth/tokens", json!({ "name": "Feed", "role": "editor", "days": 30 }), Some(admin)).await;
    assert_eq!((made.status, made.header("cache-control")), (201, Some("no-store")), "{}", made.body);
    let made = made.json();
    let token = text(&made["token"]);
    assert!(token.starts_with("tc_") && token.len() == 63 && token.starts_with(text(&made["apiToken"]["prefix"])));
    assert!(site.may_write(token).await);
    let me = site.get("/auth/me", token).await.json();
    assert_eq!((&me["kind"], &me["role"], &me["token"]["name"]), (&json!("token"), &json!("editor"), &json!("Feed")));
    let used = async || -> Option<String> {
        let sql = "select last_used_at::text from cms.api_token";
        sqlx::query_scalar(sql).fetch_one(&site.db.pool).await.expect("a token")
    };
    while used().await.is_none() {
        tokio::task::yield_now().await;
    }
    let first = used().await;
    assert!(site.may_write(token).await);
    assert_eq!(used().await, first, "within a minute it is not written again");
    let listed = site.get("/auth/tokens", admin).await;
    assert!(!listed.body.contains(token) && listed.json()["tokens"][0]["id"] == made["apiToken"]["id"]);

    for wrong in [&token[..62], &format!("{token}0"), "tc_", &token.to_uppercase()] {
        assert_eq!(site.get("/auth/me", wrong).await.status, 401, "{wrong}");
    }
    sqlx::query("update cms.api_token set expires_at = now()").execute(&site.db.pool).await.expect("time passes");
    assert_eq!(site.get("/auth/me", token).await.status, 401);
    sqlx::query("update cms.api_token set expires_at = now() + interval '1 day'")
        .execute(&site.db.pool)
        .await
        .expect("back");
    assert_eq!(site.get("/auth/me", token).await.status, 200);
    let path = format!("/auth/tokens/{}", text(&made["apiToken"]["id"]));
    assert_eq!(site.ask("DELETE", &path, Json::Null, Some(admin)).await.status, 204);
    assert_eq!(site.get("/auth/me", token).await.status, 401);
    assert_eq!(site.ask("DELETE", &path, Json::Null, Some(admin)).await.status, 404);
    site.stop().await;
}

#[tokio::test]
async fn scopes_are_checked_when_they_are_made_and_narrow_what_is_done() {
    let site = Site::new().await;
    site.user("ada@shop.example", "admin").await;
    let admin = site.sign_in("ada@shop.example").await;
    let admin = text(&admin["accessToken"]);
    let make = async |scopes: Json| {
        let body = json!({ "name": "Feed", "role": "editor", "days": 1, "scopes": scopes });
        site.post("/auth/tokens", body, Some(admin)).await
    };
    for wrong in
        [json!([]), json!([{ "type": "nothing" }]), json!([{ "action": "everything" }]), json!([{ "typ": "a" }])]
    {
        assert_eq!(make(wrong.clone()).await.status, 400, "{wrong}");
    }
    let made = make(json!([{ "type": "product", "action": "read" }])).await.json();
    let token = text(&made["token"]);
    assert_eq!(made["apiToken"]["scopes"], json!([{ "type": "product", "action": "read" }]));
    assert!(!site.may_write(token).await);
    let read = site.post("/graphql", json!({ "query": "{ products { totalCount } }" }), Some(token)).await;
    assert_eq!(read.json()["data"]["products"]["totalCount"], 0);
    for days in [0, 100_000] {
        let body = json!({ "name": "Feed", "role": "editor", "days": days });
        assert_eq!(site.post("/auth/tokens", body, Some(admin)).await.status, 400);
    }
    // A token cannot create tokens or users, even with the role of an administrator.
    let body = json!({ "name": "Admin", "role": "admin", "days": 1 });
    let machine = site.post("/auth/tokens", body.clone(), Some(admin)).await.json();
    let machine = text(&machine["token"]);
    assert_eq!(site.post("/auth/tokens", body, Some(machine)).await.refusal(), (403, "FORBIDDEN".into()));
    assert_eq!(site.get("/auth/users", machine).await.status, 403);
    site.stop().await;
}
