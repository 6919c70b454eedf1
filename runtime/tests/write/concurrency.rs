//! Concurrent writers: one wins, none fails needlessly, nothing is duplicated, and a small pool suffices.

use runtime::hooks::HookSet;
use runtime::store::Limits;
use runtime::store::write::{self, BulkOptions, Outcome, UpsertItem};
use runtime::{Code, Database};
use serde_json::json;

use crate::helpers::object;
use crate::support::Shop;
use crate::support::schema::{BRAND, PRODUCT, SHOP, TAG};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writers_with_one_revision_one_wins() {
    let shop = Shop::new().await;
    let id = shop.create(&BRAND, json!({"name": "Acme"})).await.unwrap();
    for revision in 1..=5 {
        let (a, b) = tokio::join!(
            shop.update(&BRAND, id, revision, json!({"name": format!("A{revision}")})),
            shop.update(&BRAND, id, revision, json!({"name": format!("B{revision}")})),
        );
        let lost = match (a, b) {
            (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
            both => panic!("one of two wins: {both:?}"),
        };
        assert_eq!(lost.problems[0].code, Code::RevisionMismatch);
    }
    assert_eq!(shop.value("select revision from draft.brand").await, 6);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upserts_of_the_same_keys_race_without_doubles_or_failures() {
    let shop = Shop::new().await;
    let batch = |offset: usize| {
        let items = (0..20).map(|index| {
            let number = (index * 7 + offset) % 20;
            json!({"key": {"slug": format!("brand-{number}")}, "data": {"name": format!("Brand {number} by {offset}")}})
        });
        json!(items.collect::<Vec<_>>())
    };
    let writers = (0..6).map(|offset| shop.upsert(&BRAND, batch(offset)));
    for done in futures_util::future::join_all(writers).await {
        assert_eq!(done.unwrap().len(), 20);
    }
    assert_eq!(shop.value("select count(*) from draft.brand").await, 20);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn automatic_slugs_race_without_failures() {
    let shop = Shop::new().await;
    let writers = (0..5).map(|_| shop.create(&TAG, json!({"name": "Same"})));
    for done in futures_util::future::join_all(writers).await {
        done.unwrap();
    }
    let slugs = shop.values("select slug from live.tag order by slug").await;
    assert_eq!(slugs, ["same", "same-2", "same-3", "same-4", "same-5"]);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_of_one_name_are_all_made_nested_and_imported_ones_too() {
    let shop = Shop::new().await;
    let hooks = HookSet::default();
    let options = BulkOptions { publish: true, ..BulkOptions::default() };
    let line = object(json!({"name": "Same", "price": {"amount": "1"}, "brand": {"create": {"name": "Same"}}}));
    let items =
        [UpsertItem { key: None, data: &line, publish: false }, UpsertItem { key: None, data: &line, publish: false }];
    let tags = (0..40).map(async |_| shop.create(&TAG, json!({"name": "Same"})).await.map(|_| ()));
    let nested = (0..10).map(async |_| shop.create_live(&PRODUCT, line.clone().into()).await.map(|_| ()));
    let imports = (0..10).map(async |_| {
        let done = write::save_batch(&shop.store, &hooks, &PRODUCT, &items, options, None).await?;
        assert!(done.iter().all(|outcome| matches!(outcome, Outcome::Created(_))), "{done:?}");
        Ok::<_, runtime::Error>(())
    });
    let (tags, nested, imports) = tokio::join!(
        futures_util::future::join_all(tags),
        futures_util::future::join_all(nested),
        futures_util::future::join_all(imports),
    );
    for done in tags.into_iter().chain(nested).chain(imports) {
        done.unwrap();
    }
    for (table, count) in [("tag", 40), ("brand", 30), ("product", 30)] {
        assert_eq!(shop.value(&format!("select count(distinct slug) from live.{table}")).await, count, "{table}");
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_need_one_connection_each() {
    let shop = Shop::new().await;
    let limits = Limits::COMMAND;
    assert_eq!(limits.connections.writes, 2);
    let store = Database::new(shop.db.options.clone(), limits, &SHOP).trusted();
    let inputs: Vec<_> = (0..24)
        .map(|number| {
            object(json!({"name": format!("P{number}"), "price": {"amount": "1"}, "brand": {"create": {"name": format!("B{number}")}},
                "variants": {"create": [{"sku": format!("S{}", number / 2), "price": {"amount": "1"}}]}}))
        })
        .collect();
    let hooks = HookSet::default();
    let writers = inputs.iter().map(|input| write::create(&store, &hooks, &PRODUCT, input, true));
    let done = futures_util::future::join_all(writers).await;
    let refused: Vec<_> = done.into_iter().filter_map(Result::err).map(|error| error.problems[0].code).collect();
    assert_eq!(refused, [Code::Conflict; 12], "each SKU is given twice");
    assert_eq!(shop.value("select count(*) from live.product").await, 12);
    store.close().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_race_for_the_same_categories_and_entries() {
    let shop = Shop::new().await;
    let hooks = HookSet::default();
    let options = BulkOptions { publish: true, reuse: true, ..BulkOptions::default() };
    let batch = |writer: usize| -> Vec<_> {
        let product = |number: usize| {
            let slug = format!("product-{}", (number * 11 + writer) % 40);
            let category = format!("category-{}", number % 5);
            let data = json!({"name": slug, "price": {"amount": "1"},
                "categories": {"create": [{"slug": category, "name": category}]},
                "variants": {"set": [{"sku": format!("{slug}-a"), "price": {"amount": "1"}}]}});
            (json!({"slug": slug}), object(data))
        };
        (0..40).map(product).collect()
    };
    let batches: Vec<_> = (0..4).map(batch).collect();
    let writers = batches.iter().map(async |batch| {
        let items: Vec<_> =
            batch.iter().map(|(key, data)| UpsertItem { key: Some(key), data, publish: false }).collect();
        write::save_batch(&shop.store, &hooks, &PRODUCT, &items, options, None).await
    });
    for done in futures_util::future::join_all(writers).await {
        let outcomes = done.unwrap();
        assert_eq!(outcomes.len(), 40);
        assert!(!outcomes.iter().any(|outcome| matches!(outcome, Outcome::Rejected(_))), "{outcomes:?}");
    }
    assert_eq!(shop.value("select count(*) from live.product").await, 40);
    assert_eq!(shop.value("select count(*) from live.category").await, 5);
    assert_eq!(shop.value("select count(*) from live.product_variant").await, 40);
    shop.close().await;
}
