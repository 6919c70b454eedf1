//! Unique values that move: only the final state of a batch must be unique, in both stages, through the API and imports.

use runtime::hooks::HookSet;
use runtime::store::write::{self, BulkOptions, Outcome, Rehearsal, UpsertItem};
use runtime::{Code, Result, id};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::helpers::{object, path, problems};
use crate::support::Shop;
use crate::support::schema::{BRAND, CATEGORY, POST, PRODUCT, TAG};

impl Shop {
    async fn upsert_live(&self, info: &'static runtime::content::ContentInfo, items: Json) -> Result<Vec<Uuid>> {
        let items = items.as_array().expect("a list").clone();
        write::upsert(&self.store, &HookSet::default(), info, &items, true).await
    }

    async fn id(&self, sql: &str) -> Uuid {
        self.value(sql).await.as_str().expect("an id").parse().expect("a UUID")
    }

    async fn variant(&self, sku: &str) -> Uuid {
        self.id(&format!("select id from draft.product_variant where sku = '{sku}'")).await
    }

    async fn chair(&self) -> Uuid {
        let price = json!({"amount": "1"});
        let input = json!({"name": "Chair", "price": price, "variants": {"create": [
            {"sku": "A", "price": price}, {"sku": "B", "price": price}, {"sku": "C", "price": price}]}});
        self.create_live(&PRODUCT, input).await.unwrap()
    }
}

const SKUS: &str = "product_variant order by position";

#[tokio::test]
async fn children_exchange_their_values_however_the_input_says_so() {
    let shop = Shop::new().await;
    let chair = shop.chair().await;
    let (a, b) = (shop.variant("A").await, shop.variant("B").await);
    let shown = |uuid| id::encode("product_variant", uuid);
    // A chain: the second takes the value of the first.
    let chain = json!({"variants": {"update": [
        {"key": {"id": shown(a)}, "data": {"sku": "NEW"}}, {"key": {"id": shown(b)}, "data": {"sku": "A"}}]}});
    shop.update(&PRODUCT, chair, 1, chain).await.unwrap();
    assert_eq!(shop.values(&format!("select sku from draft.{SKUS}")).await, ["NEW", "A", "C"]);
    // A swap, with each row identified by its old value.
    let swap = json!({"variants": {"update": [
        {"key": {"sku": "NEW"}, "data": {"sku": "A"}}, {"key": {"sku": "A"}, "data": {"sku": "NEW"}}]}});
    shop.update(&PRODUCT, chair, 2, swap).await.unwrap();
    assert_eq!(shop.values(&format!("select sku from draft.{SKUS}")).await, ["A", "NEW", "C"]);
    // A cycle, set as a whole list.
    let third = shop.variant("C").await;
    let set = json!({"variants": {"set": [
        {"id": shown(a), "sku": "NEW"}, {"id": shown(b), "sku": "C"}, {"id": shown(third), "sku": "A"}]}});
    shop.update(&PRODUCT, chair, 3, set).await.unwrap();
    assert_eq!(shop.values(&format!("select sku from draft.{SKUS}")).await, ["NEW", "C", "A"]);
    assert_eq!(
        shop.values(&format!("select id from draft.{SKUS}")).await,
        [a, b, third].map(|id| json!(id.to_string()))
    );
    // A value moves to a new row, and one of a deleted row to a row that stays.
    let new = json!({"variants": {"create": [{"sku": "C", "price": {"amount": "2"}}],
        "update": [{"key": {"id": shown(b)}, "data": {"sku": "A"}}], "delete": [{"sku": "A"}]}});
    shop.update(&PRODUCT, chair, 4, new).await.unwrap();
    assert_eq!(shop.values(&format!("select sku from draft.{SKUS}")).await, ["NEW", "A", "C"]);
    shop.publish(&PRODUCT, chair, 5).await.unwrap();
    assert_eq!(shop.values(&format!("select sku from live.{SKUS}")).await, ["NEW", "A", "C"]);
    shop.close().await;
}

