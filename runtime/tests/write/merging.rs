//! Two writers whose inputs are merged, compared with a plain three-way model; and what a conflict tells.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use runtime::Code;
use runtime::hooks::HookSet;
use runtime::store::write;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::access::Clerk;
use crate::helpers::object;
use crate::support::Shop;
use crate::support::schema::{BRAND, PRODUCT, TAG};

const SKUS: [&str; 4] = ["1", "2", "3", "4"];

#[derive(Clone, Debug, Default, PartialEq)]
struct Product {
    stock: i64,
    price: Option<i64>,
    brand: Option<&'static str>,
    tags: Vec<&'static str>,
    /// With the number of the row: a SKU may come back in another one.
    variants: Vec<Variant>,
}

#[derive(Clone, Debug, PartialEq)]
struct Variant {
    row: usize,
    sku: &'static str,
    price: Option<i64>,
}

/// `None`: the input does not name it.
#[derive(Clone, Debug)]
struct Input {
    stock: Option<i64>,
    price: Option<Option<i64>>,
    brand: Option<Option<&'static str>>,
    tags: Option<Vec<&'static str>>,
    create: Vec<(&'static str, Option<i64>)>,
    update: Vec<(&'static str, Option<i64>)>,
    delete: Vec<&'static str>,
}

#[derive(Clone, Debug)]
enum Step {
    Read { writer: usize },
    Write { writer: usize, input: Input },
}

fn step() -> impl Strategy<Value = Step> {
    let price = || prop::option::weighted(0.8, 0..3_i64);
    let sku = || prop::sample::select(&SKUS[..]);
    let some = || prop::collection::vec((sku(), price()), 0..2);
    let input = (
        prop::option::weighted(0.3, 0..3_i64),
        prop::option::weighted(0.3, price()),
        prop::option::weighted(0.3, prop::option::of(prop::sample::select(&["acme", "zeta"][..]))),
        prop::option::weighted(0.3, prop::collection::vec(prop::sample::select(&["new", "old"][..]), 0..2)),
        some(),
        some(),
        prop::collection::vec(sku(), 0..2),
    );
    let input = input.prop_map(|(stock, price, brand, tags, create, update, delete)| Input {
        stock,
        price,
        brand,
        tags,
        create,
        update,
        delete,
    });
    prop_oneof![
        1 => (0..2_usize).prop_map(|writer| Step::Read { writer }),
        3 => (0..2_usize, input).prop_map(|(writer, input)| Step::Write { writer, input }),
    ]
}

impl Input {
    /// Without what makes no sense on the version that it was made from.
    fn fitted(mut self, base: &Product) -> Self {
        let has = |sku: &str| base.variants.iter().any(|variant| variant.sku == sku);
        self.create.retain(|(sku, _)| !has(sku));
        self.update.retain(|(sku, _)| has(sku));
        self.delete.retain(|sku| has(sku) && self.update.iter().all(|(other, _)| other != sku));
        self
    }

    fn json(&self) -> Json {
        let money = |price: &Option<i64>| price.map_or(Json::Null, |minor| json!({"amountMinor": minor.to_string()}));
        let mut json = json!({});
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
        let create: Vec<Json> =
            self.create.iter().map(|(sku, price)| json!({"sku": sku, "price": money(price)})).collect();
        let update =
            self.update.iter().map(|(sku, price)| json!({"key": {"sku": sku}, "data": {"price": money(price)}}));
        let delete: Vec<Json> = self.delete.iter().map(|sku| json!({ "sku": sku })).collect();
        if !create.is_empty() || !self.update.is_empty() || !delete.is_empty() {
            json["variants"] = json!({"create": create, "update": update.collect::<Vec<_>>(), "delete": delete});
        }
        json
    }

    fn over(&self, base: &Product, rows: &mut usize) -> Product {
        let mut ours = base.clone();
        ours.stock = self.stock.unwrap_or(ours.stock);
        ours.price = self.price.unwrap_or(ours.price);
        ours.brand = self.brand.unwrap_or(ours.brand);
        ours.tags = self.tags.clone().unwrap_or(ours.tags);
        for (sku, price) in &self.update {
            ours.variants.iter_mut().filter(|variant| variant.sku == *sku).for_each(|variant| variant.price = *price);
        }
        ours.variants.retain(|variant| !self.delete.contains(&variant.sku));
        for (sku, price) in &self.create {
            *rows += 1;
            ours.variants.push(Variant { row: *rows, sku, price: *price });
        }
        ours
    }
}

/// One value; its name goes to `collisions` if both sides changed it in different ways.
fn one<T: PartialEq + Clone>(
    name: &'static str,
    (base, ours, theirs): (&T, &T, &T),
    collisions: &mut BTreeSet<&'static str>,
) -> T {
    if ours != base && theirs != base && ours != theirs {
        collisions.insert(name);
    }
    if ours == base { theirs.clone() } else { ours.clone() }
}

fn merged(base: &Product, ours: &Product, theirs: &Product) -> Result<Product, BTreeSet<&'static str>> {
    let mut collisions = BTreeSet::new();
    let mut merged = Product {
        stock: one("stock", (&base.stock, &ours.stock, &theirs.stock), &mut collisions),
        price: one("price", (&base.price, &ours.price, &theirs.price), &mut collisions),
        brand: one("brand", (&base.brand, &ours.brand, &theirs.brand), &mut collisions),
        tags: one("tags", (&base.tags, &ours.tags, &theirs.tags), &mut collisions),
        variants: Vec::new(),
    };
    let of = |product: &Product, row: usize| product.variants.iter().find(|variant| variant.row == row).cloned();
    let added = ours.variants.iter().filter(|variant| of(theirs, variant.row).is_none());
    for variant in theirs.variants.iter().chain(added) {
        let row = variant.row;
        match (of(base, row), of(ours, row), of(theirs, row)) {
            (Some(base), Some(ours), Some(theirs)) => {
                let price = one("variants", (&base.price, &ours.price, &theirs.price), &mut collisions);
                merged.variants.push(Variant { price, ..theirs });
            }
            (None, ours, theirs) => merged.variants.extend(ours.or(theirs)),
            (Some(base), ours, theirs) => {
                if ours.or(theirs) != Some(base) {
                    collisions.insert("variants");
                }
            }
        }
    }
    if collisions.is_empty() { Ok(merged) } else { Err(collisions) }
}

fn has_twins(product: &Product) -> bool {
    let skus: BTreeSet<&str> = product.variants.iter().map(|variant| variant.sku).collect();
    skus.len() < product.variants.len()
}

async fn stored(shop: &Shop) -> Json {
    let sql = "select jsonb_build_object('revision', p.revision, 'stock', p.stock, 'price', p.price, \
        'brand', (select b.slug from draft.brand b where b.id = p.brand_id), \
        'tags', (select coalesce(jsonb_agg(t.slug order by j.position), '[]') from draft.product_tags j join draft.tag t on t.id = j.target_id where j.owner_id = p.id), \
        'variants', (select coalesce(jsonb_agg(jsonb_build_array(v.sku, v.price) order by v.position), '[]') from draft.product_variant v where v.parent_id = p.id)) \
        from draft.product p";
    shop.value(sql).await
}

fn expected(revision: i64, product: &Product) -> Json {
    let variants: Vec<Json> = product.variants.iter().map(|variant| json!([variant.sku, variant.price])).collect();
    json!({ "revision": revision, "stock": product.stock, "price": product.price, "brand": product.brand,
        "tags": product.tags, "variants": variants })
}

async fn shop_with_product() -> (Shop, Uuid) {
    let shop = Shop::new().await;
    for name in ["Acme", "Zeta"] {
        shop.create(&BRAND, json!({ "name": name })).await.unwrap();
    }
    for name in ["New", "Old"] {
        shop.create(&TAG, json!({ "name": name })).await.unwrap();
    }
    let id = shop.create(&PRODUCT, json!({ "name": "Chair", "stock": 0 })).await.unwrap();
    (shop, id)
}

async fn merge(shop: &Shop, id: Uuid, revision: i64, input: Json) -> runtime::Result<Uuid> {
    write::merge(&shop.store, &HookSet::default(), &PRODUCT, id, revision, &object(input), false).await
}

async fn walk(steps: Vec<Step>) {
    let (shop, id) = shop_with_product().await;
    let mut versions = BTreeMap::from([(1_i64, Product::default())]);
    let (mut read, mut rows) = ([1_i64; 2], 0);
    for (number, step) in steps.into_iter().enumerate() {
        let current = *versions.keys().last().unwrap();
        match step {
            Step::Read { writer } => read[writer] = current,
            Step::Write { writer, input } => {
                let (base, theirs) = (&versions[&read[writer]], &versions[&current]);
                let input = input.fitted(base);
                let ours = input.over(base, &mut rows);
                let done = merge(&shop, id, read[writer], input.json()).await;
                let about = format!("step {number}: {input:?}\n{base:?}\n{theirs:?}\n{done:?}");
                match merged(base, &ours, theirs) {
                    Ok(product) if has_twins(&product) => assert!(done.is_err(), "{about}"),
                    Ok(product) => {
                        assert!(done.is_ok(), "{about}");
                        if product != *theirs {
                            versions.insert(current + 1, product);
                        }
                    }
                    Err(collisions) => {
                        let error = done.expect_err(&about);
                        let conflict = error.problems.iter().find(|problem| problem.code == Code::RevisionMismatch);
                        let details = conflict.and_then(|problem| problem.details.as_ref()).expect(&about);
                        let told = details["collisions"].as_array().unwrap().iter();
                        let told: BTreeSet<&str> = told.map(|path| path[0].as_str().unwrap()).collect();
                        assert_eq!(told, collisions, "{about}");
                    }
                }
            }
        }
        let (revision, product) = versions.last_key_value().unwrap();
        assert_eq!(stored(&shop).await, expected(*revision, product), "after step {number}");
    }
    shop.close().await;
}

#[test]
fn random_inputs_of_two_writers_are_merged_as_a_plain_model_says() {
    let config = Config { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    let steps = prop::collection::vec(step(), 1..24);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let tested = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(walk(steps));
        Ok(())
    });
    if let Err(failure) = tested {
        panic!("{failure}");
    }
}

