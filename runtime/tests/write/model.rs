//! Random sequences of writes, compared with a model: after each write, both stages equal the model.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use runtime::hooks::HookSet;
use runtime::store::write::{self, BulkOptions, UpsertItem};
use runtime::{Code, id};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::helpers::{object, problems};
use crate::support::Shop;
use crate::support::schema::{BRAND, PRODUCT, TAG};

/// Only a few keys, so that writes collide.
const SLUGS: [&str; 4] = ["a", "b", "c", "d"];
const SKUS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// The part of a product that this test covers.
#[derive(Clone, Debug, PartialEq)]
struct Product {
    slug: String,
    revision: i64,
    stock: i64,
    price: Option<i64>,
    brand: Option<&'static str>,
    tags: Vec<&'static str>,
    /// SKU and price.
    variants: Vec<(&'static str, Option<i64>)>,
}

#[derive(Clone, Debug)]
struct Input {
    stock: Option<i64>,
    price: Option<Option<i64>>,
    brand: Option<Option<&'static str>>,
    tags: Option<Vec<&'static str>>,
    variants: Option<Vec<(&'static str, Option<i64>)>>,
}

#[derive(Clone, Debug)]
enum Step {
    Create { slug: &'static str, input: Input, publish: bool },
    Update { slug: &'static str, input: Input, publish: bool, stale: bool },
    Upsert { items: Vec<(&'static str, Input)> },
    Bulk { items: Vec<(&'static str, Input)> },
    Publish { slug: &'static str },
    Unpublish { slug: &'static str },
    Delete { slug: &'static str },
}

#[derive(Clone, Debug, Default)]
struct Model {
    draft: BTreeMap<String, Product>,
    live: BTreeMap<String, Product>,
}

/// Rejected by a rule; other tests check the exact error.
type Outcome = Result<(), ()>;

impl Model {
    fn save(&mut self, slug: &str, input: &Input, publish: bool) -> Outcome {
        self.put(slug, input)?;
        distinct(&self.draft)?;
        if publish { self.publish(slug) } else { Ok(()) }
    }

    /// Applies an input without uniqueness checks: a SKU may move between two items of a batch in any order.
    fn put(&mut self, slug: &str, input: &Input) -> Outcome {
        let old = self.draft.get(slug).cloned();
        let mut new = old.clone().unwrap_or_else(|| Product {
            slug: slug.to_owned(),
            revision: 0,
            stock: 0,
            price: None,
            brand: None,
            tags: Vec::new(),
            variants: Vec::new(),
        });
        new.stock = input.stock.unwrap_or(new.stock);
        new.price = input.price.unwrap_or(new.price);
        new.brand = input.brand.unwrap_or(new.brand);
        if let Some(tags) = &input.tags {
            let mut distinct: Vec<&str> = Vec::new();
            tags.iter().for_each(|tag| {
                if !distinct.contains(tag) {
                    distinct.push(tag)
                }
            });
            new.tags = distinct;
        }
        if let Some(variants) = &input.variants {
            // A variant without a price in the input keeps its price.
            let price = |sku: &str| new.variants.iter().find(|(known, _)| *known == sku).and_then(|(_, price)| *price);
            new.variants = variants.iter().map(|(sku, given)| (*sku, given.or_else(|| price(sku)))).collect();
        }
        let out_of_range = input.stock.is_some_and(|stock| !(0..=1000).contains(&stock))
            && old.as_ref().map(|old| old.stock) != input.stock;
        if out_of_range {
            return Err(());
        }
        if old.as_ref() != Some(&new) {
            new.revision += 1;
        }
        self.draft.insert(slug.to_owned(), new);
        Ok(())
    }

    fn publish(&mut self, slug: &str) -> Outcome {
        let product = self.draft.get(slug).cloned().ok_or(())?;
        let unpriced = product.price.is_none() || product.variants.iter().any(|(_, price)| price.is_none());
        if unpriced {
            return Err(());
        }
        self.live.insert(slug.to_owned(), product);
        distinct(&self.live)
    }

    /// Applies a change as a whole or not at all, like every write.
    fn attempt(&mut self, change: impl FnOnce(&mut Self) -> Outcome) -> Outcome {
        let mut after = self.clone();
        change(&mut after)?;
        *self = after;
        Ok(())
    }
}

/// Each SKU belongs to at most one variant of a stage.
fn distinct(stage: &BTreeMap<String, Product>) -> Outcome {
    let mut skus: Vec<_> = stage.values().flat_map(|product| &product.variants).map(|(sku, _)| *sku).collect();
    let all = skus.len();
    skus.sort_unstable();
    skus.dedup();
    if skus.len() == all { Ok(()) } else { Err(()) }
}

fn input() -> impl Strategy<Value = Input> {
    let price = || prop::option::weighted(0.8, 0..3_i64);
    let variants = prop::collection::vec((prop::sample::select(&SKUS[..]), price()), 0..3);
    (
        prop::option::of(prop_oneof![9 => 0..3_i64, 1 => Just(-1)]),
        prop::option::of(price()),
        prop::option::of(prop::option::of(prop::sample::select(&["acme", "zeta"][..]))),
        prop::option::of(prop::collection::vec(prop::sample::select(&["new", "old", "odd"][..]), 0..4)),
        prop::option::of(variants),
    )
        .prop_map(|(stock, price, brand, tags, variants)| Input { stock, price, brand, tags, variants })
}

fn step() -> impl Strategy<Value = Step> {
    let slug = || prop::sample::select(&SLUGS[..]);
    let items = || prop::collection::vec((slug(), input()), 1..3);
    prop_oneof![
        2 => (slug(), input(), any::<bool>()).prop_map(|(slug, input, publish)| Step::Create { slug, input, publish }),
        4 => (slug(), input(), any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(slug, input, publish, stale)| Step::Update { slug, input, publish, stale }),
        2 => items().prop_map(|items| Step::Upsert { items }),
        2 => items().prop_map(|items| Step::Bulk { items }),
        2 => slug().prop_map(|slug| Step::Publish { slug }),
        1 => slug().prop_map(|slug| Step::Unpublish { slug }),
        1 => slug().prop_map(|slug| Step::Delete { slug }),
    ]
}

impl Input {
    fn json(&self, name: &str) -> Json {
        let money = |price: &Option<i64>| price.map_or(Json::Null, |minor| json!({"amountMinor": minor.to_string()}));
        let mut json = json!({ "name": name });
        if let Some(stock) = self.stock {
            json["stock"] = stock.into();
        }
        if let Some(price) = &self.price {
            json["price"] = money(price);
        }
        if let Some(brand) = self.brand {
            json["brand"] = brand.map_or(Json::Null, |slug| json!({"connect": {"slug": slug}}));
        }
        if let Some(tags) = &self.tags {
            json["tags"] = json!({"set": tags.iter().map(|slug| json!({"slug": slug})).collect::<Vec<_>>()});
        }
        if let Some(variants) = &self.variants {
            let rows = variants.iter().map(|(sku, price)| match price {
                Some(_) => json!({"sku": sku, "price": money(price)}),
                None => json!({ "sku": sku }),
            });
            json["variants"] = json!({"set": rows.collect::<Vec<_>>()});
        }
        json
    }
}

/// Runs the step; returns whether a rule rejected it.
async fn run(shop: &Shop, step: &Step, ids: &BTreeMap<String, Uuid>, model: &Model) -> runtime::Result<()> {
    let id = |slug: &str| ids.get(slug).copied().unwrap_or_else(Uuid::nil);
    let revision = |slug: &str| model.draft.get(slug).map_or(1, |product| product.revision);
    let hooks = HookSet::default();
    match step {
        Step::Create { slug, input, publish } => {
            let mut json = input.json(slug);
            json["slug"] = (*slug).into();
            write::create(&shop.store, &hooks, &PRODUCT, &object(json), *publish).await.map(drop)
        }
        Step::Update { slug, input, publish, stale } => {
            let revision = revision(slug) - i64::from(*stale);
            write::update(&shop.store, &hooks, &PRODUCT, id(slug), revision, &object(input.json(slug)), *publish)
                .await
                .map(drop)
        }
        Step::Upsert { items } => {
            let items: Vec<_> =
                items.iter().map(|(slug, input)| json!({"key": {"slug": slug}, "data": input.json(slug)})).collect();
            write::upsert(&shop.store, &hooks, &PRODUCT, &items, false).await.map(drop)
        }
        Step::Bulk { .. } => unreachable!("bulk saves have outcomes of their own"),
        Step::Publish { slug } => shop.publish(&PRODUCT, id(slug), revision(slug)).await.map(drop),
        Step::Unpublish { slug } => shop.unpublish(&PRODUCT, id(slug), revision(slug), false).await.map(drop),
        Step::Delete { slug } => shop.delete(&PRODUCT, id(slug), revision(slug)).await.map(drop),
    }
}

/// Applies the step to the model.
fn mean(model: &mut Model, step: &Step) -> Outcome {
    match step {
        Step::Create { slug, .. } if model.draft.contains_key(*slug) => Err(()),
        Step::Create { slug, input, publish } => model.attempt(|model| model.save(slug, input, *publish)),
        Step::Update { stale: true, .. } => Err(()),
        Step::Update { slug, .. } if !model.draft.contains_key(*slug) => Err(()),
        Step::Update { slug, input, publish, .. } => model.attempt(|model| model.save(slug, input, *publish)),
        Step::Upsert { items } | Step::Bulk { items } if items.len() == 2 && items[0].0 == items[1].0 => Err(()),
        Step::Upsert { items } | Step::Bulk { items } => model.attempt(|model| {
            items.iter().try_for_each(|(slug, input)| model.put(slug, input))?;
            distinct(&model.draft)
        }),
        Step::Publish { slug } => model.attempt(|model| model.publish(slug)),
        Step::Unpublish { slug } if model.draft.contains_key(*slug) => {
            model.live.remove(*slug);
            Ok(())
        }
        Step::Delete { slug } if model.draft.contains_key(*slug) => {
            model.draft.remove(*slug);
            model.live.remove(*slug);
            Ok(())
        }
        Step::Unpublish { .. } | Step::Delete { .. } => Err(()),
    }
}

async fn stored(shop: &Shop, stage: &str) -> Vec<Json> {
    let sql = format!(
        "select jsonb_build_object('slug', p.slug, 'revision', p.revision, 'stock', p.stock, 'price', p.price, \
            'brand', (select b.slug from draft.brand b where b.id = p.brand_id), \
            'tags', (select coalesce(jsonb_agg(t.slug order by j.position), '[]') from {stage}.product_tags j join draft.tag t on t.id = j.target_id where j.owner_id = p.id), \
            'variants', (select coalesce(jsonb_agg(jsonb_build_array(v.sku, v.price) order by v.position), '[]') from {stage}.product_variant v where v.parent_id = p.id)) \
        from {stage}.product p order by p.slug"
    );
    shop.values(&sql).await
}

fn expected(stage: &BTreeMap<String, Product>) -> Vec<Json> {
    let product = |product: &Product| {
        json!({"slug": product.slug, "revision": product.revision, "stock": product.stock, "price": product.price, "brand": product.brand,
            "tags": product.tags, "variants": product.variants})
    };
    stage.values().map(product).collect()
}

async fn walk(steps: Vec<Step>) {
    let shop = Shop::new().await;
    for name in ["Acme", "Zeta"] {
        shop.create(&BRAND, json!({ "name": name })).await.unwrap();
    }
    for name in ["New", "Old", "Odd"] {
        shop.create(&TAG, json!({ "name": name })).await.unwrap();
    }
    let mut model = Model::default();
    for (number, step) in steps.iter().enumerate() {
        let rows = shop.values("select jsonb_build_array(slug, id) from draft.product").await;
        let ids = rows
            .iter()
            .map(|row| (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().parse().unwrap()))
            .collect();
        if let Step::Bulk { items } = step {
            bulk(&shop, items, &mut model).await;
        } else {
            let before = model.clone();
            let (meant, done) = (mean(&mut model, step), run(&shop, step, &ids, &before).await);
            assert_eq!(meant.is_ok(), done.is_ok(), "step {number} {step:?}: {done:?}\n{before:#?}");
            if done.is_err() {
                assert!(problems(done.clone()).iter().all(|(code, _)| *code != Code::Internal), "{done:?}");
            }
        }
        assert_eq!(stored(&shop, "draft").await, expected(&model.draft), "draft after step {number} {step:?}");
        assert_eq!(stored(&shop, "live").await, expected(&model.live), "live after step {number} {step:?}");
    }
    shop.close().await;
}

/// A bulk save stores the valid items. The outcomes say which are valid; the model says what they store.
async fn bulk(shop: &Shop, items: &[(&'static str, Input)], model: &mut Model) {
    let data: Vec<_> = items.iter().map(|(slug, input)| (json!({ "slug": slug }), object(input.json(slug)))).collect();
    let upserts: Vec<_> = data.iter().map(|(key, data)| UpsertItem { key: Some(key), data, publish: false }).collect();
    let outcomes =
        write::save_batch(&shop.store, &HookSet::default(), &PRODUCT, &upserts, BulkOptions::default(), None).await;
    let outcomes = outcomes.unwrap();
    for ((slug, input), outcome) in items.iter().zip(&outcomes) {
        let before = model.draft.get(*slug).cloned();
        let alone = model.clone().save(slug, input, false);
        match outcome {
            write::Outcome::Rejected(_) => assert!(alone.is_err() || items.len() > 1, "{slug} {input:?}"),
            write::Outcome::Created(uuid) => {
                assert!(before.is_none() && id::encode("product", *uuid).starts_with("product_"));
                model.put(slug, input).unwrap();
            }
            write::Outcome::Updated(_) | write::Outcome::Unchanged(_) => {
                model.put(slug, input).unwrap();
                let changed = before.as_ref() != model.draft.get(*slug);
                assert_eq!(changed, matches!(outcome, write::Outcome::Updated(_)), "{slug} {input:?}");
            }
        }
    }
    distinct(&model.draft).unwrap();
}

#[test]
fn random_writes_store_what_a_plain_model_says() {
    let config = Config { cases: 16, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let steps = prop::collection::vec(step(), 1..16);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tested = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(walk(steps));
        Ok(())
    });
    if let Err(failure) = tested {
        panic!("{failure}");
    }
}
