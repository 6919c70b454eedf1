//! Operations on whole drafts: discard, duplicate, publish many.

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

fn refusal(answer: &Json) -> (&str, &Json) {
    let error = &answer["errors"][0]["extensions"];
    (error["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}")), &error["inputPath"])
}

const CREATE: &str = "mutation($input: ProductCreateInput!, $publish: Boolean!) {
    made: createProduct(input: $input, publish: $publish) { id revision status slug } }";

async fn create(site: &Site, input: Json, publish: bool) -> Json {
    told(site, CREATE, json!({ "input": input, "publish": publish })).await["made"].clone()
}

fn chair() -> Json {
    json!({
        "name": "Chair", "price": {"amount": "49.90"}, "externalRef": "c-1",
        "brand": {"create": {"name": "North"}}, "tags": {"create": [{"name": "Oak"}, {"name": "New"}]},
        "variants": {"create": [{"sku": "CH-1", "name": "low"}, {"sku": "CH-2", "name": "high"}]},
    })
}

const SHOWN: &str =
    "id revision status name slug externalRef publishedAt brand { name } tags { name } variants { id sku name }";

#[tokio::test]
async fn a_discarded_draft_is_what_is_live_and_can_be_told_from_the_one_before() {
    let site = Site::empty().await;
    let made = create(&site, chair(), true).await;
    let read = format!(
        "query($id: ID!) {{ live: product(id: $id) {{ {SHOWN} }} draft: product(id: $id, stage: DRAFT) {{ {SHOWN} }} }}"
    );
    let before = told(&site, &read, json!({ "id": made["id"] })).await;
    let update = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!) {
        made: updateProduct(id: $id, revision: $revision, input: $input) { revision status } }";
    let input = json!({
        "name": "Armchair", "slug": "armchair", "externalRef": null, "brand": {"create": {"name": "South"}}, "tags": {"set": []},
        "variants": {"set": [{"sku": "AC-1"}]},
    });
    let changed = told(&site, update, json!({ "id": made["id"], "revision": 1, "input": input })).await;
    assert_eq!(changed["made"], json!({ "revision": 2, "status": "CHANGED" }));
    let discard = format!(
        "mutation($id: ID!, $revision: Int!) {{ made: discardProductDraft(id: $id, revision: $revision) {{ {SHOWN} }} }}"
    );
    let late = site.ask_as_developer(&discard, json!({ "id": made["id"], "revision": 1 })).await;
    assert_eq!(refusal(&late), ("REVISION_MISMATCH", &json!(["revision"])));
    let discarded = told(&site, &discard, json!({ "id": made["id"], "revision": 2 })).await;
    let mut expected = before["draft"].clone();
    expected["revision"] = json!(3);
    assert_eq!(discarded["made"], expected);
    let after = told(&site, &read, json!({ "id": made["id"] })).await;
    assert_eq!((&after["draft"], &after["live"]), (&expected, &expected));
    // A second discard has nothing to do.
    let again = told(&site, &discard, json!({ "id": made["id"], "revision": 3 })).await;
    assert_eq!(again["made"]["revision"], 3);
    // A change based on the discarded draft is a conflict.
    let stale = json!({ "id": made["id"], "revision": 2, "input": { "name": "Late" } });
    assert_eq!(refusal(&site.ask_as_developer(update, stale).await).0, "REVISION_MISMATCH");
    // A change that is reverted by hand is not a change either.
    for (revision, name) in [(3, "Seat"), (4, "Chair")] {
        told(&site, update, json!({ "id": made["id"], "revision": revision, "input": { "name": name } })).await;
    }
    let same = told(&site, &discard, json!({ "id": made["id"], "revision": 5 })).await;
    assert_eq!((&same["made"]["status"], &same["made"]["revision"]), (&json!("PUBLISHED"), &json!(5)));
    site.stop().await;
}

