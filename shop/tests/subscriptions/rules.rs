//! What a subscription tells: the stage, the filter and the rules of its actor decide for each change.

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, Socket, publish};

/// What is told until a change of this name, without the positions.
async fn until(socket: &mut Socket, name: &str) -> Vec<(String, Json)> {
    let mut told = Vec::new();
    loop {
        let change = socket.change().await;
        let is_last = change["entry"]["name"] == name;
        let entry = match change["entry"].is_null() {
            true => change["id"].clone(),
            false => change["entry"]["name"].clone(),
        };
        told.push((change["kind"].as_str().expect("a kind").to_owned(), entry));
        if is_last {
            return told;
        }
    }
}

fn told(changes: &[(&str, &str)]) -> Vec<(String, Json)> {
    changes.iter().map(|(kind, entry)| ((*kind).to_owned(), json!(entry))).collect()
}

const VISITOR: &str = "subscription { productChanged { kind id entry { name } } }";
const CUPS: &str =
    "subscription { productChanged(filter: { name: { startsWith: \"Cup\" } }) { kind id entry { name } } }";

#[tokio::test]
async fn visitors_hear_of_what_is_published_and_of_nothing_else() {
    let site = Site::new().await;
    let mut visitor = Socket::of(site.address(), None).await;
    visitor.follow(&site, "1", VISITOR).await;
    let made = site.ask("mutation { createProduct(input: {name: \"Secret\"}) { id revision } }").await;
    let secret = made["createProduct"]["id"].as_str().expect("an id").to_owned();
    site.ask(&format!(
        "mutation {{ updateProduct(id: \"{secret}\", revision: 1, input: {{name: \"Secret!\"}}) {{ id }} }}"
    ))
    .await;
    site.ask(&format!("mutation {{ deleteProduct(id: \"{secret}\", revision: 2) }}")).await;
    let cup = publish(&site, "Cup").await;
    site.ask(&format!("mutation {{ updateProduct(id: \"{cup}\", revision: 1, input: {{name: \"Mug\"}}) {{ id }} }}"))
        .await;
    publish(&site, "Second").await;
    assert_eq!(until(&mut visitor, "Second").await, told(&[("PUBLISHED", "Cup"), ("PUBLISHED", "Second")]));
    site.ask(&format!("mutation {{ publishProduct(id: \"{cup}\", revision: 2) {{ id }} }}")).await;
    assert_eq!(visitor.change().await["entry"]["name"], "Mug");
    site.ask(&format!("mutation {{ unpublishProduct(id: \"{cup}\", revision: 2) {{ id }} }}")).await;
    let gone = json!({ "kind": "GONE", "id": cup, "entry": null });
    assert_eq!(visitor.change().await, gone);
    // It is gone once: what becomes of the draft is nobody's business.
    site.ask(&format!("mutation {{ deleteProduct(id: \"{cup}\", revision: 2) }}")).await;
    let deleted = publish(&site, "Third").await;
    assert_eq!(visitor.change().await["entry"]["name"], "Third");
    site.ask(&format!("mutation {{ deleteProduct(id: \"{deleted}\", revision: 1) }}")).await;
    assert_eq!(visitor.change().await, json!({ "kind": "GONE", "id": deleted, "entry": null }));
    visitor.subscribe("draft", "subscription { productChanged(stage: DRAFT) { id } }").await;
    assert_eq!(visitor.next().await["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    visitor.subscribe("field", "subscription { productChanged { entry { externalRef } } }").await;
    assert_eq!(visitor.next().await["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    visitor.subscribe("filter", "subscription { productChanged(filter: {externalRef: {eq: \"x\"}}) { id } }").await;
    assert_eq!(visitor.next().await["type"], "error");
    site.stop().await;
}

#[tokio::test]
async fn an_entry_that_leaves_the_filter_is_gone() {
    let site = Site::new().await;
    let other = publish(&site, "Plate").await;
    let old = publish(&site, "Cup, old").await;
    let mut visitor = Socket::of(site.address(), None).await;
    visitor.follow(&site, "1", CUPS).await;
    // What never matched is not told; what matched when it began is.
    let rename = async |id: &str, revision: u32, name: &str| {
        let input = format!("id: \"{id}\", revision: {revision}, input: {{name: \"{name}\"}}, publish: true");
        site.ask(&format!("mutation {{ updateProduct({input}) {{ id }} }}")).await;
    };
    rename(&other, 1, "Plate, blue").await;
    rename(&old, 1, "Mug, old").await;
    rename(&old, 2, "Mug, older").await;
    rename(&other, 2, "Cup, blue").await;
    let expected = [("GONE", old.as_str()), ("PUBLISHED", "Cup, blue")];
    assert_eq!(until(&mut visitor, "Cup, blue").await, told(&expected));
    rename(&other, 3, "Plate").await;
    rename(&old, 3, "Cup").await;
    let expected = [("GONE", other.as_str()), ("PUBLISHED", "Cup")];
    assert_eq!(until(&mut visitor, "Cup").await, told(&expected));
    site.stop().await;
}

#[tokio::test]
async fn one_entry_can_be_followed() {
    let site = Site::new().await;
    let (one, other) = (publish(&site, "One").await, publish(&site, "Other").await);
    let mut visitor = Socket::of(site.address(), None).await;
    let query = format!("subscription {{ productChanged(id: \"{one}\") {{ kind id entry {{ name }} }} }}");
    visitor.follow(&site, "1", &query).await;
    for id in [&other, &one] {
        site.ask(&format!("mutation {{ unpublishProduct(id: \"{id}\", revision: 1) {{ id }} }}")).await;
    }
    assert_eq!(visitor.change().await, json!({ "kind": "GONE", "id": one, "entry": null }));
    site.stop().await;
}

#[tokio::test]
async fn editors_hear_of_each_save_with_the_fields_that_they_may_read() {
    let site = Site::new().await;
    site.user("ada@shop.example", "editor").await;
    let token = site.sign_in("ada@shop.example").await;
    let mut editor = Socket::of(site.address(), Some(&token)).await;
    let query = "subscription { productChanged(stage: DRAFT) { kind revision fields entry { name status } } }";
    editor.follow(&site, "1", query).await;
    site.ask("mutation { createProduct(input: {name: \"Cup\", externalRef: \"7\"}) { id } }").await;
    let made = editor.change().await;
    assert_eq!((&made["kind"], &made["revision"]), (&json!("CREATED"), &json!(1)));
    let fields = made["fields"].as_array().expect("a list");
    assert!(fields.contains(&json!("name")) && fields.contains(&json!("externalRef")), "{made}");
    // A type without drafts is live at once: a save is told once, at either stage.
    for stage in ["LIVE", "DRAFT"] {
        let id = format!("tags-{stage}");
        let query = format!("subscription {{ tagChanged(stage: {stage}) {{ kind fields entry {{ name }} }} }}");
        editor.follow(&site, &id, &query).await;
        let made = site.ask(&format!("mutation {{ createTag(input: {{name: \"{stage}\"}}) {{ id }} }}")).await;
        let id = made["createTag"]["id"].as_str().expect("an id").to_owned();
        let change = editor.change().await;
        assert_eq!((&change["kind"], &change["entry"]["name"]), (&json!("CREATED"), &json!(stage)));
        site.ask(&format!("mutation {{ deleteTag(id: \"{id}\", revision: 1) }}")).await;
        // The next subscription begins after it.
        assert_eq!(editor.change().await["kind"], "GONE");
        editor.send(json!({ "type": "complete", "id": format!("tags-{stage}") })).await;
    }
    site.stop().await;
}

#[tokio::test]
async fn whose_rights_depend_on_the_entry_never_hears_of_others() {
    let site = Site::new().await;
    for name in ["ada", "bob"] {
        site.user(&format!("{name}@shop.example"), "author").await;
    }
    let (ada, bob) = (site.sign_in("ada@shop.example").await, site.sign_in("bob@shop.example").await);
    let create = async |token: &str, title: &str| {
        let made =
            site.ask_as(token, &format!("mutation {{ createPost(input: {{title: \"{title}\"}}) {{ id }} }}")).await;
        made["createPost"]["id"].as_str().expect("an id").to_owned()
    };
    let before = create(&ada, "Before").await;
    let mut socket = Socket::of(site.address(), Some(&ada)).await;
    let query = "subscription { postChanged(stage: DRAFT) { kind id entry { title } } }";
    socket.follow(&site, "1", query).await;
    let hidden = create(&bob, "Hidden").await;
    site.ask_as(&bob, &format!("mutation {{ deletePost(id: \"{hidden}\", revision: 1) }}")).await;
    let own = create(&ada, "Own").await;
    assert_eq!(socket.change().await, json!({ "kind": "CREATED", "id": own, "entry": { "title": "Own" } }));
    for id in [&before, &own] {
        site.ask_as(&ada, &format!("mutation {{ deletePost(id: \"{id}\", revision: 1) }}")).await;
        assert_eq!(socket.change().await, json!({ "kind": "GONE", "id": id, "entry": null }));
    }
    site.stop().await;
}

#[tokio::test]
async fn a_position_that_was_told_continues_without_a_gap() {
    let site = Site::new().await;
    let mut first = Socket::of(site.address(), None).await;
    first.follow(&site, "1", "subscription { productChanged { position entry { name } } }").await;
    publish(&site, "One").await;
    let position = first.change().await["position"].as_str().expect("a position").to_owned();
    drop(first);
    let two = publish(&site, "Two").await;
    site.ask("mutation { createTag(input: {name: \"Other\"}) { id } }").await;
    let mut second = Socket::of(site.address(), None).await;
    let query = format!("subscription {{ productChanged(after: \"{position}\") {{ kind id entry {{ name }} }} }}");
    second.follow(&site, "1", &query).await;
    publish(&site, "Three").await;
    assert_eq!(until(&mut second, "Three").await, told(&[("PUBLISHED", "Two"), ("PUBLISHED", "Three")]));
    // What went while nobody listened is told as well.
    site.ask(&format!("mutation {{ unpublishProduct(id: \"{two}\", revision: 1) {{ id }} }}")).await;
    assert_eq!(second.change().await["id"], two);
    let mut third = Socket::of(site.address(), None).await;
    third.follow(&site, "1", &query.replace("productChanged(", "productChanged(filter: {name: {ne: \"x\"}}, ")).await;
    assert_eq!(until(&mut third, "Three").await, told(&[("GONE", &two), ("PUBLISHED", "Three")]));
    sqlx::query("delete from cms.outbox where position = (select min(position) + 1 from cms.outbox)")
        .execute(&site.db.pool)
        .await
        .expect("an event is pruned");
    third.subscribe("2", "subscription { productChanged(after: \"0\") { id } }").await;
    let refused = loop {
        let message = third.next().await;
        if message["id"] == "2" {
            break message;
        }
    };
    assert_eq!(refused["payload"][0]["extensions"]["code"], "POSITION_GONE");
    site.stop().await;
}
