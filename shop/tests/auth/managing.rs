//! Managing users: who may do it, and what managers cannot do to themselves.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, text};

#[tokio::test]
async fn only_roles_that_manage_users_do() {
    let site = Site::new().await;
    let admin_id = runtime::id::encode("user", site.user("ada@shop.example", "admin").await.id);
    let bob_id = runtime::id::encode("user", site.user("bob@shop.example", "editor").await.id);
    let (ada, bob) = (site.sign_in("ada@shop.example").await, site.sign_in("bob@shop.example").await);
    let (ada, bob) = (text(&ada["accessToken"]), text(&bob["accessToken"]));
    let patch = async |id: &str, body: Json, token: &str| {
        site.ask("PATCH", &format!("/auth/users/{id}"), body, Some(token)).await
    };
    assert_eq!(site.get("/auth/users", bob).await.refusal(), (403, "FORBIDDEN".into()));
    assert_eq!(site.ask("GET", "/auth/users", Json::Null, None).await.status, 401);
    assert_eq!(patch(&bob_id, json!({ "role": "admin" }), bob).await.status, 403);
    let users = site.get("/auth/users", ada).await;
    let emails: Vec<_> =
        users.json()["users"].as_array().expect("a list").iter().map(|user| user["email"].clone()).collect();
    assert_eq!(emails, ["ada@shop.example", "bob@shop.example"]);
    assert!(!users.body.contains("argon2"), "{}", users.body);
    let after = site.get("/auth/users?after=ada@shop.example", ada).await.json();
    assert_eq!(after["users"].as_array().map(Vec::len), Some(1));

    assert_eq!(patch(&bob_id, json!({ "role": "nobody" }), ada).await.refusal(), (400, "BAD_USER_INPUT".into()));
    assert_eq!(patch(&bob_id, json!({ "role": "anonymous" }), ada).await.status, 400);
    assert_eq!(patch("user_00000000000000000000000000", json!({ "role": "viewer" }), ada).await.status, 404);
    assert_eq!(patch(&admin_id, json!({ "role": "viewer" }), ada).await.refusal(), (400, "REFUSED".into()));
    assert_eq!(patch(&admin_id, json!({ "disabled": true }), ada).await.refusal(), (400, "REFUSED".into()));
    assert_eq!(patch(&admin_id, json!({ "name": "Ada L." }), ada).await.json()["user"]["name"], "Ada L.");
    assert_eq!(patch(&bob_id, json!({ "disabled": true }), ada).await.json()["user"]["disabled"], true);
    assert_eq!(site.get("/auth/me", bob).await.status, 401);

    let twice = json!({ "email": "BOB@shop.example", "name": "Bob", "role": "editor" });
    assert_eq!(site.post("/auth/users", twice, Some(ada)).await.refusal(), (409, "CONFLICT".into()));
    for email in ["bob", "bob@", "@shop", "a b@shop", "a@b\r\nbcc: all@shop"] {
        let body = json!({ "email": email, "name": "Bob", "role": "editor" });
        assert_eq!(
            site.post("/auth/users", body, Some(ada)).await.refusal(),
            (400, "BAD_USER_INPUT".into()),
            "{email}"
        );
    }
    let (actor, field): (String, Json) = {
        let row: (String, String) = sqlx::query_as(
            "select actor_name, after::text from cms.audit where action = 'user.change' and fields = '{disabled}'",
        )
        .fetch_one(&site.db.pool)
        .await
        .expect("a line");
        (row.0, row.1.parse().expect("JSON"))
    };
    assert_eq!((actor.as_str(), field), ("ada@shop.example", json!({ "disabled": true })));
    site.stop().await;
}
