//! The history of entries: revisions, differences, restore, the bin.

use std::time::{Duration, Instant};

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;

async fn told(site: &Site, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

fn refusal(answer: &Json) -> &str {
    let code = &answer["errors"][0]["extensions"]["code"];
    code.as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

const CREATE: &str =
    "mutation($input: ProductCreateInput!) { made: createProduct(input: $input, publish: true) { id revision } }";
const UPDATE: &str = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!, $note: String) {
    made: updateProduct(id: $id, revision: $revision, input: $input, note: $note) { revision status } }";
const SHOWN: &str = "revision status name slug summary brand { name } tags { name } variants { id sku name options }
    attributes images { id } stockStatus seo { title } body { __typename } createdAt";

fn chair() -> Json {
    json!({
        "name": "Chair", "price": {"amount": "49.90"}, "summary": "One\nTwo\nThree",
        "brand": {"create": {"name": "North"}}, "tags": {"create": [{"name": "Oak"}, {"name": "New"}]},
        "variants": {"create": [{"sku": "CH-1", "name": "low", "options": {"size": "S"}}, {"sku": "CH-2", "name": "high"}]},
        "attributes": {"wood": "oak", "weight": 12.50}, "seo": {"title": "A chair"},
    })
}

/// A chair with three revisions, of which the first is live.
async fn changed(site: &Site) -> String {
    let made = told(site, CREATE, json!({ "input": chair() })).await;
    let id = made["made"]["id"].as_str().unwrap().to_owned();
    let input = json!({
        "summary": "One\n2\nThree", "tags": {"set": []}, "attributes": null, "seo": null,
        "variants": {"set": [{"sku": "AC-1"}]}, "brand": {"create": {"name": "South"}},
    });
    told(site, UPDATE, json!({ "id": id, "revision": 1, "input": input, "note": "for the winter" })).await;
    told(site, UPDATE, json!({ "id": id, "revision": 2, "input": {"name": "Armchair", "stockStatus": "PREORDER"} }))
        .await;
    id
}

async fn at(site: &Site, id: &str, revision: i64) -> Json {
    let query = format!(
        "query($id: ID!, $revision: Int!) {{ was: productRevision(id: $id, revision: $revision) {{ {SHOWN} }} }}"
    );
    told(site, &query, json!({ "id": id, "revision": revision })).await["was"].clone()
}

#[tokio::test]
async fn a_revision_is_read_as_the_entry_was() {
    let site = Site::empty().await;
    let live = format!("query($id: ID!) {{ was: product(id: $id) {{ {SHOWN} }} }}");
    let id = changed(&site).await;
    let published = told(&site, &live, json!({ "id": id })).await["was"].clone();
    assert_eq!(at(&site, &id, 1).await, published);
    let second = at(&site, &id, 2).await;
    assert_eq!((&second["brand"]["name"], &second["variants"][0]["sku"]), (&json!("South"), &json!("AC-1")));
    assert_eq!((&second["name"], &second["tags"], &second["status"]), (&json!("Chair"), &json!([]), &json!("CHANGED")));
    assert_eq!(at(&site, &id, 3).await["name"], "Armchair");
    assert_eq!(at(&site, &id, 4).await, Json::Null);
    // A list that the entry stands in shows the same version of it.
    let query = "query($id: ID!) { productRevision(id: $id, revision: 1) { brand { name products { name } } } }";
    let through = told(&site, query, json!({ "id": id })).await;
    assert_eq!(through["productRevision"]["brand"], json!({ "name": "North", "products": [{ "name": "Chair" }] }));
    site.stop().await;
}

#[tokio::test]
async fn the_history_says_who_changed_what_and_what_for() {
    let site = Site::empty().await;
    let id = changed(&site).await;
    let list = "query($id: ID!, $first: Int!, $before: Int) {
        revisions(id: $id, first: $first, before: $before) { revision note fields isDraft isLive actorKind role } }";
    let found = told(&site, list, json!({ "id": id, "first": 2 })).await;
    let line = |revision: i64, note: Json, fields: Json, draft: bool, live: bool| {
        json!({ "revision": revision, "note": note, "fields": fields, "isDraft": draft, "isLive": live,
            "actorKind": "DEVELOPER", "role": "admin" })
    };
    let second = json!(["summary", "brand", "tags", "attributes", "seo", "variants"]);
    let third = line(3, Json::Null, json!(["name", "stockStatus"]), true, false);
    assert_eq!(found["revisions"], json!([third, line(2, json!("for the winter"), second, false, false)]));
    let rest = told(&site, list, json!({ "id": id, "first": 20, "before": 2 })).await;
    assert_eq!(rest["revisions"].as_array().map(Vec::len), Some(1));
    assert_eq!((&rest["revisions"][0]["revision"], &rest["revisions"][0]["isLive"]), (&json!(1), &json!(true)));
    let long = json!({ "id": id, "revision": 3, "input": {"name": "X"}, "note": "x".repeat(1_001) });
    assert_eq!(refusal(&site.ask_as_developer(UPDATE, long).await), "INVALID_VALUE");
    site.stop().await;
}

