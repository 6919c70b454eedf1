//! What is not of the public internet is not sent to, whatever its name.

use runtime::serde_json::json;

use crate::site::{Site, eventually, text};

const CREATE: &str = "mutation ($input: WebhookCreateInput!) { createWebhook(input: $input) { secret } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_addresses_are_refused_when_they_are_written_and_when_they_are_resolved() {
    let site = Site::allowing("").await;
    let node = site.node().await;
    let port = site.receiver.address.port();
    for url in [
        site.receiver.url("/"),
        format!("https://127.0.0.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "http://example.com/".to_owned(),
    ] {
        let refused = node.refused_admin(CREATE, json!({ "input": { "name": "a", "url": url } })).await;
        assert_eq!((refused.0.as_str(), refused.1.as_str()), ("BAD_USER_INPUT", "input.url"), "{url}: {}", refused.2);
    }
    let plain = json!({ "input": { "name": "a", "url": site.receiver.url("/") } });
    let (_, _, why) = node.refused_admin(CREATE, plain).await;
    assert!(why.ends_with("`http` is only for the networks that TYPECASE_WEBHOOK_ALLOWED_NETWORKS names"), "{why}");
    // A name says nothing before it is resolved.
    let url = format!("https://localhost:{port}/hook");
    let (webhook, _) = node.webhook(json!({ "name": "a", "url": url, "actions": ["CREATED"] })).await;
    node.tag("Red").await;
    let mut error = String::new();
    eventually("it is refused", async || {
        let newest = node.deliveries(&webhook).await.into_iter().next().unwrap_or_default();
        error = newest["error"].as_str().unwrap_or_default().to_owned();
        !error.is_empty()
    })
    .await;
    assert!(error.starts_with("`localhost` leads to ") && error.contains("is not of the public internet"), "{error}");
    assert_eq!(site.receiver.connections(), 0);
    // An address that was allowed once is not any more.
    let moved = format!("update cms.webhook set url = 'http://127.0.0.1:{port}/hook', name = 'moved'");
    sqlx::query(sqlx::AssertSqlSafe(moved)).execute(&site.db.pool).await.expect("it is moved");
    site.hasten().await;
    eventually("it is refused again", async || {
        let newest = node.deliveries(&webhook).await.into_iter().next().unwrap_or_default();
        newest["attempts"] == 2
            && newest["state"] == "WAITING"
            && text(&newest["error"]).starts_with("`127.0.0.1` leads to 127.0.0.1")
    })
    .await;
    assert_eq!(site.receiver.connections(), 0);
    site.close().await;
}
