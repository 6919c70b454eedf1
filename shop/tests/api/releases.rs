//! Releases, and reads of what the site will be.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

const CHANGES: &str = "changes { entry type action revision isImplied before otherReleases }";

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

fn refusal(answer: &Json) -> (&str, &Json) {
    let extensions = &answer["errors"][0]["extensions"];
    (extensions["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")), &extensions["inputPath"])
}

async fn create(site: &Site, of: &str, input: Json, publish: bool) -> String {
    let query = format!(
        "mutation($input: {of}CreateInput!, $publish: Boolean!) {{ made: create{of}(input: $input, publish: $publish) {{ id }} }}"
    );
    let made = told(site, &query, json!({ "input": input, "publish": publish })).await;
    made["made"]["id"].as_str().unwrap().to_owned()
}

async fn update(site: &Site, of: &str, id: &str, revision: i64, input: Json) {
    let query = format!(
        "mutation($id: ID!, $revision: Int!, $input: {of}UpdateInput!) {{ made: update{of}(id: $id, revision: $revision, input: $input) {{ id }} }}"
    );
    told(site, &query, json!({ "id": id, "revision": revision, "input": input })).await;
}

fn product(name: &str) -> Json {
    json!({ "name": name, "price": {"amount": "10"} })
}

async fn release(site: &Site, changes: Json) -> String {
    let made = told(site, "mutation { made: createRelease(title: \"Winter\") { id state size } }", json!({})).await;
    assert_eq!((&made["made"]["state"], &made["made"]["size"]), (&json!("OPEN"), &json!(0)));
    let id = made["made"]["id"].as_str().unwrap().to_owned();
    add(site, &id, changes).await;
    id
}

async fn add(site: &Site, release: &str, changes: Json) -> Json {
    let query = format!(
        "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) {{ made: addToRelease(id: $id, changes: $changes) {{ size {CHANGES} }} }}"
    );
    told(site, &query, json!({ "id": release, "changes": changes })).await["made"].clone()
}

const PUBLISH: &str =
    "mutation($id: ID!) { made: publishRelease(id: $id) { state publishedAt changes { entry isImplied before } } }";
const UNDO: &str = "mutation($id: ID!) { made: undoRelease(id: $id) { state } }";