#[tokio::test]
async fn two_of_a_batch_with_one_value_are_still_a_conflict_of_the_one_that_took_it() {
    let shop = Shop::new().await;
    let chair = shop.chair().await;
    let twice = json!({"variants": {"update": [{"key": {"sku": "B"}, "data": {"sku": "A"}}]}});
    let expected = [(Code::Conflict, "input.variants.update.0.data.sku".to_owned())];
    assert_eq!(problems(shop.update(&PRODUCT, chair, 1, twice).await), expected);
    let price = json!({"amount": "1"});
    let other = json!({"name": "Table", "variants": {"create": [{"sku": "T", "price": price}]}});
    shop.create(&PRODUCT, other).await.unwrap();
    let taken = json!({"variants": {"update": [{"key": {"sku": "A"}, "data": {"sku": "T"}}]}});
    let error = shop.update(&PRODUCT, chair, 1, taken).await.unwrap_err();
    assert_eq!(
        (error.problems[0].code, path(&error.problems[0].path)),
        (Code::Conflict, "input.variants.update.0.data.sku".into())
    );
    let entry = id::encode("product_variant", shop.variant("T").await);
    assert_eq!(error.problems[0].details.as_ref().unwrap()["entry"]["id"], entry);
    shop.close().await;
}

#[tokio::test]
async fn entries_of_one_upsert_exchange_their_values_in_both_stages() {
    let shop = Shop::new().await;
    for (info, name) in [(&TAG, "tag"), (&BRAND, "brand"), (&CATEGORY, "category")] {
        let (a, b) = (
            shop.create_live(info, json!({"name": "A"})).await.unwrap(),
            shop.create_live(info, json!({"name": "B"})).await.unwrap(),
        );
        let swap =
            json!([{"key": {"slug": "a"}, "data": {"slug": "b"}}, {"key": {"slug": "b"}, "data": {"slug": "a"}}]);
        assert_eq!(shop.upsert_live(info, swap).await.unwrap(), [a, b]);
        // A new entry takes the value of another.
        let chain = json!([{"key": {"slug": "new"}, "data": {"name": "New", "slug": "a"}},
            {"key": {"id": id::encode(name, b)}, "data": {"slug": "c"}}]);
        shop.upsert_live(info, chain).await.unwrap();
        for stage in ["draft", "live"] {
            let rows = shop.values(&format!("select name || ' ' || slug from {stage}.{name} order by name")).await;
            assert_eq!(rows, ["A b", "B c", "New a"], "{stage}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn values_that_are_unique_together_move_with_nulls_and_relations_among_them() {
    let shop = Shop::new().await;
    let chair = shop.chair().await;
    let product = json!({"connect": {"id": id::encode("product", chair)}});
    for rank in 1..=2 {
        let input = json!({"title": format!("P{rank}"), "rank": rank, "product": product});
        shop.create(&POST, input).await.unwrap();
    }
    let ids = shop.values("select id from draft.post order by title").await;
    let shown = |place: usize| json!({"id": id::encode("post", ids[place].as_str().unwrap().parse().unwrap())});
    let swap = json!([{"key": shown(0), "data": {"rank": 2}}, {"key": shown(1), "data": {"rank": 1}}]);
    shop.upsert(&POST, swap).await.unwrap();
    assert_eq!(shop.values("select rank from draft.post order by title").await, [2, 1]);
    // Without the product, the value equals no other.
    let free = json!([{"key": shown(0), "data": {"rank": 1, "product": null}}]);
    shop.upsert(&POST, free).await.unwrap();
    let back = json!([{"key": shown(0), "data": {"product": product}}]);
    assert_eq!(problems(shop.upsert(&POST, back).await)[0].0, Code::Conflict);
    shop.close().await;
}

#[tokio::test]
async fn a_child_that_moved_is_published_with_both_its_owners_and_not_before() {
    let shop = Shop::new().await;
    let price = json!({"amount": "1"});
    let chair = shop.chair().await;
    let input = json!({"name": "Table", "price": price, "variants": {"create": [{"sku": "T", "price": price}]}});
    let table = shop.create_live(&PRODUCT, input).await.unwrap();
    shop.update(&PRODUCT, chair, 1, json!({"variants": {"delete": [{"sku": "B"}]}})).await.unwrap();
    let moved = json!({"variants": {"create": [{"sku": "B", "price": price}]}});
    shop.update(&PRODUCT, table, 1, moved).await.unwrap();
    // If only the new owner is published, the live entry still has the value.
    let error = shop.publish(&PRODUCT, table, 2).await.unwrap_err();
    assert_eq!((error.problems[0].code, path(&error.problems[0].path)), (Code::Conflict, "variants.1.sku".into()));
    let alone = json!([{"key": {"slug": "table"}, "data": {}}]);
    let expected = [(Code::Conflict, "input.0.data.variants.1.sku".to_owned())];
    assert_eq!(problems(shop.upsert_live(&PRODUCT, alone).await), expected);
    let both = json!([{"key": {"slug": "table"}, "data": {}}, {"key": {"slug": "chair"}, "data": {}}]);
    shop.upsert_live(&PRODUCT, both).await.unwrap();
    let live = "select p.slug || ' ' || v.sku from live.product_variant v join live.product p on p.id = v.parent_id order by 1";
    assert_eq!(shop.values(live).await, ["chair A", "chair C", "table B", "table T"]);
    shop.close().await;
}

#[tokio::test]
async fn imports_move_values_within_a_batch_and_reject_what_is_taken_alone() {
    let shop = Shop::new().await;
    let (a, _) = (
        shop.create_live(&TAG, json!({"name": "A"})).await.unwrap(),
        shop.create_live(&TAG, json!({"name": "B"})).await.unwrap(),
    );
    shop.create_live(&TAG, json!({"name": "C"})).await.unwrap();
    let lines = [
        (json!({"slug": "a"}), object(json!({"slug": "b"}))),
        (json!({"slug": "b"}), object(json!({"slug": "a"}))),
        (json!({"slug": "d"}), object(json!({"name": "D", "slug": "c"}))),
    ];
    let items: Vec<_> = lines.iter().map(|(key, data)| UpsertItem { key: Some(key), data, publish: false }).collect();
    let options = BulkOptions { publish: true, ..BulkOptions::default() };
    let rehearsal = Rehearsal::begin(&shop.store).await.unwrap();
    let hooks = HookSet::default();
    let tried = write::save_batch(&shop.store, &hooks, &TAG, &items, options, Some(&rehearsal)).await;
    rehearsal.end().await.unwrap();
    let done = write::save_batch(&shop.store, &hooks, &TAG, &items, options, None).await;
    for outcomes in [tried, done] {
        let outcomes = outcomes.unwrap();
        assert_eq!(outcomes[0], Outcome::Updated(a), "{outcomes:?}");
        assert!(matches!(outcomes[1], Outcome::Updated(_)), "{outcomes:?}");
        let Outcome::Rejected(problems) = &outcomes[2] else { panic!("{outcomes:?}") };
        assert_eq!((problems[0].code, path(&problems[0].path)), (Code::Conflict, "slug".into()));
    }
    assert_eq!(shop.values("select name || ' ' || slug from live.tag order by 1").await, ["A b", "B a", "C c"]);
    shop.close().await;
}

#[tokio::test]
async fn an_upsert_with_the_revision_of_an_entry_that_is_gone_is_a_conflict() {
    let shop = Shop::new().await;
    let brand = shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    shop.delete(&BRAND, brand, 1).await.unwrap();
    let gone = json!([{"key": {"slug": "acme"}, "revision": 1, "data": {"name": "Acme"}}]);
    assert_eq!(problems(shop.upsert(&BRAND, gone.clone()).await), [(Code::Conflict, "input.0.revision".into())]);
    let by_id = json!([{"key": {"id": id::encode("brand", brand)}, "revision": 1, "data": {"name": "Acme"}}]);
    assert_eq!(problems(shop.upsert(&BRAND, by_id).await), [(Code::Conflict, "input.0.revision".into())]);
    assert_eq!(shop.value("select count(*) from draft.brand").await, 0);
    let new = json!([{"key": {"slug": "acme"}, "revision": null, "data": {"name": "Acme"}}]);
    shop.upsert(&BRAND, new).await.unwrap();
    assert_eq!(shop.value("select count(*) from draft.brand").await, 1);
    shop.close().await;
}
