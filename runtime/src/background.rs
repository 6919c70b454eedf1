//! What a server does beside answering: consumers of events and jobs, the site's own and those of the server itself.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use base::background::{Stop, Stopper};
use base::error::Result;
use events::Followers;
use identity::Accounts;
use jobs::{Attempt, Bench, Job, Jobs, OutsideWork};
use store::hooks::HookSet;
use store::{Bell, Database, Ear, Store};

/// What is under way when the server is told to stop has this long to end; as long as requests have.
const DRAIN: Duration = Duration::from_secs(25);
const HOURLY: Duration = Duration::from_secs(3600);

/// Jobs at once on a node, unless it is set.
pub const JOBS: u32 = 2;
/// For how long events are kept at least, unless it is set.
pub const KEEP: Duration = Duration::from_secs(7 * 86_400);

/// What there is to do.
#[derive(Debug)]
pub struct Work {
    /// Of the site, for what consumers and jobs write.
    pub hooks: Arc<HookSet>,
    pub followers: Followers,
    pub jobs: Jobs,
    /// Jobs at once. With 0 this node does neither jobs nor consumers, and still tells the others of what there is.
    pub most: u32,
    /// From being told to stop.
    pub drain: Duration,
}

impl Default for Work {
    fn default() -> Self {
        let (hooks, followers, jobs) = Default::default();
        Self { hooks, followers, jobs, most: JOBS, drain: DRAIN }
    }
}

/// Work that goes on. When it is dropped, it is given up.
#[derive(Debug)]
pub struct Background {
    stopper: Stopper,
    tasks: JoinSet<()>,
    ear: Option<JoinHandle<()>>,
    end: JoinHandle<()>,
}

impl Background {
    pub fn start(database: &Database, work: Work) -> Self {
        let Work { hooks, followers, jobs, most, drain } = work;
        let (stopper, stop) = Stopper::new();
        let places = Arc::new(Semaphore::new(database.places()));
        let (events, queue) = (Bell::default(), Bell::default());
        let followers = if most == 0 { Followers::default() } else { followers };
        let ear = (most > 0).then(|| tokio::spawn(listen(database.clone(), events.clone(), queue.clone())));
        let mut tasks = JoinSet::new();
        let bench = Bench {
            database: database.clone(),
            hooks: Arc::clone(&hooks),
            places: Arc::clone(&places),
            stop: stop.clone(),
        };
        tasks.spawn(events::work(database.clone(), hooks, followers, places, events, stop.clone()));
        tasks.spawn(jobs::work(bench, jobs, most as usize, queue));
        Self { tasks, ear, end: tokio::spawn(end(stop.clone(), stopper.clone(), drain)), stopper }
    }

    /// Nothing new is begun.
    pub fn drain(&self) -> impl Fn() + Send + use<> {
        let stopper = self.stopper.clone();
        move || stopper.drain()
    }

    /// What is under way ends within its time; what does not is given up, and jobs are given back.
    pub async fn stop(mut self) {
        self.stopper.drain();
        while self.tasks.join_next().await.is_some() {}
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.ear.iter().for_each(JoinHandle::abort);
        self.end.abort();
    }
}

async fn end(stop: Stop, stopper: Stopper, drain: Duration) {
    stop.draining().await;
    sleep(drain).await;
    stopper.end();
}

/// One connection hears for both.
async fn listen(database: Database, events: Bell, jobs: Bell) {
    let mut ear = Ear::new(database.writes.login(), &[events::CHANNEL, jobs::CHANNEL]);
    loop {
        let heard = ear.hear().await;
        if heard.as_deref() != Some(jobs::CHANNEL) {
            events.ring();
        }
        if heard.as_deref() != Some(events::CHANNEL) {
            jobs.ring();
        }
    }
}

/// Sessions, tokens and the like that are over for long enough.
#[derive(Serialize, Deserialize)]
struct DeleteExpired {}

/// Events that all consumers have passed.
#[derive(Serialize, Deserialize)]
struct PruneEvents {}

struct Expiry(Accounts);

struct Pruning(Duration);

impl Job for DeleteExpired {
    const KIND: &'static str = "typecase.delete_expired";
    const ATTEMPTS: u32 = 3;
}

impl Job for PruneEvents {
    const KIND: &'static str = "typecase.prune_events";
    const ATTEMPTS: u32 = 3;
}

/// In small transactions of its own, so that no request waits for long.
impl OutsideWork<DeleteExpired> for Expiry {
    async fn work(&self, _: &Store, _: &Attempt, _: DeleteExpired) -> Result<()> {
        let rows = self.0.delete_expired().await?;
        if rows > 0 {
            tracing::info!(rows, "what had expired is deleted");
        }
        Ok(())
    }
}

impl OutsideWork<PruneEvents> for Pruning {
    async fn work(&self, store: &Store, _: &Attempt, _: PruneEvents) -> Result<()> {
        let rows = events::prune(store, self.0).await?;
        if rows > 0 {
            tracing::info!(rows, "events that all have passed are deleted");
        }
        Ok(())
    }
}

/// What the server itself does periodically.
pub fn add_upkeep(jobs: &mut Jobs, accounts: Accounts, keep: Duration) {
    jobs.add_outside(Expiry(accounts));
    jobs.every(HOURLY, &DeleteExpired {});
    jobs.add_outside(Pruning(keep));
    jobs.every(HOURLY, &PruneEvents {});
}
