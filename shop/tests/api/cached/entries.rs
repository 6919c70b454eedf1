//! Responses that show single entries: they outlive changes of others, and after each change they are what a read without a cache gives.

use std::collections::HashMap;

use runtime::serde_json::{Value as Json, json};

use super::{get, heard, is_hit, make, product, site, told};
use crate::client::{Node, Site};

const PRODUCTS: usize = 5;
const ROUNDS: usize = 240;

/// Pages of one entry each, with what belongs to it.
fn page(slug: &str) -> String {
    format!(
        "{{ productBySlug(slug: \"{slug}\") {{ id name slug path summary brand {{ id name path }} images {{ id }}
            variants {{ sku name image {{ id }} }} }} }}"
    )
}

#[tokio::test]
async fn an_edit_of_one_product_leaves_the_pages_of_others() {
    let site = site().await;
    for name in ["Chair", "Table"] {
        product(&site, name).await;
    }
    let chair =
        get(&site, "{ productBySlug(slug: \"chair\") { id } }").await.json()["data"]["productBySlug"]["id"].clone();
    heard().await;
    let by_id = format!("{{ product(id: {chair}) {{ name }} node(id: {chair}) {{ id }} }}");
    let (of_chair, of_table) = (page("chair"), page("table"));
    let list = "{ products { nodes { name } } }";
    let nothing = page("nothing");
    let all = [&*of_chair, &*of_table, &*by_id, list, &*nothing];
    let cached = async || {
        // The node hears of its own writes as well.
        heard().await;
        for query in all {
            get(&site, query).await;
            assert!(is_hit(&get(&site, query).await), "{query}");
        }
    };
    let hits = async || {
        let mut hits = Vec::new();
        for query in all {
            hits.push(is_hit(&get(&site, query).await));
        }
        hits
    };
    let edit = async |slug: &str, input: Json, publish: bool| {
        let found = draft(&site, slug).await;
        let update = "mutation($id: ID!, $revision: Int!, $input: ProductUpdateInput!, $publish: Boolean!) {
            made: updateProduct(id: $id, revision: $revision, input: $input, publish: $publish) { id } }";
        let variables = json!({ "id": found["id"], "revision": found["revision"], "input": input, "publish": publish });
        make(&site, update, variables).await;
    };
    cached().await;
    edit("table", json!({ "name": "Desk" }), true).await;
    assert_eq!(hits().await, [true, false, true, false, false], "nobody knows that the new one is not asked for");
    cached().await;
    edit("table", json!({ "name": "Bench" }), false).await;
    assert_eq!(hits().await, [true; 5], "it is a draft");
    edit("chair", json!({ "name": "Stool", "variants": { "create": [{ "sku": "s" }] } }), true).await;
    assert_eq!(hits().await, [false, true, false, false, false]);
    let stool = get(&site, &of_chair).await;
    assert!(stool.body.contains("Stool"), "{stool:?}");
    // The second node has other pages still, too, when it has heard of the change.
    let other = site.another_node_with(&[super::CACHE]);
    super::is_caching(&other).await;
    heard().await;
    for query in [&*of_chair, &*of_table] {
        get(&other, query).await;
        assert!(is_hit(&get(&other, query).await), "{query}");
    }
    edit("chair", json!({ "name": "Throne" }), true).await;
    let begun = std::time::Instant::now();
    while !get(&other, &of_chair).await.body.contains("Throne") {
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(is_hit(&get(&other, &of_table).await));
    drop(other);
    site.stop().await;
}

/// The draft with this slug or id.
async fn draft(site: &Node, slug: &str) -> Json {
    let query = "query($slug: String!) { productBySlug(slug: $slug, stage: DRAFT) { id revision } }";
    let found = site.ask_as_developer(query, json!({ "slug": slug })).await;
    found["data"]["productBySlug"].clone()
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// Entries that are changed, and what is known of them.
struct Shop<'a> {
    site: &'a Site,
    /// By type: the ids, of which some are deleted now.
    ids: HashMap<&'static str, Vec<String>>,
    done: HashMap<&'static str, usize>,
}