#[tokio::test]
async fn two_revisions_are_compared_by_field_line_item_and_row() {
    let site = Site::empty().await;
    let id = changed(&site).await;
    let query = "query($id: ID!, $from: Int!, $to: Int!) {
        revisionDiff(id: $id, from: $from, to: $to) { field row kind before after parts { kind value } } }";
    let found = told(&site, query, json!({ "id": id, "from": 1, "to": 3 })).await;
    let of = |field: &str| -> Vec<Json> {
        let all = found["revisionDiff"].as_array().unwrap();
        all.iter().filter(|diff| diff["field"] == field).cloned().collect()
    };
    assert_eq!((&of("name")[0]["before"], &of("name")[0]["after"]), (&json!("Chair"), &json!("Armchair")));
    let part = |kind: &str, value: &str| json!({ "kind": kind, "value": value });
    let lines = json!([part("SAME", "One"), part("REMOVED", "Two"), part("ADDED", "2"), part("SAME", "Three")]);
    assert_eq!(of("summary")[0]["parts"], lines);
    let gone: Vec<_> = of("tags")[0]["parts"].as_array().unwrap().iter().map(|part| part["kind"].clone()).collect();
    assert_eq!(gone, ["REMOVED", "REMOVED"]);
    let rows: Vec<_> = of("variants").iter().map(|row| (row["kind"].clone(), row["after"]["sku"].clone())).collect();
    let removed = || (json!("REMOVED"), Json::Null);
    assert_eq!(rows, [removed(), removed(), (json!("ADDED"), json!("AC-1"))]);
    assert_eq!(of("price"), Vec::<Json>::new());
    let same = told(&site, query, json!({ "id": id, "from": 2, "to": 2 })).await;
    assert_eq!(same["revisionDiff"], json!([]));
    let none = site.ask_as_developer(query, json!({ "id": id, "from": 1, "to": 9 })).await;
    assert_eq!((refusal(&none), &none["errors"][0]["extensions"]["inputPath"]), ("NOT_FOUND", &json!(["to"])));
    site.stop().await;
}

const RESTORE: &str = "mutation($id: ID!, $revision: Int!, $from: Int!) {
    made: restoreProduct(id: $id, revision: $revision, from: $from) { revision status } }";

#[tokio::test]
async fn a_restored_revision_is_a_draft_and_nothing_is_published() {
    let site = Site::empty().await;
    let id = changed(&site).await;
    let before = at(&site, &id, 2).await;
    let publish = "mutation($id: ID!) { publishProduct(id: $id, revision: 3) { status } }";
    told(&site, publish, json!({ "id": id })).await;
    let late = site.ask_as_developer(RESTORE, json!({ "id": id, "revision": 2, "from": 1 })).await;
    assert_eq!(refusal(&late), "REVISION_MISMATCH");
    let restored = told(&site, RESTORE, json!({ "id": id, "revision": 3, "from": 2 })).await;
    assert_eq!(restored["made"], json!({ "revision": 4, "status": "CHANGED" }));
    let mut now = at(&site, &id, 4).await;
    now["revision"] = json!(2);
    assert_eq!(now, before);
    let live = told(&site, "query($id: ID!) { product(id: $id) { name } }", json!({ "id": id })).await;
    assert_eq!(live["product"]["name"], "Armchair");
    site.stop().await;
}

