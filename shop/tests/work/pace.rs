//! Jobs rest while reads keep the cores busy, and are all done nevertheless.

use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use runtime::jobs;
use runtime::prelude::*;
use runtime::store::{Limits, Sizes};
use tokio::time::sleep;

use crate::jobs::{Gate, Saying, Wait, say, tasks};
use crate::site::{LIMITS, Node, Site, eventually};

/// Jobs after which the worker has noticed that reads are busy.
const UNTIL_NOTICED: usize = 15;
/// A job for which the longest rest is long enough.
const SHORT: Duration = Duration::from_millis(200);

#[derive(Serialize, Deserialize)]
struct Step {}

impl Job for Step {
    const KIND: &'static str = "step";
}

/// When each began and ended.
#[derive(Clone, Default)]
struct Stepping(Arc<Mutex<Vec<(Instant, Instant)>>>);

impl OutsideWork<Step> for Stepping {
    async fn work(&self, _: &Store, _: &Attempt, _: Step) -> Result<()> {
        let begun = Instant::now();
        sleep(Duration::from_millis(5)).await;
        self.0.lock().expect("no other fails").push((begun, Instant::now()));
        Ok(())
    }
}

/// A node with as many reads under way as there are cores.
async fn busy_node(site: &Site, tasks: runtime::background::Work) -> (Node, impl Sized) {
    let cores = available_parallelism().map_or(1, usize::from);
    let reads = u32::try_from(cores).expect("a number of cores");
    let limits = Limits { connections: Sizes { reads, ..LIMITS.connections }, ..LIMITS };
    let database = Database::new(site.db.options.clone(), limits, &generated::SCHEMA);
    let mut lent = Vec::new();
    for _ in 0..cores {
        lent.push(database.lend().await.expect("a connection"));
    }
    (Node::on(database, tasks), lent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_rest_longer_than_they_take_while_reads_are_busy() {
    let (site, steps) = (Site::new().await, Stepping::default());
    let count = UNTIL_NOTICED + 20;
    for _ in 0..count {
        jobs::enqueue(&site.store, &Step {}).await.expect("a job");
    }
    let (node, lent) = busy_node(&site, tasks(|jobs| jobs.add_outside(steps.clone()))).await;
    eventually("all are done", async || steps.0.lock().expect("no other fails").len() == count).await;
    let done = steps.0.lock().expect("no other fails").clone();
    for (one, next) in done.iter().zip(&done[1..]).skip(UNTIL_NOTICED) {
        let (took, rest) = (one.1 - one.0, next.0.saturating_duration_since(one.1));
        assert!(took > SHORT || rest > took, "a rest of {rest:?} after {took:?}");
    }
    drop(lent);
    node.stop().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_job_does_not_keep_others_waiting_while_reads_are_busy() {
    let (site, gate) = (Site::new().await, Gate::default());
    for _ in 0..UNTIL_NOTICED {
        jobs::enqueue(&site.store, &say("before")).await.expect("a job");
    }
    let add = |jobs: &mut jobs::Jobs| {
        jobs.add(Saying);
        jobs.add(gate.clone());
    };
    let (node, lent) = busy_node(&site, tasks(add)).await;
    eventually("reads are noticed", async || site.done("say").await.len() == UNTIL_NOTICED).await;
    jobs::enqueue(&site.store, &Wait { words: "long".into() }).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.begun(1).await;
    jobs::enqueue(&site.store, &say("meanwhile")).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    eventually("it is done", async || site.done("say").await.len() == UNTIL_NOTICED + 1).await;
    gate.open.add_permits(1);
    drop(lent);
    node.stop().await;
    site.stop().await;
}
