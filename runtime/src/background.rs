//! The background work of a server: consumers of events and jobs, both the site's own and the server's.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use base::background::{Stop, Stopper};
use base::error::Result;
use events::{Followers, Lag};
use identity::Accounts;
use jobs::{Attempt, Bench, Job, Jobs, OutsideWork};
use store::hooks::HookSet;
use store::{Bell, Database, Ear, Sizes, Store};

/// What is under way when the server is told to stop has this long to end; as long as requests have.
const DRAIN: Duration = Duration::from_secs(25);
/// After that, for what is said of what was given up.
const FAREWELL: Duration = Duration::from_secs(5);
/// One may be blocked by the site's own code.
const THREADS: usize = 2;
const HOURLY: Duration = Duration::from_secs(3600);

/// Jobs at once on a node, unless it is set.
pub const JOBS: u32 = 2;
/// For how long events are kept at least, unless it is set.
pub const KEEP: Duration = Duration::from_secs(7 * 86_400);

/// Connections of consumers, in all.
const CONSUMERS: u32 = 16;

/// Beside those of jobs, so that one which takes long keeps neither jobs nor other consumers waiting.
pub fn for_consumers(followers: &Followers, sizes: Sizes) -> u32 {
    let consumers = u32::try_from(followers.names().len()).unwrap_or(CONSUMERS);
    if sizes.background == 0 { 0 } else { consumers.min(CONSUMERS) }
}

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
    /// Of its own: a job that blocks its thread must keep no request waiting. `None` once it is given up.
    runtime: Option<Runtime>,
    drain: Duration,
    stopper: Stopper,
    tasks: JoinSet<()>,
    ear: Option<JoinHandle<()>>,
    end: JoinHandle<()>,
}

impl Background {
    pub fn start(database: &Database, work: Work) -> std::io::Result<Self> {
        let Work { hooks, followers, jobs, most, drain } = work;
        let threads =
            Builder::new_multi_thread().worker_threads(THREADS).thread_name("background").enable_all().build()?;
        let runtime = threads.handle().clone();
        let (stopper, stop) = Stopper::new();
        let places = Arc::new(Semaphore::new(database.places()));
        let (events, queue) = (Bell::default(), Bell::default());
        let followers = if most == 0 { Followers::default() } else { followers };
        let ear = (most > 0).then(|| runtime.spawn(listen(database.clone(), events.clone(), queue.clone())));
        let mut tasks = JoinSet::new();
        let bench = Bench {
            database: database.clone(),
            hooks: Arc::clone(&hooks),
            places: Arc::clone(&places),
            stop: stop.clone(),
        };
        tasks.spawn_on(events::work(database.clone(), hooks, followers, places, events, stop.clone()), &runtime);
        tasks.spawn_on(jobs::work(bench, jobs, most as usize, queue), &runtime);
        let end = tokio::spawn(end(stop, stopper.clone(), drain));
        Ok(Self { runtime: Some(threads), drain, tasks, ear, end, stopper })
    }

    /// Nothing new is begun.
    pub fn drain(&self) -> impl Fn() + Send + use<> {
        let stopper = self.stopper.clone();
        move || stopper.drain()
    }

    /// What is under way ends within its time; what does not is given up, and jobs are given back. Connections that were made here are of
    /// use until this is dropped.
    pub async fn stop(&mut self) {
        self.stopper.drain();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(self.drain + FAREWELL, ended).await.is_err() {
            tracing::error!("a job or a consumer blocks its thread and is abandoned; its lease will expire");
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.ear.iter().for_each(JoinHandle::abort);
        self.end.abort();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
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

struct Pruning {
    keep: Duration,
    /// Of the site.
    consumers: Vec<&'static str>,
}

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
            tracing::info!(rows, "expired data was deleted");
        }
        Ok(())
    }
}

impl OutsideWork<PruneEvents> for Pruning {
    async fn work(&self, store: &Store, _: &Attempt, _: PruneEvents) -> Result<()> {
        let rows = events::prune(store, self.keep).await?;
        if rows > 0 {
            tracing::info!(rows, "events that all consumers have handled were deleted");
        }
        let is_gone = |lag: &Lag| !self.consumers.contains(&lag.consumer.as_str());
        let keeps = |lag: &Lag| lag.behind > 0 && lag.seconds > self.keep.as_secs_f64();
        for Lag { consumer, behind, .. } in events::lag(store).await?.iter().filter(|lag| is_gone(lag) && keeps(lag)) {
            tracing::warn!(
                consumer,
                events = behind,
                "events are kept for a consumer that the site has no more; \
                 if it does not come back: `delete from cms.consumer where name = '{consumer}'`"
            );
        }
        Ok(())
    }
}

/// What the server itself does periodically.
pub fn add_upkeep(jobs: &mut Jobs, accounts: Accounts, keep: Duration, consumers: Vec<&'static str>) {
    jobs.add_outside(Expiry(accounts));
    jobs.every(HOURLY, &DeleteExpired {});
    jobs.add_outside(Pruning { keep, consumers });
    jobs.every(HOURLY, &PruneEvents {});
}
