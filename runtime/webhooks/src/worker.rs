//! The worker of a process: claims deliveries that are due, and sends them side by side. A receiver that is slow or away takes a few
//! places, and then one, so that it keeps no other waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::attempt::Tools;
use crate::client::Client;
use crate::document::Documents;
use crate::manage::Webhooks;
use crate::queue::{self, Claimed};
use base::background::{Stop, backoff};
use base::error::{Result, caught};
use store::Database;

/// Deliveries at once on a node. More than there may be webhooks, so that each has a place.
const PLACES: usize = 128;
/// Of one webhook; one whose last delivery has failed has one.
const OF_ONE: usize = 4;
/// While so many run, a webhook has one only: with the 27 that others may have got before, there is one left for each of 100 webhooks.
const BUSY: usize = 28;
/// However quiet it is, it is looked this often: other nodes write deliveries too.
const AT_LEAST: Duration = Duration::from_secs(2);
/// After the database was away.
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(30);
/// For what is said of an attempt that was given up when the process ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// What a worker works with.
pub struct Bench {
    pub database: Database,
    pub webhooks: Webhooks,
    pub documents: Arc<dyn Documents>,
    pub stop: Stop,
}

#[derive(Default)]
struct Load {
    running: usize,
    fails: bool,
}

struct Worker {
    tools: Arc<Tools>,
    stop: Stop,
    loads: HashMap<Uuid, Load>,
    running: JoinSet<(Uuid, bool)>,
}

/// Until it is told to stop and what is under way has ended.
pub async fn work(bench: Bench) {
    let Bench { database, webhooks, documents, stop } = bench;
    let client = match Client::new(webhooks.allowed().clone()) {
        Ok(client) => client,
        Err(error) => return tracing::error!(%error, "webhooks are not delivered: TLS cannot be set up"),
    };
    let tools = Arc::new(Tools { database, webhooks, documents, client });
    let mut worker = Worker { tools, stop, loads: HashMap::new(), running: JoinSet::new() };
    worker.work().await;
    while worker.running.join_next().await.is_some() {}
}

impl Worker {
    async fn work(&mut self) {
        let stop = self.stop.clone();
        let bell = self.tools.database.bells.webhooks.clone();
        let mut failures = 0;
        while !stop.is_draining() {
            let pause = match self.begin().await {
                Ok(wait) => {
                    failures = 0;
                    wait.unwrap_or(AT_LEAST).min(AT_LEAST)
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "deliveries of webhooks could not be looked up; will try again");
                    backoff(failures, FIRST, MOST)
                }
            };
            tokio::select! {
                () = bell.rung(), if failures == 0 => {}
                Some(ended) = self.running.join_next(), if failures == 0 => self.ended(ended.ok()),
                () = sleep(pause) => {}
                () = stop.draining() => {}
            }
        }
    }

    /// Begins as many as there is room for; how long it is until there may be more.
    async fn begin(&mut self) -> Result<Option<Duration>> {
        while let Some(ended) = self.running.try_join_next() {
            self.ended(ended.ok());
        }
        loop {
            let full = self.full();
            let room = PLACES.saturating_sub(self.running.len());
            if room == 0 || self.stop.is_draining() {
                return Ok(None);
            }
            let claimed = queue::claim(&self.tools.database, &full, room).await?;
            if claimed.is_empty() {
                return queue::next_due(&self.tools.database, &full).await;
            }
            for job in claimed {
                self.loads.entry(job.webhook).or_default().running += 1;
                self.running.spawn(attempt(Arc::clone(&self.tools), self.stop.clone(), job));
            }
        }
    }

    /// Webhooks that have all the places that they may have.
    fn full(&self) -> Vec<Uuid> {
        let is_busy = self.running.len() >= BUSY;
        let most = |load: &Load| if load.fails || is_busy { 1 } else { OF_ONE };
        self.loads.iter().filter(|(_, load)| load.running >= most(load)).map(|(id, _)| *id).collect()
    }

    fn ended(&mut self, ended: Option<(Uuid, bool)>) {
        let Some((webhook, delivered)) = ended else { return };
        let load = self.loads.entry(webhook).or_default();
        load.running = load.running.saturating_sub(1);
        load.fails = !delivered;
        if load.running == 0 && delivered {
            self.loads.remove(&webhook);
        }
    }
}

async fn attempt(tools: Arc<Tools>, stop: Stop, job: Claimed) -> (Uuid, bool) {
    let delivered = tokio::select! {
        done = caught(tools.attempt(&job)) => match done.and_then(|done| done) {
            Ok(delivered) => delivered,
            Err(error) => {
                tracing::warn!(%error, "the end of a delivery could not be recorded; its lease will expire");
                false
            }
        },
        () = stop.over() => {
            let given_back = timeout(FAREWELL, queue::give_back(&tools.database, &job)).await;
            if !matches!(given_back, Ok(Ok(()))) {
                tracing::warn!("a delivery could not be given back; its lease will expire");
            }
            false
        }
    };
    (job.webhook, delivered)
}
