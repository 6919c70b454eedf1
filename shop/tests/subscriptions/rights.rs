//! A subscription ends with the session, and with the rights that it began with.

use runtime::access::Actor;
use runtime::identity::user::Change;
use runtime::serde_json::json;

use crate::client::{Events, Site, Socket, post};

const DRAFTS: &str = "subscription { productChanged(stage: DRAFT) { kind entry { name } } }";

#[tokio::test]
async fn it_ends_when_the_session_is_over_or_the_role_is_another_one() {
    let site = Site::new().await;
    let accounts = &site.node().app.accounts;
    for (case, change) in [
        ("signed-out", None),
        ("disabled", Some(Change { disabled: Some(true), ..Change::default() })),
        ("demoted", Some(Change { role: Some("viewer".into()), ..Change::default() })),
    ] {
        let email = format!("{case}@shop.example");
        let user = site.user(&email, "editor").await;
        let token = site.sign_in(&email).await;
        let bearer = [("authorization", format!("Bearer {token}"))];
        let mut socket = Socket::of(site.address(), Some(&token)).await;
        socket.follow(&site, "1", DRAFTS).await;
        let mut events = Events::open(site.address(), DRAFTS, &bearer).await;
        assert!(events.head.contains("text/event-stream"), "{}", events.head);
        match &change {
            Some(change) => _ = accounts.change_user(&Actor::system(), user.id, change).await.expect("changed"),
            None => _ = sqlx::query("delete from cms.session").execute(&site.db.pool).await.expect("signed out"),
        }
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4403, "{case}: {reason}");
        let (event, _, data) = events.next().await.expect("an event");
        assert_eq!(event, "next");
        let code = data["errors"][0]["extensions"]["code"].as_str().expect("a code");
        assert!(matches!(code, "UNAUTHENTICATED" | "FORBIDDEN"), "{case}: {code}");
        assert_eq!(events.next().await.map(|(event, ..)| event), Some("complete".to_owned()));
        assert_eq!(events.next().await, None);
    }
    assert_eq!(site.ended("rights"), 6);
    site.stop().await;
}

/// Nothing is told after the second within which a change of rights counts.
#[tokio::test]
async fn nothing_is_told_to_whoever_has_lost_the_right() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let token = site.sign_in("ada@shop.example").await;
    let mut socket = Socket::of(site.address(), Some(&token)).await;
    socket.follow(&site, "1", DRAFTS).await;
    post(site.address(), "/auth/sign-out", &[("authorization", format!("Bearer {token}"))], &json!({})).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    site.ask("mutation { createProduct(input: {name: \"Secret\"}) { id } }").await;
    assert_eq!(socket.closed().await.0, 4403);
    site.stop().await;
}
