//! The number of subscriptions is limited, and a client that does not read is cut off.

use std::time::Duration;

use futures_util::SinkExt as _;
use runtime::http::bounds::Bounds;
use runtime::http::protection;
use runtime::serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Events, Site, Socket, TOKEN, eventually};

fn bounded(bounds: Bounds) -> protection::Settings {
    protection::Settings { bounds, ..protection::Settings::default() }
}

#[tokio::test]
async fn there_are_so_many_of_a_connection_a_client_and_a_server() {
    let bounds =
        Bounds { subscriptions: 4, subscriptions_by_client: 3, subscriptions_by_connection: 2, ..Bounds::default() };
    let site = Site::with(1, bounded(bounds)).await;
    let query = "subscription { tagChanged { id } }";
    let mut visitor = Socket::of(site.address(), None).await;
    visitor.follow(&site, "1", query).await;
    visitor.follow(&site, "2", query).await;
    visitor.subscribe("3", query).await;
    let refused = visitor.next().await;
    assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("3")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    let mut second = Socket::of(site.address(), None).await;
    second.follow(&site, "1", query).await;
    second.subscribe("2", query).await;
    assert_eq!(second.next().await["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    let events = Events::open(site.address(), query, &[]).await;
    assert!(events.head.starts_with("http/1.1 429"), "{}", events.head);
    site.user("ada@shop.example", "editor").await;
    let token = site.sign_in("ada@shop.example").await;
    let mut editor = Socket::of(site.address(), Some(&token)).await;
    editor.follow(&site, "1", query).await;
    editor.subscribe("2", query).await;
    assert_eq!(editor.next().await["payload"][0]["extensions"]["code"], "UNAVAILABLE");
    // A place is free again.
    visitor.send(json!({ "type": "complete", "id": "1" })).await;
    let active = || site.node().app.protection.subscriptions.active().0;
    eventually("a place is free", async || active() == 3).await;
    editor.follow(&site, "2", query).await;
    drop((visitor, second, editor));
    eventually("all places are free", async || site.node().app.protection.subscriptions.active() == (0, 0)).await;
    let left = site.node().app.api.database.feed.clone();
    eventually("nobody listens", async || left.listeners() == 0).await;
    site.stop().await;
}

#[tokio::test]
async fn operations_over_a_socket_count_like_requests() {
    let rates = runtime::http::rate::Settings { general: Some("8/h".parse().expect("a rate")), ..Default::default() };
    let site = Site::with(1, protection::Settings { rates, ..protection::Settings::default() }).await;
    let mut visitor = Socket::of(site.address(), None).await;
    let mut refused = None;
    for number in 0..12 {
        visitor.subscribe(&number.to_string(), "{ __typename }").await;
        let message = visitor.next().await;
        if message["type"] == "error" {
            refused = Some(message["payload"][0]["extensions"]["code"].clone());
            break;
        }
        assert_eq!(visitor.next().await["type"], "complete");
    }
    assert_eq!(refused, Some(json!("RATE_LIMITED")));
    site.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let bounds = Bounds { patience: Duration::from_secs(3), ..Bounds::default() };
    let site = Site::with(1, bounded(bounds)).await;
    let mut lazy = Socket::of(site.address(), Some(TOKEN)).await;
    let mut keen = Socket::of(site.address(), Some(TOKEN)).await;
    // More than the system keeps of a connection.
    let copies: String = (0..20).map(|copy| format!(" c{copy}: description")).collect();
    let query = format!("subscription {{ productChanged(stage: DRAFT) {{ entry {{ name {copies} }} }} }}");
    lazy.follow(&site, "1", &query).await;
    keen.follow(&site, "1", "subscription { productChanged(stage: DRAFT) { entry { name } } }").await;
    let text = "x".repeat(100_000);
    for number in 0..16 {
        let input = format!("{{name: \"P{number}\", description: \"{text}\"}}");
        site.ask(&format!("mutation {{ createProduct(input: {input}) {{ id }} }}")).await;
        assert_eq!(keen.change().await["entry"]["name"], format!("P{number}"), "others are told meanwhile");
    }
    eventually("the client is cut off", async || site.ended("slow") == 1).await;
    let used = site.node().app.protection.answers.used();
    assert!(used < 8 * 1024 * 1024, "its answers are not kept: {used} bytes");
    let (code, reason) = lazy.closed().await;
    assert_eq!(code, 4508, "{reason}");
    eventually("its place is free", async || site.node().app.protection.subscriptions.active() == (1, 1)).await;
    site.stop().await;
}

#[tokio::test]
async fn a_socket_is_a_connection_until_it_is_closed() {
    let site = Site::with(1, bounded(Bounds { connections: 2, by_address: 2, ..Bounds::default() })).await;
    let first = Socket::of(site.address(), None).await;
    let _second = Socket::of(site.address(), None).await;
    assert_eq!(Socket::open_with(site.address(), &[]).await.map(drop), Err(503));
    drop(first);
    eventually("its place is free", async || Socket::open_with(site.address(), &[]).await.is_ok()).await;
    site.stop().await;
}

#[tokio::test]
async fn what_is_begun_to_be_sent_is_weighed_and_too_much_of_it_is_cut_off() {
    let site = Site::with(1, bounded(Bounds { bodies: 256 * 1024, ..Bounds::default() })).await;
    let unread = std::sync::Arc::clone(&site.node().app.protection.subscriptions.unread);
    // A frame of 100,000 bytes, of which 80,000 come.
    let begin = async |socket: &mut Socket| {
        let mut frame = vec![0x81, 0xff];
        frame.extend(100_000_u64.to_be_bytes());
        frame.extend([0; 4]);
        frame.extend([b' '; 80_000]);
        socket.0.get_mut().write_all(&frame).await.expect("the server reads");
    };
    let mut first = Socket::of(site.address(), None).await;
    begin(&mut first).await;
    eventually("it is weighed", async || unread.used() > 70_000).await;
    let mut second = Socket::of(site.address(), None).await;
    begin(&mut second).await;
    eventually("both are weighed", async || unread.used() > 140_000).await;
    let mut third = Socket::of(site.address(), None).await;
    begin(&mut third).await;
    assert_eq!(third.closed().await.0, 1013);
    let mut short = Socket::of(site.address(), None).await;
    let before = unread.used();
    for _ in 0..200 {
        short.0.send(Message::Ping(vec![0; 100].into())).await.expect("the server reads");
    }
    short.subscribe("1", "{ __typename }").await;
    assert_eq!(short.next().await["type"], "next", "short messages go on");
    assert_eq!(unread.used(), before, "pings are no parts of a message");
    drop((first, second, third, short));
    eventually("all is given back", async || unread.used() == 0).await;
    site.stop().await;
}
