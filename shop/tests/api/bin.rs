//! The bin: what a deletion takes from other entries stays in their history, and comes back with what was deleted.

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    answer["data"].clone()
}

async fn made(site: &Site, of: &str, input: Json) -> String {
    let publish = if ["Product", "Post"].contains(&of) { ", publish: true" } else { "" };
    let query = format!("mutation($input: {of}CreateInput!) {{ made: create{of}(input: $input{publish}) {{ id }} }}");
    told(site, &query, json!({ "input": input })).await["made"]["id"].as_str().unwrap().to_owned()
}

async fn product(site: &Site, name: &str, more: Json) -> String {
    let mut input = json!({ "name": name, "price": {"amount": "10"} });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    made(site, "Product", input).await
}

async fn tags<const N: usize>(site: &Site, names: [&str; N]) -> [String; N] {
    let mut ids = names.map(str::to_owned);
    for id in &mut ids {
        *id = made(site, "Tag", json!({ "name": id })).await;
    }
    ids
}

fn list(ids: &[&String]) -> Json {
    json!({ "set": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() })
}

async fn revision(site: &Site, of: &str, id: &str) -> i64 {
    let one = of.to_lowercase();
    let query = format!("query($id: ID!) {{ found: {one}(id: $id, stage: DRAFT) {{ revision }} }}");
    told(site, &query, json!({ "id": id })).await["found"]["revision"].as_i64().unwrap()
}

async fn update(site: &Site, of: &str, id: &str, input: Json) {
    let query = format!(
        "mutation($id: ID!, $revision: Int!, $input: {of}UpdateInput!) {{ update{of}(id: $id, revision: $revision, input: $input) {{ id }} }}"
    );
    let revision = revision(site, of, id).await;
    told(site, &query, json!({ "id": id, "revision": revision, "input": input })).await;
}

async fn delete(site: &Site, of: &str, id: &str) {
    let query = format!("mutation($id: ID!, $revision: Int!) {{ delete{of}(id: $id, revision: $revision) }}");
    let revision = revision(site, of, id).await;
    told(site, &query, json!({ "id": id, "revision": revision })).await;
}

async fn undelete(site: &Site, of: &str, id: &str) {
    let query = format!("mutation($id: ID!) {{ undelete{of}(id: $id) {{ id }} }}");
    told(site, &query, json!({ "id": id })).await;
}

/// An entry at a stage.
async fn at(site: &Site, stage: &str, of: &str, id: &str, fields: &str) -> Json {
    let one = of.to_lowercase();
    let query = format!("query($id: ID!) {{ found: {one}(id: $id, stage: {stage}) {{ {fields} }} }}");
    told(site, &query, json!({ "id": id })).await["found"].clone()
}

fn named(names: &[&str]) -> Json {
    names.iter().map(|name| json!({ "name": name })).collect()
}

async fn tags_of_revision(site: &Site, id: &str, revision: i64) -> Json {
    let query =
        "query($id: ID!, $revision: Int!) { was: productRevision(id: $id, revision: $revision) { tags { name } } }";
    told(site, query, json!({ "id": id, "revision": revision })).await["was"]["tags"].clone()
}

const CHECK: &str = "query($id: ID!, $from: Int!) { lost: restoreCheck(id: $id, from: $from) }";
const RESTORE: &str = "mutation($id: ID!, $revision: Int!, $from: Int!) {
    made: restoreProduct(id: $id, revision: $revision, from: $from) { tags { name } } }";

#[tokio::test]
async fn the_history_has_what_a_deletion_took_from_the_current_revision() {
    let site = Site::empty().await;
    let [oak, new] = tags(&site, ["Oak", "New"]).await;
    let id = product(&site, "Chair", json!({ "tags": list(&[&oak, &new]) })).await;
    delete(&site, "Tag", &oak).await;
    let lost = json!([format!("Product.tags: {oak}")]);
    assert_eq!(told(&site, CHECK, json!({ "id": id, "from": 1 })).await["lost"], lost);
    // The second deletion finds less than there was.
    delete(&site, "Tag", &new).await;
    update(&site, "Product", &id, json!({ "summary": "Of oak" })).await;
    assert_eq!(tags_of_revision(&site, &id, 1).await, json!([]));
    undelete(&site, "Tag", &new).await;
    undelete(&site, "Tag", &oak).await;
    update(&site, "Product", &id, json!({ "tags": {"set": []} })).await;
    assert_eq!(tags_of_revision(&site, &id, 1).await, named(&["Oak", "New"]));
    assert_eq!(told(&site, CHECK, json!({ "id": id, "from": 1 })).await["lost"], json!([]));

    let publish = "mutation($id: ID!, $revision: Int!) { publishProduct(id: $id, revision: $revision) { id } }";
    told(&site, publish, json!({ "id": id, "revision": revision(&site, "Product", &id).await })).await;
    let release = told(&site, "mutation { made: createRelease(title: \"As it was\") { id } }", json!({})).await;
    let release = release["made"]["id"].clone();
    let add =
        "mutation($id: ID!, $entry: ID!) { addToRelease(id: $id, changes: [{ entry: $entry, revision: 1 }]) { id } }";
    told(&site, add, json!({ "id": release, "entry": id })).await;
    told(&site, "mutation($id: ID!) { publishRelease(id: $id) { id } }", json!({ "id": release })).await;
    assert_eq!(at(&site, "LIVE", "Product", &id, "tags { name }").await["tags"], named(&["Oak", "New"]));
    let now = json!({ "id": id, "revision": revision(&site, "Product", &id).await, "from": 1 });
    let restored = told(&site, RESTORE, now).await;
    assert_eq!(restored["made"]["tags"], named(&["Oak", "New"]));
    site.stop().await;
}