#[tokio::test]
async fn a_revision_of_an_older_schema_is_restored_by_field() {
    let site = Site::empty().await;
    let id = changed(&site).await;
    // As if `weight` had been dropped since, `tax_included` had been a text, and `stock_status` had had another value.
    let sql = r#"update cms.revision set content = jsonb_set(content, '{product,0}', content->'product'->0
        || '{"weight": 7, "tax_included": "perhaps", "stock_status": "gone"}') where content is not null"#;
    sqlx::raw_sql(sql).execute(&site.db.pool).await.unwrap();

    let tag = "query { tags(stage: DRAFT, filter: { name: { eq: \"Oak\" } }) { nodes { id revision } } }";
    let oak = told(&site, tag, json!({})).await["tags"]["nodes"][0].clone();
    let remove = "mutation($id: ID!, $revision: Int!) { deleteTag(id: $id, revision: $revision) }";
    told(&site, remove, oak.clone()).await;
    let check = "query($id: ID!) { restoreCheck(id: $id, from: 1) }";
    let lost = told(&site, check, json!({ "id": id })).await["restoreCheck"].clone();
    let expected = [
        "Product.stockStatus: gone".to_owned(),
        format!("Product.tags: {}", oak["id"].as_str().unwrap()),
        "product.tax_included".to_owned(),
        "product.weight".to_owned(),
    ];
    let mut lost: Vec<String> = lost.as_array().unwrap().iter().map(|lost| lost.as_str().unwrap().to_owned()).collect();
    lost.sort();
    assert_eq!(lost, expected);
    told(&site, RESTORE, json!({ "id": id, "revision": 3, "from": 1 })).await;
    let now = "query($id: ID!) { product(id: $id, stage: DRAFT) { name taxIncluded tags { name } variants { sku } } }";
    let now = told(&site, now, json!({ "id": id })).await["product"].clone();
    let expected = json!({ "name": "Chair", "taxIncluded": true, "tags": [{ "name": "New" }],
        "variants": [{ "sku": "CH-1" }, { "sku": "CH-2" }] });
    assert_eq!(now, expected);
    site.stop().await;
}

#[tokio::test]
async fn what_is_deleted_comes_out_of_the_bin_with_its_relations() {
    let site = Site::empty().await;
    let id = changed(&site).await;
    let other = json!({ "input": { "name": "Table", "price": {"amount": "9"}, "related": {"connect": [{"id": id}]} } });
    let other = told(&site, CREATE, other).await["made"]["id"].clone();
    let related = "query($id: ID!) { product(id: $id, stage: DRAFT) { related { id } revision } }";
    let before = at(&site, &id, 3).await;
    let delete = "mutation($id: ID!, $revision: Int!) { deleteProduct(id: $id, revision: $revision) }";
    told(&site, delete, json!({ "id": id, "revision": 3 })).await;
    assert_eq!(told(&site, related, json!({ "id": other })).await["product"]["related"], json!([]));
    let bin = "{ found: deletedEntries(type: \"Product\") { id type title revision actorKind cursor } }";
    let found = told(&site, bin, json!({})).await["found"].clone();
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&found[0]["id"], &found[0]["title"], &found[0]["revision"]),
        (&json!(id), &json!("Armchair"), &json!(3))
    );
    let next = "query($after: String) { found: deletedEntries(after: $after) { id } }";
    assert_eq!(told(&site, next, json!({ "after": found[0]["cursor"] })).await["found"], json!([]));
    // In the bin it has its history, and is nowhere else.
    assert_eq!(at(&site, &id, 1).await["name"], "Chair");
    let undelete = "mutation($id: ID!) { made: undeleteProduct(id: $id) { revision status } }";
    let made = told(&site, undelete, json!({ "id": id })).await;
    assert_eq!(made["made"], json!({ "revision": 4, "status": "DRAFT" }));
    let mut after = at(&site, &id, 4).await;
    assert_eq!(after["status"], "DRAFT");
    (after["revision"], after["status"]) = (json!(3), before["status"].clone());
    assert_eq!(after["createdAt"], before["createdAt"]);
    after["status"] = before["status"].clone();
    assert_eq!(after["variants"], before["variants"]);
    let back = told(&site, related, json!({ "id": other })).await["product"].clone();
    assert_eq!(back, json!({ "related": [{ "id": id }], "revision": 1 }));
    assert_eq!(told(&site, bin, json!({})).await["found"], json!([]));
    assert_eq!(refusal(&site.ask_as_developer(undelete, json!({ "id": id })).await), "NOT_FOUND");
    // For ever.
    told(&site, delete, json!({ "id": id, "revision": 4 })).await;
    let purge = "mutation($ids: [ID!]!) { purgeDeleted(ids: $ids) }";
    assert_eq!(told(&site, purge, json!({ "ids": [id] })).await["purgeDeleted"], 1);
    assert_eq!(at(&site, &id, 1).await, Json::Null);
    assert_eq!(refusal(&site.ask_as_developer(undelete, json!({ "id": id })).await), "NOT_FOUND");
    assert_eq!(refusal(&site.ask_as_developer(purge, json!({ "ids": [id] })).await), "NOT_FOUND");
    site.stop().await;
}

