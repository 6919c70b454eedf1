//! Two nodes that are killed at random under load: nothing acknowledged is lost, nothing is half done, everything is done once.
//!
//! `TYPECASE_TEST_ROUNDS` sets the number of kills, `TYPECASE_TEST_SEED` their times.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use runtime::prelude::Timestamp;
use runtime::serde_json::{Value as Json, json};
use tokio::sync::RwLock;

use crate::client::{Node, Site, try_to_post};
use crate::model::Dice;

const EDITORS: u64 = 2;
const SCHEDULERS: u64 = 2;
/// Less than the history keeps.
const SAVES: i64 = 40;

/// The addresses of the nodes, and what has been made so far.
struct Load {
    nodes: RwLock<[String; 2]>,
    is_over: AtomicBool,
    made: AtomicU64,
}

/// An entry that one task edits: every revision that was acknowledged, and the one that is live.
struct Edited {
    id: String,
    revision: i64,
    names: BTreeMap<i64, String>,
    live: Option<i64>,
}

struct Client {
    load: Arc<Load>,
    dice: Dice,
}

impl Client {
    fn new(load: &Arc<Load>, seed: u64) -> Self {
        Self { load: Arc::clone(load), dice: Dice::new(seed) }
    }

    fn name(&self) -> String {
        format!("K {:06}", self.load.made.fetch_add(1, Ordering::Relaxed))
    }

