//! Changes of one node are told by the others, by way of the outbox.

use runtime::http::protection;
use runtime::serde_json::json;

use crate::client::{Site, Socket, publish};

#[tokio::test]
async fn a_change_of_one_node_is_told_by_another() {
    let site = Site::with(2, protection::Settings::default()).await;
    let mut there = Socket::of(site.nodes[1].0.address, None).await;
    there.follow(&site, "1", "subscription { productChanged { position entry { name } } }").await;
    publish(&site, "Cup").await;
    let change = there.change().await;
    assert_eq!(change["entry"]["name"], "Cup");
    drop(there);
    // It is resumed at the other one.
    publish(&site, "Mug").await;
    let mut here = Socket::of(site.address(), None).await;
    let after = change["position"].as_str().expect("a position");
    here.follow(&site, "1", &format!("subscription {{ productChanged(after: \"{after}\") {{ entry {{ name }} }} }}"))
        .await;
    assert_eq!(here.change().await, json!({ "entry": { "name": "Mug" } }));
    site.stop().await;
}
