//! The strict mode over Redis: whatever has been acknowledged by one node, or seen on one, is seen on all of them. Also while Redis is
//! away, hangs, is slow, forgets or is replaced, for one of the nodes or for all, and while writers die.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use runtime::serde_json::json;
use tokio::time::sleep;

use super::{CACHE, get, is_caching, is_hit, make, product, told};
use crate::client::{Node, Site, command_with, migrated, try_to_post};
use crate::fault_proxy::{Fault, FaultProxy};
use crate::redis_server::{Redis, free_port};

const STRICT: (&str, &str) = ("TYPECASE_CACHE_MODE", "strict");
const READERS: usize = 6;
/// The entries that both nodes change, and the one of a node that is killed.
const ENTRIES: usize = 3;

/// A number that grows, as the name of an entry.
struct Entry {
    id: String,
    acknowledged: AtomicU64,
    /// The highest of a complete response.
    seen: AtomicU64,
    /// Of the writers, which take turns.
    next: tokio::sync::Mutex<u64>,
}

struct History {
    entries: Vec<Entry>,
    hits: [AtomicUsize; 2],
    reads: [AtomicUsize; 2],
    writes: AtomicUsize,
    kills: AtomicUsize,
    is_over: AtomicBool,
}

impl History {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

async fn proxied(port: u16) -> (FaultProxy, String) {
    let proxy = FaultProxy::before(([127, 0, 0, 1], port).into()).await;
    let url = format!("redis://{}", proxy.address);
    (proxy, url)
}

/// Saves the next number by this node. `None` if nobody knows what became of it.
async fn save(node: &str, reader: &Node, entry: &Entry) -> Option<()> {
    let mut next = entry.next.lock().await;
    let found = json!({ "query": format!("{{ product(id: \"{}\", stage: DRAFT) {{ revision }} }}", entry.id) });
    let found = try_to_post(&reader.address, &found).await?;
    let revision = found["data"]["product"]["revision"].as_i64()?;
    *next += 1;
    let number = *next;
    let update = format!(
        "mutation {{ made: updateProduct(id: \"{}\", revision: {revision}, input: {{ name: \"{number}\" }}, publish: true) {{ revision }} }}",
        entry.id
    );
    let made = try_to_post(node, &json!({ "query": update })).await?;
    made["data"]["made"]["revision"].as_i64()?;
    entry.acknowledged.fetch_max(number, Ordering::SeqCst);
    Some(())
}

async fn read(nodes: &[&Node; 2], history: &History, reader: usize) {
    let mut random = reader as u64 + 1;
    while !history.is_over() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (node, number) = ((random >> 33) as usize % 2, (random >> 40) as usize % (ENTRIES + 1));
        let text = match history.entries.get(number) {
            Some(entry) => format!("{{ product(id: \"{}\") {{ name id }} }}", entry.id),
            None => "{ products(first: 10) { nodes { name id } } }".to_owned(),
        };
        let floor = |entry: &Entry| entry.acknowledged.load(Ordering::SeqCst).max(entry.seen.load(Ordering::SeqCst));
        let floors: Vec<u64> = history.entries.iter().map(floor).collect();
        let answer = get(nodes[node], &text).await;
        history.reads[node].fetch_add(1, Ordering::Relaxed);
        history.hits[node].fetch_add(usize::from(is_hit(&answer)), Ordering::Relaxed);
        let data = answer.json()["data"].clone();
        for (entry, floor) in history.entries.iter().zip(floors) {
            let shown = match data["products"]["nodes"].as_array() {
                Some(nodes) => nodes.iter().find(|node| node["id"] == *entry.id),
                None => Some(&data["product"]).filter(|product| product["id"] == *entry.id),
            };
            let Some(shown) = shown else { continue };
            let shown: u64 = shown["name"].as_str().unwrap().parse().unwrap();
            assert!(shown >= floor, "{shown} after {floor} on node {node}: {text} {}", told(&answer));
            entry.seen.fetch_max(shown, Ordering::SeqCst);
        }
        assert!(data.is_object(), "never down: {answer:?}");
    }
}

