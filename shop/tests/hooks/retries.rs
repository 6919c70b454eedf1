//! Receivers that fail: attempts, waits, dead letters and replays.

use runtime::serde_json::{Value as Json, json};

use crate::receiver::{Reply, status};
use crate::site::{Node, Site, eventually, text};

const REPLAY: &str = "mutation ($id: ID!) { replayDelivery(id: $id) { id state attempts } }";

async fn created_only(site: &Site, node: &Node, path: &str) -> String {
    node.webhook(json!({ "name": path, "url": site.receiver.url(path), "types": ["Tag"], "actions": ["CREATED"] }))
        .await
        .0
}

/// Attempts until so many of its deliveries are dead.
async fn exhaust(site: &Site, node: &Node, webhook: &str, dead: usize) -> Json {
    let mut newest = Json::Null;
    eventually("it is dead", async || {
        site.hasten().await;
        let deliveries = node.deliveries(webhook).await;
        newest = deliveries.first().cloned().unwrap_or_default();
        deliveries.len() == dead && deliveries.iter().all(|one| one["state"] == "DEAD")
    })
    .await;
    newest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_fails_drops_redirects_and_hangs_gets_the_same_message_in_the_end() {
    let site = Site::new().await;
    let node = site.node().await;
    let redirect = Reply::Answer(302, format!("location: {}\r\n", site.receiver.url("/elsewhere")), String::new());
    site.receiver.reply("/bad", [status(500), Reply::Drop, redirect, Reply::Hang, status(200)]);
    let webhook = created_only(&site, &node, "/bad").await;
    node.tag("Red").await;
    let expected =
        ["the status is not from 200 to 299", "", "a redirect, which is not followed", "no answer in 20 seconds"];
    for (number, error) in (1..).zip(expected) {
        let mut newest = Json::Null;
        eventually("the attempt has failed", async || {
            newest = node.deliveries(&webhook).await.into_iter().next().unwrap_or_default();
            newest["attempts"] == number && newest["state"] == "WAITING"
        })
        .await;
        let said = text(&newest["error"]);
        assert!(said == error || error.is_empty() && !said.is_empty(), "{number}: {said}");
        if number == 1 {
            let wait = site
                .number("select (extract(epoch from due - attempted_at) * 1000)::bigint from cms.webhook_delivery")
                .await;
            assert!((4_900..7_000).contains(&wait), "{wait} ms");
        }
        site.hasten().await;
    }
    let delivered = node.newest(&webhook, "DELIVERED").await;
    assert_eq!(
        (&delivered["attempts"], &delivered["status"], &delivered["error"]),
        (&json!(5), &json!(200), &Json::Null)
    );
    let received = site.receiver.received("/bad");
    assert!(
        received.len() == 5 && received.iter().all(|one| one.id() == received[0].id() && one.body == received[0].body)
    );
    assert!(site.receiver.received("/elsewhere").is_empty());
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_after_is_obeyed_for_all_of_the_receiver() {
    let site = Site::new().await;
    let node = site.node().await;
    let busy = Reply::Answer(429, "retry-after: 120\r\n".to_owned(), String::new());
    site.receiver.reply("/busy", [busy, status(204)]);
    let webhook = created_only(&site, &node, "/busy").await;
    node.tag("Red").await;
    eventually("it is told", async || node.shown(&webhook).await["pausedUntil"].is_string()).await;
    node.tag("Blue").await;
    eventually("both wait", async || {
        let deliveries = node.deliveries(&webhook).await;
        deliveries.len() == 2 && deliveries.iter().all(|one| one["state"] == "WAITING")
    })
    .await;
    let wait = "select (extract(epoch from min(due) - min(attempted_at)))::bigint from cms.webhook_delivery where attempts = 1";
    assert!((119..125).contains(&site.number(wait).await));
    assert_eq!(site.receiver.received("/busy").len(), 1, "the other is not tried meanwhile");
    site.hasten().await;
    eventually("both are delivered", async || {
        node.deliveries(&webhook).await.iter().all(|one| one["state"] == "DELIVERED")
    })
    .await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_disables_and_what_waits_goes_on_when_it_is_enabled() {
    let site = Site::new().await;
    let node = site.node().await;
    site.receiver.reply("/gone", [status(500), status(410), status(204)]);
    let webhook = created_only(&site, &node, "/gone").await;
    node.tag("Waits").await;
    eventually("it has failed", async || site.receiver.received("/gone").len() == 1).await;
    node.tag("Gone").await;
    eventually("it is disabled", async || node.shown(&webhook).await["enabled"] == false).await;
    assert_eq!(node.shown(&webhook).await["disabledReason"], "the receiver has answered 410 (Gone)");
    let log = "{ auditLog(filter: { action: \"webhook.disable\" }) { nodes { actorKind after } } }";
    let log = node.ask(log, json!({})).await;
    assert_eq!(log["auditLog"]["nodes"][0]["actorKind"], "SYSTEM");
    node.tag("Meanwhile").await;
    let passed = "select count(*) from cms.consumer, cms.outbox_head h where name = 'typecase.webhooks' and consumer.position = h.position
        and not exists (select from cms.outbox where position is null)";
    eventually("it is passed", async || site.number(passed).await == 1).await;
    site.hasten().await;
    let test =
        node.refused_admin("mutation ($id: ID!) { testWebhook(id: $id) { id } }", json!({ "id": webhook })).await;
    assert_eq!(test.0, "CONFLICT");
    assert_eq!(site.receiver.received("/gone").len(), 2, "nothing is sent");
    let enable = "mutation ($id: ID!) { updateWebhook(id: $id, input: { enabled: true }) { enabled disabledReason } }";
    let enabled = node.ask(enable, json!({ "id": webhook })).await;
    assert_eq!(enabled["updateWebhook"], json!({ "enabled": true, "disabledReason": null }));
    eventually("what has waited is delivered", async || {
        node.deliveries(&webhook).await.iter().any(|one| one["state"] == "DELIVERED")
    })
    .await;
    let states: Vec<_> = node.deliveries(&webhook).await.iter().map(|one| text(&one["state"])).collect();
    assert_eq!(states, ["DEAD", "DELIVERED"], "newest first");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dead_are_kept_and_replayed_one_or_all_since() {
    let site = Site::new().await;
    let node = site.node().await;
    site.receiver.reply("/dead", [status(503)]);
    let webhook = created_only(&site, &node, "/dead").await;
    node.tag("One").await;
    let dead = exhaust(&site, &node, &webhook, 1).await;
    assert_eq!((&dead["attempts"], &dead["status"], &dead["answer"]), (&json!(8), &json!(503), &json!("status 503")));
    let received = site.receiver.received("/dead");
    assert_eq!(received.len(), 8);
    assert!(received.iter().all(|one| one.id() == text(&dead["id"])));
    let between = text(&node.ask("{ webhooks { createdAt } }", json!({})).await["webhooks"][0]["createdAt"]);
    node.tag("Two").await;
    let second = exhaust(&site, &node, &webhook, 2).await;
    assert_ne!(second["id"], dead["id"]);

    site.receiver.reply("/dead", [status(204)]);
    let replayed = node.ask(REPLAY, json!({ "id": dead["id"] })).await;
    assert_eq!(replayed["replayDelivery"]["id"], dead["id"]);
    eventually("it is delivered", async || {
        site.number("select count(*) from cms.webhook_delivery where state = 'delivered'").await == 1
    })
    .await;
    assert_eq!(site.receiver.received("/dead").last().expect("one").id(), text(&dead["id"]));
    let all = "mutation ($webhook: ID!, $since: DateTime!) { replayDeliveries(webhook: $webhook, since: $since) }";
    let later = node.ask(all, json!({ "webhook": webhook, "since": "2999-01-01T00:00:00Z" })).await;
    assert_eq!(later["replayDeliveries"], 0);
    let since = node.ask(all, json!({ "webhook": webhook, "since": between })).await;
    assert_eq!(since["replayDeliveries"], 1, "the one that is dead");
    eventually("both are delivered", async || {
        site.number("select count(*) from cms.webhook_delivery where state = 'delivered'").await == 2
    })
    .await;
    let unknown = json!({ "id": "webhook_delivery_00000000000000000000000000" });
    assert_eq!(node.refused_admin(REPLAY, unknown).await.0, "NOT_FOUND");
    let wrong = node.refused_admin(REPLAY, json!({ "id": "x" })).await;
    assert_eq!((wrong.0.as_str(), wrong.1.as_str()), ("BAD_USER_INPUT", "id"));
    site.close().await;
}
