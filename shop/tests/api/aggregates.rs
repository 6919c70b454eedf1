//! Aggregates: counts, extremes and sums of published entries and drafts, by group, under the rules of the reader.

use std::collections::BTreeMap;

use runtime::serde_json::{Value as Json, json};

use crate::client::Site;
use crate::facets::named;
use crate::search::{data, edit, product};

/// Products whose values are known: price in cents, currency, brand, categories, stock.
struct Known {
    brand: Option<usize>,
    categories: Vec<usize>,
    cents: i64,
    currency: &'static str,
    stock: &'static str,
}

fn known() -> Vec<Known> {
    let stocks = ["IN_STOCK", "OUT_OF_STOCK", "PREORDER"];
    (0..40_i64)
        .map(|number| {
            let place = number as usize;
            Known {
                brand: (!place.is_multiple_of(7)).then_some(place % 3),
                categories: (0..2).filter(|category| (place >> category) & 1 == 1).collect(),
                cents: (number * 7919) % 10_000,
                currency: if place.is_multiple_of(5) { "USD" } else { "EUR" },
                stock: stocks[place % 3],
            }
        })
        .collect()
}

async fn catalogue(site: &Site) -> (Vec<String>, Vec<String>) {
    let (mut brands, mut categories) = (Vec::new(), Vec::new());
    for name in ["Norvik", "Aldi", "Zara"] {
        brands.push(named(site, "Brand", name).await);
    }
    for name in ["Garden", "Indoor"] {
        categories.push(named(site, "Category", name).await);
    }
    for (place, known) in known().iter().enumerate() {
        let links: Vec<_> = known.categories.iter().map(|place| json!({"id": categories[*place]})).collect();
        let mut input = json!({
            "name": format!("Lamp {place}"), "categories": {"set": links}, "stockStatus": known.stock,
            "price": {"amountMinor": known.cents.to_string(), "currency": known.currency},
        });
        if let Some(brand) = known.brand {
            input["brand"] = json!({"connect": {"id": brands[brand]}});
        }
        product(site, input).await;
    }
    (brands, categories)
}

fn prices<'a>(of: impl Iterator<Item = &'a Known>) -> BTreeMap<&'static str, Vec<i64>> {
    let mut prices: BTreeMap<&'static str, Vec<i64>> = BTreeMap::new();
    of.for_each(|known| prices.entry(known.currency).or_default().push(known.cents));
    prices
}

fn money(prices: &BTreeMap<&'static str, Vec<i64>>, of: fn(&[i64]) -> i64) -> Json {
    let money =
        prices.iter().map(|(currency, cents)| json!({"amountMinor": of(cents).to_string(), "currency": currency}));
    money.collect()
}

const STATISTICS: &str = "count min { price { amountMinor currency } } max { price { amountMinor currency } } sum { price { amountMinor currency } }";

fn statistics<'a>(of: impl Iterator<Item = &'a Known>) -> Json {
    let of = prices(of);
    json!({
        "count": of.values().map(Vec::len).sum::<usize>(),
        "min": {"price": money(&of, |cents| *cents.iter().min().unwrap())},
        "max": {"price": money(&of, |cents| *cents.iter().max().unwrap())},
        "sum": {"price": money(&of, |cents| cents.iter().sum())},
    })
}

fn without_group(mut group: Json) -> Json {
    group.as_object_mut().unwrap().remove("group");
    group
}