#[tokio::test]
async fn rows_that_one_moves_and_another_changes_are_merged() {
    let (shop, id) = shop_with_product().await;
    let row = |sku: &str| json!({ "sku": sku });
    merge(&shop, id, 1, json!({ "variants": {"set": [row("1"), row("2"), row("3")]} })).await.unwrap();
    merge(&shop, id, 2, json!({ "variants": {"set": [row("3"), row("1"), row("4"), row("2")]} })).await.unwrap();
    let price = json!({ "variants": {"update": [{"key": {"sku": "2"}, "data": {"price": {"amountMinor": "7"}}}], "create": [row("5")]} });
    merge(&shop, id, 2, price).await.unwrap();
    assert_eq!(stored(&shop).await["variants"], json!([["3", null], ["5", null], ["1", null], ["4", null], ["2", 7]]));
    // Two orders of the same rows cannot be one.
    let refused = merge(&shop, id, 2, json!({ "variants": {"set": [row("2"), row("3"), row("1")]} })).await;
    let details = refused.unwrap_err().problems[0].details.clone().unwrap();
    assert!(details["collisions"].as_array().unwrap().contains(&json!(["variants"])), "{details}");
    shop.close().await;
}

#[tokio::test]
async fn a_conflict_tells_nothing_that_is_hidden() {
    let (shop, id) = shop_with_product().await;
    let theirs =
        json!({ "name": "Secret", "stock": 7, "variants": {"create": [{"sku": "1", "price": {"amountMinor": "7"}}]} });
    merge(&shop, id, 1, theirs).await.unwrap();
    let open = json!({"product": ["stock", "variants"], "product_variant": ["sku"]});
    let of_history = json!({"product": ["name", "variants"], "product_variant": ["sku"]});
    let rules = json!({"product": {"clerk": {
        "read_drafts": {"fields": open}, "read_history": {"fields": of_history}, "update": {},
    }}});
    let clerk = Clerk::new(&shop, &rules).0;
    let hooks = HookSet::default();
    let ours = async |input: Json| {
        let done = write::merge(&clerk, &hooks, &PRODUCT, id, 1, &object(input), false).await;
        done.map_err(|error| error.problems[0].details.clone().unwrap())
    };
    // Whoever may not read the name is not told that both gave it the same one.
    for name in ["Mine", "Secret"] {
        let conflict = ours(json!({ "name": name, "stock": 1 })).await.unwrap_err();
        assert_eq!(conflict["collisions"], json!([["name"], ["stock"]]), "{conflict}");
        assert_eq!(conflict["ours"], json!([{ "field": "stock", "after": 1 }]));
        let told = conflict["theirs"].to_string();
        assert!(!told.contains("Secret") && !told.contains("Chair") && !told.contains("minor"), "{told}");
        assert_eq!(conflict["theirs"][0], json!({ "field": "stock", "after": 7 }), "no value of the history");
        assert_eq!(conflict["theirs"][1]["after"], json!({ "sku": "1" }));
        assert_eq!(conflict["changes"][0]["fields"], json!(["stock", "variants"]));
    }
    assert!(ours(json!({ "stock": 7 })).await.is_ok());
    shop.close().await;
}
