//! `graphql-transport-ws`: its messages, and the codes by which a connection is closed.

use std::time::Duration;

use futures_util::SinkExt as _;
use runtime::serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Events, Site, Socket, TOKEN, publish};

#[tokio::test]
async fn a_connection_is_closed_with_the_code_of_the_protocol() {
    let site = Site::new().await;
    let address = site.address();
    for (messages, expected) in [
        (&["not JSON"][..], 4400),
        (&["[]"], 4400),
        (&[r#"{"type":"nonsense"}"#], 4400),
        (&[r#"{"type":"connection_init","payload":"x"}"#], 4400),
        (&[r#"{"type":"subscribe","id":"1","payload":{"query":"{ __typename }"}}"#], 4401),
        (&[r#"{"type":"connection_init","payload":{"authorization":"Bearer nonsense"}}"#], 4403),
        (&[r#"{"type":"connection_init","payload":{"authorization":"nonsense"}}"#], 4403),
        (&[r#"{"type":"connection_init"}"#, r#"{"type":"connection_init"}"#], 4429),
        (&[r#"{"type":"connection_init"}"#, r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#], 4400),
        (&[r#"{"type":"connection_init"}"#, r#"{"type":"subscribe","id":"1","payload":{"query":1}}"#], 4400),
        (
            &[
                r#"{"type":"connection_init"}"#,
                r#"{"type":"subscribe","id":"1","payload":{"query":"subscription { tagChanged { id } }"}}"#,
                r#"{"type":"subscribe","id":"1","payload":{"query":"subscription { tagChanged { id } }"}}"#,
            ],
            4409,
        ),
        // Nothing is said.
        (&[], 4408),
    ] {
        let mut socket = Socket::open(address).await;
        for message in messages {
            socket.say(message).await;
        }
        assert_eq!(socket.closed().await.0, expected, "{messages:?}");
    }
    let mut binary = Socket::of(address, None).await;
    binary.0.send(Message::binary("{}")).await.expect("the server reads");
    assert_eq!(binary.closed().await.0, 4400);
    let mut large = Socket::of(address, None).await;
    large.subscribe("1", &" ".repeat(200 * 1024)).await;
    assert_eq!(large.closed().await.0, 1009);
    let mut other = Socket::open_with(address, &[("sec-websocket-protocol", "graphql-ws")]).await.expect("a WebSocket");
    assert_eq!(other.closed().await.0, 4406);
    let mut none = Socket::open_with(address, &[]).await.expect("a WebSocket");
    assert_eq!(none.closed().await.0, 4406);
    site.stop().await;
}

#[tokio::test]
async fn operations_of_all_kinds_are_answered_side_by_side() {
    let site = Site::new().await;
    let mut socket = Socket::of(site.address(), Some(TOKEN)).await;
    socket.send(json!({ "type": "ping", "payload": { "a": 1 } })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong", "payload": { "a": 1 } }));
    socket.send(json!({ "type": "pong" })).await;
    socket.follow(&site, "changes", "subscription { tagChanged { kind entry { name } } }").await;
    socket.subscribe("write", "mutation { createTag(input: {name: \"New\"}) { name } }").await;
    let mut messages = Vec::new();
    while messages.len() < 3 {
        messages.push(socket.next().await);
    }
    let of = |id: &str, ty: &str| messages.iter().find(|message| message["id"] == id && message["type"] == ty);
    assert_eq!(of("write", "next").unwrap()["payload"]["data"]["createTag"]["name"], "New");
    assert!(of("write", "complete").is_some());
    let told = json!({ "kind": "CREATED", "entry": { "name": "New" } });
    assert_eq!(of("changes", "next").unwrap()["payload"]["data"]["tagChanged"], told);
    // An id is free again, and a completed subscription says no more.
    socket.send(json!({ "type": "complete", "id": "changes" })).await;
    for (id, query) in [("changes", "{ __typename }"), ("write", "{ nothing }")] {
        socket.subscribe(id, query).await;
    }
    let (mut codes, mut others) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let message = socket.next().await;
        match message["type"] == "error" {
            true => codes.push(message["payload"][0]["extensions"]["code"].clone()),
            false => others.push(message["type"].clone()),
        }
    }
    assert_eq!((codes, others), (vec![json!("GRAPHQL_VALIDATION_FAILED")], vec![json!("next"), json!("complete")]));
    site.stop().await;
}

#[tokio::test]
async fn a_subscription_has_one_root_field() {
    let site = Site::new().await;
    let mut socket = Socket::of(site.address(), Some(TOKEN)).await;
    for wrong in [
        "subscription { tagChanged { id } productChanged { id } }",
        "subscription { a: tagChanged { id } b: tagChanged { id } }",
        "subscription { ...a } fragment a on Subscription { tagChanged { id } brandChanged { id } }",
        "subscription { __typename }",
        "subscription { __schema { types { name } } }",
        "subscription ($a: Boolean!) { tagChanged @include(if: $a) { id } }",
        "subscription { tagChanged(nothing: 1) { id } }",
        "subscription { tagChanged }",
    ] {
        socket.subscribe("1", wrong).await;
        let message = socket.next().await;
        assert_eq!(message["type"], "error", "{wrong}: {message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{wrong}");
    }
    for (wrong, code) in [
        ("subscription { tagChanged(after: \"x\") { id } }", "BAD_USER_INPUT"),
        ("subscription { tagChanged(after: \"7\") { id } }", "POSITION_GONE"),
        ("subscription { tagChanged(id: \"product_00000000000000000000000000\") { id } }", "BAD_USER_INPUT"),
    ] {
        socket.subscribe("1", wrong).await;
        assert_eq!(socket.next().await["payload"][0]["extensions"]["code"], code, "{wrong}");
    }
    let same = "subscription { ...a tagChanged { id } } fragment a on Subscription { tagChanged { kind } }";
    socket.follow(&site, "same", same).await;
    site.ask("mutation { createTag(input: {name: \"One\"}) { id } }").await;
    assert_eq!(socket.change().await["kind"], "CREATED");
    // Over plain HTTP it is refused.
    let headers = [("accept", "application/json".to_owned())];
    let answer = crate::client::post(site.address(), "/graphql", &headers, &json!({ "query": same })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_REQUEST");
    site.stop().await;
}

#[tokio::test]
async fn other_sites_cannot_use_the_cookies_of_a_browser() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let token = site.sign_in("ada@shop.example").await;
    let cookie = format!("typecase={token}");
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    let host = site.address().to_string();
    let own = format!("http://{host}");
    for (origin, cookie, expected) in [
        (Some("https://evil.example"), Some(&cookie), Err(403)),
        (None, Some(&cookie), Err(403)),
        (Some("https://evil.example"), None, Ok(())),
        (Some(own.as_str()), Some(&cookie), Ok(())),
    ] {
        let origin = origin.map(|origin| ("origin", origin));
        let cookie = cookie.map(|cookie| ("cookie", cookie.as_str()));
        let headers: Vec<_> = [Some(protocol), origin, cookie].into_iter().flatten().collect();
        let opened = Socket::open_with(site.address(), &headers).await;
        assert_eq!(opened.as_ref().map(drop).map_err(|status| *status), expected, "{headers:?}");
        let (Ok(mut socket), Some(_)) = (opened, cookie) else { continue };
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket.subscribe("me", "{ me { email } }").await;
        assert_eq!(socket.next().await["payload"]["data"]["me"]["email"], "ada@shop.example");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let mut site = Site::new().await;
    let mut socket = Socket::of(site.address(), None).await;
    socket.follow(&site, "1", "subscription { tagChanged { id } }").await;
    let mut events = Events::open(site.address(), "subscription { tagChanged { id } }", &[]).await;
    let subscriptions = site.node().app.protection.subscriptions.clone();
    subscriptions.stop();
    assert_eq!(socket.closed().await.0, 1001);
    assert_eq!(events.next().await, None, "its client connects again");
    subscriptions.closed().await;
    crate::client::eventually("nothing is left", async || subscriptions.active() == (0, 0)).await;
    assert_eq!(site.ended("stop"), 2);
    let refused = Socket::open_with(site.address(), &[]).await.map(drop);
    assert_eq!(refused, Err(503));
    let (_, background) = &mut site.nodes[0];
    tokio::time::timeout(Duration::from_secs(30), background.stop()).await.expect("the follower ends");
    site.stop().await;
}

#[tokio::test]
async fn what_a_client_does_not_select_is_not_sent() {
    let site = Site::new().await;
    let mut socket = Socket::of(site.address(), None).await;
    let query = "subscription { change: productChanged { __typename place: position id fields first: entry { name } entry { slug } } }";
    socket.follow(&site, "1", query).await;
    let id = publish(&site, "Cup").await;
    let change = socket.change().await;
    assert!(change["place"].as_str().is_some_and(|place| place.parse::<i64>().is_ok()), "{change}");
    let mut change = change;
    change["place"] = Json::Null;
    let expected = json!({
        "__typename": "ProductChange", "place": null, "id": id, "fields": [],
        "first": { "name": "Cup" }, "entry": { "slug": "cup" },
    });
    assert_eq!(change, expected);
    site.stop().await;
}