#[tokio::test]
async fn what_one_node_has_acknowledged_the_other_shows_at_once() {
    let redis = Redis::start(free_port());
    let (proxy, url) = proxied(redis.port).await;
    let direct = format!("redis://127.0.0.1:{}", redis.port);
    let site = Site::with(migrated().await, &[CACHE, STRICT, ("REDIS_URL", &url)]).await;
    let other = site.another_node_with(&[CACHE, STRICT, ("REDIS_URL", &direct)]);
    let id = product(&site, "0").await;
    for node in [&*site, &other] {
        is_caching(node).await;
    }
    let query = format!("{{ product(id: \"{id}\") {{ name }} }}");
    let rename = async |name: &str| {
        let found = site
            .ask_as_developer(&format!("{{ product(id: \"{id}\", stage: DRAFT) {{ revision }} }}"), json!({}))
            .await;
        let revision = found["data"]["product"]["revision"].as_i64().unwrap();
        let update = format!(
            "mutation {{ made: updateProduct(id: \"{id}\", revision: {revision}, input: {{ name: \"{name}\" }}, publish: true) {{ id }} }}"
        );
        make(&site, &update, json!({})).await;
    };
    let cached = async || {
        let begun = Instant::now();
        while !is_hit(&get(&other, &query).await) {
            assert!(begun.elapsed() < Duration::from_secs(60));
            sleep(Duration::from_millis(5)).await;
        }
    };
    for number in 1..=100 {
        // Now and then what must go is surely there.
        if number % 10 == 1 {
            cached().await;
        }
        rename(&number.to_string()).await;
        for _ in 0..2 {
            let answer = get(&other, &query).await;
            assert!(answer.body.contains(&format!("\"name\":\"{number}\"")), "{number}: {answer:?}");
        }
    }
    // The writer alone does not reach Redis: nobody serves anything until the change is known to all.
    for (number, fault) in (101..).zip([Fault::Down, Fault::Swallow, Fault::Hang].into_iter().cycle().take(12)) {
        cached().await;
        proxy.set(fault);
        let begun = Instant::now();
        rename(&number.to_string()).await;
        assert!(begun.elapsed() < Duration::from_secs(20), "{fault:?} {:?}", begun.elapsed());
        for node in [&other, &other, &other, &*site] {
            let answer = get(node, &query).await;
            assert!(answer.body.contains(&format!("\"name\":\"{number}\"")), "{fault:?}: {answer:?}");
        }
        proxy.set(Fault::None);
    }
    // What Redis has forgotten it has to learn again.
    cached().await;
    redis.told("FLUSHALL");
    assert!(!is_hit(&get(&other, &query).await));
    cached().await;
    drop(other);
    site.stop().await;
}

#[tokio::test]
async fn it_needs_a_redis_that_forgets_nothing() {
    let db = migrated().await;
    for (variables, expected) in [
        (vec![STRICT], "`strict` needs REDIS_URL"),
        (vec![STRICT, ("REDIS_URL", "redis://127.0.0.1:1"), ("TYPECASE_REDIS_CLUSTER", "on")], "a single Redis"),
    ] {
        let refused = command_with(&db, &variables, &["serve", "--port", "0"]);
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && message.contains(expected), "{message}");
    }
    let redis = Redis::start(free_port());
    redis.told("CONFIG SET maxmemory 100mb");
    redis.told("CONFIG SET maxmemory-policy allkeys-lru");
    let url = format!("redis://127.0.0.1:{}", redis.port);
    let site = Site::with(db, &[CACHE, STRICT, ("REDIS_URL", &url)]).await;
    let begun = Instant::now();
    while site.logged("maxmemory-policy").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(told(&get(&site, "{ __typename }").await), "bypass; reason=unknown");
        sleep(Duration::from_millis(50)).await;
    }
    redis.told("CONFIG SET maxmemory-policy noeviction");
    is_caching(&site).await;
    site.stop().await;
}