#[tokio::test]
async fn a_draft_goes_back_to_a_former_revision_that_referred_to_what_is_in_the_bin() {
    let site = Site::empty().await;
    let other = create(&site, json!({ "name": "Table", "price": {"amount": "90"} }), false).await["id"].clone();
    let related = json!({ "name": "Chair", "price": {"amount": "40"}, "related": {"set": [{ "id": other }]} });
    let id = create(&site, related, false).await["id"].clone();
    let update = "mutation($id: ID!) { updateProduct(id: $id, revision: 1, input: { name: \"Stool\", related: { set: [] } }) { id } }";
    told(&site, update, json!({ "id": id })).await;
    told(&site, "mutation($id: ID!) { deleteProduct(id: $id, revision: 1) }", json!({ "id": other })).await;
    let release = told(&site, "mutation { made: createRelease(title: \"As it was\") { id } }", json!({})).await;
    let add = "mutation($id: ID!, $entry: ID!) {
        addToRelease(id: $id, changes: [{ entry: $entry, revision: 1 }]) { id }
        publishRelease(id: $id) { id }
        made: discardProductDraft(id: $entry, revision: 2) { revision status related { name } } }";
    let discarded = told(&site, add, json!({ "id": release["made"]["id"], "entry": id })).await;
    assert_eq!(discarded["made"], json!({ "revision": 3, "status": "PUBLISHED", "related": [] }));
    // Once that is back, it is there again, for all who read it.
    told(&site, "mutation($id: ID!) { undeleteProduct(id: $id) { id } }", json!({ "id": other })).await;
    let publish = "mutation($id: ID!) { publishProduct(id: $id, revision: 2) { id } }";
    told(&site, publish, json!({ "id": other })).await;
    let read = "query($id: ID!) {
        live: product(id: $id) { revision related { name } } draft: product(id: $id, stage: DRAFT) { revision related { name } } }";
    let (found, expected) =
        (told(&site, read, json!({ "id": id })).await, json!({ "revision": 3, "related": [{ "name": "Table" }] }));
    assert_eq!(found, json!({ "live": expected, "draft": expected }));
    site.stop().await;
}

#[tokio::test]
async fn a_draft_that_cannot_be_discarded_stays() {
    let site = Site::empty().await;
    let discard =
        "mutation($id: ID!, $revision: Int!) { made: discardProductDraft(id: $id, revision: $revision) { status } }";
    let draft = create(&site, json!({ "name": "Never seen" }), false).await;
    let never = site.ask_as_developer(discard, json!({ "id": draft["id"], "revision": 1 })).await;
    assert_eq!(refusal(&never), ("CONFLICT", &json!(["id"])));
    // Another draft has its slug now.
    let chair = create(&site, chair(), true).await;
    let update = "mutation($id: ID!) { updateProduct(id: $id, revision: 1, input: { slug: \"seat\" }) { status } }";
    told(&site, update, json!({ "id": chair["id"] })).await;
    create(&site, json!({ "name": "Thief", "slug": "chair" }), false).await;
    let taken = site.ask_as_developer(discard, json!({ "id": chair["id"], "revision": 2 })).await;
    assert_eq!(refusal(&taken), ("CONFLICT", &json!(["slug"])), "{taken}");
    let read = "query($id: ID!) { product(id: $id, stage: DRAFT) { slug status revision } }";
    assert_eq!(
        told(&site, read, json!({ "id": chair["id"] })).await["product"],
        json!({ "slug": "seat", "status": "CHANGED", "revision": 2 })
    );
    site.stop().await;
}

