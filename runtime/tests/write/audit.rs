//! The author of a write in the audit log and in the entries.

use runtime::access::{Actor, Identity, Origin};
use runtime::hooks::HookSet;
use runtime::store::write::{self, BulkOptions, UpsertItem};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::access::Clerk;
use crate::helpers::{object, problems};
use crate::support::Shop;
use crate::support::access::with_rules;
use crate::support::schema::{CATEGORY, POST, PRODUCT, TAG};

const ALL: [&str; 6] = ["read", "read_drafts", "create", "update", "publish", "delete"];

/// A user with this number who may do everything with these types.
fn person(shop: &Shop, number: u128) -> Clerk {
    let all: Json =
        ALL.iter().map(|action| ((*action).to_owned(), json!({}))).collect::<serde_json::Map<_, _>>().into();
    let types = ["brand", "category", "post", "product", "tag", "media"];
    let rules = types.map(|table| (table.to_owned(), json!({ "clerk": all })));
    let rules: serde_json::Map<_, _> = rules.into_iter().collect();
    let actor = Actor {
        identity: Identity::User { id: Uuid::from_u128(number), session: Uuid::nil() },
        role: "clerk".into(),
        scopes: None,
        origin: Origin { address: Some([192, 0, 2, 7].into()), request: Some("r-1".into()) },
    };
    Clerk(shop.db.database(with_rules(&rules.into())).acting(actor))
}

async fn lines(shop: &Shop) -> Vec<Json> {
    let sql = "select jsonb_build_array(action, to_jsonb(fields), before, after) from cms.audit order by id";
    shop.values(sql).await
}

#[tokio::test]
async fn every_write_leaves_a_line_with_what_it_changed() {
    let shop = Shop::new().await;
    let one = person(&shop, 1);
    let input = json!({
        "name": "Chair",
        "price": {"amount": "1"},
        "colors": ["RED"],
        "tags": {"create": [{"name": "New"}]},
        "seo": {"title": "A chair"},
        "variants": {"set": [{"sku": "a"}]},
    });
    let chair = one.create(&PRODUCT, input, false).await.unwrap();
    let told = lines(&shop).await;
    assert_eq!(told[0], json!(["tag.create", ["name", "slug"], null, {"name": "New", "slug": "new"}]));
    assert_eq!(told[1][0], "product.create");
    let after = &told[1][3];
    assert_eq!(after["price"], json!({"amountMinor": "100", "currency": "EUR"}));
    assert_eq!(after["colors"], json!(["RED"]));
    assert_eq!(after["stockStatus"], "IN_STOCK");
    assert_eq!(after["seo"], json!({"title": "A chair", "noIndex": false}));
    assert_eq!(after["variants"][0]["sku"], "a");
    assert!(after["tags"][0].as_str().unwrap().starts_with("tag_"), "{after}");
    assert_eq!(after.get("summary"), None, "what is empty is not told");
    let who = "select jsonb_build_array(actor_kind, actor, role, host(address), request_id, type, entry) from cms.audit where type = 'product'";
    let expected =
        json!(["user", Uuid::from_u128(1).to_string(), "clerk", "192.0.2.7", "r-1", "product", chair.to_string()]);
    assert_eq!(shop.value(who).await, expected);

    let count = told.len();
    one.update(&PRODUCT, (chair, 1), json!({"name": "Chair"}), false).await.unwrap();
    assert_eq!(lines(&shop).await.len(), count, "nothing was changed");
    assert_eq!(problems(one.update(&PRODUCT, (chair, 9), json!({"name": "Seat"}), false).await).len(), 1);
    assert_eq!(lines(&shop).await.len(), count, "nor by what is refused");
    let variants = json!({"update": [{"key": {"sku": "a"}, "data": {"price": {"amount": "2"}}}]});
    one.update(&PRODUCT, (chair, 1), json!({"name": "Seat", "variants": variants}), true).await.unwrap();
    one.unpublish(&PRODUCT, (chair, 2)).await.unwrap();
    one.publish(&PRODUCT, (chair, 2)).await.unwrap();
    one.publish(&PRODUCT, (chair, 2)).await.unwrap();
    one.delete(&PRODUCT, (chair, 2)).await.unwrap();
    let told = lines(&shop).await.split_off(count);
    let actions: Vec<_> = told.iter().map(|line| &line[0]).collect();
    assert_eq!(
        actions,
        ["product.update", "product.publish", "product.unpublish", "product.publish", "product.delete"]
    );
    assert_eq!(told[0][1], json!(["name", "variants"]));
    assert_eq!((&told[0][2]["name"], &told[0][3]["name"]), (&json!("Chair"), &json!("Seat")));
    assert_eq!(told[0][2]["variants"][0]["price"], Json::Null);
    assert_eq!(told[0][3]["variants"][0]["price"]["amountMinor"], "200");
    assert_eq!(told[1], json!(["product.publish", null, null, null]));
    assert_eq!((&told[4][2]["name"], &told[4][3]), (&json!("Seat"), &Json::Null));
    shop.close().await;
}

