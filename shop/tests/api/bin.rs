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