#[tokio::test]
async fn groups_are_counted_and_their_values_compared_and_added_up() {
    let site = Site::empty().await;
    let (brands, _) = catalogue(&site).await;
    let all = known();
    let query = format!(
        "query($brand: ID!) {{ all: productAggregates {{ {STATISTICS} }}
            some: productAggregates(filter: {{ brand: {{ is: {{ id: {{ eq: $brand }} }} }} }}) {{ {STATISTICS} }}
            byBrand: productAggregates(groupBy: BRAND) {{ group {{ brand {{ name }} stockStatus }} {STATISTICS} }}
            byBoth: productAggregates(groupBy: [CATEGORIES, STOCK_STATUS, CATEGORIES]) {{ group {{ stockStatus categories {{ name }} }} {STATISTICS} }}
            largest: productAggregates(groupBy: CATEGORIES, first: 1) {{ count group {{ categories {{ name }} }} }} }}"
    );
    let found = data(&site, None, &query, json!({"brand": brands[1]})).await;
    assert_eq!(found["all"], json!([statistics(all.iter())]));
    assert_eq!(found["some"], json!([statistics(all.iter().filter(|known| known.brand == Some(1)))]));
    let groups = found["byBrand"].as_array().unwrap();
    assert_eq!(groups.len(), 4);
    let counts: Vec<_> = groups.iter().map(|group| group["count"].as_i64().unwrap()).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    for group in groups {
        let brand = ["Norvik", "Aldi", "Zara"].iter().position(|name| group["group"]["brand"]["name"] == *name);
        assert_eq!(group["group"]["stockStatus"], Json::Null, "it is not grouped by it");
        let expected = statistics(all.iter().filter(|known| known.brand == brand));
        assert_eq!(without_group(group.clone()), expected, "{brand:?}");
    }
    let groups = found["byBoth"].as_array().unwrap();
    assert_eq!(groups.len(), 9, "two categories and none, three states: {groups:?}");
    for group in groups {
        let category = ["Garden", "Indoor"].iter().position(|name| group["group"]["categories"]["name"] == *name);
        let is_in = |known: &&Known| match category {
            Some(category) => known.categories.contains(&category),
            None => known.categories.is_empty(),
        };
        let is_of = |known: &&Known| is_in(known) && group["group"]["stockStatus"] == known.stock;
        assert_eq!(without_group(group.clone()), statistics(all.iter().filter(is_of)), "{group}");
    }
    assert_eq!(found["largest"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["largest"][0]["count"], 20);
    site.stop().await;
}

#[tokio::test]
async fn nothing_is_one_group_without_values() {
    let site = Site::empty().await;
    let query = "{ all: productAggregates { count min { price { currency } createdAt } sum { price { currency } } } by: productAggregates(groupBy: [BRAND]) { count } }";
    let found = data(&site, None, query, json!({})).await;
    let nothing = json!({"count": 0, "min": {"price": [], "createdAt": null}, "sum": {"price": []}});
    assert_eq!(found, json!({"all": [nothing], "by": []}));
    site.stop().await;
}

#[tokio::test]
async fn moments_and_numbers_have_extremes() {
    let site = Site::empty().await;
    for (title, day) in [("One", "2024-02-29"), ("Two", "1999-12-31"), ("Three", "2025-01-01")] {
        let create = format!(
            "mutation {{ createPost(input: {{ title: \"{title}\", publishedOn: \"{day}\", body: \"x\" }}, publish: true) {{ id }} }}"
        );
        edit(&site, &create, json!({})).await;
    }
    let query = "{ postAggregates { count min { publishedOn createdAt } max { publishedOn createdAt } } posts(orderBy: { field: CREATED_AT }) { nodes { createdAt } } }";
    let found = data(&site, None, query, json!({})).await;
    let nodes = &found["posts"]["nodes"];
    let expected = json!([{
        "count": 3,
        "min": {"publishedOn": "1999-12-31", "createdAt": nodes[0]["createdAt"]},
        "max": {"publishedOn": "2025-01-01", "createdAt": nodes[2]["createdAt"]},
    }]);
    assert_eq!(found["postAggregates"], expected);
    site.stop().await;
}

