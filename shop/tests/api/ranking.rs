//! The ranking of real catalogues: what a shop would want to see first for each of these queries, as nDCG of the first ten.
//!
//! They are read from `TYPECASE_DATA`, or else from `../shared/data` beside the workspace; without them the test does nothing.

use std::path::{Path, PathBuf};

use runtime::serde_json::{Value as Json, json};

use crate::client::{Node, Site, command};
use crate::search::{data, found, names_of};

const CATALOGUES: [(&str, &str); 3] =
    [("products.magento", "magento"), ("products.saleor", "saleor"), ("products.shopify-sample", "shopify")];
/// Results that count.
const FIRST: usize = 10;

/// A query, and what is wanted: from the best kind of product to the worst. Each is words that all are in a product's name, or after `in:`
/// in its name, categories and tags; alternatives are separated by `|`.
const QUERIES: [(&str, &[&str]); 66] = [
    ("hoodie", &["hoodie", "in:hoodies"]),
    ("hoodies", &["hoodie", "in:hoodies"]),
    ("pullover hoodie", &["pullover hood"]),
    ("sweatshirt", &["sweatshirt", "in:sweatshirts"]),
    ("yoga pants", &["yoga pant", "bikram pant", "in:yoga pants"]),
    ("yoga pant", &["yoga pant", "bikram pant", "in:yoga pants"]),
    ("yoga trousers", &["yoga pant", "bikram pant", "in:yoga pants"]),
    ("running shorts", &["running short"]),
    ("shorts for running", &["running short"]),
    ("short running", &["running short"]),
    ("leggings", &["leggings"]),
    ("capri", &["capri"]),
    ("capris", &["capri"]),
    ("tights", &["tight"]),
    ("sports bra", &["sports bra", "bra top|fit bra"]),
    ("bra", &["bra", "in:bras"]),
    ("tank", &["tank"]),
    ("tank tops", &["tank", "in:tanks"]),
    ("gym tank", &["gym tank"]),
    ("rain jacket", &["all-weather trainer|elements jacket|elements shell|all-weather"]),
    ("jacket", &["jacket"]),
    ("jackets", &["jacket", "in:jackets"]),
    ("running jacket", &["running jacket"]),
    ("leather jacket", &["leather jacket"]),
    ("winter jacket", &["winter jacket"]),
    ("backpack", &["backpack"]),
    ("backpacks", &["backpack"]),
    ("messenger bag", &["messenger"]),
    ("duffle", &["duffle"]),
    ("duffel", &["duffle"]),
    ("bags", &["bag", "in:bags"]),
    ("tote", &["tote"]),
    ("watch", &["watch"]),
    ("watches", &["watch"]),
    ("digital watch", &["digital watch"]),
    ("analog watch", &["analog watch"]),
    ("water bottle", &["water bottle"]),
    ("jump rope", &["jump rope"]),
    ("jumprope", &["jump rope"]),
    ("yoga strap", &["yoga strap"]),
    ("yoga strap 8 foot", &["yoga strap 8 foot"]),
    ("stasis ball 65 cm", &["ball 65 cm"]),
    ("stasis ball 65cm", &["ball 65 cm"]),
    ("foam roller", &["foam roller"]),
    ("evercool tee", &["evercool tee"]),
    ("v-neck tee", &["v-neck tee|tee v-neck"]),
    ("v neck", &["v-neck"]),
    ("tshirt", &["tee", "in:t-shirts"]),
    ("t-shirt", &["tee", "in:t-shirts"]),
    ("polo", &["polo"]),
    ("sunglasses", &["sunglasses", "in:sunglasses"]),
    ("juice", &["juice"]),
    ("apple juice", &["apple juice"]),
    ("gift card", &["gift card"]),
    ("gift card 500", &["gift card 500"]),
    ("cushion", &["cushion"]),
    ("gold necklace", &["gold necklace|gold bird necklace", "in:gold necklace"]),
    ("silver earrings", &["in:silver earrings"]),
    ("bracelet", &["bracelet"]),
    ("sofa", &["sofa"]),
    ("plant pot", &["plant pot", "pot"]),
    ("wooden table", &["wooden outdoor table", "table"]),
    ("pillows", &["pillows"]),
    ("hodie", &["hoodie", "in:hoodies"]),
    ("bracelt", &["bracelet"]),
    ("backpak", &["backpack"]),
];

