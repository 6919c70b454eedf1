//! Nodes that are killed: no event is lost, and what is sent twice has the same id.

use std::collections::{BTreeMap, BTreeSet};

use runtime::serde_json::json;

use crate::receiver::Reply;
use crate::site::{Site, eventually, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_are_killed_and_every_change_arrives_in_order_with_one_id() {
    let site = Site::new().await;
    let (stays, mut other) = (site.node().await, site.node().await);
    let input =
        json!({ "name": "a", "url": site.receiver.url("/a"), "types": ["Tag"], "actions": ["CREATED", "UPDATED"] });
    let (webhook, _) = stays.webhook(input).await;
    let mut tags: Vec<(String, i64)> = Vec::new();
    for round in 0..4 {
        for number in 0..5 {
            tags.push((stays.tag(&format!("T{round}{number}")).await, 1));
        }
        for (tag, revision) in &mut tags {
            stays.rename(tag, *revision, &format!("R{round}")).await;
            *revision += 1;
        }
        other.kill();
        other = site.node().await;
    }
    // 5 created, and each renamed once in its round and in each one after it.
    let expected: usize = (0..4).map(|round| 5 * (1 + (4 - round))).sum();
    let lease = "update cms.webhook_delivery set due = now() where state = 'delivering' and attempted_at < now() - interval '5 seconds'";
    let undone = "select count(*) from cms.webhook_delivery where state <> 'delivered'";
    let delivered = "select count(*) from cms.webhook_delivery where state = 'delivered'";
    eventually("all are delivered", async || {
        site.run(lease).await;
        site.number(undone).await == 0 && site.number(delivered).await == i64::try_from(expected).expect("a few")
    })
    .await;
    let received = site.receiver.received("/a");
    let mut by_tag: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for one in &received {
        let data = one.json()["data"].clone();
        if let Some(body) = seen.insert(one.id().to_owned(), one.body.clone()) {
            assert_eq!(body, one.body, "the same message");
            continue;
        }
        by_tag.entry(text(&data["id"])).or_default().push(data["revision"].as_i64().expect("a number"));
    }
    assert_eq!((by_tag.len(), seen.len()), (20, expected));
    for (tag, revisions) in &by_tag {
        let in_order: Vec<i64> = (1..).take(revisions.len()).collect();
        assert_eq!(*revisions, in_order, "{tag}");
    }
    let ids: BTreeSet<_> = stays.deliveries(&webhook).await.iter().map(|one| text(&one["id"])).collect();
    assert!(seen.keys().all(|id| ids.contains(id)));
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_node_was_sending_is_sent_by_another_with_the_same_id() {
    let site = Site::new().await;
    let node = site.node().await;
    site.receiver.reply("/a", [Reply::Hang, crate::receiver::status(204)]);
    let (webhook, _) =
        node.webhook(json!({ "name": "a", "url": site.receiver.url("/a"), "actions": ["CREATED"] })).await;
    node.tag("Red").await;
    eventually("it is being sent", async || site.receiver.received("/a").len() == 1).await;
    node.kill();
    site.run("update cms.webhook_delivery set due = now()").await;
    let another = site.node().await;
    let delivered = another.newest(&webhook, "DELIVERED").await;
    let received = site.receiver.received("/a");
    assert_eq!((received.len(), received[0].id(), &delivered["attempts"]), (2, received[1].id(), &json!(2)));
    site.close().await;
}