    /// What a node has answered: the data, or the code of the error; and whether an earlier request may have been done unseen.
    async fn ask(&mut self, query: &str, variables: Json) -> (Result<Json, String>, bool) {
        let body = json!({ "query": query, "variables": variables });
        let mut may_be_done = false;
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(60), "no node answers: {body}");
            let address = self.load.nodes.read().await[self.dice.below(2)].clone();
            let Some(answer) = try_to_post(&address, &body).await else {
                may_be_done = true;
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            match answer["errors"][0]["extensions"]["code"].as_str() {
                None => return (Ok(answer["data"]["made"].clone()), may_be_done),
                Some("INTERNAL") => panic!("{answer}"),
                Some("TIMEOUT" | "UNAVAILABLE") => may_be_done = true,
                Some(code) => return (Err(code.to_owned()), may_be_done),
            }
        }
    }

    async fn create(&mut self) -> Edited {
        let name = self.name();
        let query = "mutation($input: [ProductUpsertInput!]!) { made: upsertProducts(input: $input) { id revision } }";
        let data =
            json!({ "name": name, "price": { "amount": "1" }, "variants": { "set": [{ "sku": name, "name": name }] } });
        let input = json!([{ "key": { "externalRef": name }, "data": data }]);
        let made = self.ask(query, json!({ "input": input })).await.0.expect("it is made");
        let revision = made[0]["revision"].as_i64().unwrap();
        let names = (1..=revision).map(|revision| (revision, name.clone())).collect();
        Edited { id: made[0]["id"].as_str().unwrap().to_owned(), revision, names, live: None }
    }

    async fn save(&mut self, entry: &mut Edited) {
        let name = self.name();
        let query = "mutation($id: ID!, $revision: Int!, $name: String!) {
            made: updateProduct(id: $id, revision: $revision, input: {
                name: $name, variants: { set: [{ sku: $name, name: $name }] } }) { revision } }";
        let variables = json!({ "id": entry.id, "revision": entry.revision, "name": name });
        match self.ask(query, variables).await {
            (Ok(made), _) => assert_eq!(made["revision"], entry.revision + 1),
            (Err(code), true) => assert_eq!(code, "REVISION_MISMATCH"),
            (Err(code), false) => panic!("{code}: somebody else has saved {}", entry.id),
        }
        entry.revision += 1;
        entry.names.insert(entry.revision, name);
    }

    async fn publish(&mut self, entry: &mut Edited) {
        let query = "mutation($id: ID!, $revision: Int!) { made: publishProduct(id: $id, revision: $revision) { id } }";
        self.ask(query, json!({ "id": entry.id, "revision": entry.revision })).await.0.expect("it is published");
        entry.live = Some(entry.revision);
    }

    /// Both stages of the entry are what was acknowledged, on whichever node.
    async fn compare(&mut self, entry: &Edited) {
        let query = "query($id: ID!, $stage: Stage!) {
            made: product(id: $id, stage: $stage) { revision name variants { name } } }";
        for (stage, revision) in [("DRAFT", Some(entry.revision)), ("LIVE", entry.live)] {
            let found = self.ask(query, json!({ "id": entry.id, "stage": stage })).await.0.expect("it is read");
            let expected = revision.map(|revision| {
                let name = &entry.names[&revision];
                json!({ "revision": revision, "name": name, "variants": [{ "name": name }] })
            });
            assert_eq!(found, json!(expected), "{stage} of {}", entry.id);
        }
    }

    async fn edit(mut self) -> Vec<Edited> {
        let mut all = Vec::new();
        while !self.load.is_over.load(Ordering::Relaxed) {
            let mut entry = self.create().await;
            while entry.revision < SAVES && !self.load.is_over.load(Ordering::Relaxed) {
                self.save(&mut entry).await;
                if self.dice.below(2) == 0 {
                    self.publish(&mut entry).await;
                }
                if self.dice.below(4) == 0 {
                    self.compare(&entry).await;
                }
            }
            all.push(entry);
        }
        all
    }

    /// Entries that only their schedules publish: a revision that the draft has left, and then the draft. A schedule that is made twice
    /// would bring back the first one.
    async fn schedule(mut self) -> Vec<Edited> {
        let mut all = Vec::new();
        while !self.load.is_over.load(Ordering::Relaxed) {
            let mut entry = self.create().await;
            let at = Timestamp::now().as_microsecond() + i64::try_from(self.dice.below(2_000_000)).unwrap();
            self.publish_at(&entry, at).await;
            self.save(&mut entry).await;
            self.publish_at(&entry, at + 500_000).await;
            entry.live = Some(entry.revision);
            all.push(entry);
        }
        all
    }

    /// If a node is killed meanwhile, there may be two such schedules.
    async fn publish_at(&mut self, entry: &Edited, at: i64) {
        let query = "mutation($id: ID!, $at: String!, $revision: Int) {
            made: schedulePublish(id: $id, at: $at, revision: $revision) { id } }";
        let at = Timestamp::from_microsecond(at).expect("a moment").to_string();
        let variables = json!({ "id": entry.id, "at": at, "revision": entry.revision });
        self.ask(query, variables).await.0.expect("it is scheduled");
    }

    /// What is published is whole, at every moment.
    async fn read(mut self) -> usize {
        let query = "{ made: products(first: 50, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {
            nodes { name variants { name } } } }";
        let mut seen = 0;
        while !self.load.is_over.load(Ordering::Relaxed) {
            let found = self.ask(query, json!({})).await.0.expect("it is read");
            for node in found["nodes"].as_array().unwrap() {
                assert_eq!(node["variants"], json!([{ "name": node["name"] }]));
                seen += 1;
            }
        }
        seen
    }
}

/// Rows that break a rule, as text.
async fn broken(site: &Site, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&site.db.pool).await.expect("it is read")
}

async fn count(site: &Site, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&site.db.pool).await.expect("it is counted")
}

