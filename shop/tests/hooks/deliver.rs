//! What is sent: once for each change, signed, in order per entry, to those who asked for it.

use runtime::serde_json::json;

use crate::receiver::{Reply, status};
use crate::site::{Site, eventually, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_sent_signed_and_listed_with_its_answer() {
    let site = Site::new().await;
    let node = site.node().await;
    let long = "ä".repeat(2_000);
    site.receiver.reply("/tags", [Reply::Answer(202, String::new(), format!("taken {long}"))]);
    let (webhook, secret) =
        node.webhook(json!({ "name": "tags", "url": site.receiver.url("/tags?key=1"), "types": ["Tag"] })).await;
    site.receiver.reply("/tags?key=1", [Reply::Answer(202, String::new(), format!("taken {long}"))]);
    let tag = node.tag("Red").await;
    eventually("it is received", async || !site.receiver.received("/tags?key=1").is_empty()).await;
    let received = site.receiver.received("/tags?key=1");
    let first = &received[0];
    assert_eq!(first.headers["content-type"], "application/json");
    assert_eq!((first.signed_by(&secret), first.signatures().len()), (1, 1));
    let payload = first.json();
    assert_eq!(payload["type"], "tag.created");
    assert_eq!((&payload["data"]["id"], &payload["data"]["type"]), (&json!(tag), &json!("Tag")));
    assert_eq!(payload["data"]["revision"], 1);
    assert_eq!(payload["data"]["actor"]["kind"], "developer");
    assert!(payload["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{payload}");
    let delivery = node.newest(&webhook, "DELIVERED").await;
    eventually("all are delivered", async || {
        node.deliveries(&webhook).await.iter().all(|one| one["state"] == "DELIVERED")
    })
    .await;
    let listed = node.deliveries(&webhook).await;
    let listed = listed.iter().find(|one| one["id"] == first.id()).expect("it is listed");
    assert_eq!((&listed["status"], &listed["attempts"], &listed["entry"]), (&json!(202), &json!(1), &json!(tag)));
    assert!(listed["latency"].is_i64() && listed["error"].is_null() && listed["due"].is_null(), "{listed}");
    let answer = text(&listed["answer"]);
    assert!(answer.starts_with("taken ää") && answer.len() < 1_030, "its head: {}", answer.len());
    let query = "query ($id: ID!) { webhookDelivery(id: $id) { id event } }";
    let one = node.ask(query, json!({ "id": delivery["id"] })).await;
    assert_eq!(one["webhookDelivery"]["id"], delivery["id"]);
    // Of other types nothing is sent.
    node.ask("mutation { createBrand(input: { name: \"B\" }) { id } }", json!({})).await;
    node.tag("Blue").await;
    eventually("the next is received", async || {
        site.receiver
            .received("/tags?key=1")
            .iter()
            .any(|received| received.json()["type"] == "tag.created" && received.json()["data"]["id"] != json!(tag))
    })
    .await;
    assert!(site.receiver.received("/tags?key=1").iter().all(|received| received.json()["data"]["type"] == "Tag"));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rotation_both_secrets_sign() {
    let site = Site::new().await;
    let node = site.node().await;
    let (webhook, old) =
        node.webhook(json!({ "name": "a", "url": site.receiver.url("/a"), "actions": ["CREATED"] })).await;
    let rotate = "mutation ($id: ID!) { rotateWebhookSecret(id: $id) { secret webhook { previousSecretUntil } } }";
    let rotated = node.ask(rotate, json!({ "id": webhook })).await;
    let new = text(&rotated["rotateWebhookSecret"]["secret"]);
    assert!(new != old && rotated["rotateWebhookSecret"]["webhook"]["previousSecretUntil"].is_string());
    node.tag("Red").await;
    node.newest(&webhook, "DELIVERED").await;
    let received = site.receiver.received("/a");
    let received = received.last().expect("it is received");
    assert_eq!((received.signatures().len(), received.signed_by(&old), received.signed_by(&new)), (2, 1, 1));
    site.run("update cms.webhook set previous_until = now() - interval '1 second'").await;
    node.tag("Blue").await;
    eventually("another is received", async || site.receiver.received("/a").len() == 2).await;
    let received = &site.receiver.received("/a")[1];
    assert_eq!((received.signatures().len(), received.signed_by(&old), received.signed_by(&new)), (1, 0, 1));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_of_an_entry_are_in_order_and_keep_no_others_waiting() {
    let site = Site::new().await;
    let node = site.node().await;
    site.receiver.reply("/order", [status(500), status(204)]);
    let input = json!({ "name": "order", "url": site.receiver.url("/order"), "types": ["Tag"], "actions": ["CREATED", "UPDATED"] });
    let (webhook, _) = node.webhook(input).await;
    let slow = node.tag("A").await;
    eventually("the first fails", async || site.receiver.received("/order").len() == 1).await;
    for revision in 1..5 {
        node.rename(&slow, revision, &format!("A{revision}")).await;
    }
    let other = node.tag("B").await;
    node.rename(&other, 1, "B1").await;
    let of = |tag: &str| {
        let received = site.receiver.received("/order").into_iter().map(|received| received.json()["data"].clone());
        received
            .filter(|data| data["id"] == tag)
            .map(|data| data["revision"].as_i64().expect("a number"))
            .collect::<Vec<_>>()
    };
    eventually("the other is delivered", async || of(&other).contains(&2)).await;
    assert_eq!(of(&slow), [1], "they wait for the one that failed");
    let states: Vec<_> = node.deliveries(&webhook).await.iter().map(|one| text(&one["state"])).collect();
    assert_eq!(states.iter().filter(|state| *state == "WAITING").count(), 5, "{states:?}");
    site.hasten().await;
    eventually("all are delivered", async || of(&slow).contains(&5)).await;
    assert_eq!(of(&slow), [1, 1, 2, 3, 4, 5]);
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_keeps_no_other_waiting() {
    let site = Site::new().await;
    let node = site.node().await;
    site.receiver.reply("/hangs", [Reply::Hang]);
    node.webhook(json!({ "name": "hangs", "url": site.receiver.url("/hangs"), "actions": ["CREATED"] })).await;
    node.webhook(json!({ "name": "fast", "url": site.receiver.url("/fast"), "actions": ["CREATED"] })).await;
    let begun = std::time::Instant::now();
    for number in 0..20 {
        node.tag(&format!("T{number}")).await;
    }
    eventually("the fast one has all", async || site.receiver.received("/fast").len() == 20).await;
    assert!(begun.elapsed().as_secs() < 15, "in less than the time of one that hangs: {:?}", begun.elapsed());
    assert!((1..=4).contains(&site.receiver.received("/hangs").len()));
    site.close().await;
}
