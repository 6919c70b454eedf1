//! Writers and readers at once, on two nodes: what a reader may see is checked against what was written when.
//!
//! The names of an entry are numbers that grow. On the node of the writer, a response has at least the number that was acknowledged before
//! it was asked for, and at least the one of any response that was complete by then. On the other node, the same holds for numbers that
//! were acknowledged earlier than the bound, and for responses to the same query.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use runtime::serde_json::json;

use super::{BOUND, CACHE, get, is_caching, is_hit, make, product, site};
use crate::client::Node;

const ENTRIES: usize = 3;
const READERS: usize = 6;
const TIME: Duration = Duration::from_secs(12);

struct History {
    entries: Vec<Entry>,
    /// The highest number of a complete response, by node, query and entry.
    seen: Mutex<HashMap<(usize, usize, usize), u64>>,
    hits: [AtomicUsize; 2],
    reads: [AtomicUsize; 2],
    is_over: AtomicBool,
}

struct Entry {
    id: String,
    written: Mutex<Vec<(Instant, u64)>>,
}

impl Entry {
    /// The number that was acknowledged by then.
    fn acknowledged(&self, by: Instant) -> u64 {
        let written = self.written.lock().unwrap();
        written.iter().rev().find(|(at, _)| *at <= by).map_or(0, |(_, number)| *number)
    }
}

/// Queries by their number: one entry each, then all, then all by another text.
fn query(number: usize, history: &History) -> (String, Vec<usize>) {
    match history.entries.get(number) {
        Some(entry) => (format!("{{ product(id: \"{}\") {{ name id }} }}", entry.id), vec![number]),
        None => {
            let spaces = " ".repeat(number - ENTRIES);
            (format!("{{ products(first: 10) {{{spaces} nodes {{ name id }} }} }}"), (0..ENTRIES).collect())
        }
    }
}

async fn write(node: &Node, history: &History, place: usize) -> u64 {
    let entry = &history.entries[place];
    let mut number = 0;
    let mut revision = 1;
    while !history.is_over.load(Ordering::Relaxed) {
        number += 1;
        let publish = number % 3 != 0;
        let update = format!(
            "mutation($id: ID!) {{ made: updateProduct(id: $id, revision: {revision}, input: {{ name: \"{number}\" }}, publish: {publish}) {{ revision }} }}"
        );
        let made = make(node, &update, json!({ "id": entry.id })).await;
        revision = made["revision"].as_i64().unwrap();
        if !publish {
            let publish =
                format!("mutation($id: ID!) {{ made: publishProduct(id: $id, revision: {revision}) {{ id }} }}");
            make(node, &publish, json!({ "id": entry.id })).await;
        }
        entry.written.lock().unwrap().push((Instant::now(), number));
        // Sometimes for long enough that the other node hears of it.
        let pause = (number * 7919 + place as u64 * 104_729) % 10;
        tokio::time::sleep(Duration::from_millis(if pause == 0 { 700 } else { pause * pause })).await;
    }
    number
}

async fn read(nodes: &[&Node; 2], history: &History, reader: usize) {
    let mut random = reader as u64 + 1;
    while !history.is_over.load(Ordering::Relaxed) {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (node, number) = ((random >> 33) as usize % 2, (random >> 40) as usize % (ENTRIES + 2));
        let (text, places) = query(number, history);
        let begun = Instant::now();
        let floor = |place: &usize| {
            let known = begun.checked_sub(BOUND).filter(|_| node == 1).unwrap_or(begun);
            let seen = history.seen.lock().unwrap();
            // On the node of the writer, whatever the query was.
            let of = |query: usize| seen.get(&(node, query, *place)).copied().unwrap_or_default();
            let seen = if node == 0 { (0..ENTRIES + 2).map(of).max().unwrap_or_default() } else { of(number) };
            (history.entries[*place].acknowledged(known), seen)
        };
        let floors: Vec<_> = places.iter().map(floor).collect();
        let answer = get(nodes[node], &text).await;
        history.reads[node].fetch_add(1, Ordering::Relaxed);
        history.hits[node].fetch_add(usize::from(is_hit(&answer)), Ordering::Relaxed);
        let data = answer.json()["data"].clone();
        for (place, (acknowledged, seen)) in places.into_iter().zip(floors) {
            let id = &history.entries[place].id;
            let found = match data["products"]["nodes"].as_array() {
                Some(nodes) => nodes.iter().find(|node| node["id"] == **id).unwrap_or_else(|| panic!("{answer:?}")),
                None => &data["product"],
            };
            let found: u64 = found["name"].as_str().unwrap().parse().unwrap();
            let told = || format!("node {node}, query {number}, entry {place}: {:?}", super::told(&answer));
            assert!(found >= acknowledged, "{found} after {acknowledged} was acknowledged; {}", told());
            assert!(found >= seen, "{found} after {seen} was seen; {}", told());
            let mut all = history.seen.lock().unwrap();
            let known = all.entry((node, number, place)).or_default();
            *known = found.max(*known);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_sees_less_than_was_written() {
    let site = site().await;
    let other = site.another_node_with(&[CACHE]);
    is_caching(&other).await;
    let mut entries = Vec::new();
    for _ in 0..ENTRIES {
        entries.push(Entry { id: product(&site, "0").await, written: Mutex::default() });
    }
    let history = Arc::new(History {
        entries,
        seen: Mutex::default(),
        hits: Default::default(),
        reads: Default::default(),
        is_over: AtomicBool::new(false),
    });
    // The other node has the entries.
    tokio::time::sleep(BOUND * 2).await;
    let writers = join_all((0..ENTRIES).map(|place| write(&site, &history, place)));
    let nodes: [&Node; 2] = [&site, &other];
    let readers = join_all((0..READERS).map(|reader| read(&nodes, &history, reader)));
    let end = async {
        tokio::time::sleep(TIME).await;
        history.is_over.store(true, Ordering::Relaxed);
    };
    let (written, ..) = tokio::join!(writers, readers, end);
    let [reads, hits] =
        [&history.reads, &history.hits].map(|counts| counts.each_ref().map(|count| count.load(Ordering::Relaxed)));
    assert!(written.iter().sum::<u64>() > 50 && reads.iter().all(|count| *count > 200), "{written:?} {reads:?}");
    // Otherwise nothing was tested.
    assert!(hits.iter().all(|count| *count > 20), "{hits:?} of {reads:?}");
    println!("{written:?} writes, {reads:?} reads, {hits:?} hits");
    drop(other);
    site.stop().await;
}