#[tokio::test]
async fn rules_hold_for_what_is_counted_and_for_what_it_is_grouped_by() {
    let site = Site::empty().await;
    let shade = product(&site, json!({"name": "Shade"})).await["id"].as_str().expect("an id").to_owned();
    product(&site, json!({"name": "Lamp", "related": {"set": [{"id": shade}]}})).await;
    let query = |stage: &str| {
        format!("{{ productAggregates(groupBy: RELATED, stage: {stage}) {{ count group {{ related {{ name }} }} }} }}")
    };
    let group = |count: i64, name: Option<&str>| json!({"count": count, "group": {"related": name.map(|name| json!({"name": name}))}});
    let both = json!([group(1, Some("Shade")), group(1, None)]);
    assert_eq!(data(&site, None, &query("LIVE"), json!({})).await["productAggregates"], both);
    let unpublish = format!("mutation {{ unpublishProduct(id: \"{shade}\", revision: 1, force: true) {{ id }} }}");
    edit(&site, &unpublish, json!({})).await;
    let live = data(&site, None, &query("LIVE"), json!({})).await;
    assert_eq!(live["productAggregates"], json!([group(1, None)]), "it is not published");
    let drafts = site.ask_as_developer(&query("DRAFT"), json!({})).await;
    assert_eq!(drafts["data"]["productAggregates"], both);
    for (query, code) in [
        (query("DRAFT"), "UNAUTHENTICATED"),
        (
            "{ productAggregates(filter: { externalRef: { eq: \"1\" } }) { count } }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "{ productAggregates(groupBy: [BRAND, TAGS, CATEGORIES, STOCK_STATUS]) { count } }".to_owned(),
            "LIMIT_EXCEEDED",
        ),
        ("{ productAggregates(groupBy: BRAND, first: 100000) { count } }".to_owned(), "LIMIT_EXCEEDED"),
        ("{ productAggregates(groupBy: NAME) { count } }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let answer = site.post(&json!({"query": query}), &[]).await.json();
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}: {answer}");
    }
    site.stop().await;
}

#[tokio::test]
async fn sums_are_never_wrong() {
    let site = Site::empty().await;
    for name in ["One", "Two"] {
        product(&site, json!({"name": name, "price": {"amountMinor": "9223372036854775807", "currency": "EUR"}})).await;
    }
    let query =
        json!({"query": "{ productAggregates { count max { price { amountMinor } } sum { price { amountMinor } } } }"});
    let answer = site.post(&query, &[]).await.json();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "LIMIT_EXCEEDED", "{answer}");
    let query = "{ productAggregates { count max { price { amountMinor } } } }";
    let found = data(&site, None, query, json!({})).await;
    assert_eq!(found["productAggregates"][0]["max"]["price"][0]["amountMinor"], "9223372036854775807");
    site.stop().await;
}

#[tokio::test]
async fn prices_follow_the_work() {
    let site = Site::empty().await;
    let cost = async |query: &str| {
        let answer = site.post(&json!({"query": query}), &[]).await.json();
        assert_eq!(answer["errors"], Json::Null, "{query}");
        answer["extensions"]["cost"]["requested"].as_u64().expect("a price")
    };
    let groups = ["BRAND", "BRAND, TAGS", "BRAND, TAGS, CATEGORIES"];
    let mut prices = Vec::new();
    for by in groups {
        prices.push(cost(&format!("{{ productAggregates(groupBy: [{by}], first: 1) {{ count }} }}")).await);
    }
    let more = [prices[1] - prices[0], prices[2] - prices[1]];
    assert!(more[0] >= 7_000 && more[1] >= 19_000, "each multiplies the rows: {prices:?}");
    // A facet looks for all that is found, under the filter.
    let search = |facets: &str| {
        format!(
            "{{ search(query: \"lamp\", filter: {{ product: {{ name: {{ contains: \"a\" }} }} }}) {{ totalCount facets {{ product {{ {facets} }} }} }} }}"
        )
    };
    let one = cost(&search("a: tags(first: 1) { count }")).await;
    let two = cost(&search("a: tags(first: 1) { count } b: tags(first: 1) { count }")).await;
    assert!(two - one >= 600, "{one} {two}");
    // What is suggested counts as what is found.
    let nodes = "nodes { ... on Product { categories(first: 3) { name } } }";
    let few = cost(&format!("{{ suggest(query: \"lam\", first: 1) {{ {nodes} }} }}")).await;
    let many = cost(&format!("{{ suggest(query: \"lam\", first: 100) {{ {nodes} }} }}")).await;
    assert!(many - few >= 300, "{few} {many}");
    site.stop().await;
}
