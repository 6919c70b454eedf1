//! Bulk saves: invalid items are rejected alone, unchanged ones stay untouched, missing targets are created once.

use runtime::Code;
use runtime::hooks::HookSet;
use runtime::store::search::document::When;
use runtime::store::write::{self, BulkOptions, Outcome, UpsertItem};
use serde_json::{Map, Value as Json, json};

use crate::helpers::{object, path};
use crate::support::Shop;
use crate::support::schema::{CATEGORY, POST, PRODUCT};

const IMPORT: BulkOptions = BulkOptions { publish: false, reuse: true, keep_ids: true, import: true, index: When::Now };

/// The kinds of outcomes, with the paths of their problems.
async fn save(shop: &Shop, items: &[(Json, Json)], options: BulkOptions) -> Vec<String> {
    save_in(shop, items, options, None).await
}

async fn save_in(
    shop: &Shop,
    items: &[(Json, Json)],
    options: BulkOptions,
    rehearsal: Option<&write::Rehearsal>,
) -> Vec<String> {
    let items: Vec<(Json, Map<String, Json>)> =
        items.iter().map(|(key, data)| (key.clone(), object(data.clone()))).collect();
    let items: Vec<_> = items.iter().map(|(key, data)| UpsertItem { key: Some(key), data, publish: false }).collect();
    let outcomes = write::save_batch(&shop.store, &HookSet::default(), &PRODUCT, &items, options, rehearsal).await;
    let outcomes = outcomes.unwrap();
    let shown = outcomes.into_iter().map(|outcome| match outcome {
        Outcome::Created(_) => "created".to_owned(),
        Outcome::Updated(_) => "updated".into(),
        Outcome::Unchanged(_) => "unchanged".into(),
        Outcome::Rejected(problems) => problems
            .iter()
            .map(|problem| format!("{} {}", problem.code.as_str(), path(&problem.path)))
            .collect::<Vec<_>>()
            .join(", "),
    });
    shown.collect()
}

#[tokio::test]
async fn a_bad_item_is_rejected_alone() {
    let shop = Shop::new().await;
    shop.create(
        &PRODUCT,
        json!({"name": "Taken", "releasedOn": "2026-05-01", "sku": "T-1", "variants": {"create": [{"sku": "V-1"}]}}),
    )
    .await
    .unwrap();
    let items = [
        (json!({"slug": "a"}), json!({"name": "A", "variants": {"set": [{"sku": "V-2"}]}})),
        (json!({"slug": "b"}), json!({"name": "B", "stock": -1, "weight": "x"})),
        (json!({"slug": "c"}), json!({"name": "C", "sku": "T-1"})),
        (json!({"slug": "d"}), json!({"name": "D", "variants": {"set": [{"sku": "V-3"}, {"sku": "V-1"}]}})),
        (json!({"slug": "e"}), json!({"name": "E", "sku": "E-1"})),
        (json!({"slug": "f"}), json!({"name": "F", "sku": "E-1"})),
        (json!({"slug": "a"}), json!({"name": "A again"})),
        (json!({"slug": "No slug"}), json!({"name": "G"})),
        (json!({"slug": "h"}), json!({})),
        (json!({"slug": "i"}), json!({"name": "Taken", "releasedOn": "2026-05-01"})),
        (json!({"slug": "j"}), json!({"name": "J", "releasedOn": "2026-05-01"})),
        (json!({"slug": "k"}), json!({"name": "J", "releasedOn": "2026-05-01"})),
    ];
    let expected = [
        "created",
        "INVALID_VALUE weight, INVALID_VALUE stock",
        "CONFLICT sku",
        "CONFLICT variants.set.1.sku",
        "created",
        "CONFLICT sku",
        "CONFLICT slug",
        "INVALID_VALUE slug",
        "INVALID_VALUE name",
        "CONFLICT name",
        "created",
        "CONFLICT name",
    ];
    let rehearsal = write::Rehearsal::begin(&shop.store).await.unwrap();
    assert_eq!(save_in(&shop, &items, IMPORT, Some(&rehearsal)).await, expected);
    rehearsal.end().await.unwrap();
    assert_eq!(shop.value("select count(*) from draft.product").await, 1, "a dry run stores nothing");
    assert_eq!(save(&shop, &items, IMPORT).await, expected);
    assert_eq!(shop.values("select slug from draft.product order by slug").await, ["a", "e", "j", "taken"]);
    shop.close().await;
}

#[tokio::test]
async fn the_same_batch_again_touches_nothing() {
    let shop = Shop::new().await;
    let category = |path: &[&str]| {
        path.iter().fold(Json::Null, |parent, name| {
            let mut input = json!({"name": name, "slug": write::slugify(name)});
            if !parent.is_null() {
                input["parent"] = json!({ "create": parent });
            }
            input
        })
    };
    let item = |slug: &str, path: &[&str], size: &str| {
        let data = json!({
            "name": slug, "price": {"amount": "1.50"}, "brand": {"create": {"name": "Acme", "slug": "acme"}},
            "categories": {"create": [category(path)]}, "attributes": {"b": 1, "a": [1.5, "x"]}, "body": [{"text": {"body": size}}],
            "variants": {"set": [{"sku": format!("{slug}-1"), "options": {"size": size}}, {"sku": format!("{slug}-2")}]},
        });
        (json!({ "slug": slug }), data)
    };
    let mut items = vec![
        item("a", &["Men", "Tops", "Hoodies"], "S"),
        item("b", &["Men", "Tops"], "M"),
        item("c", &["Men", "Tops", "Hoodies"], "L"),
    ];
    let live = BulkOptions { publish: false, ..IMPORT };
    assert_eq!(save(&shop, &items, live).await, ["created"; 3]);
    assert_eq!(shop.values("select slug from draft.category order by slug").await, ["hoodies", "men", "tops"]);
    assert_eq!(shop.value("select count(*) from draft.brand").await, 1);
    let before = shop.values("select to_jsonb(p) from draft.product p order by id").await;
    assert_eq!(save(&shop, &items, live).await, ["unchanged"; 3]);
    assert_eq!(shop.values("select to_jsonb(p) from draft.product p order by id").await, before);
    items[1].1["variants"]["set"][1]["options"] = json!({"size": "XL"});
    assert_eq!(save(&shop, &items, live).await, ["unchanged", "updated", "unchanged"]);
    assert_eq!(shop.values("select revision from draft.product order by id").await, [1, 2, 1]);
    shop.close().await;
}