/// Runs the daily removal now.
pub async fn prune(site: &Site) {
    let sql = "insert into cms.job (id, kind, payload) values (gen_random_uuid(), 'typecase.prune_revisions', '{}');
        select pg_notify('typecase_jobs', '')";
    sqlx::raw_sql(sql).execute(&site.db.pool).await.unwrap();
    let begun = Instant::now();
    let waiting = "select exists (select from cms.job where kind = 'typecase.prune_revisions')";
    while sqlx::query_scalar(waiting).fetch_one(&site.db.pool).await.unwrap() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the job is not done");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn old_revisions_are_removed_but_not_what_is_live_scheduled_or_in_the_bin() {
    let site = Site::empty().await;
    let id = changed(&site).await;
    for revision in 3..105 {
        told(&site, UPDATE, json!({ "id": id, "revision": revision, "input": {"name": format!("N {revision}")} }))
            .await;
    }
    let schedule = "mutation($id: ID!) { schedulePublish(id: $id, at: \"2035-01-01T00:00:00Z\", revision: 3) { id } }";
    told(&site, schedule, json!({ "id": id })).await;
    let other =
        told(&site, CREATE, json!({ "input": {"name": "Gone", "price": {"amount": "1"}} })).await["made"]["id"].clone();
    let delete = "mutation($id: ID!) { deleteProduct(id: $id, revision: 1) }";
    told(&site, delete, json!({ "id": other })).await;
    prune(&site).await;
    let kept = "select array_agg(revision order by revision) from cms.revision where content::text like '%Chair%' or revision > 2";
    let kept: Vec<i64> = sqlx::query_scalar(kept).fetch_one(&site.db.pool).await.unwrap();
    // 1 is live, 3 is scheduled; 100 are kept in any case.
    assert_eq!((kept.len(), &kept[..3]), (102, &[1, 3, 6][..]));
    let bin = "{ deletedEntries { id } }";
    assert_eq!(told(&site, bin, json!({})).await["deletedEntries"], json!([{ "id": other }]));
    sqlx::raw_sql("update cms.bin set at = now() - interval '31 days'").execute(&site.db.pool).await.unwrap();
    prune(&site).await;
    assert_eq!(told(&site, bin, json!({})).await["deletedEntries"], json!([]));
    let left: i64 = sqlx::query_scalar("select count(*) from cms.revision where content::text like '%Gone%'")
        .fetch_one(&site.db.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
    site.stop().await;
}

#[tokio::test]
async fn a_large_text_is_kept_once_for_all_revisions_that_have_it() {
    let site = Site::empty().await;
    let long = |word: &str| format!("{word} ").repeat(20_000);
    let (oak, ash, block) = (long("oak"), long("ash"), long("block"));
    let input =
        json!({ "name": "Chair", "price": {"amount": "1"}, "description": oak, "body": [{"text": {"body": block}}] });
    let id = told(&site, CREATE, json!({ "input": input })).await["made"]["id"].clone();
    let changes = [
        json!({ "summary": "2" }),
        json!({ "summary": "3" }),
        json!({ "summary": "4", "description": ash }),
        json!({ "summary": "5" }),
        json!({ "summary": "6", "description": oak, "body": [] }),
        json!({ "summary": "7" }),
    ];
    for (revision, input) in (1..).zip(changes) {
        told(&site, UPDATE, json!({ "id": id, "revision": revision, "input": input })).await;
    }
    let values = async || -> i64 {
        sqlx::query_scalar("select count(*) from cms.kept_value").fetch_one(&site.db.pool).await.unwrap()
    };
    assert_eq!(values().await, 3);
    let size = "select max(pg_column_size(content)) from cms.revision";
    let size: i32 = sqlx::query_scalar(size).fetch_one(&site.db.pool).await.unwrap();
    assert!(size < 4_000, "{size} bytes");
    let read = "query($id: ID!, $revision: Int!) { was: productRevision(id: $id, revision: $revision) {
        summary description body { ... on Text { body } } } }";
    let is = async |revision: i64, description: &str, body: Json| {
        let was = told(&site, read, json!({ "id": id, "revision": revision })).await["was"].clone();
        assert_eq!((&was["description"], &was["body"]), (&json!(description), &body), "revision {revision}");
    };
    let body = json!([{ "body": block }]);
    for (revision, description) in [(1, &oak), (2, &oak), (3, &oak), (4, &ash), (5, &ash)] {
        is(revision, description, body.clone()).await;
    }
    is(6, &oak, json!([])).await;
    // The bin has whole entries, whose history goes on.
    told(&site, "mutation($id: ID!) { deleteProduct(id: $id, revision: 7) }", json!({ "id": id })).await;
    told(&site, "mutation($id: ID!) { undeleteProduct(id: $id) { id } }", json!({ "id": id })).await;
    is(5, &ash, body.clone()).await;
    is(7, &oak, json!([])).await;
    let restore = "mutation($id: ID!) { made: restoreProduct(id: $id, revision: 8, from: 4) { description } }";
    assert_eq!(told(&site, restore, json!({ "id": id })).await["made"]["description"], ash);
    let release = told(&site, "mutation { made: createRelease(title: \"As it was\") { id } }", json!({})).await;
    let publish = "mutation($id: ID!, $entry: ID!) {
        addToRelease(id: $id, changes: [{ entry: $entry, revision: 2 }]) { id } publishRelease(id: $id) { id } }";
    told(&site, publish, json!({ "id": release["made"]["id"], "entry": id })).await;
    let live = told(&site, "query($id: ID!) { product(id: $id) { description } }", json!({ "id": id })).await;
    assert_eq!(live["product"]["description"], oak);
    // What no revision has any more is removed, and nothing else.
    sqlx::raw_sql("delete from cms.revision where revision in (4, 5)").execute(&site.db.pool).await.unwrap();
    prune(&site).await;
    assert_eq!(values().await, 2);
    is(3, &oak, body).await;
    told(&site, "mutation($id: ID!) { deleteProduct(id: $id, revision: 9) }", json!({ "id": id })).await;
    told(&site, "mutation($id: ID!) { made: purgeDeleted(ids: [$id]) }", json!({ "id": id })).await;
    assert_eq!(values().await, 0);
    site.stop().await;
}

