//! Several writers at once: what was acknowledged stays, and what is made up for a copy or a slug does not collide.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, account};

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"]["made"].clone()
}

fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

const CREATE: &str = "mutation($input: ProductCreateInput!) { made: createProduct(input: $input, publish: true) { id slug variants { id } } }";
const UPDATE: &str = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!, $publish: Boolean!) {
    made: updateProduct(id: $id, revision: $revision, input: $input, publish: $publish) { slug revision } }";

async fn release(site: &Site, entry: &Json) -> Json {
    let made = told(site, "mutation { made: createRelease(title: \"R\") { id } }", json!({})).await;
    let add = "mutation($id: ID!, $entry: ID!) { made: addToRelease(id: $id, changes: [{ entry: $entry }]) { size } }";
    told(site, add, json!({ "id": made["id"], "entry": entry })).await;
    made["id"].clone()
}

async fn until_blocked(site: &Site, count: i64) {
    let sql = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let begun = Instant::now();
    while sqlx::query_scalar::<_, i64>(sql).fetch_one(&site.db.pool).await.expect("the activity") < count {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_undo_does_not_overwrite_a_publication_made_at_the_same_time() {
    let site = Site::empty().await;
    let made = told(&site, CREATE, json!({ "input": { "name": "1", "price": { "amount": "1" } } })).await;
    let edit = |revision: i64, name: &str, publish: bool| json!({ "id": made["id"], "revision": revision, "input": { "name": name }, "publish": publish });
    told(&site, UPDATE, edit(1, "2", false)).await;
    let release = release(&site, &made["id"]).await;
    told(&site, "mutation($id: ID!) { made: publishRelease(id: $id) { state } }", json!({ "id": release })).await;

    let mut held = site.db.pool.begin().await.expect("a transaction");
    sqlx::query("select from draft.product for no key update").execute(&mut *held).await.expect("it is held");
    let publish = site.ask_as_developer(UPDATE, edit(2, "3", true));
    let undo = async {
        until_blocked(&site, 1).await;
        let undone = site
            .ask_as_developer("mutation($id: ID!) { made: undoRelease(id: $id) { state } }", json!({ "id": release }));
        let released = async {
            until_blocked(&site, 2).await;
            held.rollback().await.expect("it ends");
        };
        tokio::join!(undone, released).0
    };
    let (published, undone) = tokio::join!(publish, undo);
    assert_eq!(published["data"]["made"]["revision"], 3, "{published}");
    assert_eq!(code(&undone), "CONFLICT");
    let live = told(&site, "query($id: ID!) { made: product(id: $id) { name } }", json!({ "id": made["id"] })).await;
    assert_eq!(live["name"], "3");
    site.stop().await;
}

#[tokio::test]
async fn who_may_not_publish_a_release_neither_renames_it_nor_adds_to_it_once_it_is_scheduled() {
    let site = Site::empty().await;
    let made = told(&site, CREATE, json!({ "input": { "name": "1", "price": { "amount": "1" } } })).await;
    let release = release(&site, &made["id"]).await;
    let (_, author) = account(&site, "author@shop.example", "author").await;
    let post = "mutation { made: createPost(input: { title: \"Mine\" }) { id } }";
    let post = site.ask_with(&author, post, json!({})).await["data"]["made"]["id"].clone();
    let add = "mutation($id: ID!, $entry: ID!) { made: addToRelease(id: $id, changes: [{ entry: $entry, action: DELETE }]) { hidden } }";
    let add = async || site.ask_with(&author, add, json!({ "id": release, "entry": post })).await;
    let rename = "mutation($id: ID!) { made: updateRelease(id: $id, title: \"Mine\") { title } }";
    assert_eq!(code(&site.ask_with(&author, rename, json!({ "id": release })).await), "FORBIDDEN");
    assert_eq!(add().await["data"]["made"]["hidden"], 1);
    let schedule = "mutation($id: ID!) { made: scheduleRelease(id: $id, at: \"2035-01-01T00:00:00Z\") { state } }";
    told(&site, schedule, json!({ "id": release })).await;
    assert_eq!(code(&add().await), "FORBIDDEN");
    site.stop().await;
}

#[tokio::test]
async fn copies_that_are_made_at_once_get_names_of_their_own() {
    let site = Site::empty().await;
    let input = json!({ "name": "Chair", "price": { "amount": "1" }, "variants": { "create": [{ "sku": "A" }, { "sku": "B" }] } });
    let made = told(&site, CREATE, json!({ "input": input })).await;
    let copy = "mutation($id: ID!) { made: duplicateProduct(id: $id) { slug variants { sku } } }";
    let copies = (0..4).map(|_| site.ask_as_developer(copy, json!({ "id": made["id"] })));
    let copies = futures_util::future::join_all(copies).await;
    let mut skus: Vec<&str> = copies
        .iter()
        .flat_map(|copy| copy["data"]["made"]["variants"].as_array().unwrap_or_else(|| panic!("{copy}")))
        .map(|variant| variant["sku"].as_str().unwrap())
        .collect();
    skus.sort_unstable();
    assert_eq!(skus, ["A-copy", "A-copy-2", "A-copy-3", "A-copy-4", "B-copy", "B-copy-2", "B-copy-3", "B-copy-4"]);
    site.stop().await;
}

#[tokio::test]
async fn a_slug_that_is_made_again_may_be_the_one_that_the_entry_has_or_had() {
    let site = Site::empty().await;
    let made = told(&site, CREATE, json!({ "input": { "name": "Chair", "price": { "amount": "1" } } })).await;
    let set = async |revision: i64, input: Json| {
        let variables = json!({ "id": made["id"], "revision": revision, "input": input, "publish": true });
        told(&site, UPDATE, variables).await["slug"].clone()
    };
    assert_eq!(set(1, json!({ "slug": null })).await, "chair");
    assert_eq!(set(1, json!({ "slug": "seat" })).await, "seat");
    assert_eq!(set(2, json!({ "slug": null })).await, "chair");
    let other = told(&site, CREATE, json!({ "input": { "name": "Chair", "price": { "amount": "1" } } })).await;
    assert_eq!(other["slug"], "chair-2");
    site.stop().await;
}

#[tokio::test]
async fn a_difference_tells_which_rows_changed_their_place() {
    let site = Site::empty().await;
    let sku = |sku: &str| json!({ "sku": sku });
    let input = json!({ "name": "Chair", "price": { "amount": "1" }, "variants": { "create": [sku("A"), sku("B"), sku("C"), sku("D")] } });
    let made = told(&site, CREATE, json!({ "input": input })).await;
    let ids: Vec<&Json> = made["variants"].as_array().unwrap().iter().map(|variant| &variant["id"]).collect();
    let edit = |revision: i64, skus: &[&str]| {
        json!({ "id": made["id"], "revision": revision, "publish": false,
        "input": { "variants": { "set": skus.iter().map(|one| sku(one)).collect::<Vec<_>>() } } })
    };
    told(&site, UPDATE, edit(1, &["B", "C", "D"])).await;
    told(&site, UPDATE, edit(2, &["C", "B", "D"])).await;
    let differ = "query($id: ID!, $from: Int!, $to: Int!) { made: revisionDiff(id: $id, from: $from, to: $to) { row kind movedFrom movedTo } }";
    let diff =
        async |from: i64, to: i64| told(&site, differ, json!({ "id": made["id"], "from": from, "to": to })).await;
    let removed = json!([{ "row": ids[0], "kind": "REMOVED", "movedFrom": null, "movedTo": null }]);
    assert_eq!(diff(1, 2).await, removed);
    let moved = json!([
        { "row": ids[2], "kind": "CHANGED", "movedFrom": 1, "movedTo": 0 },
        { "row": ids[1], "kind": "CHANGED", "movedFrom": 0, "movedTo": 1 },
    ]);
    assert_eq!(diff(2, 3).await, moved);
    site.stop().await;
}

#[tokio::test]
async fn one_user_cannot_take_all_places_for_releases() {
    let site = Site::empty().await;
    let (_, author) = account(&site, "author@shop.example", "author").await;
    let many = |count: usize| {
        let releases: String = (0..count).map(|n| format!(" r{n}: createRelease(title: \"R\") {{ id }}")).collect();
        format!("mutation {{ {releases} }}")
    };
    for _ in 0..4 {
        let answer = site.ask_with(&author, &many(50), json!({})).await;
        assert!(answer.get("errors").is_none(), "{answer}");
    }
    assert_eq!(code(&site.ask_with(&author, &many(1), json!({})).await), "LIMIT_EXCEEDED");
    told(&site, "mutation { made: createRelease(title: \"R\") { id } }", json!({})).await;
    site.stop().await;
}

/// Two products, of which the first refers to the second; both are live, and the draft of the first has another name.
async fn related(site: &Site) -> [Json; 2] {
    let other = told(site, CREATE, json!({ "input": { "name": "Other", "price": { "amount": "1" } } })).await;
    let input = json!({ "name": "One", "price": { "amount": "1" }, "related": { "set": [{ "id": other["id"] }] } });
    let one = told(site, CREATE, json!({ "input": input })).await;
    let edit = json!({ "id": one["id"], "revision": 1, "input": { "name": "Two" }, "publish": false });
    told(site, UPDATE, edit).await;
    [one["id"].clone(), other["id"].clone()]
}

/// As a deletion does first.
async fn held<'p>(site: &'p Site, name: &str) -> sqlx::Transaction<'p, sqlx::Postgres> {
    let mut held = site.db.pool.begin().await.expect("a transaction");
    let sql = "select from draft.product where name = $1 for update";
    sqlx::query(sql).bind(name).execute(&mut *held).await.expect("it is held");
    held
}