#[tokio::test]
async fn entries_of_a_batch_may_point_at_each_other() {
    let shop = Shop::new().await;
    let related = |slug: &str| json!({"set": [{"product": {"slug": slug}}]});
    let items = [
        (json!({"slug": "a"}), json!({"name": "A", "related": related("b")})),
        (json!({"slug": "b"}), json!({"name": "B", "related": related("a")})),
        (json!({"slug": "c"}), json!({"name": "C", "related": related("x")})),
    ];
    assert_eq!(save(&shop, &items, IMPORT).await, ["created", "created", "NOT_FOUND related.set.0.product"]);
    let pairs = "select o.slug || t.slug from draft.product_related j join draft.product o on o.id = j.owner_id join draft.product t on t.id = j.product_id order by 1";
    assert_eq!(shop.values(pairs).await, ["ab", "ba"]);
    shop.close().await;
}

#[tokio::test]
async fn publishing_needs_more_and_ids_can_be_kept() {
    let shop = Shop::new().await;
    let publish = BulkOptions { publish: true, ..IMPORT };
    let items = [
        (json!({"slug": "a"}), json!({"name": "A", "price": {"amount": "1"}, "variants": {"set": [{"sku": "1"}]}})),
        (
            json!({"slug": "b"}),
            json!({"name": "B", "price": {"amount": "1"}, "categories": {"create": [{"name": "New", "slug": "new"}]}}),
        ),
    ];
    assert_eq!(save(&shop, &items, publish).await, ["INVALID_VALUE variants.set.0.price", "created"]);
    assert_eq!(shop.values("select slug from live.category").await, ["new"], "made to be pointed at, so live as well");
    assert_eq!(save(&shop, &items[1..], publish).await, ["unchanged"]);
    let id = uuid::Uuid::now_v7();
    let (key, data) = (json!({"id": runtime::id::encode("post", id)}), object(json!({"title": "P"})));
    let item = UpsertItem { key: Some(&key), data: &data, publish: false };
    for expected in [Outcome::Created(id), Outcome::Unchanged(id)] {
        let outcomes = write::save_batch(&shop.store, &HookSet::default(), &POST, &[item], IMPORT, None).await.unwrap();
        assert_eq!(outcomes, [expected]);
    }
    let keyless = UpsertItem { key: None, data: &object(json!({"name": "Always new"})), publish: false };
    let outcomes = write::save_batch(&shop.store, &HookSet::default(), &CATEGORY, &[keyless, keyless], IMPORT, None)
        .await
        .unwrap();
    assert!(matches!(outcomes[..], [Outcome::Created(a), Outcome::Created(b)] if a != b));
    let strict = BulkOptions { keep_ids: false, ..IMPORT };
    let (key, data) = (json!({"id": runtime::id::encode("post", uuid::Uuid::now_v7())}), object(json!({"title": "P"})));
    let item = UpsertItem { key: Some(&key), data: &data, publish: false };
    let outcomes = write::save_batch(&shop.store, &HookSet::default(), &POST, &[item], strict, None).await.unwrap();
    assert!(matches!(&outcomes[..], [Outcome::Rejected(problems)] if problems[0].code == Code::NotFound));
    shop.close().await;
}

#[tokio::test]
async fn what_only_the_database_refuses_is_rejected_alone_too() {
    let shop = Shop::new().await;
    // A constraint that the schema does not declare, such as a unique index over several columns.
    let sql = "alter table draft.product add constraint product_stock_check check (stock <> 13)";
    sqlx::query(sql).execute(&shop.store.writes).await.unwrap();
    let sql = "create unique index product_name_stock_key on draft.product (name, stock)";
    sqlx::query(sql).execute(&shop.store.writes).await.unwrap();
    let item = |slug: &str, name: &str, stock: i64| (json!({ "slug": slug }), json!({"name": name, "stock": stock}));
    let items = [
        item("a", "A", 1),
        item("b", "B", 13),
        item("c", "C", 1),
        item("d", "A", 1),
        item("e", "E", 1),
        item("f", "F", -1),
    ];
    let outcomes = save(&shop, &items, IMPORT).await;
    let expected = ["created", "INVALID_VALUE stock", "created", "CONFLICT name", "created", "INVALID_VALUE stock"];
    assert_eq!(outcomes, expected);
    let error = shop.create(&PRODUCT, json!({"name": "A", "stock": 1})).await;
    assert_eq!(crate::helpers::problems(error), [(Code::Conflict, "input.name".into())]);
    shop.close().await;
}
