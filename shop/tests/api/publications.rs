//! When and by whom an entry was published, first and last, whichever way it was.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, TOKEN, account};

const SHOWN: &str = "status revision publishedAt firstPublishedAt publishedBy createdAt createdBy";
const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// A site with two editors.
struct Newsroom {
    site: Site,
    ada: Person,
    bob: Person,
}

struct Person {
    id: String,
    token: String,
}

impl Newsroom {
    async fn new() -> Self {
        let site = Site::empty().await;
        let person = async |email: &str| {
            let (id, token) = account(&site, email, "editor").await;
            Person { id, token }
        };
        let (ada, bob) = (person("ada@shop.example").await, person("bob@shop.example").await);
        Self { site, ada, bob }
    }

    async fn told(&self, token: &str, query: &str, variables: Json) -> Json {
        let answer = self.site.ask_with(token, query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"]["made"].clone()
    }

    /// Calls a mutation of the type `of` with its id and revision, such as `publishProduct`.
    async fn call(&self, person: &Person, verb: &str, of: &str, id: &str, revision: i64, more: &str) {
        let query = format!(
            "mutation($id: ID!, $revision: Int!) {{ made: {verb}{of}(id: $id, revision: $revision{more}) {{ id }} }}"
        );
        self.told(&person.token, &query, json!({ "id": id, "revision": revision })).await;
    }

    async fn create(&self, person: &Person, of: &str, input: Json) -> String {
        let query = format!("mutation($input: {of}CreateInput!) {{ made: create{of}(input: $input) {{ id }} }}");
        let made = self.told(&person.token, &query, json!({ "input": input })).await;
        made["id"].as_str().unwrap().to_owned()
    }

    async fn draft(&self, of: &str, id: &str) -> Json {
        let field = of.to_lowercase();
        let query = format!("query($id: ID!) {{ made: {field}(id: $id, stage: DRAFT) {{ {SHOWN} }} }}");
        self.told(TOKEN, &query, json!({ "id": id })).await
    }

    async fn live(&self, of: &str, id: &str) -> Json {
        let field = of.to_lowercase();
        let query = format!("query($id: ID!) {{ made: {field}(id: $id) {{ {SHOWN} }} }}");
        self.told(TOKEN, &query, json!({ "id": id })).await
    }

    /// What draft and live entry say of the publication, after they were seen to agree.
    async fn published(&self, of: &str, id: &str) -> Publication {
        let found = Publication::of(&self.draft(of, id).await);
        assert_eq!(Publication::of(&self.live(of, id).await), found);
        found
    }

    /// Waits for the scheduled changes of an entry.
    async fn settled(&self, entry: &str) {
        let begun = Instant::now();
        let query = "query($entry: ID) { made: scheduledChanges(entry: $entry, state: PENDING) { id } }";
        while self.told(TOKEN, query, json!({ "entry": entry })).await != json!([]) {
            assert!(begun.elapsed() < Duration::from_secs(90), "it is not made");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Publication {
    last: String,
    first: String,
    by: Json,
}

impl Publication {
    fn of(entry: &Json) -> Self {
        let moment = |name: &str| entry[name].as_str().unwrap_or_else(|| panic!("{name}: {entry}")).to_owned();
        Self { last: moment("publishedAt"), first: moment("firstPublishedAt"), by: entry["publishedBy"].clone() }
    }

    /// This publication is a later one of the same entry, by this user.
    fn follows(&self, before: &Self, by: Option<&Person>) {
        assert_eq!(self.first, before.first);
        assert!(self.last > before.last, "{self:?} after {before:?}");
        assert_eq!(self.by, json!(by.map(|person| &person.id)));
    }
}

fn chair() -> Json {
    json!({ "name": "Chair", "price": {"amount": "49.90"} })
}

#[tokio::test]
async fn each_publication_is_told_with_its_user_and_the_first_one_stays() {
    let room = Newsroom::new().await;
    let Newsroom { site, ada, bob } = &room;
    let id = room.create(ada, "Product", chair()).await;
    let never = room.draft("Product", &id).await;
    for name in ["publishedAt", "firstPublishedAt", "publishedBy"] {
        assert_eq!(never[name], Json::Null, "{name}");
    }
    room.call(bob, "publish", "Product", &id, 1, "").await;
    let first = room.published("Product", &id).await;
    assert_eq!((&first.last, &first.by), (&first.first, &json!(bob.id)));

    // Neither a publication of what is live nor a save publishes anything.
    room.call(ada, "publish", "Product", &id, 1, "").await;
    assert_eq!(room.published("Product", &id).await, first);
    room.call(ada, "update", "Product", &id, 1, ", input: {name: \"Armchair\"}").await;
    assert_eq!(room.published("Product", &id).await, first);

    room.call(ada, "update", "Product", &id, 2, ", input: {name: \"Seat\"}, publish: true").await;
    let second = room.published("Product", &id).await;
    second.follows(&first, Some(ada));
    room.call(ada, "update", "Product", &id, 3, ", input: {name: \"Stool\"}").await;
    let all = "mutation($ids: [ID!]!) { made: publishProducts(ids: $ids) { status } }";
    room.told(&bob.token, all, json!({ "ids": [id] })).await;
    let third = room.published("Product", &id).await;
    third.follows(&second, Some(bob));

    room.call(ada, "update", "Product", &id, 4, ", input: {name: \"Mistake\"}").await;
    room.call(ada, "discard", "ProductDraft", &id, 5, "").await;
    assert_eq!(room.draft("Product", &id).await["status"], "PUBLISHED");
    room.call(ada, "restore", "Product", &id, 6, ", from: 1").await;
    assert_eq!(room.draft("Product", &id).await["status"], "CHANGED");
    assert_eq!(room.published("Product", &id).await, third);

    // What is not live any more tells when it was.
    room.call(ada, "unpublish", "Product", &id, 7, "").await;
    assert_eq!(room.live("Product", &id).await, Json::Null);
    assert_eq!(Publication::of(&room.draft("Product", &id).await), third);
    let developer = Person { id: String::new(), token: TOKEN.to_owned() };
    room.call(&developer, "publish", "Product", &id, 7, "").await;
    room.published("Product", &id).await.follows(&third, None);

    let copy = "mutation($id: ID!) { made: duplicateProduct(id: $id) { publishedAt firstPublishedAt publishedBy } }";
    let copy = room.told(&ada.token, copy, json!({ "id": id })).await;
    assert_eq!(copy, json!({ "publishedAt": null, "firstPublishedAt": null, "publishedBy": null }));
    let by_visitor = site.ask("{ products { nodes { publishedAt firstPublishedAt publishedBy } } }").await;
    assert_eq!(by_visitor["errors"].as_array().map(Vec::len), Some(1), "{by_visitor}");
    room.site.stop().await;
}

#[tokio::test]
async fn entries_are_found_and_sorted_by_their_first_publication() {
    let room = Newsroom::new().await;
    let mut ids = Vec::new();
    for name in ["One", "Two", "Never"] {
        ids.push(room.create(&room.ada, "Product", json!({ "name": name, "price": {"amount": "1"} })).await);
    }
    room.call(&room.ada, "publish", "Product", &ids[1], 1, "").await;
    room.call(&room.ada, "publish", "Product", &ids[0], 1, "").await;
    // The one that was published first is also the one that was published last.
    room.call(&room.bob, "update", "Product", &ids[1], 1, ", input: {summary: \"New\"}, publish: true").await;
    let names = async |arguments: &str| -> Vec<String> {
        let query = format!("{{ made: products(stage: DRAFT, {arguments}) {{ nodes {{ name }} }} }}");
        let found = room.told(TOKEN, &query, json!({})).await;
        found["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("orderBy: [{field: FIRST_PUBLISHED_AT}]").await, ["Two", "One", "Never"]);
    assert_eq!(
        names("orderBy: [{field: FIRST_PUBLISHED_AT, direction: DESC, nulls: LAST}]").await,
        ["One", "Two", "Never"]
    );
    assert_eq!(names("orderBy: [{field: PUBLISHED_AT}]").await, ["One", "Two", "Never"]);
    let first = room.published("Product", &ids[1]).await.first;
    assert_eq!(names(&format!("filter: {{firstPublishedAt: {{lte: \"{first}\"}}}}")).await, ["Two"]);
    assert_eq!(names(&format!("filter: {{publishedAt: {{lte: \"{first}\"}}}}")).await, [""; 0]);
    assert_eq!(names("filter: {firstPublishedAt: {isNull: true}}").await, ["Never"]);
    room.site.stop().await;
}

#[tokio::test]
async fn what_is_published_later_is_published_by_those_who_scheduled_it() {
    let room = Newsroom::new().await;
    let Newsroom { ada, bob, .. } = &room;
    let id = room.create(ada, "Product", chair()).await;
    room.call(bob, "update", "Product", &id, 1, ", input: {name: \"Armchair\"}").await;
    let schedule = "mutation($id: ID!, $at: String!, $revision: Int) {
        made: schedulePublish(id: $id, at: $at, revision: $revision) { state } }";
    room.told(&ada.token, schedule, json!({ "id": id, "at": LONG_AGO, "revision": 1 })).await;
    room.settled(&id).await;
    assert_eq!(room.live("Product", &id).await["revision"], 1);
    let first = room.published("Product", &id).await;
    assert_eq!((&first.first, &first.by), (&first.last, &json!(ada.id)));

    let release = "mutation { made: createRelease(title: \"Winter\") { id } }";
    let release = room.told(&ada.token, release, json!({})).await["id"].clone();
    let add = "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) { made: addToRelease(id: $id, changes: $changes) { size } }";
    room.told(&ada.token, add, json!({ "id": release, "changes": [{ "entry": id }] })).await;
    let publish = "mutation($id: ID!) { made: publishRelease(id: $id) { state } }";
    room.told(&bob.token, publish, json!({ "id": release })).await;
    assert_eq!(room.live("Product", &id).await["revision"], 2);
    let second = room.published("Product", &id).await;
    second.follows(&first, Some(bob));
    let undo = "mutation($id: ID!) { made: undoRelease(id: $id) { state } }";
    room.told(&ada.token, undo, json!({ "id": release })).await;
    assert_eq!(room.live("Product", &id).await["revision"], 1);
    room.published("Product", &id).await.follows(&second, Some(ada));
    room.site.stop().await;
}

#[tokio::test]
async fn what_comes_out_of_the_bin_was_published_when_it_was() {
    let room = Newsroom::new().await;
    let Newsroom { ada, bob, .. } = &room;
    let delete = async |of: &str, id: &str, revision: i64| {
        let query = format!("mutation($id: ID!, $revision: Int!) {{ made: delete{of}(id: $id, revision: $revision) }}");
        room.told(&ada.token, &query, json!({ "id": id, "revision": revision })).await;
        let query = format!("mutation($id: ID!) {{ made: undelete{of}(id: $id) {{ id }} }}");
        room.told(&ada.token, &query, json!({ "id": id })).await;
    };
    let id = room.create(bob, "Product", chair()).await;
    room.call(bob, "publish", "Product", &id, 1, "").await;
    let first = room.published("Product", &id).await;
    delete("Product", &id, 1).await;
    let back = room.draft("Product", &id).await;
    assert_eq!((&back["status"], Publication::of(&back)), (&json!("DRAFT"), first.clone()));
    room.call(ada, "publish", "Product", &id, 2, "").await;
    room.published("Product", &id).await.follows(&first, Some(ada));

    // Without drafts, each save is a publication.
    let id = room.create(ada, "Brand", json!({ "name": "North" })).await;
    let first = room.published("Brand", &id).await;
    assert_eq!((&first.first, &first.by), (&first.last, &json!(ada.id)));
    room.call(bob, "update", "Brand", &id, 1, ", input: {name: \"South\"}").await;
    let second = room.published("Brand", &id).await;
    second.follows(&first, Some(bob));
    let before = room.live("Brand", &id).await;
    delete("Brand", &id, 2).await;
    room.published("Brand", &id).await.follows(&second, Some(ada));
    for back in [room.live("Brand", &id).await, room.draft("Brand", &id).await] {
        assert_eq!((&back["createdAt"], &back["createdBy"]), (&before["createdAt"], &json!(ada.id)));
    }
    room.site.stop().await;
}