#[tokio::test]
async fn an_entry_that_lost_a_reference_is_deleted_and_restored_with_all_it_had() {
    let site = Site::empty().await;
    let [oak, new] = tags(&site, ["Oak", "New"]).await;
    let more = json!({ "tags": list(&[&oak, &new]), "variants": {"create": [{"sku": "CH-1"}]} });
    let id = product(&site, "Chair", more).await;
    let before = at(&site, "DRAFT", "Product", &id, "publishedAt firstPublishedAt").await;
    delete(&site, "Tag", &oak).await;
    delete(&site, "Product", &id).await;
    undelete(&site, "Tag", &oak).await;
    undelete(&site, "Product", &id).await;
    let after = at(&site, "DRAFT", "Product", &id, "tags { name } variants { sku }").await;
    assert_eq!(after, json!({ "tags": named(&["Oak", "New"]), "variants": [{ "sku": "CH-1" }] }));
    assert_eq!(at(&site, "DRAFT", "Product", &id, "publishedAt firstPublishedAt").await, before);
    site.stop().await;
}

async fn release(site: &Site, changes: Json) -> String {
    let made = told(site, "mutation { made: createRelease(title: \"Autumn\") { id } }", json!({})).await;
    let id = made["made"]["id"].as_str().unwrap().to_owned();
    let add =
        "mutation($id: ID!, $changes: [ReleaseChangeInput!]!) { addToRelease(id: $id, changes: $changes) { id } }";
    told(site, add, json!({ "id": id, "changes": changes })).await;
    told(site, "mutation($id: ID!) { publishRelease(id: $id) { id } }", json!({ "id": id })).await;
    id
}

async fn undo(site: &Site, release: &str) {
    told(site, "mutation($id: ID!) { undoRelease(id: $id) { state } }", json!({ "id": release })).await;
}

/// Reads that a deletion changes: what is live and the draft.
async fn seen(site: &Site, of: &str, id: &str, list: &str) -> (Json, Json) {
    let live = at(site, "LIVE", of, id, list).await;
    (live, at(site, "DRAFT", of, id, &format!("revision status {list}")).await)
}

#[tokio::test]
async fn an_undone_release_gives_back_the_references_of_what_was_live_and_of_drafts() {
    let site = Site::empty().await;
    let [oak, new, red] = tags(&site, ["Oak", "New", "Red"]).await;
    let same = product(&site, "Chair", json!({ "tags": list(&[&oak, &new, &red]) })).await;
    let changed = product(&site, "Table", json!({ "tags": list(&[&new, &oak]) })).await;
    update(&site, "Product", &changed, json!({ "name": "Desk", "tags": list(&[&red, &new]) })).await;
    let about = json!({ "set": [{"product": {"id": changed}}, {"product": {"id": same}}] });
    let post = made(&site, "Post", json!({ "title": "On chairs", "body": "Text", "about": about })).await;
    let reads = [
        ("Product", &same, "tags { name }"),
        ("Product", &changed, "tags { name }"),
        ("Post", &post, "about { ... on Product { id } }"),
    ];
    let mut before = Vec::new();
    for (of, id, list) in reads {
        before.push(seen(&site, of, id, list).await);
    }
    let deleted = [&oak, &new].map(|id| json!({ "entry": id, "action": "DELETE" }));
    let release = release(&site, json!(deleted)).await;
    assert_eq!(at(&site, "LIVE", "Product", &same, "tags { name }").await["tags"], named(&["Red"]));
    undo(&site, &release).await;
    for ((of, id, list), before) in reads.iter().zip(&before) {
        assert_eq!(&seen(&site, of, id, list).await, before);
    }
    // The same by hand, in the other order.
    for id in [&oak, &new] {
        delete(&site, "Tag", id).await;
    }
    delete(&site, "Product", &changed).await;
    for id in [&oak, &new] {
        undelete(&site, "Tag", id).await;
    }
    undelete(&site, "Product", &changed).await;
    for ((of, id, list), before) in reads.iter().zip(&before).filter(|((_, id, _), _)| **id != changed) {
        let (live, draft) = seen(&site, of, id, list).await;
        let expected = if *of == "Post" { json!({ "about": [{ "id": same }] }) } else { before.0.clone() };
        assert_eq!((&live, &draft), (&expected, &before.1));
    }
    site.stop().await;
}