fn folder() -> PathBuf {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    std::env::var_os("TYPECASE_DATA").map_or(beside, PathBuf::from)
}

/// Imports the catalogues. `None`: this machine does not have them.
async fn catalogues() -> Option<Site> {
    let (folder, maps) = (folder(), Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import"));
    if CATALOGUES.iter().any(|(file, _)| !folder.join(format!("{file}.ndjson")).exists()) {
        println!("{} has no catalogues: nothing is checked", folder.display());
        return None;
    }
    let site = Site::empty().await;
    for (file, map) in CATALOGUES {
        let (file, map) = (folder.join(format!("{file}.ndjson")), maps.join(format!("{map}.map.yaml")));
        let paths = [map, file].map(|path| path.to_str().expect("UTF-8").to_owned());
        let arguments = ["import", "--type", "product", "--publish", "--map", &paths[0], &paths[1]];
        let done = command(&site.db, &arguments);
        assert!(done.status.success(), "{done:?}");
    }
    Some(site)
}

/// The name of each product, and it with its categories and tags; in small letters.
async fn products(site: &Node) -> Vec<(String, String)> {
    let (mut products, mut after) = (Vec::new(), Json::Null);
    loop {
        let query = "query($after: String) { products(first: 100, after: $after) {
            pageInfo { hasNextPage endCursor } nodes { name categories { name parent { name } } tags { name } } } }";
        let page = data(site, None, query, json!({"after": after})).await["products"].clone();
        for node in page["nodes"].as_array().expect("nodes") {
            let name = small(node["name"].as_str().expect("a name"));
            let of = |list: &str, field: &dyn Fn(&Json) -> Json| -> String {
                let names = node[list].as_array().expect("a list").iter();
                names.map(|item| small(field(item).as_str().unwrap_or_default()) + " ").collect()
            };
            let categories = of("categories", &|item| item["name"].clone())
                + &of("categories", &|item| item["parent"]["name"].clone());
            let all = format!("{name} {categories} {}", of("tags", &|item| item["name"].clone()));
            products.push((name, all));
        }
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return products;
        }
    }
}

fn small(text: &str) -> String {
    text.to_lowercase().replace(['(', ')', '™', '®'], " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How much a product is wanted: the best kind counts twice as much as the next one.
fn gain(wanted: &[&str], name: &str, all: &str) -> f64 {
    let is = |kind: &&str| {
        let (text, words) = kind.strip_prefix("in:").map_or((name, *kind), |words| (all, words));
        words.split('|').any(|words| words.split(' ').all(|word| text.contains(word)))
    };
    wanted.iter().position(is).map_or(0.0, |place| 1.0 / f64::from(1 << place.min(8)))
}

fn dcg(gains: impl Iterator<Item = f64>) -> f64 {
    gains.take(FIRST).enumerate().map(|(place, gain)| gain / (place as f64 + 2.0).log2()).sum()
}

#[tokio::test]
async fn what_a_shop_wants_to_see_comes_first() {
    let Some(site) = catalogues().await else { return };
    let products = products(&site).await;
    let mut table = Vec::new();
    for (query, wanted) in QUERIES {
        let found = names_of(&found(&site, json!({"query": query, "types": ["PRODUCT"], "first": 10})).await);
        let gain_of = |(name, all): &(String, String)| gain(wanted, name, all);
        let mut best: Vec<f64> = products.iter().map(gain_of).collect();
        best.sort_by(|a, b| b.total_cmp(a));
        assert!(best[0] > 0.0, "`{query}` wants nothing that is there");
        let of_name = |name: &String| products.iter().find(|(of, _)| *of == small(name)).map_or(0.0, gain_of);
        table.push((dcg(found.iter().map(of_name)) / dcg(best.into_iter()), query, found));
    }
    let mean = table.iter().map(|(ndcg, ..)| ndcg).sum::<f64>() / table.len() as f64;
    table.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (ndcg, query, found) in &table {
        println!("{ndcg:.2} {query}: {}", found.iter().take(5).cloned().collect::<Vec<_>>().join(", "));
    }
    println!("{mean:.3} is the mean of {} queries", table.len());
    assert!(mean >= 0.95, "the mean is {mean:.3}");
    site.stop().await;
}
