//! Scheduled publishing over HTTP: made at its time, with the rights of its actor, once.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, account};

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

fn refusal(answer: &Json) -> (&str, &Json) {
    let error = &answer["errors"][0]["extensions"];
    (error["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")), &error["inputPath"])
}

const PUBLISH: &str = "mutation($id: ID!, $at: String!, $zone: String, $revision: Int) {
    made: schedulePublish(id: $id, at: $at, zone: $zone, revision: $revision) { id state at localTime zone action revision } }";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";
const FAR_OFF: &str = "2035-06-01T08:00:00Z";

async fn draft(site: &Site, input: Json) -> String {
    let create = "mutation($input: ProductCreateInput!) { made: createProduct(input: $input) { id } }";
    let made = told(site, create, json!({ "input": input })).await;
    made["made"]["id"].as_str().unwrap().to_owned()
}

async fn update(site: &Site, id: &str, revision: i64, input: Json) {
    let update = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!) {
        made: updateProduct(id: $id, revision: $revision, input: $input) { revision } }";
    told(site, update, json!({ "id": id, "revision": revision, "input": input })).await;
}

async fn live(site: &Site, id: &str) -> Json {
    let read = "query($id: ID!) { product(id: $id) { name revision variants { sku } tags { name } } }";
    told(site, read, json!({ "id": id })).await["product"].clone()
}

