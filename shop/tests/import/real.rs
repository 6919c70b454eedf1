//! Catalogues of real systems, where this machine has them: every record is imported completely.
//!
//! They are read from `TYPECASE_DATA`, or else from `../shared/data` beside the workspace; without them the tests do nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use unicode_normalization::UnicodeNormalization as _;

use crate::catalogue::Catalogue;

struct Source {
    file: PathBuf,
    records: Vec<Json>,
}

fn source(name: &str) -> Option<Source> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("TYPECASE_DATA").map_or(beside, PathBuf::from);
    let file = folder.join(format!("{name}.ndjson"));
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("{} is not there: nothing is checked", file.display());
        return None;
    };
    let records = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Some(Source { file, records })
}

impl Source {
    /// The values of a field of all variants, read without the importer.
    fn variants<T>(&self, read: impl Fn(&Json) -> T) -> Vec<T> {
        self.records.iter().flat_map(|record| record["variants"].as_array().unwrap()).map(read).collect()
    }

    fn texts(&self, list: &str) -> BTreeSet<String> {
        let lists = self.records.iter().flat_map(|record| record[list].as_array().unwrap());
        lists.map(|item| item.as_str().unwrap().to_owned()).collect()
    }

    fn count(&self) -> u64 {
        self.records.len() as u64
    }
}

/// Cents of a text such as `40.000`.
fn cents(text: &str) -> i64 {
    (text.parse::<f64>().unwrap() * 100.0).round() as i64
}

async fn twice(shop: &Catalogue, content_type: &str, map: &str, source: &Source) {
    let first = shop.import(content_type, map, &source.file).await;
    assert_eq!(first.counts(), (source.count(), 0, 0, 0), "{:?}", first.report);
    let second = shop.import(content_type, map, &source.file).await;
    assert_eq!(second.counts(), (0, 0, source.count(), 0), "{:?}", second.report);
}

#[tokio::test]
async fn magento() {
    let Some(source) = source("products.magento") else { return };
    let shop = Catalogue::new().await;
    twice(&shop, "product", "magento", &source).await;
    assert_eq!(shop.count("select count(*) from live.product").await, source.count() as i64);
    assert_eq!(shop.count("select count(*) from live.product_variant").await, source.variants(|_| ()).len() as i64);
    let sum = source.variants(|variant| cents(variant["price"].as_str().unwrap())).iter().sum::<i64>();
    assert_eq!(
        shop.count("select sum(price)::bigint from live.product_variant where price_currency = 'USD'").await,
        sum
    );
    let images = |record: &Json| record["images"].as_array().unwrap().len() as i64;
    assert_eq!(
        shop.count("select count(*) from live.product_images").await,
        source.records.iter().map(images).sum::<i64>()
    );
    let mut shelves = BTreeSet::new();
    for path in source.texts("categories") {
        let names: Vec<&str> = path.split('/').collect();
        shelves.extend((1..=names.len()).map(|end| names[..end].join("/")));
    }
    assert_eq!(shop.count("select count(*) from live.category").await, shelves.len() as i64);
    // One product names a category twice.
    let shelves_of =
        |record: &Json| record["categories"].as_array().unwrap().iter().map(Json::to_string).collect::<BTreeSet<_>>();
    let filed: usize = source.records.iter().map(|record| shelves_of(record).len()).sum();
    assert_eq!(shop.count("select count(*) from live.product_categories").await, filed as i64);
    assert_eq!(shop.count("select count(*) from live.product where name <> btrim(name)").await, 0);
    assert_eq!(shop.count("select count(*) from live.product where description like '%<%>%'").await, 0);
    shop.close().await;
}

#[tokio::test]
async fn saleor() {
    let Some(source) = source("products.saleor") else { return };
    let shop = Catalogue::new().await;
    twice(&shop, "product", "saleor", &source).await;
    assert_eq!(shop.count("select count(*) from live.product_variant").await, source.variants(|_| ()).len() as i64);
    let dollars = |variant: &Json| {
        let prices = variant["prices"].as_array().unwrap();
        cents(prices.iter().find(|price| price["currency"] == "USD").unwrap()["amount"].as_str().unwrap())
    };
    let sum = source.variants(dollars).iter().sum::<i64>();
    assert_eq!(shop.count("select sum(price)::bigint from live.product_variant").await, sum);
    assert_eq!(shop.count("select count(*) from live.category").await, source.texts("categories").len() as i64);
    let brands: BTreeSet<_> =
        source.records.iter().filter_map(|record| record["attributes"]["Brand"].as_str()).collect();
    assert_eq!(
        shop.column("select name from live.brand order by name collate \"C\"").await,
        brands.into_iter().collect::<Vec<_>>()
    );
    shop.close().await;
}

#[tokio::test]
async fn shopify() {
    let Some(source) = source("products.shopify-sample") else { return };
    let shop = Catalogue::new().await;
    twice(&shop, "product", "shopify", &source).await;
    assert_eq!(shop.count("select count(*) from live.product_variant").await, source.variants(|_| ()).len() as i64);
    let sum = source.variants(|variant| cents(variant["price"].as_str().unwrap())).iter().sum::<i64>();
    assert_eq!(shop.count("select sum(price)::bigint from live.product_variant").await, sum);
    let former = source.variants(|variant| variant["compare_at_price"].as_str().map_or(0, cents)).iter().sum::<i64>();
    assert_eq!(shop.count("select sum(compare_at_price)::bigint from live.product_variant").await, former);
    let tags: BTreeSet<String> = source.texts("tags").iter().map(|tag| tag.to_lowercase()).collect();
    assert_eq!(shop.count("select count(*) from live.tag").await, tags.len() as i64);
    shop.close().await;
}

#[tokio::test]
async fn posts() {
    let Some(source) = source("posts.rust-blog") else { return };
    let shop = Catalogue::new().await;
    twice(&shop, "post", "posts", &source).await;
    // Texts are stored in NFC; some of these are in another form.
    let body = |post: &Json| post["body_markdown"].as_str().unwrap().nfc().collect::<String>();
    let bodies: BTreeSet<String> = source.records.iter().map(body).collect();
    let kept: BTreeSet<String> = shop.column("select body from live.post").await.into_iter().collect();
    assert_eq!(kept.difference(&bodies).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(kept.len(), bodies.len());
    let bylines: usize = source.records.iter().map(|post| post["authors"].as_array().unwrap().len()).sum();
    assert_eq!(shop.count("select count(*) from live.post_authors").await, bylines as i64);
    assert_eq!(shop.count("select count(*) from live.tag").await, source.texts("tags").len() as i64);
    shop.close().await;
}

#[tokio::test]
async fn pages() {
    let Some(source) = source("pages.magento") else { return };
    let shop = Catalogue::new().await;
    twice(&shop, "post", "pages", &source).await;
    assert_eq!(shop.count("select count(*) from live.post where body like '%<%>%'").await, 0);
    shop.close().await;
}
