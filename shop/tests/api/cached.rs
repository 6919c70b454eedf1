//! The response cache over HTTP: what is given again, to whom, and what it costs. Its submodules have the writes that must show at once.

mod classes;
mod entries;
mod fresh;
mod nodes;
mod random;
mod strict;
mod writes;

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use runtime::serde_json::{Value as Json, json};
use sqlx::Executor as _;

use crate::client::{Answer, Node, Site, TOKEN, command, migrated, send_to};

pub const CACHE: (&str, &str) = ("TYPECASE_CACHE", "8");
/// Of `store::generations::BOUND`.
pub const BOUND: Duration = Duration::from_secs(1);
const METRICS: (&str, &str) = ("TYPECASE_METRICS_ADDRESS", "127.0.0.1:0");

const NAMES: &str = "{ products(first: 100) { nodes { name } } }";

pub async fn site() -> Site {
    site_with(&[]).await
}

pub async fn site_with(variables: &[(&str, &str)]) -> Site {
    let site = Site::with(migrated().await, &[&[CACHE], variables].concat()).await;
    is_caching(&site).await;
    site
}

/// Waits until the node follows the changes of others.
pub async fn is_caching(node: &Node) {
    let begun = Instant::now();
    while !is_hit(&get(node, "{ __typename }").await) {
        assert!(begun.elapsed() < Duration::from_secs(20), "nothing is cached");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn get(node: &Node, query: &str) -> Answer {
    node.post(&json!({ "query": query }), &[]).await
}

/// What the cache did, as the response tells.
pub fn told(answer: &Answer) -> &str {
    answer.header("typecase-cache").unwrap_or_default()
}

pub fn is_hit(answer: &Answer) -> bool {
    told(answer).starts_with("hit; age=")
}

pub async fn make(site: &Node, query: &str, variables: Json) -> Json {
    let answer = site.ask_as_developer(query, variables).await;
    assert!(answer.get("errors").is_none(), "{query}: {answer}");
    answer["data"]["made"].clone()
}

pub async fn product(site: &Node, name: &str) -> String {
    let create = "mutation($input: ProductCreateInput!) { made: createProduct(input: $input, publish: true) { id } }";
    let made = make(site, create, json!({ "input": { "name": name, "price": {"amount": "1"} } })).await;
    made["id"].as_str().unwrap().to_owned()
}

/// A node hears of its own writes as well, and then reads again.
pub async fn heard() {
    tokio::time::sleep(BOUND).await;
}

async fn scraped(site: &Site, series: &str) -> f64 {
    let answer = send_to(&site.metrics_address(), "GET", "/metrics", &[], "").await;
    let found = answer.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_else(|| panic!("no {series}: {}", answer.body))
}

async fn counted(site: &Site, result: &str) -> f64 {
    scraped(site, &format!("typecase_response_cache_requests_total{{result=\"{result}\"}}")).await
}

#[tokio::test]
async fn a_response_is_given_again_as_it_was() {
    let site = site_with(&[METRICS]).await;
    product(&site, "Chair").await;
    heard().await;
    let query = "query Some($first: Int, $where: ProductFilter) { products(first: $first, filter: $where) { nodes { name } totalCount } }";
    let asked = |variables: Json| json!({ "query": query, "variables": variables });
    let one = asked(json!({ "first": 2, "where": { "name": { "eq": "Chair" }, "slug": { "eq": "chair" } } }));
    let other = asked(json!({ "where": { "slug": { "eq": "chair" }, "name": { "eq": "Chair" } }, "first": 2 }));
    let statements = scraped(&site, "typecase_sql_statements_total").await;
    let first = site.post(&one, &[]).await;
    assert_eq!((first.status, told(&first)), (200, "miss"));
    let again = site.post(&other, &[]).await;
    let cost = |answer: &Answer| answer.json()["extensions"]["cost"].clone();
    assert!(
        is_hit(&again) && again.json()["data"] == first.json()["data"] && cost(&again) == cost(&first),
        "{again:?}\n{first:?}"
    );
    assert_eq!(again.json()["data"]["products"], json!({ "nodes": [{ "name": "Chair" }], "totalCount": 1 }));
    // A document with another name, operation or value is another one.
    for other in [
        asked(json!({ "first": 3 })),
        json!({ "query": format!("{query} ") }),
        json!({ "query": format!("{query} query Other {{ __typename }}"), "operationName": "Other" }),
        json!({ "query": format!("{query} query Other {{ __typename }}"), "operationName": "Some" }),
    ] {
        assert_eq!(told(&site.post(&other, &[]).await), "miss", "{other}");
    }
    // By GET, the same response has an ETag, which is that of the media type.
    let path = "/graphql?query=%7Bproducts%7BtotalCount%7D%7D";
    let json = [("accept", "application/json")];
    let graphql = [("accept", "application/graphql-response+json")];
    let [miss, hit] = [site.send("GET", path, &graphql, "").await, site.send("GET", path, &graphql, "").await];
    assert_eq!((told(&miss), is_hit(&hit)), ("miss", true));
    assert_eq!(told(&get(&site, "{products{totalCount}}").await), told(&hit));
    let tag = miss.header("etag").unwrap();
    assert_eq!((hit.header("etag"), hit.header("cache-control")), (Some(tag), Some("no-cache")));
    assert_ne!(site.send("GET", path, &json, "").await.header("etag"), Some(tag));
    let known = site.send("GET", path, &[graphql[0], ("if-none-match", tag)], "").await;
    assert_eq!((known.status, known.body.as_str(), known.header("etag")), (304, "", Some(tag)));
    assert!(is_hit(&known));
    assert!(site.send("HEAD", path, &graphql, "").await.body.is_empty());
    let (hits, misses) = (counted(&site, "hit").await, counted(&site, "miss").await);
    assert!(hits >= 6.0 && misses >= 6.0, "{hits} {misses}");
    // The follower asks as well, but a hit asks nothing.
    assert!(scraped(&site, "typecase_sql_statements_total").await > statements);
    site.stop().await;
}

#[tokio::test]
async fn nobody_gets_what_was_made_for_others() {
    let site = site().await;
    let create = "mutation { made: createProduct(input: { name: \"Secret\", price: { amount: \"1\" } }) { id } }";
    make(&site, create, json!({})).await;
    heard().await;
    let authorized = format!("Bearer {TOKEN}");
    let token = [("authorization", authorized.as_str())];
    let names = json!({ "query": NAMES });
    for _ in 0..2 {
        assert_eq!(told(&site.post(&names, &token).await), "bypass; reason=sender");
    }
    assert_eq!(told(&site.post(&names, &[]).await), "miss");
    assert!(is_hit(&site.post(&names, &[]).await));
    assert_eq!(told(&site.post(&names, &token).await), "bypass; reason=sender");
    assert_eq!(site.post(&names, &[("authorization", "Bearer nothing")]).await.status, 401);
    // What only an account may ask is refused to others, also after it was answered.
    let drafts = json!({ "query": "{ products(stage: DRAFT) { nodes { name } } }" });
    for _ in 0..2 {
        assert_eq!(site.post(&drafts, &token).await.json()["data"]["products"]["nodes"][0]["name"], "Secret");
        let refused = site.post(&drafts, &[]).await;
        assert_eq!(
            (refused.json()["errors"][0]["extensions"]["code"].as_str(), told(&refused)),
            (Some("UNAUTHENTICATED"), "")
        );
    }
    let link = make(&site, "mutation { made: createPreviewLink(drafts: true) { token } }", json!({})).await;
    let preview = [("typecase-preview", link["token"].as_str().unwrap())];
    let shown = site.post(&names, &preview).await;
    assert_eq!(shown.json()["data"]["products"]["nodes"][0]["name"], "Secret");
    assert_eq!(told(&shown), "bypass; reason=sender");
    assert_eq!(site.post(&names, &[]).await.json()["data"]["products"]["nodes"], json!([]));
    site.stop().await;
}

#[tokio::test]
async fn a_hit_costs_what_a_read_costs() {
    let site = site_with(&[("TYPECASE_RATE", "100/h")]).await;
    let query = json!({ "query": "{ products(first: 100) { nodes { tags(first: 100) { id } } } }" });
    let left = |answer: &Answer| -> i64 {
        let told = answer.header("ratelimit").unwrap_or_else(|| panic!("{answer:?}"));
        told.split_once("r=").unwrap().1.split(';').next().unwrap().parse().unwrap()
    };
    let answers = [site.post(&query, &[]).await, site.post(&query, &[]).await, site.post(&query, &[]).await];
    assert_eq!([told(&answers[0]), "hit"], ["miss", &told(&answers[1])[..3]]);
    let left = answers.each_ref().map(left);
    assert_eq!((left[0] - left[1], left[1] - left[2]), (6, 6), "one for each 2,000 of the cost: {left:?}");
    // In a batch, cached ones cost together what they cost alone.
    let batch = site.post(&json!([query, query]), &[]).await.json();
    let codes = batch.as_array().unwrap().iter().map(|one| one["errors"][0]["extensions"]["code"].clone());
    assert_eq!(codes.collect::<Vec<_>>(), [Json::Null, Json::Null], "{batch}");
    let mut last = site.post(&query, &[]).await;
    for _ in 0..100 {
        if last.status == 429 {
            break;
        }
        assert!(is_hit(&last), "{last:?}");
        last = site.post(&query, &[]).await;
    }
    assert_eq!(last.status, 429);
    site.stop().await;
}

#[tokio::test]
async fn what_is_not_only_content_is_not_kept() {
    let db = migrated().await;
    assert!(command(&db, &["demo"]).status.success());
    let site = Site::with(db, &[CACHE]).await;
    is_caching(&site).await;
    for (query, expected) in [
        ("{ services { nodes { isOpen } } }", "bypass; reason=sources"),
        ("{ me { kind } }", "bypass; reason=operation"),
        ("{ resolve(path: \"/nowhere\") { __typename } }", "bypass; reason=sources"),
        ("mutation { sellOut(product: \"x\") { id } }", ""),
        ("{ product(id: \"x\") { name } }", "bypass; reason=errors"),
        ("{ nothing }", ""),
    ] {
        for _ in 0..2 {
            assert_eq!(told(&get(&site, query).await), expected, "{query}");
        }
    }
    // What is not there is an answer like any other.
    for query in ["{ product(id: \"product_00000000000000000000000000\") { name } }", "{ products { nodes { name } } }"]
    {
        assert_eq!([told(&get(&site, query).await), "hit"], ["miss", &told(&get(&site, query).await)[..3]], "{query}");
    }
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_ask_at_once_are_read_for_once() {
    const MANY: usize = 40;
    let site = site_with(&[METRICS]).await;
    product(&site, "Chair").await;
    heard().await;
    let before = counted(&site, "miss").await;
    let mut lock = site.db.pool.begin().await.unwrap();
    lock.execute("lock table live.product").await.unwrap();
    let asking = join_all((0..MANY).map(|_| get(&site, NAMES)));
    let seen = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%live.\"product\"%'";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&site.db.pool).await.unwrap();
        lock.rollback().await.unwrap();
        waiting
    };
    let (answers, waiting) = tokio::join!(asking, seen);
    assert_eq!(waiting, 1, "one statement waits for the lock");
    let misses = answers.iter().filter(|answer| told(answer) == "miss").count();
    let hits = answers.iter().filter(|answer| is_hit(answer)).count();
    assert_eq!((misses, hits), (1, MANY - 1));
    assert!(answers.iter().all(|answer| answer.json()["data"] == answers[0].json()["data"]));
    assert!((counted(&site, "miss").await - before - 1.0).abs() < 0.5);
    site.stop().await;
}

#[tokio::test]
async fn memory_is_bounded_and_one_response_does_not_push_out_the_others() {
    let site = site_with(&[("TYPECASE_CACHE", "1"), METRICS]).await;
    let text = "x".repeat(20_000);
    let create = "mutation($text: String) { made: createProduct(publish: true, input: { name: \"A\", price: { amount: \"1\" }, description: $text }) { id } }";
    make(&site, create, json!({ "text": text })).await;
    heard().await;
    let small = "{ products { nodes { name } } }";
    assert_eq!(told(&get(&site, small).await), "miss");
    let large = "{ products { nodes { a: description b: description c: description d: description } } }";
    for _ in 0..2 {
        assert_eq!(told(&get(&site, large).await), "bypass; reason=large");
    }
    let mut kept = 0;
    for number in 0..120 {
        let query = format!("{{ products {{ nodes {{ n{number}: description }} }} }}");
        let answer = get(&site, &query).await;
        assert!(answer.body.contains(&format!("\"n{number}\":\"xxx")), "{number}");
        kept += usize::from(told(&answer) == "miss");
        assert!(is_hit(&get(&site, small).await), "it is used, and stays");
        let bytes = scraped(&site, "typecase_response_cache_bytes").await;
        assert!(bytes <= 1024.0 * 1024.0, "{bytes}");
    }
    assert!(kept > 100, "{kept}");
    let entries = scraped(&site, "typecase_response_cache_entries").await;
    assert!(entries > 20.0 && entries < 60.0, "{entries}");
    site.stop().await;
}

#[tokio::test]
async fn without_memory_nothing_is_cached() {
    let site = Site::with(migrated().await, &[("TYPECASE_CACHE", "0"), METRICS]).await;
    for _ in 0..2 {
        assert_eq!(get(&site, NAMES).await.header("typecase-cache"), None);
    }
    let answer = send_to(&site.metrics_address(), "GET", "/metrics", &[], "").await;
    assert!(!answer.body.contains("typecase_response_cache"));
    site.stop().await;
}