#[tokio::test]
async fn a_text_and_json_of_the_same_characters_stay_what_they_are() {
    let site = Site::empty().await;
    let long = "x".repeat(5_000);
    let (attributes, description) = (json!({ "a": long }), format!("{{\"a\":\"{long}\"}}"));
    let input =
        json!({ "name": "Chair", "price": {"amount": "1"}, "description": description, "attributes": attributes });
    let id = told(&site, CREATE, json!({ "input": input })).await["made"]["id"].clone();
    let other = json!({ "description": "short", "attributes": null });
    told(&site, UPDATE, json!({ "id": id, "revision": 1, "input": other })).await;
    let read = "query($id: ID!) { was: productRevision(id: $id, revision: 1) { description attributes } }";
    let was = told(&site, read, json!({ "id": id })).await["was"].clone();
    assert_eq!(was, json!({ "description": description, "attributes": attributes }));
    site.stop().await;
}

#[tokio::test]
async fn what_is_being_restored_is_not_purged() {
    let site = Site::empty().await;
    let id = changed(&site).await;
    told(&site, "mutation($id: ID!) { deleteProduct(id: $id, revision: 3) }", json!({ "id": id })).await;
    sqlx::raw_sql("update cms.bin set at = now() - interval '31 days'").execute(&site.db.pool).await.unwrap();
    let mut held = site.db.pool.begin().await.unwrap();
    sqlx::query("select from cms.bin for update").execute(&mut *held).await.unwrap();
    prune(&site).await;
    held.rollback().await.unwrap();
    told(&site, "mutation($id: ID!) { undeleteProduct(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(at(&site, &id, 1).await["name"], "Chair");
    site.stop().await;
}

/// Files, commands and messages have other spellings of the name than the API.
#[tokio::test]
async fn a_content_type_in_another_spelling_is_told_the_right_one() {
    let site = Site::empty().await;
    for (query, path) in [
        ("{ deletedEntries(type: \"product\") { id } }", json!(["type"])),
        ("{ entriesAtStage(type: \"products\", stage: \"a\") { entry } }", json!(["type"])),
        ("{ explainAccess(type: \"Prodct\", action: READ) { allowed } }", json!(["type"])),
        (
            "mutation { createWebhook(input: { name: \"a\", url: \"https://shop.example\", types: [\"Tag\", \"PRODUCT\"] }) { secret } }",
            json!(["input", "types", 1]),
        ),
    ] {
        let answer = site.ask_as_developer(query, json!({})).await;
        let error = &answer["errors"][0];
        let message = error["message"].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert!(message.ends_with("; did you mean `Product`?"), "{query}: {message}");
        assert_eq!(error["extensions"]["inputPath"], path, "{answer}");
    }
    let far = site.ask_as_developer("{ deletedEntries(type: \"invoice\") { id } }", json!({})).await;
    assert_eq!(far["errors"][0]["message"], "there is no content type `invoice`", "{far}");
    site.stop().await;
}
