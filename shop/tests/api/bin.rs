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

fn block(products: &[&String]) -> Json {
    let products: Json = products.iter().map(|id| json!({ "id": id })).collect();
    json!([
        { "text": { "body": "First" } },
        { "callToAction": { "heading": "Look", "label": "Buy", "url": "https://x.example", "products": products } },
    ])
}

const BLOCKS: &str = "seo { title image { url } } body { ... on CallToAction { products { name } } }";

#[tokio::test]
async fn references_inside_components_and_blocks_are_checked_and_left_out() {
    let site = Site::empty().await;
    let image = made(&site, "Media", json!({ "url": "https://x.example/a.png" })).await;
    let chair = product(&site, "Chair", json!({})).await;
    let table = product(&site, "Table", json!({})).await;
    let seo = json!({ "title": "Shelf", "image": {"id": image} });
    let id = product(&site, "Shelf", json!({ "body": block(&[&chair, &table]), "seo": seo })).await;
    update(&site, "Product", &id, json!({ "body": [], "seo": null })).await;
    let publish = "mutation($id: ID!) { publishProduct(id: $id, revision: 2) { id } }";
    told(&site, publish, json!({ "id": id })).await;
    assert_eq!(told(&site, CHECK, json!({ "id": id, "from": 1 })).await["lost"], json!([]));
    delete(&site, "Product", &chair).await;
    delete(&site, "Media", &image).await;
    let lost = json!([format!("Product.body.1.callToAction.products: {chair}"), format!("Product.seo.image: {image}")]);
    assert_eq!(told(&site, CHECK, json!({ "id": id, "from": 1 })).await["lost"], lost);
    told(&site, RESTORE, json!({ "id": id, "revision": 2, "from": 1 })).await;
    let seen = |products: &[&str]| json!({ "seo": {"title": "Shelf", "image": null}, "body": [{}, {"products": named(products)}] });
    assert_eq!(at(&site, "DRAFT", "Product", &id, BLOCKS).await, seen(&["Table"]));
    site.stop().await;
}

#[tokio::test]
async fn references_inside_blocks_come_back_whatever_the_order_in_which_entries_do() {
    let site = Site::empty().await;
    let [chair, table] = [product(&site, "Chair", json!({})).await, product(&site, "Table", json!({})).await];
    let image = made(&site, "Media", json!({ "url": "https://x.example/a.png" })).await;
    let seo = json!({ "title": "Shelf", "image": {"id": image} });
    let id = product(&site, "Shelf", json!({ "body": block(&[&chair, &table]), "seo": seo })).await;
    let before = at(&site, "DRAFT", "Product", &id, BLOCKS).await;
    delete(&site, "Product", &id).await;
    for id in [&chair, &table] {
        delete(&site, "Product", id).await;
    }
    delete(&site, "Media", &image).await;
    undelete(&site, "Product", &id).await;
    let stored = "select body::text || seo::text from draft.product where slug = 'shelf'";
    let stored: String = sqlx::query_scalar(stored).fetch_one(&site.db.pool).await.unwrap();
    assert!(!stored.contains("products") && !stored.contains("image"), "{stored}");
    undelete(&site, "Product", &table).await;
    undelete(&site, "Media", &image).await;
    undelete(&site, "Product", &chair).await;
    assert_eq!(at(&site, "DRAFT", "Product", &id, BLOCKS).await, before);
    site.stop().await;
}

fn refusals(answer: &Json) -> Vec<(&str, &Json)> {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no error: {answer}"));
    let extensions = errors.iter().map(|error| &error["extensions"]);
    extensions.map(|of| (of["code"].as_str().unwrap_or_default(), &of["inputPath"])).collect()
}

#[tokio::test]
async fn what_others_have_taken_is_told_and_replaced_by_an_input() {
    let site = Site::empty().await;
    let more = |sku: &str| json!({ "externalRef": "ref-1", "variants": {"create": [{"sku": "CH-0"}, {"sku": sku}]} });
    let id = product(&site, "Chair", more("CH-1")).await;
    update(&site, "Product", &id, json!({ "externalRef": null, "variants": {"set": []} })).await;
    told(&site, "mutation($id: ID!) { publishProduct(id: $id, revision: 2) { id } }", json!({ "id": id })).await;
    let other = json!({ "externalRef": "ref-1", "variants": {"create": [{"sku": "CH-1"}]} });
    let other = product(&site, "Other", other).await;
    let lost = json!([
        format!("Product.externalRef: the externalRef `ref-1` belongs to another Product: {other} “Other”"),
        "Product.variants.1.sku: the sku `CH-1` belongs to another ProductVariant",
    ]);
    let found = told(&site, CHECK, json!({ "id": id, "from": 1 })).await["lost"].clone();
    assert_eq!(found[0], lost[0]);
    assert!(found[1].as_str().unwrap().starts_with(lost[1].as_str().unwrap()), "{found}");
    let restore = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput) {
        made: restoreProduct(id: $id, revision: $revision, from: 1, input: $input) { externalRef variants { sku } } }";
    let refused = site.ask_as_developer(restore, json!({ "id": id, "revision": 2 })).await;
    let (reference, sku) = (json!(["input", "externalRef"]), json!(["input", "variants", 1, "sku"]));
    assert_eq!(refusals(&refused), [("CONFLICT", &reference), ("CONFLICT", &sku)]);
    let input = json!({ "externalRef": "ref-2", "variants": {"set": [{"sku": "CH-0"}, {"sku": "CH-2"}]} });
    let restored = told(&site, restore, json!({ "id": id, "revision": 2, "input": input })).await;
    assert_eq!(restored["made"], json!({ "externalRef": "ref-2", "variants": [{ "sku": "CH-0" }, { "sku": "CH-2" }] }));

    delete(&site, "Product", &id).await;
    product(&site, "Chair", json!({ "slug": "chair", "externalRef": "ref-2" })).await;
    let found = told(&site, CHECK, json!({ "id": id, "from": 3 })).await["lost"].clone();
    assert_eq!(found.as_array().map(Vec::len), Some(2), "{found}");
    let undelete = "mutation($id: ID!, $input: ProductUpdateInput) {
        made: undeleteProduct(id: $id, input: $input) { slug externalRef tags { name } revision } }";
    let refused = site.ask_as_developer(undelete, json!({ "id": id })).await;
    let (slug, reference) = (json!(["input", "slug"]), json!(["input", "externalRef"]));
    assert_eq!(refusals(&refused), [("CONFLICT", &slug), ("CONFLICT", &reference)]);
    let wrong = json!({ "slug": null, "externalRef": "x".repeat(251) });
    let refused = site.ask_as_developer(undelete, json!({ "id": id, "input": wrong })).await;
    assert_eq!(refusals(&refused), [("INVALID_VALUE", &reference)]);
    let input = json!({ "slug": null, "externalRef": null, "tags": {"create": [{ "name": "Back" }]} });
    let back = told(&site, undelete, json!({ "id": id, "input": input })).await;
    let expected = json!({ "slug": "chair-2", "externalRef": null, "tags": named(&["Back"]), "revision": 4 });
    assert_eq!(back["made"], expected);
    site.stop().await;
}
