//! Indexes of the search engine against PostgreSQL: rebuilt while entries are written, after a kill, and compared on random entries.

use std::time::Duration;

use runtime::serde_json::{Value as Json, json};

use crate::client::{Site, command_with, migrated};
use crate::search::{edit, found, product};
use crate::search_engine::{ANSWERED, FAILED, built, counted, number, site, told, variables};
use crate::search_server::SearchServer;

fn run(site: &Site, engine: &SearchServer, arguments: &[&str]) -> (bool, String) {
    let url = engine.url();
    let output = command_with(&site.db, &variables(&url), arguments);
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_rebuilt_while_entries_are_written_and_searched() {
    let engine = SearchServer::start();
    let site = site(&engine).await;
    for number in 0..60 {
        product(&site, json!({"name": format!("Amber {number}")})).await;
    }
    told(&site).await;
    let before = engine.indexes();
    let (is_done, told_of) = run(&site, &engine, &["search", "rebuild", "--type", "product"]);
    assert!(is_done, "{told_of}");
    for number in 0..60 {
        product(&site, json!({"name": format!("Beryl {number}")})).await;
        let count = found(&site, json!({"query": "amber", "first": 1})).await["totalCount"].clone();
        assert_eq!(count, 60, "nothing is missing meanwhile");
    }
    built(&site).await;
    told(&site).await;
    let after = engine.indexes();
    assert_eq!(after.len(), before.len(), "the former ones are removed: {after:?}");
    assert_ne!(after, before);
    assert_eq!(engine.count("typecase-product-live"), 120);
    assert_eq!(counted(&site, FAILED).await, 0.0);
    let (is_same, told_of) = run(&site, &engine, &["search", "check"]);
    assert!(is_same, "{told_of}");
    // A document that is changed, one that is gone and one too many are told.
    let document = json!({"size": 2, "query": {"match": {"name": "beryl"}}});
    let hits = engine.ask("POST", "/typecase-product-live/_search", &document)["hits"]["hits"].clone();
    let (first, second, index) = (&hits[0]["_id"], &hits[1]["_id"], hits[0]["_index"].as_str().expect("an index"));
    let path = |id: &Json| format!("/{index}/_doc/{}?refresh=true", id.as_str().expect("an id"));
    engine.ask("DELETE", &path(first), &Json::Null);
    engine.ask("PUT", &path(second), &json!({"id": second, "hash": "another", "name": "Other"}));
    let extra = json!("00000000-0000-7000-8000-000000000000");
    engine.ask("PUT", &path(&extra), &json!({"id": extra, "hash": "none", "name": "Extra"}));
    let (is_same, told_of) = run(&site, &engine, &["search", "check"]);
    assert!(!is_same && told_of.contains("1 missing, 1 different, 1 too many"), "{told_of}");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_goes_on_after_a_kill() {
    let engine = SearchServer::start();
    let db = migrated().await;
    let site = Site::with(db, &[]).await;
    // More than some batches, with entries that nobody has to load.
    let rows = "insert into search.live (type, entry, document, exact, title, parts, others)
        select 'product', gen_random_uuid(), '', '{}', 'amber', jsonb_build_array(jsonb_build_array('A', 'name', 'Amber ' || n)), '{}'
        from generate_series(1, 6000) n";
    sqlx::raw_sql(rows).execute(&site.db.pool).await.expect("rows");
    let url = engine.url();
    for _ in 0..3 {
        let node = site.another_node_with(&variables(&url));
        tokio::time::sleep(Duration::from_millis(900)).await;
        drop(node);
    }
    let node = site.another_node_with(&variables(&url));
    // What the killed ones had begun ends with their lease.
    let sql = "update cms.job set due = now() where state = 'running'";
    sqlx::raw_sql(sql).execute(&site.db.pool).await.expect("leases end");
    let start = std::time::Instant::now();
    while number(&site, "select count(*) from search.engine where is_built and type = 'product' and is_live").await == 0
    {
        assert!(start.elapsed() < Duration::from_secs(120), "it is not built");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(engine.ask("POST", "/typecase-product-live/_refresh", &Json::Null)["_shards"]["failed"], 0);
    assert_eq!(engine.count("typecase-product-live"), 6000);
    drop(node);
    site.stop().await;
}

/// Words that texts and questions are made of: forms, hyphens, measures, accents, keys, stop words.
const WORDS: [&str; 32] = [
    "amber",
    "ambers",
    "Beryl",
    "running",
    "runs",
    "shoe",
    "shoes",
    "t-shirt",
    "tshirt",
    "café",
    "cafe",
    "500 g",
    "500g",
    "0,5 l",
    "AB-12",
    "the",
    "of",
    "blue",
    "bluer",
    "foo/bar",
    "x.example.com",
    "it's",
    "3-in-1",
    "2.5 kg",
    "naïve",
    "trousers",
    "pants",
    "sofa",
    "couch",
    "well-known",
    "12",
    "über",
];

/// A small generator of its own, so that a failure can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % most
    }

    fn words(&mut self, most: usize) -> String {
        let count = 1 + self.below(most);
        let words: Vec<&str> = (0..count).map(|_| WORDS[self.below(WORDS.len())]).collect();
        words.join(" ")
    }

    fn question(&mut self) -> String {
        let words = self.words(2);
        match self.below(6) {
            0 => format!("{words} -{}", WORDS[self.below(WORDS.len())].split(' ').next().unwrap_or_default()),
            1 => format!("{words} or {}", self.words(1)),
            2 => format!("\"{}\"", self.words(1)),
            _ => words,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_entries_are_found_by_random_questions_as_by_postgresql() {
    let seed: u64 = std::env::var("TYPECASE_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let engine = SearchServer::start();
    let site = site(&engine).await;
    // The same database without the engine.
    let alone = site.another_node_with(&[("TYPECASE_JOBS", "0")]);
    let mut dice = Dice(seed);
    let tag = "mutation($name: String!) { createTag(input: { name: $name }) { id } }";
    let mut tags = Vec::new();
    for place in 0..5 {
        let name = format!("{} {place}", dice.words(2));
        tags.push(edit(&site, tag, json!({ "name": name })).await["createTag"]["id"].clone());
    }
    for place in 0..120 {
        let tag = tags[dice.below(tags.len())].clone();
        let name = format!("{} {place}x", dice.words(4));
        let input = json!({"name": name, "summary": dice.words(5), "description": dice.words(12), "tags": {"connect": [{"id": tag}]}});
        product(&site, input).await;
    }
    told(&site).await;
    let (before, mut asked, mut nonempty) = (counted(&site, ANSWERED).await, 0.0, 0);
    for _ in 0..250 {
        let query = dice.question();
        let variables = json!({"query": query, "first": 100, "types": ["PRODUCT"]});
        let (one, other) = (found(&site, variables.clone()).await, found(&alone, variables).await);
        let ids = |found: &Json| -> std::collections::BTreeSet<String> {
            let nodes = found["nodes"].as_array().expect("nodes");
            nodes.iter().map(|node| format!("{} {}", node["id"], node["name"])).collect()
        };
        let same = (&one["totalCount"], &one["isPartial"]) == (&other["totalCount"], &other["isPartial"]);
        // More than a page: the pages are of different orders.
        let is_whole = one["totalCount"].as_i64().is_some_and(|count| count <= 100);
        assert!(same && (!is_whole || ids(&one) == ids(&other)), "seed {seed}, {query:?}: {one:#} but {other:#}");
        asked += 1.0;
        nonempty += usize::from(one["totalCount"] != 0);
    }
    assert!(counted(&site, ANSWERED).await - before >= asked * 0.9, "the engine has answered");
    assert!(nonempty > 100, "{nonempty} questions have found something");
    drop(alone);
    site.stop().await;
}