#[tokio::test]
async fn what_goes_along_is_told_as_well() {
    let shop = Shop::new().await;
    let one = person(&shop, 1);
    let root = one.create(&CATEGORY, json!({"name": "Root"}), true).await.unwrap();
    one.create(&CATEGORY, json!({"name": "Leaf", "parent": {"connect": {"slug": "root"}}}), true).await.unwrap();
    let before = lines(&shop).await.len();
    one.unpublish(&CATEGORY, (root, 1)).await.unwrap();
    one.delete(&CATEGORY, (root, 1)).await.unwrap();
    let told = lines(&shop).await.split_off(before);
    let actions: Vec<_> = told.iter().map(|line| &line[0]).collect();
    assert_eq!(actions, ["category.unpublish", "category.unpublish", "category.delete", "category.delete"]);
    let names: Vec<_> = told[2..].iter().map(|line| &line[2]["name"]).collect();
    assert!(names.contains(&&json!("Root")) && names.contains(&&json!("Leaf")), "{names:?}");
    shop.close().await;
}

#[tokio::test]
async fn an_entry_keeps_who_made_it_and_who_changed_it_last() {
    let shop = Shop::new().await;
    let (one, two) = (person(&shop, 1), person(&shop, 2));
    let users =
        |stage: &str, table: &str| format!("select jsonb_build_array(created_by, updated_by) from {stage}.{table}");
    let [first, second] = [1, 2].map(|number| Uuid::from_u128(number).to_string());
    let post = one.create(&POST, json!({"title": "News"}), true).await.unwrap();
    assert_eq!(shop.value(&users("live", "post")).await, json!([first, first]));
    two.update(&POST, (post, 1), json!({"title": "News"}), false).await.unwrap();
    assert_eq!(shop.value(&users("draft", "post")).await, json!([first, first]), "nothing was changed");
    two.update(&POST, (post, 1), json!({"title": "Olds"}), false).await.unwrap();
    assert_eq!(shop.value(&users("draft", "post")).await, json!([first, second]));
    assert_eq!(shop.value(&users("live", "post")).await, json!([first, first]));
    one.publish(&POST, (post, 2)).await.unwrap();
    assert_eq!(shop.value(&users("live", "post")).await, json!([first, second]), "publishing changes nothing");
    shop.update(&POST, post, 2, json!({"title": "None"})).await.unwrap();
    assert_eq!(shop.value(&users("draft", "post")).await, json!([first, null]), "the system is not a user");
    one.create(&TAG, json!({"name": "New"}), false).await.unwrap();
    assert_eq!(shop.value(&users("live", "tag")).await, json!([first, first]));
    shop.close().await;
}

#[tokio::test]
async fn an_import_of_the_operator_is_a_line_a_batch() {
    let shop = Shop::new().await;
    let records: Vec<_> = ["a", "b"].map(|slug| (json!({"slug": slug}), object(json!({"name": slug})))).to_vec();
    let items: Vec<_> = records.iter().map(|(key, data)| UpsertItem { key: Some(key), data, publish: false }).collect();
    let options = BulkOptions { import: true, publish: true, reuse: true, ..BulkOptions::default() };
    for _ in 0..2 {
        write::save_batch(&shop.store, &HookSet::default(), &CATEGORY, &items, options, None).await.unwrap();
    }
    assert_eq!(
        lines(&shop).await,
        [json!(["category.import", null, null, {"created": 2, "updated": 0, "published": 2}])],
        "and none where nothing was changed"
    );
    let rehearsal = write::Rehearsal::begin(&shop.store).await.unwrap();
    write::save_batch(&shop.store, &HookSet::default(), &TAG, &items, options, Some(&rehearsal)).await.unwrap();
    rehearsal.end().await.unwrap();
    assert_eq!(lines(&shop).await.len(), 1);
    shop.close().await;
}
