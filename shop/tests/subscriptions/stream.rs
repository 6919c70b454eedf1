//! GraphQL over server-sent events, in distinct connections mode.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Events, Site, publish};

const PRODUCTS: &str = "subscription { productChanged { position kind entry { name } } }";

#[tokio::test]
async fn a_subscription_is_a_stream_that_can_be_resumed() {
    let site = Site::new().await;
    let mut events = Events::open(site.address(), PRODUCTS, &[]).await;
    assert!(events.head.starts_with("http/1.1 200"), "{}", events.head);
    for header in ["content-type: text/event-stream; charset=utf-8", "cache-control: no-cache, no-store"] {
        assert!(events.head.contains(header), "{}", events.head);
    }
    publish(&site, "One").await;
    let (event, position, data) = events.next().await.expect("an event");
    let change = &data["data"]["productChanged"];
    let expected =
        json!({ "position": position.expect("an id").to_string(), "kind": "PUBLISHED", "entry": { "name": "One" } });
    assert_eq!((event.as_str(), change), ("next", &expected));
    drop(events);
    publish(&site, "Two").await;
    let last = position.expect("an id").to_string();
    let mut events = Events::open(site.address(), PRODUCTS, &[("last-event-id", last)]).await;
    let (_, _, data) = events.next().await.expect("an event");
    assert_eq!(data["data"]["productChanged"]["entry"]["name"], "Two");
    let events = Events::open(site.address(), PRODUCTS, &[("last-event-id", "x".to_owned())]).await;
    assert!(events.head.starts_with("http/1.1 400"), "{}", events.head);
    site.stop().await;
}

#[tokio::test]
async fn whatever_is_asked_is_answered_by_events() {
    let site = Site::new().await;
    let answers = async |query: &str| {
        let mut events = Events::open(site.address(), query, &[]).await;
        assert!(events.head.starts_with("http/1.1 200"), "{query}: {}", events.head);
        let mut answers = Vec::new();
        while let Some(event) = events.next().await {
            let is_last = event.0 == "complete";
            answers.push(event);
            if is_last {
                break;
            }
        }
        answers
    };
    let complete = ("complete".to_owned(), None, Json::Null);
    let answered = answers("{ tags { totalCount } }").await;
    assert_eq!((&answered[0].2["data"]["tags"]["totalCount"], &answered[1]), (&json!(0), &complete));
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { productChanged(stage: DRAFT) { id } }", "UNAUTHENTICATED"),
        ("subscription { productChanged(after: \"9\") { id } }", "POSITION_GONE"),
    ] {
        let answered = answers(query).await;
        assert_eq!(answered.len(), 2, "{query}: {answered:?}");
        assert_eq!(answered[0].2["errors"][0]["extensions"]["code"], code, "{query}");
        assert_eq!(answered[1], complete);
    }
    for (headers, status) in [
        (&[("authorization", "Bearer nonsense".to_owned())][..], "401"),
        (&[("content-encoding", "gzip".to_owned())], "415"),
    ] {
        let events = Events::open(site.address(), "{ __typename }", headers).await;
        assert!(events.head.starts_with(&format!("http/1.1 {status}")), "{}", events.head);
    }
    site.stop().await;
}