async fn until_none(site: &Site, sql: &'static str) {
    let begun = Instant::now();
    while count(site, sql).await > 0 {
        // A job of a node that was killed waits for the end of its lease, 30 s.
        assert!(begun.elapsed() < Duration::from_secs(90), "{} left: {sql}", count(site, sql).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const RULES: [(&str, &str); 7] = [
    ("revisions have a gap", "select entry::text from cms.revision group by entry having count(*) <> max(revision)"),
    (
        "a save has no event, or two",
        "select entry::text from cms.outbox where kind in ('created', 'updated') group by entry
            having count(*) <> max(revision) or count(distinct revision) <> max(revision)",
    ),
    (
        "a save without an event",
        "select r.entry::text from cms.revision r
            left join cms.outbox o on o.entry = r.entry and o.revision = r.revision and o.kind in ('created', 'updated')
            where o.seq is null",
    ),
    (
        "events are out of order",
        "select entry::text from (select entry, revision, lag(revision) over (partition by entry order by position) as before
            from cms.outbox where kind in ('created', 'updated')) e where before >= revision",
    ),
    ("a schedule is not done", "select entry::text from cms.scheduled_change where state <> 'done'"),
    (
        "a schedule is done twice, or not at all",
        "select entry::text from cms.scheduled_change group by entry having (
            select array_agg(o.revision order by o.position) from cms.outbox o
            where o.entry = scheduled_change.entry and o.kind = 'published'
        ) is distinct from array[1, 2]::bigint[]",
    ),
    ("a job is given up", "select kind from cms.job where state = 'parked'"),
];

async fn judge(site: &Site) {
    until_none(site, "select count(*) from cms.scheduled_change where state = 'pending'").await;
    until_none(site, "select count(*) from cms.outbox where position is null").await;
    for (rule, sql) in RULES {
        assert_eq!(broken(site, sql).await, [""; 0], "{rule}");
    }
    let events = count(site, "select count(*) from cms.outbox").await;
    assert_eq!(count(site, "select coalesce(max(position), 0) from cms.outbox").await, events, "positions have a gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn two_nodes_are_killed_at_random_and_nothing_is_lost_or_done_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (rounds, seed) = (number("TYPECASE_TEST_ROUNDS").unwrap_or(5), number("TYPECASE_TEST_SEED").unwrap_or(1));
    let site = Site::empty().await;
    // The two below are all that there are.
    site.signal("-KILL");
    let mut nodes: [Option<Node>; 2] = [Some(site.another_node()), Some(site.another_node())];
    let addresses = nodes.each_ref().map(|node| node.as_ref().unwrap().address.clone());
    let load = Arc::new(Load { nodes: RwLock::new(addresses), is_over: AtomicBool::new(false), made: 0.into() });
    let editors: Vec<_> = (0..EDITORS).map(|n| tokio::spawn(Client::new(&load, seed + n).edit())).collect();
    let schedulers: Vec<_> =
        (0..SCHEDULERS).map(|n| tokio::spawn(Client::new(&load, seed + 100 + n).schedule())).collect();
    let reader = tokio::spawn(Client::new(&load, seed + 200).read());
    let mut dice = Dice::new(seed);
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(u64::try_from(dice.below(400)).unwrap())).await;
        let killed = match dice.below(4) {
            0 => vec![0, 1],
            one => vec![one % 2],
        };
        for place in &killed {
            nodes[*place] = None;
        }
        for place in killed {
            let node = site.another_node();
            load.nodes.write().await[place] = node.address.clone();
            nodes[place] = Some(node);
        }
        let stopped = editors.iter().any(|task| task.is_finished()) || schedulers.iter().any(|task| task.is_finished());
        assert!(!stopped && !reader.is_finished(), "a client has failed in round {round}");
        if round % 50 == 49 {
            println!("{} rounds, {} saves", round + 1, load.made.load(Ordering::Relaxed));
        }
    }
    load.is_over.store(true, Ordering::Relaxed);
    let mut entries = Vec::new();
    for task in editors.into_iter().chain(schedulers) {
        entries.extend(task.await.expect("no client has failed"));
    }
    assert!(reader.await.expect("no read has failed") > 0);
    judge(&site).await;
    let mut client = Client::new(&load, seed);
    for entry in &entries {
        client.compare(entry).await;
    }
    println!("{rounds} rounds: {} entries, {} saves", entries.len(), load.made.load(Ordering::Relaxed));
    drop(nodes);
    site.stop().await;
}
