//! Expired data is deleted, by one node at a time, and nothing else is.

use runtime::identity::Accounts;
use runtime::serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;

use crate::client::{Site, text};

async fn run(site: &Site, sql: &str) {
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&site.db.pool)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn count(site: &Site, table: &str) -> i64 {
    let sql = format!("select count(*) from cms.{table}");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&site.db.pool).await.expect("a number")
}

async fn deleted(accounts: &Accounts) -> u64 {
    accounts.delete_expired().await.expect("it is deleted")
}

/// Sets a timestamp `column` of all rows of a table to this long ago.
async fn age(site: &Site, table: &str, column: &str, ago: &str) {
    run(site, &format!("update cms.{table} set {column} = now() - interval '{ago}'")).await;
}

#[tokio::test]
async fn what_is_over_is_kept_for_a_while_and_then_goes() {
    let site = Site::new().await;
    let user = site.user("ada@shop.example", "admin").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let access = text(&tokens["accessToken"]).to_owned();
    let made = site.post("/auth/tokens", json!({ "name": "Feed", "role": "viewer", "days": 1 }), Some(&access)).await;
    let api_token = text(&made.json()["token"]).to_owned();
    let invited = json!({ "email": "eve@shop.example", "name": "Eve", "role": "viewer" });
    assert_eq!(site.post("/auth/users", invited, Some(&access)).await.status, 201);
    run(&site, "insert into cms.used_state values ('a', now() + interval '1 minute')").await;
    run(&site, "insert into cms.waiting_for_code (hash, expires_at) values ('a', now() + interval '1 minute')").await;
    run(&site, "insert into cms.totp (user_id, secret) select id, 'a' from cms.user where email = 'eve@shop.example'")
        .await;
    site.accounts().tokens.keys.rotate(&runtime::access::Actor::system(), true).await.expect("a new key");
    let lines = count(&site, "audit").await;
    assert_eq!(deleted(site.accounts()).await, 0, "nothing has expired");
    assert_eq!(site.get("/auth/me", &access).await.status, 200);

    for (table, column, kept, gone) in [
        ("refresh_token", "expires_at", "23 hours", "25 hours"),
        ("one_time_link", "expires_at", "6 days 23 hours", "7 days 1 hour"),
        ("used_state", "expires_at", "-1 second", "1 second"),
        ("waiting_for_code", "expires_at", "-1 minute", "1 second"),
        ("totp", "created_at", "23 hours", "25 hours"),
        ("api_token", "revoked_at", "89 days", "91 days"),
        ("session", "revoked_at", "13 days", "15 days"),
    ] {
        age(&site, table, column, kept).await;
        assert_eq!((deleted(site.accounts()).await, count(&site, table).await), (0, 1), "{table} {kept}");
        age(&site, table, column, gone).await;
        assert_eq!((deleted(site.accounts()).await, count(&site, table).await), (1, 0), "{table} {gone}");
    }
    // The signing key does not expire.
    run(
        &site,
        "update cms.signing_key set verifies_until = now() - interval '25 hours' where verifies_until is not null",
    )
    .await;
    assert_eq!((deleted(site.accounts()).await, count(&site, "signing_key").await), (1, 1));
    for token in [access, api_token] {
        assert_eq!(site.get("/auth/me", &token).await.status, 401);
    }
    assert_eq!(site.accounts().user(user.id).await.expect("users stay").email, "ada@shop.example");
    assert!(site.sign_in("ada@shop.example").await["accessToken"].is_string());
    assert!(count(&site, "audit").await >= lines, "the log is only added to");
    site.stop().await;
}

#[tokio::test]
async fn what_is_over_by_its_own_time_goes_as_what_was_ended() {
    let site = Site::new().await;
    site.user("ada@shop.example", "viewer").await;
    for _ in 0..2 {
        site.sign_in("ada@shop.example").await;
    }
    run(&site, "delete from cms.refresh_token").await;
    let ended = "update cms.session set expires_at = now() - interval '15 days' where id = (select min(id::text)::uuid from cms.session)";
    run(&site, ended).await;
    assert_eq!((deleted(site.accounts()).await, count(&site, "session").await), (1, 1));
    site.stop().await;
}

#[tokio::test]
async fn many_rows_go_in_batches_and_a_row_in_use_is_left() {
    let site = Site::new().await;
    site.user("ada@shop.example", "viewer").await;
    let tokens = site.sign_in("ada@shop.example").await;
    let many = "insert into cms.refresh_token (hash, session_id, nonce, expires_at)
        select sha256(n::text::bytea), (select id from cms.session), '', now() - interval '2 days' from generate_series(1, 1200) as n";
    run(&site, many).await;
    let mut request = site.db.pool.begin().await.expect("a transaction");
    let held = "select session_id from cms.refresh_token where hash = sha256('7'::bytea) for update";
    sqlx::query(held).fetch_one(&mut *request).await.expect("a row");
    assert_eq!(deleted(site.accounts()).await, 1199);
    request.rollback().await.expect("it ends");
    assert_eq!(deleted(site.accounts()).await, 1);
    let refreshed = json!({ "refreshToken": tokens["refreshToken"] });
    assert_eq!(site.post("/auth/refresh", refreshed, None).await.status, 200, "the one that is in use is there");
    site.stop().await;
}

#[tokio::test]
async fn of_several_nodes_one_deletes() {
    let site = Site::new().await;
    run(&site, "insert into cms.used_state values ('a', now() - interval '1 minute')").await;
    let mut other = site.db.pool.begin().await.expect("a transaction");
    sqlx::query("select pg_advisory_xact_lock($1)").bind(0x6578_7069_i64).execute(&mut *other).await.expect("a lock");
    assert_eq!((deleted(site.accounts()).await, count(&site, "used_state").await), (0, 1));
    other.rollback().await.expect("it ends");
    let at_once = futures_util::future::join_all((0..4).map(|_| deleted(site.accounts()))).await;
    assert_eq!((at_once.iter().sum::<u64>(), count(&site, "used_state").await), (1, 0));
    let nobody = site.post("/graphql", json!({ "query": "{ __typename }" }), None).await;
    assert_eq!((nobody.status, nobody.json()["errors"].clone()), (200, Json::Null));
    site.stop().await;
}