#[tokio::test]
async fn a_copy_has_what_the_other_has_but_for_what_is_unique() {
    let site = Site::empty().await;
    let made = create(&site, chair(), true).await;
    let duplicate = format!(
        "mutation($id: ID!, $input: ProductUpdateInput) {{ made: duplicateProduct(id: $id, input: $input) {{ {SHOWN} }} }}"
    );
    let copy = told(&site, &duplicate, json!({ "id": made["id"] })).await["made"].clone();
    let read = format!("query($id: ID!) {{ product(id: $id, stage: DRAFT) {{ {SHOWN} }} }}");
    let source = told(&site, &read, json!({ "id": made["id"] })).await["product"].clone();
    assert!(copy["id"] != source["id"] && copy["variants"][0]["id"] != source["variants"][0]["id"]);
    for same in ["name", "brand", "tags"] {
        assert_eq!(copy[same], source[same]);
    }
    let unlike =
        json!({ "revision": 1, "status": "DRAFT", "slug": "chair-2", "externalRef": null, "publishedAt": null });
    for (name, value) in unlike.as_object().expect("an object") {
        assert_eq!(&copy[name], value, "{name}");
    }
    let variants = |copy: &Json| {
        copy["variants"].as_array().expect("a list").iter().map(|row| row["sku"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(variants(&copy), ["CH-1-copy", "CH-2-copy"]);
    let input = json!({ "name": "Stool", "externalRef": "c-2" });
    let second = told(&site, &duplicate, json!({ "id": made["id"], "input": input })).await["made"].clone();
    assert_eq!(
        (&second["name"], &second["slug"], &second["externalRef"]),
        (&json!("Stool"), &json!("stool"), &json!("c-2"))
    );
    assert_eq!(variants(&second), ["CH-1-copy-2", "CH-2-copy-2"]);
    // The original is unchanged.
    assert_eq!(told(&site, &read, json!({ "id": made["id"] })).await["product"], source);
    // Fields that cannot be invented must be given.
    let media = "mutation { createMedia(input: { url: \"https://x.example/a.png\" }) { id } }";
    let media = told(&site, media, json!({})).await["createMedia"]["id"].clone();
    let copy = "mutation($id: ID!) { duplicateMedia(id: $id) { id } }";
    let missing = site.ask_as_developer(copy, json!({ "id": media })).await;
    assert_eq!(refusal(&missing), ("INVALID_VALUE", &json!(["input", "url"])), "{missing}");
    let nothing = site.ask_as_developer(&duplicate, json!({ "id": "product_00000000000000000000000000" })).await;
    assert_eq!(refusal(&nothing), ("NOT_FOUND", &json!(["id"])));
    site.stop().await;
}

#[tokio::test]
async fn many_are_published_together_or_not_at_all() {
    let site = Site::empty().await;
    let publish = "mutation($ids: [ID!]!) { made: publishProducts(ids: $ids) { slug status } }";
    let one = create(&site, json!({ "name": "One", "price": { "amount": "1" } }), true).await;
    let two = create(&site, json!({ "name": "Two", "price": { "amount": "2" } }), true).await;
    let dear = create(&site, json!({ "name": "No price" }), false).await;
    let ids = json!([one["id"], dear["id"], "product_00000000000000000000000000"]);
    let refused = site.ask_as_developer(publish, json!({ "ids": ids })).await;
    assert_eq!(refusal(&refused), ("NOT_FOUND", &json!(["ids", 2])), "{refused}");
    let refused = site.ask_as_developer(publish, json!({ "ids": [one["id"], dear["id"]] })).await;
    assert_eq!(refusal(&refused), ("INVALID_VALUE", &json!(["ids", 1, "price"])), "{refused}");
    let refused = site.ask_as_developer(publish, json!({ "ids": ["brand_00000000000000000000000000"] })).await;
    assert_eq!(refusal(&refused), ("BAD_USER_INPUT", &json!(["ids", 0])), "{refused}");
    // Each takes the other's slug, so neither could be published alone.
    let update = "mutation($id: ID!, $revision: Int!, $slug: String) {
        updateProduct(id: $id, revision: $revision, input: { slug: $slug }) { status } }";
    for (entry, revision, slug) in [(&one, 1, "away"), (&two, 1, "one"), (&one, 2, "two")] {
        told(&site, update, json!({ "id": entry["id"], "revision": revision, "slug": slug })).await;
    }
    let alone = site.ask_as_developer(publish, json!({ "ids": [one["id"]] })).await;
    assert_eq!(refusal(&alone), ("CONFLICT", &json!(["ids", 0, "slug"])), "{alone}");
    let both = told(&site, publish, json!({ "ids": [two["id"], one["id"], two["id"]] })).await;
    let live = |slug: &str| json!({ "slug": slug, "status": "PUBLISHED" });
    assert_eq!(both["made"], json!([live("one"), live("two"), live("one")]));
    let seen = site.ask("{ products(orderBy: [{field: NAME}]) { nodes { name slug } } }").await;
    assert_eq!(
        seen["data"]["products"]["nodes"],
        json!([{ "name": "One", "slug": "two" }, { "name": "Two", "slug": "one" }])
    );
    site.stop().await;
}

#[tokio::test]
async fn what_keeps_an_entry_from_being_published_is_told_at_once() {
    let site = Site::empty().await;
    let input = json!({ "name": "Chair", "variants": { "create": [{ "sku": "A" }] } });
    let made = create(&site, input, false).await;
    let check = "query($id: ID!) { publishCheck(id: $id) { code path message } }";
    let found = told(&site, check, json!({ "id": made["id"] })).await;
    let found = found["publishCheck"].as_array().expect("a list");
    assert_eq!(
        (found.len(), &found[0]["code"], &found[0]["path"]),
        (1, &json!("INVALID_VALUE"), &json!(["price"])),
        "{found:?}"
    );
    let update =
        "mutation($id: ID!) { updateProduct(id: $id, revision: 1, input: { price: { amount: \"1\" } }) { id } }";
    told(&site, update, json!({ "id": made["id"] })).await;
    assert_eq!(told(&site, check, json!({ "id": made["id"] })).await, json!({ "publishCheck": [] }));
    // The check published nothing.
    let read = "query($id: ID!) { product(id: $id, stage: DRAFT) { status } }";
    assert_eq!(told(&site, read, json!({ "id": made["id"] })).await["product"]["status"], "DRAFT");
    let public = site.post(&json!({ "query": check, "variables": { "id": made["id"] } }), &[]).await.json();
    assert_eq!(public["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{public}");
    for (id, code) in [("nothing", "BAD_USER_INPUT"), ("product_00000000000000000000000000", "NOT_FOUND")] {
        assert_eq!(refusal(&site.ask_as_developer(check, json!({ "id": id })).await), (code, &json!(["id"])), "{id}");
    }
    site.stop().await;
}

#[tokio::test]
async fn each_of_many_is_published_alone_and_the_refused_ones_are_named() {
    let site = Site::empty().await;
    let chair = create(&site, chair(), false).await["id"].clone();
    let poor = create(&site, json!({ "name": "Poor" }), false).await["id"].clone();
    let each = "mutation($ids: [ID!]!) { made: publishEach(ids: $ids) { id isPublished problems { code path } } }";
    let gone = "product_01h455vb4pex5vsknk084sn02q";
    let made = told(&site, each, json!({ "ids": [poor, chair, gone, chair] })).await["made"].clone();
    let fine = json!({ "id": chair, "isPublished": true, "problems": [] });
    let refused = |id: &Json, code: &str, path: &str| json!({ "id": id, "isPublished": false, "problems": [{ "code": code, "path": [path] }] });
    let expected =
        [refused(&poor, "INVALID_VALUE", "price"), fine.clone(), refused(&json!(gone), "NOT_FOUND", "id"), fine];
    assert_eq!(made, json!(expected));
    let live = told(&site, "{ products(first: 9) { nodes { name } } }", json!({})).await;
    assert_eq!(live["products"]["nodes"], json!([{ "name": "Chair" }]));
    let many = vec![chair; 101];
    assert_eq!(refusal(&site.ask_as_developer(each, json!({ "ids": many })).await).0, "BAD_USER_INPUT");
    site.stop().await;
}

#[tokio::test]
async fn an_entry_tells_when_its_next_change_is_due_to_those_who_see_drafts() {
    let site = Site::empty().await;
    let id = create(&site, chair(), true).await["id"].clone();
    let read = "query($id: ID!) { live: product(id: $id) { scheduledAt } draft: product(id: $id, stage: DRAFT) { status scheduledAt } }";
    let at = async || told(&site, read, json!({ "id": id })).await;
    assert_eq!(at().await["draft"]["scheduledAt"], Json::Null);
    let end = "mutation($id: ID!, $at: String!) { made: scheduleUnpublish(id: $id, at: $at) { id } }";
    told(&site, end, json!({ "id": id, "at": "2034-03-01T00:00:00Z" })).await;
    let expected =
        |at: &str| json!({ "live": { "scheduledAt": null }, "draft": { "status": "PUBLISHED", "scheduledAt": at } });
    assert_eq!(at().await, expected("2034-03-01T00:00:00Z"));
    let release = told(&site, "mutation { made: createRelease(title: \"Winter\") { id } }", json!({})).await;
    let release = release["made"]["id"].clone();
    let add = "mutation($release: ID!, $id: ID!) { addToRelease(id: $release, changes: [{ entry: $id }]) { size } }";
    told(&site, add, json!({ "release": release, "id": id })).await;
    assert_eq!(at().await, expected("2034-03-01T00:00:00Z"));
    let schedule = "mutation($id: ID!) { scheduleRelease(id: $id, at: \"2034-02-01T00:00:00Z\") { id } }";
    told(&site, schedule, json!({ "id": release })).await;
    assert_eq!(at().await, expected("2034-02-01T00:00:00Z"));
    let visitor = site.ask(&format!("{{ product(id: {id}) {{ scheduledAt }} }}")).await;
    assert_eq!(visitor["data"]["product"]["scheduledAt"], Json::Null);
    site.stop().await;
}

#[tokio::test]
async fn what_a_block_shows_is_neither_deleted_nor_unpublished() {
    let site = Site::empty().await;
    let shown = create(&site, json!({ "name": "Shown", "price": {"amount": "1"} }), true).await["id"].clone();
    let body = json!([{ "callToAction": { "heading": "More", "label": "See", "url": "https://shop.example", "products": [{ "id": shown }] } }]);
    let page =
        create(&site, json!({ "name": "Page", "price": {"amount": "1"}, "body": body }), false).await["id"].clone();
    let delete = "mutation($id: ID!) { gone: deleteProduct(id: $id, revision: 1) }";
    let answer = site.ask_as_developer(delete, json!({ "id": shown })).await;
    assert_eq!(refusal(&answer), ("REFERENCED", &json!(["id"])), "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["references"][0]["id"], page);
    // It is only a draft, so what is live may go.
    let unpublish = "mutation($id: ID!) { made: unpublishProduct(id: $id, revision: 1) { status } }";
    assert_eq!(told(&site, unpublish, json!({ "id": shown })).await["made"]["status"], "DRAFT");
    told(&site, "mutation($id: ID!) { publishProduct(id: $id, revision: 1) { id } }", json!({ "id": shown })).await;
    told(&site, "mutation($id: ID!) { publishProduct(id: $id, revision: 1) { id } }", json!({ "id": page })).await;
    assert_eq!(refusal(&site.ask_as_developer(unpublish, json!({ "id": shown })).await).0, "REFERENCED");
    let update = "mutation($id: ID!) { updateProduct(id: $id, revision: 1, input: { body: [] }) { id } }";
    told(&site, update, json!({ "id": page })).await;
    assert_eq!(refusal(&site.ask_as_developer(delete, json!({ "id": shown })).await).0, "REFERENCED", "it is live");
    told(&site, "mutation($id: ID!) { publishProduct(id: $id, revision: 2) { id } }", json!({ "id": page })).await;
    told(&site, delete, json!({ "id": shown })).await;
    site.stop().await;
}

#[tokio::test]
async fn a_block_never_shows_what_was_deleted_while_it_was_saved() {
    let site = Site::empty().await;
    let update = "mutation($id: ID!, $body: [ProductBodyBlockInput!]) { made: updateProduct(id: $id, revision: 1, input: { body: $body }) { id } }";
    for round in 0..30 {
        let of = |name: &str| json!({ "name": format!("{name} {round}"), "price": {"amount": "1"} });
        let shown = create(&site, of("Shown"), false).await["id"].clone();
        let page = create(&site, of("Page"), false).await["id"].clone();
        let body = json!([{ "callToAction": { "heading": "More", "label": "See", "url": "https://shop.example", "products": [{ "id": shown }] } }]);
        let save = site.ask_as_developer(update, json!({ "id": page, "body": body }));
        let delete = "mutation($id: ID!) { gone: deleteProduct(id: $id, revision: 1) }";
        let delete = site.ask_as_developer(delete, json!({ "id": shown }));
        let (save, delete) = tokio::join!(save, delete);
        let (is_saved, is_deleted) = (save.get("errors").is_none(), delete.get("errors").is_none());
        assert!(is_saved != is_deleted, "{save} {delete}");
        let (loser, code) = if is_saved { (&delete, "REFERENCED") } else { (&save, "NOT_FOUND") };
        assert_eq!(refusal(loser).0, code, "{loser}");
    }
    site.stop().await;
}

/// The first lists of an editor: all drafts, and all that has changes.
#[tokio::test]
async fn lists_are_filtered_by_status() {
    let site = Site::empty().await;
    let named = |name: &str| json!({ "name": name, "price": {"amount": "1"} });
    create(&site, named("Draft"), false).await;
    create(&site, named("Live"), true).await;
    let changed = create(&site, named("Changed"), true).await;
    let update = "mutation($id: ID!) { updateProduct(id: $id, revision: 1, input: { summary: \"New\" }) { status } }";
    told(&site, update, json!({ "id": changed["id"] })).await;
    let found = async |stage: &str, filter: &str| {
        let query = format!(
            "{{ products(stage: {stage}, filter: {{ {filter} }}, orderBy: [{{ field: NAME }}]) {{ totalCount nodes {{ name }} }} }}"
        );
        let found = told(&site, &query, json!({})).await["products"].clone();
        let names = found["nodes"].as_array().unwrap().iter();
        let names: Vec<String> = names.map(|node| node["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(found["totalCount"], names.len(), "{filter}");
        names
    };
    for (filter, expected) in [
        ("status: { eq: DRAFT }", &["Draft"][..]),
        ("status: { eq: CHANGED }", &["Changed"]),
        ("status: { in: [DRAFT, CHANGED] }", &["Changed", "Draft"]),
        ("status: { ne: PUBLISHED }", &["Changed", "Draft"]),
        ("not: { status: { eq: PUBLISHED } }", &["Changed", "Draft"]),
        ("status: { notIn: [DRAFT, CHANGED] }", &["Live"]),
        ("or: [{ status: { eq: DRAFT } }, { name: { eq: \"Live\" } }]", &["Draft", "Live"]),
    ] {
        assert_eq!(found("DRAFT", filter).await, expected, "{filter}");
    }
    assert_eq!(found("LIVE", "status: { eq: PUBLISHED }").await, ["Changed", "Live"]);
    assert!(found("LIVE", "status: { eq: CHANGED }").await.is_empty());
    // A visitor learns from it no more than from the list.
    let public = site.ask("{ products(filter: { status: { ne: PUBLISHED } }) { totalCount } }").await;
    assert_eq!(public["data"]["products"]["totalCount"], 0, "{public}");
    let null = "{ products(stage: DRAFT, filter: { status: null }) { totalCount } }";
    assert_eq!(
        refusal(&site.ask_as_developer(null, json!({})).await),
        ("BAD_USER_INPUT", &json!(["filter", "status"]))
    );
    site.stop().await;
}