/// The names of products that a query sees, by name.
async fn names(site: &Site, arguments: &str) -> Vec<String> {
    let query = format!(
        "{{ found: products(first: 50, orderBy: [{{ field: NAME, direction: ASC }}] {arguments}) {{ totalCount nodes {{ name }} }} }}"
    );
    let found = told(site, &query, json!({})).await["found"].clone();
    let names: Vec<String> =
        found["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(found["totalCount"], names.len(), "the count is that of the list");
    names
}

/// A new product, a live one with changes, a live one that goes, and one that is deleted.
struct Shop {
    new: String,
    changed: String,
    leaving: String,
    deleted: String,
}

async fn shop(site: &Site) -> Shop {
    let new = create(site, "Product", product("New"), false).await;
    let changed = create(site, "Product", product("Before"), true).await;
    update(site, "Product", &changed, 1, json!({ "name": "After", "price": {"amount": "20"} })).await;
    let leaving = create(site, "Product", product("Leaving"), true).await;
    let deleted = create(site, "Product", product("Deleted"), true).await;
    Shop { new, changed, leaving, deleted }
}

fn all(shop: &Shop) -> Json {
    json!([
        { "entry": shop.new }, { "entry": shop.changed },
        { "entry": shop.leaving, "action": "UNPUBLISH" }, { "entry": shop.deleted, "action": "DELETE" },
    ])
}

#[tokio::test]
async fn a_release_is_seen_as_a_whole_then_published_and_undone_as_a_whole() {
    let site = Site::empty().await;
    let shop = shop(&site).await;
    let id = release(&site, all(&shop)).await;
    let before = ["Before", "Deleted", "Leaving"];
    assert_eq!(names(&site, "").await, before);
    let ahead = format!("release: \"{id}\"");
    assert_eq!(names(&site, &ahead).await, ["After", "New"]);
    // A filter sees the values of the version that is read.
    assert_eq!(names(&site, &format!("{ahead}, filter: {{ name: {{ eq: \"Before\" }} }}")).await, Vec::<String>::new());
    let dear = "filter: { price: { gte: { amount: \"15\" } } }";
    assert_eq!(names(&site, &format!("{ahead}, {dear}")).await, ["After"]);
    assert_eq!(names(&site, dear).await, Vec::<String>::new());
    assert_eq!(
        told(&site, "query($id: ID!) { releaseCheck(id: $id) { code } }", json!({ "id": id })).await["releaseCheck"],
        json!([])
    );
    assert_eq!(names(&site, "").await, before, "a check changes nothing");

    let made = told(&site, PUBLISH, json!({ "id": id })).await;
    assert_eq!(made["made"]["state"], "PUBLISHED");
    assert_eq!(names(&site, "").await, ["After", "New"]);
    let bin = told(&site, "{ deletedEntries { id } }", json!({})).await;
    assert_eq!(bin["deletedEntries"], json!([{ "id": shop.deleted }]));
    assert_eq!(refusal(&site.ask_as_developer(PUBLISH, json!({ "id": id })).await).0, "CONFLICT");

    assert_eq!(told(&site, UNDO, json!({ "id": id })).await["made"]["state"], "UNDONE");
    assert_eq!(names(&site, "").await, before);
    // The draft keeps its changes.
    assert_eq!(names(&site, "stage: DRAFT").await, ["After", "Deleted", "Leaving", "New"]);
    let log = "{ auditLog(filter: { action: [\"release.publish\", \"release.undo\"] }) { nodes { action } } }";
    let log = told(&site, log, json!({})).await;
    assert_eq!(log["auditLog"]["nodes"], json!([{ "action": "release.undo" }, { "action": "release.publish" }]));
    site.stop().await;
}

#[tokio::test]
async fn a_release_with_one_problem_changes_nothing_and_tells_all_problems() {
    let site = Site::empty().await;
    let shop = shop(&site).await;
    let poor = create(&site, "Product", json!({ "name": "Poor" }), false).await;
    let pointing = create(
        &site,
        "Post",
        json!({ "title": "A post", "body": "Text", "about": {"connect": [{"product": {"id": shop.leaving}}]} }),
        true,
    )
    .await;
    let id = release(&site, all(&shop)).await;
    add(&site, &id, json!([{ "entry": poor }])).await;
    let check = "query($id: ID!) { releaseCheck(id: $id) { code path } }";
    let found = told(&site, check, json!({ "id": id })).await["releaseCheck"].clone();
    assert_eq!(found, json!([{ "code": "INVALID_VALUE", "path": [poor, "price"] }]));
    let answer = site.ask_as_developer(PUBLISH, json!({ "id": id })).await;
    assert_eq!(refusal(&answer), ("INVALID_VALUE", &json!([poor, "price"])), "{answer}");
    assert_eq!(names(&site, "").await, ["Before", "Deleted", "Leaving"]);

    // Without it, what points at the entry that leaves is told.
    let remove =
        "mutation($id: ID!, $entries: [ID!]!) { made: removeFromRelease(id: $id, entries: $entries) { size } }";
    assert_eq!(told(&site, remove, json!({ "id": id, "entries": [poor] })).await["made"]["size"], 4);
    let answer = site.ask_as_developer(PUBLISH, json!({ "id": id })).await;
    assert_eq!(refusal(&answer).0, "REFERENCED", "{answer}");
    assert_eq!(names(&site, "").await, ["Before", "Deleted", "Leaving"]);
    // With a version of the post that points at it no more, all is well.
    update(&site, "Post", &pointing, 1, json!({ "about": {"set": [{"product": {"id": shop.changed}}]} })).await;
    add(&site, &id, json!([{ "entry": pointing }])).await;
    let about =
        format!("{{ post(id: \"{pointing}\", release: \"{id}\") {{ about {{ ... on Product {{ name }} }} }} }}");
    assert_eq!(told(&site, &about, json!({})).await["post"]["about"], json!([{ "name": "After" }]));
    told(&site, PUBLISH, json!({ "id": id })).await;
    assert_eq!(names(&site, "").await, ["After", "New"]);
    site.stop().await;
}

#[tokio::test]
async fn an_undo_does_not_overwrite_what_came_later() {
    let site = Site::empty().await;
    let shop = shop(&site).await;
    let id = release(&site, all(&shop)).await;
    told(&site, PUBLISH, json!({ "id": id })).await;
    let later = "mutation($id: ID!) { made: updateProduct(id: $id, revision: 2, input: { name: \"Later\" }, publish: true) { id } }";
    told(&site, later, json!({ "id": shop.changed })).await;
    let answer = site.ask_as_developer(UNDO, json!({ "id": id })).await;
    assert_eq!(refusal(&answer), ("CONFLICT", &json!([shop.changed])), "{answer}");
    assert_eq!(names(&site, "").await, ["Later", "New"]);
    site.stop().await;
}

#[tokio::test]
async fn an_undo_is_told_of_what_has_come_to_refer_to_an_entry() {
    let site = Site::empty().await;
    let new = create(&site, "Product", product("New"), false).await;
    let id = release(&site, json!([{ "entry": new }])).await;
    told(&site, PUBLISH, json!({ "id": id })).await;
    let input = json!({ "name": "Later", "price": {"amount": "10"}, "related": {"set": [{ "id": new }]} });
    create(&site, "Product", input, true).await;
    let answer = site.ask_as_developer(UNDO, json!({ "id": id })).await;
    assert_eq!(refusal(&answer).0, "REFERENCED", "{answer}");
    assert_eq!(names(&site, "").await, ["Later", "New"]);
    let undo = "mutation($id: ID!) { made: undoRelease(id: $id, force: true) { state } }";
    assert_eq!(told(&site, undo, json!({ "id": id })).await["made"]["state"], "UNDONE");
    let left = told(&site, "{ products(first: 5) { nodes { name related { name } } } }", json!({})).await;
    assert_eq!(left["products"]["nodes"], json!([{ "name": "Later", "related": [] }]));
    site.stop().await;
}

#[tokio::test]
async fn releases_that_change_one_entry_are_told_of_each_other() {
    let site = Site::empty().await;
    let entry = create(&site, "Product", product("One"), false).await;
    let (one, two) = (release(&site, json!([{ "entry": entry }])).await, release(&site, json!([])).await);
    let told_of = add(&site, &two, json!([{ "entry": entry, "revision": 1 }])).await;
    assert_eq!(told_of["changes"][0]["otherReleases"], json!([one]));
    assert_eq!(told_of["changes"][0]["revision"], 1);
    let query = format!("query($id: ID!) {{ release(id: $id) {{ {CHANGES} }} }}");
    let first = told(&site, &query, json!({ "id": one })).await;
    assert_eq!(first["release"]["changes"][0]["otherReleases"], json!([two]));
    // The second has the revision of then; the first takes what is there.
    update(&site, "Product", &entry, 1, json!({ "name": "Two" })).await;
    for (release, name) in [(&one, "Two"), (&two, "One")] {
        assert_eq!(names(&site, &format!("release: \"{release}\"")).await, [name]);
    }
    told(&site, PUBLISH, json!({ "id": two })).await;
    assert_eq!(names(&site, "").await, ["One"]);
    let first = told(&site, &query, json!({ "id": one })).await;
    assert_eq!(first["release"]["changes"][0]["otherReleases"], json!([]));
    site.stop().await;
}

#[tokio::test]
async fn a_moment_shows_what_is_scheduled_until_then() {
    let site = Site::empty().await;
    let shop = shop(&site).await;
    let early = "mutation($id: ID!, $at: String!) { made: schedulePublish(id: $id, at: $at) { id } }";
    told(&site, early, json!({ "id": shop.new, "at": "2034-01-01T00:00:00Z" })).await;
    let end = "mutation($id: ID!, $at: String!) { made: scheduleUnpublish(id: $id, at: $at) { id } }";
    told(&site, end, json!({ "id": shop.new, "at": "2034-03-01T00:00:00Z" })).await;
    let id = release(&site, json!([{ "entry": shop.changed }, { "entry": shop.leaving, "action": "UNPUBLISH" }])).await;
    let schedule = "mutation($id: ID!) { made: scheduleRelease(id: $id, at: \"2034-02-01T00:00\", zone: \"Europe/Vienna\") { state at zone } }";
    let made = told(&site, schedule, json!({ "id": id })).await;
    assert_eq!(
        made["made"],
        json!({ "state": "SCHEDULED", "at": "2034-01-31T23:00:00.000000Z", "zone": "Europe/Vienna" })
    );
    for (at, seen) in [
        ("2033-12-31T23:59:59Z", vec!["Before", "Deleted", "Leaving"]),
        ("2034-01-01T00:00:00Z", vec!["Before", "Deleted", "Leaving", "New"]),
        ("2034-01-31T23:00:00Z", vec!["After", "Deleted", "New"]),
        ("2034-03-01T00:00:00Z", vec!["After", "Deleted"]),
    ] {
        assert_eq!(names(&site, &format!("at: \"{at}\"")).await, seen, "{at}");
    }
    for (arguments, code) in [
        ("at: \"2020-01-01T00:00:00Z\"", "INVALID_VALUE"),
        ("at: \"2034-01-01T00:00:00Z\", stage: DRAFT", "BAD_USER_INPUT"),
        ("release: \"release_01h455vb4pex5vsknk084sn02q\"", "NOT_FOUND"),
        ("release: \"winter\"", "BAD_USER_INPUT"),
    ] {
        let answer = site.ask_as_developer(&format!("{{ products({arguments}) {{ totalCount }} }}"), json!({})).await;
        assert_eq!(refusal(&answer).0, code, "{answer}");
    }
    let unschedule = "mutation($id: ID!) { made: unscheduleRelease(id: $id) { state at } }";
    assert_eq!(told(&site, unschedule, json!({ "id": id })).await["made"], json!({ "state": "OPEN", "at": null }));
    assert_eq!(names(&site, "at: \"2034-02-02T00:00:00Z\"").await, ["Before", "Deleted", "Leaving", "New"]);
    site.stop().await;
}

#[tokio::test]
async fn a_release_is_published_at_its_time_or_fails_in_sight() {
    let site = Site::empty().await;
    let shop = shop(&site).await;
    let poor = create(&site, "Product", json!({ "name": "Poor" }), false).await;
    let good = release(&site, all(&shop)).await;
    let bad = release(&site, json!([{ "entry": poor }])).await;
    let schedule = "mutation($id: ID!) { made: scheduleRelease(id: $id, at: \"2020-01-01T00:00:00Z\") { state } }";
    told(&site, schedule, json!({ "id": good })).await;
    told(&site, schedule, json!({ "id": bad })).await;
    let begun = Instant::now();
    for (release, state) in [(&good, "PUBLISHED"), (&bad, "FAILED")] {
        loop {
            let query = "query($id: ID!) { release(id: $id) { state problems { code path } } }";
            let found = told(&site, query, json!({ "id": release })).await["release"].clone();
            if found["state"] == state {
                let none = json!([]);
                let why = json!([{ "code": "INVALID_VALUE", "path": [poor, "price"] }]);
                assert_eq!(found["problems"], if state == "FAILED" { why } else { none });
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{found}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert_eq!(names(&site, "").await, ["After", "New"]);
    // Once mended, it is published by hand.
    update(&site, "Product", &poor, 1, json!({ "price": {"amount": "1"} })).await;
    told(&site, PUBLISH, json!({ "id": bad })).await;
    assert_eq!(names(&site, "").await, ["After", "New", "Poor"]);
    site.stop().await;
}

#[tokio::test]
async fn releases_and_what_they_will_publish_are_only_for_those_who_may() {
    let site = Site::empty().await;
    let entry = create(&site, "Product", product("Secret"), false).await;
    let id = release(&site, json!([{ "entry": entry }])).await;
    for query in [
        "{ releases { id } }".to_owned(),
        format!("{{ release(id: \"{id}\") {{ title }} }}"),
        format!("{{ releaseCheck(id: \"{id}\") {{ code }} }}"),
        format!("mutation {{ publishRelease(id: \"{id}\") {{ id }} }}"),
        format!("{{ products(release: \"{id}\") {{ totalCount }} }}"),
        "{ products(at: \"2034-01-01T00:00:00Z\") { totalCount } }".to_owned(),
        format!("{{ product(id: \"{entry}\", release: \"{id}\") {{ name }} }}"),
        format!("{{ nodes(ids: [\"{entry}\"], release: \"{id}\") {{ id }} }}"),
    ] {
        let answer = site.ask(&query).await;
        assert!(["FORBIDDEN", "UNAUTHENTICATED"].contains(&refusal(&answer).0), "{query}: {answer}");
    }
    site.stop().await;
}

#[tokio::test]
async fn a_release_that_takes_entries_along_is_undone_with_them() {
    let site = Site::empty().await;
    let category = async |input: Json| {
        let query = "mutation($input: CategoryCreateInput!) { made: createCategory(input: $input) { id } }";
        told(&site, query, json!({ "input": input })).await["made"]["id"].clone()
    };
    // The parent may not be deleted before its child.
    let parent = category(json!({ "name": "Parent" })).await;
    let child = category(json!({ "name": "Child", "parent": {"connect": {"id": parent}} })).await;
    let entries = [&parent, &child].map(|id| json!({ "entry": id, "action": "DELETE" }));
    let id = release(&site, json!(entries)).await;
    let read =
        "{ categories(first: 9, orderBy: [{ field: NAME, direction: ASC }]) { nodes { name parent { name } } } }";
    let both = json!([{ "name": "Child", "parent": { "name": "Parent" } }, { "name": "Parent", "parent": null }]);
    assert_eq!(told(&site, read, json!({})).await["categories"]["nodes"], both);
    told(&site, PUBLISH, json!({ "id": id })).await;
    assert_eq!(told(&site, read, json!({})).await["categories"]["nodes"], json!([]));
    told(&site, UNDO, json!({ "id": id })).await;
    assert_eq!(told(&site, read, json!({})).await["categories"]["nodes"], both);
    site.stop().await;
}

#[tokio::test]
async fn a_release_of_many_is_published_and_undone() {
    let site = Site::empty().await;
    let upsert =
        "mutation($input: [ProductUpsertInput!]!) { made: upsertProducts(input: $input, publish: true) { id } }";
    let item = |n: usize, name: &str| json!({ "key": { "externalRef": format!("r{n}") }, "data": { "name": format!("{name} {n:03}"), "price": {"amount": "1"} } });
    let input = |name: &str| json!({ "input": (0..100).map(|n| item(n, name)).collect::<Vec<_>>() });
    let made = told(&site, upsert, input("Before")).await;
    let changed = upsert.replace(", publish: true", "");
    told(&site, &changed, input("After")).await;
    let changes: Vec<Json> =
        made["made"].as_array().unwrap().iter().map(|made| json!({ "entry": made["id"] })).collect();
    let id = release(&site, json!(changes)).await;
    let first = "{ products(first: 1, orderBy: [{ field: NAME, direction: ASC }]) { totalCount nodes { name } } }";
    let seen = async |name: &str| {
        let expected = json!({ "totalCount": 100, "nodes": [{ "name": format!("{name} 000") }] });
        assert_eq!(told(&site, first, json!({})).await["products"], expected);
    };
    seen("Before").await;
    told(&site, PUBLISH, json!({ "id": id })).await;
    seen("After").await;
    // Those who have changed the drafts meanwhile keep their changes.
    told(&site, &changed, input("Later")).await;
    told(&site, UNDO, json!({ "id": id })).await;
    seen("Before").await;
    site.stop().await;
}

#[tokio::test]
async fn an_entry_is_asked_for_its_releases() {
    let site = Site::empty().await;
    let (chair, table) = (
        create(&site, "Product", product("Chair"), true).await,
        create(&site, "Product", product("Table"), false).await,
    );
    let first = release(&site, json!([{ "entry": chair, "action": "UNPUBLISH" }, { "entry": table }])).await;
    let second = release(&site, json!([{ "entry": chair, "action": "DELETE" }])).await;
    release(&site, json!([])).await;
    let list = "query($entry: ID, $state: ReleaseState) { releases(entry: $entry, state: $state) { id } }";
    let of = async |variables: Json| told(&site, list, variables).await["releases"].clone();
    let shown = |ids: &[&String]| ids.iter().map(|id| json!({ "id": id })).collect::<Json>();
    assert_eq!(of(json!({ "entry": chair })).await, shown(&[&second, &first]));
    assert_eq!(of(json!({ "entry": table })).await, shown(&[&first]));
    assert_eq!(of(json!({ "entry": table, "state": "PUBLISHED" })).await, json!([]));
    assert_eq!(of(json!({})).await.as_array().unwrap().len(), 3);
    let wrong = site.ask_as_developer(list, json!({ "entry": first })).await;
    assert_eq!(refusal(&wrong), ("BAD_USER_INPUT", &json!(["entry"])));
    // Also once the entry is in the bin.
    told(&site, "mutation($id: ID!) { publishRelease(id: $id) { state } }", json!({ "id": second })).await;
    assert_eq!(of(json!({ "entry": chair })).await, shown(&[&second, &first]));
    site.stop().await;
}