/// The changes of an entry once none of them is pending and due. A job of a node that was killed waits for the end of its lease, 30 s.
async fn ended(site: &Site, entry: &str) -> Vec<Json> {
    let list =
        "query($entry: ID) { scheduledChanges(entry: $entry) { id state action at endedAt problems { code path } } }";
    let begun = Instant::now();
    loop {
        let found = told(site, list, json!({ "entry": entry })).await["scheduledChanges"].clone();
        let found = found.as_array().unwrap().clone();
        let is_due = |change: &Json| change["state"] == "PENDING" && change["at"].as_str().unwrap() < "2030";
        if !found.iter().any(is_due) {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn states(changes: &[Json]) -> Vec<&str> {
    changes.iter().map(|change| change["state"].as_str().unwrap()).collect()
}

fn chair() -> Json {
    json!({ "name": "Chair", "price": {"amount": "49.90"}, "variants": {"create": [{"sku": "S-1"}]}, "tags": {"create": [{"name": "Oak"}]} })
}

#[tokio::test]
async fn what_is_due_is_published_as_scheduled_or_as_it_is_then() {
    let site = Site::empty().await;
    let id = draft(&site, chair()).await;
    update(&site, &id, 1, json!({ "name": "Armchair", "variants": {"set": []}, "tags": {"set": []} })).await;
    let made = told(&site, PUBLISH, json!({ "id": id, "at": LONG_AGO, "revision": 1 })).await;
    assert_eq!((&made["made"]["revision"], &made["made"]["at"]), (&json!(1), &json!("2020-01-01T00:00:00.000000Z")));
    assert_eq!(states(&ended(&site, &id).await), ["DONE"]);
    let as_scheduled =
        json!({ "name": "Chair", "revision": 1, "variants": [{ "sku": "S-1" }], "tags": [{ "name": "Oak" }] });
    assert_eq!(live(&site, &id).await, as_scheduled);
    let draft = "query($id: ID!) { product(id: $id, stage: DRAFT) { name status } }";
    let kept = told(&site, draft, json!({ "id": id })).await;
    assert_eq!(kept["product"], json!({ "name": "Armchair", "status": "CHANGED" }));
    told(&site, PUBLISH, json!({ "id": id, "at": LONG_AGO })).await;
    ended(&site, &id).await;
    let latest = json!({ "name": "Armchair", "revision": 2, "variants": [], "tags": [] });
    assert_eq!(live(&site, &id).await, latest);
    site.stop().await;
}

#[tokio::test]
async fn changes_of_an_entry_that_are_due_are_made_in_their_order() {
    let site = Site::empty().await;
    let id = draft(&site, chair()).await;
    let window = "mutation($id: ID!, $from: String!, $until: String!) {
        made: scheduleWindow(id: $id, from: $from, until: $until) { action state } }";
    let backward = json!({ "id": id, "from": FAR_OFF, "until": LONG_AGO });
    assert_eq!(refusal(&site.ask_as_developer(window, backward).await), ("BAD_USER_INPUT", &json!(["until"])));
    let past = json!({ "id": id, "from": LONG_AGO, "until": "2020-01-02T00:00:00Z" });
    let made = told(&site, window, past).await;
    assert_eq!(made["made"][1]["action"], "UNPUBLISH");
    let changes = ended(&site, &id).await;
    assert_eq!(states(&changes), ["DONE", "DONE"]);
    assert_eq!(live(&site, &id).await, Json::Null);
    let log = "query($id: ID!) { auditLog(filter: { entry: $id }) { nodes { action actorKind } } }";
    let log = told(&site, log, json!({ "id": id })).await;
    let actions: Vec<_> =
        log["auditLog"]["nodes"].as_array().unwrap().iter().map(|line| line["action"].clone()).collect();
    assert!(actions[..2] == [json!("product.unpublish"), json!("product.publish")], "{actions:?}");
    site.stop().await;
}

#[tokio::test]
async fn a_change_that_fails_is_seen_and_can_be_retried() {
    let site = Site::empty().await;
    let id = draft(&site, json!({ "name": "No price" })).await;
    told(&site, PUBLISH, json!({ "id": id, "at": LONG_AGO })).await;
    let changes = ended(&site, &id).await;
    assert_eq!(states(&changes), ["FAILED"]);
    assert_eq!(changes[0]["problems"], json!([{ "code": "INVALID_VALUE", "path": ["price"] }]));
    assert_eq!(live(&site, &id).await, Json::Null);
    let retry = "mutation($id: ID!) { made: retryScheduledChange(id: $id) { state } }";
    update(&site, &id, 1, json!({ "price": {"amount": "1"} })).await;
    told(&site, retry, json!({ "id": changes[0]["id"] })).await;
    assert_eq!(states(&ended(&site, &id).await), ["DONE"]);
    assert_eq!(live(&site, &id).await["name"], "No price");
    let again = site.ask_as_developer(retry, json!({ "id": changes[0]["id"] })).await;
    assert_eq!(refusal(&again), ("CONFLICT", &json!(["id"])));
    site.stop().await;
}

/// In development, mails are in the log.
#[tokio::test]
async fn the_mail_of_a_change_that_failed_names_the_entry_and_the_fields() {
    let site = Site::empty().await;
    let (_, editor) = account(&site, "ada@shop.example", "editor").await;
    let id = draft(&site, json!({ "name": "Oak chair" })).await;
    let scheduled = site.ask_with(&editor, PUBLISH, json!({ "id": id, "at": LONG_AGO })).await;
    assert!(scheduled.get("errors").is_none(), "{scheduled}");
    assert_eq!(states(&ended(&site, &id).await), ["FAILED"]);
    mailed(&site, "A scheduled change was not made: Oak chair").await;
    mailed(&site, "  - price: is required to publish").await;
    mailed(&site, "Fix the entry, then retry, move or cancel the change.").await;

    let create = "mutation { made: createRelease(title: \"Winter\") { id } }";
    let release = site.ask_with(&editor, create, json!({})).await["data"]["made"]["id"].clone();
    let schedule = "mutation($id: ID!, $entry: ID!, $at: String!) {
        addToRelease(id: $id, changes: [{ entry: $entry }]) { size } scheduleRelease(id: $id, at: $at) { state } }";
    let scheduled = site.ask_with(&editor, schedule, json!({ "id": release, "entry": id, "at": LONG_AGO })).await;
    assert!(scheduled.get("errors").is_none(), "{scheduled}");
    mailed(&site, "A scheduled change was not made: Winter").await;
    mailed(&site, "  - Oak chair, price: is required to publish").await;
    mailed(&site, "Fix the entries, then schedule or publish the release again.").await;
    site.stop().await;
}

async fn mailed(site: &Site, line: &str) {
    let begun = Instant::now();
    while site.logged(line).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(90), "no mail has `{line}`: {:?}", site.logged("mail"));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_pending_change_is_moved_and_cancelled() {
    let site = Site::empty().await;
    let id = draft(&site, chair()).await;
    let local = json!({ "id": id, "at": "2034-10-29T02:30", "zone": "Europe/Vienna" });
    let made = told(&site, PUBLISH, local).await["made"].clone();
    let expected = json!({ "id": made["id"], "state": "PENDING", "at": "2034-10-29T00:30:00.000000Z",
        "localTime": "2034-10-29T02:30:00", "zone": "Europe/Vienna", "action": "PUBLISH", "revision": null });
    assert_eq!(made, expected);
    let other = told(&site, PUBLISH, json!({ "id": id, "at": FAR_OFF })).await["made"]["id"].clone();
    let cancel = "mutation($id: ID!) { made: cancelScheduledChange(id: $id) { state } }";
    told(&site, cancel, json!({ "id": other })).await;
    let shift = "mutation($id: ID!, $at: String!) { made: moveScheduledChange(id: $id, at: $at) { state zone } }";
    assert_eq!(refusal(&site.ask_as_developer(shift, json!({ "id": other, "at": LONG_AGO })).await).0, "CONFLICT");
    told(&site, shift, json!({ "id": made["id"], "at": LONG_AGO })).await;
    let changes = ended(&site, &id).await;
    assert_eq!(states(&changes), ["DONE", "CANCELLED"]);
    assert_eq!(live(&site, &id).await["name"], "Chair");
    let only = "{ found: scheduledChanges(state: CANCELLED) { id } }";
    assert_eq!(told(&site, only, json!({})).await["found"], json!([{ "id": other }]));
    site.stop().await;
}

#[tokio::test]
async fn what_cannot_be_scheduled_is_refused_with_its_place() {
    let site = Site::empty().await;
    let id = draft(&site, chair()).await;
    for (variables, code, path) in [
        (json!({ "id": id, "at": "2034-01-01T08:00" }), "INVALID_VALUE", "at"),
        (json!({ "id": id, "at": "2034-01-01T08:00", "zone": "Europe/Atlantis" }), "INVALID_VALUE", "zone"),
        (json!({ "id": id, "at": FAR_OFF, "revision": 7 }), "NOT_FOUND", "revision"),
        (json!({ "id": "product_01h455vb4pex5vsknk084sn02q", "at": FAR_OFF }), "NOT_FOUND", "id"),
        (json!({ "id": "nothing", "at": FAR_OFF }), "BAD_USER_INPUT", "id"),
    ] {
        let answer = site.ask_as_developer(PUBLISH, variables).await;
        assert_eq!(refusal(&answer), (code, &json!([path])), "{answer}");
    }
    let visitor = format!("mutation {{ schedulePublish(id: \"{id}\", at: \"{FAR_OFF}\") {{ id }} }}");
    let answer = site.ask(&visitor).await;
    assert!(["FORBIDDEN", "UNAUTHENTICATED"].contains(&refusal(&answer).0), "{answer}");
    site.stop().await;
}

#[tokio::test]
async fn many_changes_are_made_once_though_a_node_is_killed() {
    let site = Site::empty().await;
    let mut node = site.another_node();
    let create = "mutation($input: [ProductUpsertInput!]!) { made: upsertProducts(input: $input) { id } }";
    let item = |n: usize| json!({ "key": { "externalRef": format!("r{n}") }, "data": { "name": format!("P {n}"), "price": {"amount": "1"} } });
    let made = told(&site, create, json!({ "input": (0..100).map(item).collect::<Vec<_>>() })).await;
    let all: Vec<String> =
        made["made"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    for (place, id) in all.iter().enumerate() {
        told(&site, PUBLISH, json!({ "id": id, "at": LONG_AGO })).await;
        if place % 30 == 29 {
            // The one before is killed here.
            node = site.another_node();
        }
    }
    for id in &all {
        assert_eq!(states(&ended(&site, id).await), ["DONE"]);
    }
    let log = "{ auditLog(filter: { action: [\"product.publish\"] }) { totalCount } }";
    assert_eq!(told(&site, log, json!({})).await["auditLog"]["totalCount"], 100);
    drop(node);
    site.stop().await;
}