#[tokio::test]
async fn a_conflict_is_told_while_what_the_entry_refers_to_is_deleted() {
    let site = Site::empty().await;
    let [one, _] = related(&site).await;
    let held = held(&site, "Other").await;
    let late = json!({ "id": one, "revision": 1, "input": { "summary": "Late" }, "publish": false });
    let answer = site.ask_as_developer(UPDATE, late).await;
    assert_eq!(code(&answer), "REVISION_MISMATCH", "{answer}");
    held.rollback().await.expect("it ends");
    site.stop().await;
}

#[tokio::test]
async fn a_discard_locks_what_the_entry_refers_to_before_the_entry() {
    let site = Site::empty().await;
    let [one, _] = related(&site).await;
    let mut held = held(&site, "Other").await;
    let discard = "mutation($id: ID!) { made: discardProductDraft(id: $id, revision: 2) { name related { name } } }";
    let discarded = site.ask_as_developer(discard, json!({ "id": one }));
    let deletion = async {
        until_blocked(&site, 1).await;
        let sql = "select from draft.product where name = 'Two' for no key update nowait";
        sqlx::query(sql).execute(&mut *held).await.expect("the discard does not hold it yet");
        held.rollback().await.expect("it ends");
    };
    let (answer, ()) = tokio::join!(discarded, deletion);
    assert_eq!(answer["data"]["made"], json!({ "name": "One", "related": [{ "name": "Other" }] }), "{answer}");
    site.stop().await;
}