/// A node that is killed while it writes, and begins anew.
async fn die(site: &Site, history: &History, url: &str) {
    let entry = &history.entries[ENTRIES - 1];
    let mut number = 0;
    while !history.is_over() {
        number += 1;
        let node = tokio::task::block_in_place(|| site.another_node_with(&[CACHE, STRICT, ("REDIS_URL", url)]));
        let writing = async {
            loop {
                if save(&node.address, site, entry).await.is_some() {
                    history.writes.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        // At any moment of a write.
        let _ = tokio::time::timeout(Duration::from_millis(900 + number * 37 % 100), writing).await;
        drop(node);
        history.kills.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nobody_sees_less_than_anybody_has_seen() {
    let port = free_port();
    let redis = Mutex::new(Some(Redis::start(port)));
    let held = || redis.lock().unwrap();
    let (one, one_url) = proxied(port).await;
    let (two, two_url) = proxied(port).await;
    let site = Site::with(migrated().await, &[CACHE, STRICT, ("REDIS_URL", &one_url)]).await;
    let other = site.another_node_with(&[CACHE, STRICT, ("REDIS_URL", &two_url)]);
    let mut entries = Vec::new();
    for _ in 0..ENTRIES {
        let id = product(&site, "0").await;
        let (acknowledged, seen, next) = (AtomicU64::new(0), AtomicU64::new(0), tokio::sync::Mutex::new(0));
        entries.push(Entry { id, acknowledged, seen, next });
    }
    for node in [&*site, &other] {
        is_caching(node).await;
    }
    let history = History {
        entries,
        hits: Default::default(),
        reads: Default::default(),
        writes: AtomicUsize::new(0),
        kills: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
    };
    let nodes: [&Node; 2] = [&site, &other];
    let writing = |place: usize| {
        let history = &history;
        async move {
            let entry = &history.entries[place % (ENTRIES - 1)];
            let mut number = place as u64;
            while !history.is_over() {
                number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if save(&nodes[place / 2].address, nodes[1 - place / 2], entry).await.is_some() {
                    history.writes.fetch_add(1, Ordering::Relaxed);
                }
                sleep(Duration::from_millis((number >> 40) % 150)).await;
            }
        }
    };
    let chaos = async {
        let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
        for _ in 0..rounds {
            let late = Duration::from_millis;
            for (of_one, of_two) in [
                (Fault::None, Fault::None),
                (Fault::Down, Fault::None),
                (Fault::None, Fault::Hang),
                (Fault::Late(late(10)), Fault::Late(late(25))),
                (Fault::Late(late(120)), Fault::None),
                (Fault::Swallow, Fault::None),
                (Fault::None, Fault::Cut(3_000)),
                (Fault::Down, Fault::Down),
            ] {
                one.set(of_one);
                two.set(of_two);
                sleep(Duration::from_millis(2_000)).await;
                one.set(Fault::None);
                two.set(Fault::None);
                sleep(Duration::from_millis(4_000)).await;
            }
            held().as_ref().unwrap().told("FLUSHALL");
            sleep(Duration::from_secs(9)).await;
            held().as_ref().unwrap().signal("-STOP");
            sleep(Duration::from_secs(2)).await;
            held().as_ref().unwrap().signal("-CONT");
            sleep(Duration::from_secs(5)).await;
            // Another server at the same place, which knows nothing.
            tokio::task::block_in_place(|| {
                let mut held = held();
                held.take();
                *held = Some(Redis::start(port));
            });
            sleep(Duration::from_secs(11)).await;
        }
        history.is_over.store(true, Ordering::Relaxed);
    };
    let writers = join_all((0..4).map(writing));
    let readers = join_all((0..READERS).map(|reader| read(&nodes, &history, reader)));
    tokio::join!(writers, readers, die(&site, &history, &one_url), chaos);
    let [reads, hits] =
        [&history.reads, &history.hits].map(|counts| counts.each_ref().map(|count| count.load(Ordering::Relaxed)));
    let (writes, kills) = (history.writes.load(Ordering::Relaxed), history.kills.load(Ordering::Relaxed));
    println!("{writes} writes, {kills} kills, {reads:?} reads, {hits:?} hits");
    assert!(writes > 50 && kills > 5 && reads.iter().all(|count| *count > 500), "{writes} {kills} {reads:?}");
    // Otherwise nothing was tested.
    assert!(hits.iter().zip(reads).all(|(hits, reads)| hits * 20 > reads), "{hits:?} of {reads:?}");
    drop(other);
    site.stop().await;
}