#[tokio::test]
async fn an_undone_release_gives_back_entries_that_refer_to_each_other() {
    let site = Site::empty().await;
    let chair = product(&site, "Chair", json!({})).await;
    let table = product(&site, "Table", json!({ "related": list(&[&chair]) })).await;
    update(&site, "Product", &chair, json!({ "related": list(&[&table]) })).await;
    let publish = "mutation($id: ID!) { publishProduct(id: $id, revision: 2) { id } }";
    told(&site, publish, json!({ "id": chair })).await;
    let deleted = [&chair, &table].map(|id| json!({ "entry": id, "action": "DELETE" }));
    let release = release(&site, json!(deleted)).await;
    undo(&site, &release).await;
    for (id, other) in [(&chair, "Table"), (&table, "Chair")] {
        assert_eq!(at(&site, "LIVE", "Product", id, "related { name }").await["related"], named(&[other]));
    }
    site.stop().await;
}

#[tokio::test]
async fn what_was_changed_since_a_deletion_gets_its_reference_back_as_a_draft() {
    let site = Site::empty().await;
    let [oak, new] = tags(&site, ["Oak", "New"]).await;
    let id = product(&site, "Chair", json!({ "tags": list(&[&oak, &new]) })).await;
    delete(&site, "Tag", &oak).await;
    update(&site, "Product", &id, json!({ "name": "Armchair" })).await;
    let publish = "mutation($id: ID!) { publishProduct(id: $id, revision: 2) { id } }";
    told(&site, publish, json!({ "id": id })).await;
    undelete(&site, "Tag", &oak).await;
    let (live, draft) = seen(&site, "Product", &id, "tags { name }").await;
    assert_eq!(live["tags"], named(&["New"]));
    assert_eq!(draft, json!({ "revision": 3, "status": "CHANGED", "tags": named(&["Oak", "New"]) }));
    site.stop().await;
}

#[tokio::test]
async fn relations_come_back_whatever_the_order_in_which_entries_do() {
    let site = Site::empty().await;
    for (first, last) in [(0, 1), (1, 0)] {
        let chair = product(&site, "Chair", json!({})).await;
        let table = product(&site, "Table", json!({ "related": list(&[&chair]) })).await;
        update(&site, "Product", &chair, json!({ "related": list(&[&table]) })).await;
        let both = [&chair, &table];
        delete(&site, "Product", &chair).await;
        delete(&site, "Product", &table).await;
        undelete(&site, "Product", both[first]).await;
        undelete(&site, "Product", both[last]).await;
        for (id, other) in [(&chair, "Table"), (&table, "Chair")] {
            let found = at(&site, "DRAFT", "Product", id, "related { name }").await;
            assert_eq!(found["related"], named(&[other]), "{first} comes back first");
        }
    }
    let [oak, new, red] = tags(&site, ["Oak", "New", "Red"]).await;
    let brand = made(&site, "Brand", json!({ "name": "North" })).await;
    for back in [[&oak, &new, &red], [&red, &new, &oak], [&new, &oak, &red]] {
        let more = json!({ "tags": list(&[&oak, &new, &red]), "brand": {"connect": {"id": brand}} });
        let id = product(&site, "Shelf", more).await;
        delete(&site, "Product", &id).await;
        delete(&site, "Brand", &brand).await;
        for id in [&oak, &new, &red] {
            delete(&site, "Tag", id).await;
        }
        undelete(&site, "Product", &id).await;
        for id in back {
            undelete(&site, "Tag", id).await;
        }
        undelete(&site, "Brand", &brand).await;
        let found = at(&site, "DRAFT", "Product", &id, "tags { name } brand { name }").await;
        assert_eq!(found, json!({ "tags": named(&["Oak", "New", "Red"]), "brand": {"name": "North"} }), "{back:?}");
        delete(&site, "Product", &id).await;
    }
    site.stop().await;
}

#[tokio::test]
async fn a_tree_comes_back_with_its_paths_if_the_leaf_is_first() {
    let site = Site::empty().await;
    let above = made(&site, "Category", json!({ "name": "Seats" })).await;
    let below = made(&site, "Category", json!({ "name": "Chairs", "parent": {"connect": {"id": above}} })).await;
    delete(&site, "Category", &below).await;
    delete(&site, "Category", &above).await;
    undelete(&site, "Category", &below).await;
    undelete(&site, "Category", &above).await;
    let tree = at(&site, "LIVE", "Category", &above, "children { name path }").await;
    assert_eq!(tree["children"], json!([{ "name": "Chairs", "path": "/shop/seats/chairs" }]));
    site.stop().await;
}

#[tokio::test]
async fn a_deleted_entry_gets_what_it_lost_once_that_is_back() {
    let site = Site::empty().await;
    let [oak, new] = tags(&site, ["Oak", "New"]).await;
    let id = product(&site, "Chair", json!({ "tags": list(&[&oak, &new]) })).await;
    delete(&site, "Tag", &oak).await;
    update(&site, "Product", &id, json!({ "summary": "Without the tag" })).await;
    delete(&site, "Product", &id).await;
    undelete(&site, "Tag", &oak).await;
    undelete(&site, "Product", &id).await;
    assert_eq!(at(&site, "DRAFT", "Product", &id, "tags { name }").await["tags"], named(&["Oak", "New"]));
    site.stop().await;
}