impl Shop<'_> {
    fn one(&self, of: &str, random: &mut Random) -> String {
        let ids = &self.ids[of];
        ids[random.below(ids.len())].clone()
    }

    /// Makes a change that may be refused, as of an entry that is deleted or that others point at.
    async fn make(&mut self, of: &'static str, id: &str, call: impl Fn(i64) -> String) {
        let ty = id.split_once('_').unwrap().0;
        let stage = if ty == "product" { ", stage: DRAFT" } else { "" };
        let found = self
            .site
            .ask_as_developer(&format!("{{ found: {ty}(id: \"{id}\"{stage}) {{ revision }} }}"), json!({}))
            .await;
        let revision = found["data"]["found"]["revision"].as_i64().unwrap_or(1);
        let made = self.site.ask_as_developer(&format!("mutation {{ made: {} }}", call(revision)), json!({})).await;
        let code = made["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
        assert!(code != "GRAPHQL_VALIDATION_FAILED" && code != "INTERNAL" && code != "BAD_USER_INPUT", "{of}: {made}");
        if made.get("errors").is_none() {
            *self.done.entry(of).or_default() += 1;
        }
    }

    async fn change(&mut self, random: &mut Random, number: usize) {
        let (product, brand, tag, category) = (
            self.one("product", random),
            self.one("brand", random),
            self.one("tag", random),
            self.one("category", random),
        );
        let (other, slug) = (self.one("product", random), format!("p{}", random.below(PRODUCTS + 2)));
        let update = |id: &str, revision: i64, input: String, publish: bool| {
            format!(
                "updateProduct(id: \"{id}\", revision: {revision}, input: {{ {input} }}, publish: {publish}) {{ id }}"
            )
        };
        let publish = random.below(3) > 0;
        match random.below(18) {
            0 | 1 => {
                self.make("rename", &product, |r| update(&product, r, format!("name: \"N{number}\""), publish)).await
            }
            2 | 3 => self.make("slug", &product, |r| update(&product, r, format!("slug: \"{slug}\""), publish)).await,
            4 => {
                let input = format!("brand: {{ connect: {{ id: \"{brand}\" }} }}");
                self.make("brand", &product, |r| update(&product, r, input.clone(), publish)).await;
            }
            5 => self.make("no brand", &product, |r| update(&product, r, "brand: null".into(), publish)).await,
            6 => {
                let input = format!(
                    "tags: {{ set: [{{ id: \"{tag}\" }}] }} related: {{ set: [{{ id: \"{other}\" }}] }} categories: {{ set: [{{ id: \"{category}\" }}] }}"
                );
                self.make("lists", &product, |r| update(&product, r, input.clone(), publish)).await;
            }
            7 => {
                let input = format!("variants: {{ set: [{{ sku: \"{product}-{number}\" name: \"V{number}\" }}] }}");
                self.make("variants", &product, |r| update(&product, r, input.clone(), publish)).await;
            }
            8 | 9 => {
                self.make("publish", &product, |r| format!("publishProduct(id: \"{product}\", revision: {r}) {{ id }}"))
                    .await
            }
            10 => {
                self.make("unpublish", &product, |r| {
                    format!("unpublishProduct(id: \"{product}\", revision: {r}, force: true) {{ id }}")
                })
                .await
            }
            11 => self.make("delete", &product, |r| format!("deleteProduct(id: \"{product}\", revision: {r})")).await,
            12 => {
                for product in self.ids["product"].clone() {
                    self.make("undelete", &product, |_| format!("undeleteProduct(id: \"{product}\") {{ id }}")).await;
                }
            }
            13 => {
                self.make("rename brand", &brand, |r| {
                    format!("updateBrand(id: \"{brand}\", revision: {r}, input: {{ name: \"B{number}\" }}) {{ id }}")
                })
                .await
            }
            14 => {
                self.make("rename tag", &tag, |r| {
                    format!("updateTag(id: \"{tag}\", revision: {r}, input: {{ name: \"T{number}\" }}) {{ id }}")
                })
                .await
            }
            15 => {
                self.make("delete tag", &tag, |r| format!("deleteTag(id: \"{tag}\", revision: {r})")).await;
                if random.below(2) == 0 {
                    self.make("undelete tag", &tag, |_| format!("undeleteTag(id: \"{tag}\") {{ id }}")).await;
                }
            }
            16 => {
                let parent = self.one("category", random);
                let input = if random.below(3) == 0 {
                    "null".to_owned()
                } else {
                    format!("{{ connect: {{ id: \"{parent}\" }} }}")
                };
                self.make("move category", &category, |r| {
                    format!("updateCategory(id: \"{category}\", revision: {r}, input: {{ parent: {input} }}) {{ id }}")
                })
                .await;
            }
            _ => {
                // Two exchange their slugs.
                let (one, two) = (self.slug(&product).await, self.slug(&other).await);
                if let (Some(one), Some(two)) = (one, two)
                    && one != two
                {
                    let item =
                        |id: &str, slug: &str| format!("{{ key: {{ id: \"{id}\" }}, data: {{ slug: \"{slug}\" }} }}");
                    let input = [item(&product, &two), item(&other, &one)].join(", ");
                    self.make("exchange", &product, |_| {
                        format!("upsertProducts(input: [{input}], publish: {publish}) {{ id }}")
                    })
                    .await;
                }
            }
        }
    }

    async fn slug(&self, id: &str) -> Option<String> {
        let found = self
            .site
            .ask_as_developer(&format!("{{ product(id: \"{id}\", stage: DRAFT) {{ slug }} }}"), json!({}))
            .await;
        found["data"]["product"]["slug"].as_str().map(str::to_owned)
    }
}

/// By id, by key, and whole lists, with each kind of relation.
fn queries(shop: &Shop<'_>) -> Vec<String> {
    let mut queries: Vec<String> = (0..PRODUCTS + 2).map(|number| page(&format!("p{number}"))).collect();
    for id in &shop.ids["product"] {
        queries.push(format!(
            "{{ product(id: \"{id}\") {{ name path brand {{ name products(first: 3) {{ name }} }} }} }}"
        ));
        queries.push(format!(
            "{{ product(id: \"{id}\") {{ slug tags(first: 5) {{ name }} categories(first: 5) {{ name path }} }} }}"
        ));
        queries.push(format!(
            "{{ node(id: \"{id}\") {{ id ... on Product {{ name related(first: 5) {{ name path }} }} }} }}"
        ));
    }
    for id in &shop.ids["category"] {
        queries.push(format!("{{ category(id: \"{id}\") {{ name path parent {{ name path parent {{ name }} }} }} }}"));
    }
    for id in &shop.ids["brand"] {
        queries.push(format!("{{ brand(id: \"{id}\") {{ name path }} }}"));
    }
    let ids = shop.ids.values().flatten().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
    queries.push(format!(
        "{{ nodes(ids: [{ids}]) {{ id ... on Product {{ name brand {{ name }} }} ... on Tag {{ name }} }} }}"
    ));
    queries.push("{ products(first: 20) { totalCount nodes { name slug brand { name } tags { name } } } }".into());
    queries
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_changed_a_cached_response_is_what_is_read() {
    let site = site().await;
    // Without a cache, on the same database; another with one, which hears of the changes.
    let (plain, other) = (site.another_node(), site.another_node_with(&[super::CACHE]));
    super::is_caching(&other).await;
    let mut ids: HashMap<&'static str, Vec<String>> = HashMap::new();
    let made = async |call: String| {
        make(&site, &format!("mutation {{ made: {call} {{ id }} }}"), json!({})).await["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for number in 0..PRODUCTS {
        let input = format!("name: \"p{number}\", price: {{ amount: \"1\" }}");
        let id = made(format!("createProduct(input: {{ {input} }}, publish: true)")).await;
        ids.entry("product").or_default().push(id);
    }
    for number in 0..3 {
        ids.entry("brand").or_default().push(made(format!("createBrand(input: {{ name: \"b{number}\" }})")).await);
        ids.entry("tag").or_default().push(made(format!("createTag(input: {{ name: \"t{number}\" }})")).await);
        ids.entry("category")
            .or_default()
            .push(made(format!("createCategory(input: {{ name: \"c{number}\" }})")).await);
    }
    let mut shop = Shop { site: &site, ids, done: HashMap::new() };
    let queries = queries(&shop);
    let given = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let mut random = Random(given("SEED").unwrap_or(7));
    let rounds = given("ROUNDS").map_or(ROUNDS, |rounds| rounds as usize);
    let (mut hits, mut asked, mut shown) = (0, 0, 0);
    for number in 0..rounds {
        shop.change(&mut random, number).await;
        // The same few for a while, so that they are cached when something else changes.
        let first = number / 20 * 7;
        for place in (0..6).map(|place| (first + place * 5) % queries.len()) {
            let query = &queries[place];
            let answer = get(&site, query).await;
            let expected = get(&plain, query).await.json();
            let found = answer.json();
            assert!(expected["data"].is_object(), "{query}: {expected}");
            assert_eq!(found["data"], expected["data"], "round {number}: {query} {}", told(&answer));
            hits += usize::from(is_hit(&answer));
            asked += 1;
            shown += usize::from(!found["data"].as_object().unwrap().values().all(Json::is_null));
            get(&other, query).await;
        }
        if number % 20 == 19 {
            heard().await;
            for query in &queries {
                let (answer, expected) = (get(&other, query).await, get(&plain, query).await);
                assert_eq!(
                    answer.json()["data"],
                    expected.json()["data"],
                    "round {number}, another node: {query} {}",
                    told(&answer)
                );
            }
        }
    }
    println!("{hits} hits of {asked}, {shown} with something; {:?}", shop.done);
    assert!(hits * 4 > asked && hits * 10 < asked * 9, "{hits} of {asked}");
    assert!(shown * 2 > asked && shop.done.len() >= 14, "{shown} {:?}", shop.done);
    drop((plain, other));
    site.stop().await;
}
