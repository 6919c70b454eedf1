//! The background work of a server: consumers of events and jobs, both the site's own and the server's.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::hooked::Delivering;
use base::background::{Stop, Stopper};
use base::error::Result;
use events::{Followers, Lag};
use identity::Accounts;
use identity::mail::templates::{Mentioned, ScheduleFailed};
use jobs::{Attempt, Bench, Job, Jobs, OutsideWork};
use lifecycle::{NotifyFailure, NotifyMention};
use store::hooks::HookSet;
use store::id;
use store::{Bell, Database, Ear, Sizes, Store};

/// How long running work may take to finish once the server is told to stop; the same as for requests.
const DRAIN: Duration = Duration::from_secs(25);
/// After that, time to report and release the work that was aborted.
const FAREWELL: Duration = Duration::from_secs(5);
/// Two, because the site's own code may block one.
const THREADS: usize = 2;
const HOURLY: Duration = Duration::from_secs(3600);

/// The default number of jobs that run at once on a node.
pub const JOBS: u32 = 2;
/// The default for how long events are kept at least.
pub const KEEP: Duration = Duration::from_secs(7 * 86_400);

/// The most connections of consumers in total.
const CONSUMERS: u32 = 16;

/// Separate from the connections of jobs, so that a slow consumer delays neither jobs nor other consumers.
pub fn for_consumers(followers: &Followers, sizes: Sizes) -> u32 {
    let consumers = u32::try_from(followers.names().len()).unwrap_or(CONSUMERS);
    if sizes.background == 0 { 0 } else { consumers.min(CONSUMERS) }
}

/// What a node runs in the background.
#[derive(Debug)]
pub struct Work {
    /// The site's hooks, for what consumers and jobs write.
    pub hooks: Arc<HookSet>,
    pub followers: Followers,
    pub jobs: Jobs,
    /// `None`: this node delivers no webhooks.
    pub webhooks: Option<Delivering>,
    /// Whether caches in front of the server keep responses, which must end at the next scheduled change.
    pub foresees: bool,
    /// The most jobs at once. With 0 this node runs neither jobs nor consumers, but still notifies the other nodes.
    pub most: u32,
    /// Counted from the moment when the server is told to stop.
    pub drain: Duration,
}

impl Default for Work {
    fn default() -> Self {
        let (hooks, followers, jobs) = Default::default();
        Self { hooks, followers, jobs, webhooks: None, foresees: false, most: JOBS, drain: DRAIN }
    }
}

/// Running background work. Dropping it aborts the work.
#[derive(Debug)]
pub struct Background {
    /// A separate runtime: a job that blocks its thread must not delay requests. `None` once the work is aborted.
    runtime: Option<Runtime>,
    drain: Duration,
    stopper: Stopper,
    tasks: JoinSet<()>,
    ear: Option<JoinHandle<()>>,
    end: JoinHandle<()>,
}

impl Background {
    pub fn start(database: &Database, work: Work) -> std::io::Result<Self> {
        let Work { hooks, followers, jobs, webhooks, foresees, most, drain } = work;
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
        if let Some(Delivering { webhooks, documents }) = webhooks.filter(|_| most > 0) {
            let bench = ::webhooks::Bench { database: database.clone(), webhooks, documents, stop: stop.clone() };
            tasks.spawn_on(::webhooks::work(bench), &runtime);
        }
        if foresees {
            tasks.spawn_on(lifecycle::upcoming::follow(database.clone(), stop.clone()), &runtime);
        }
        let end = tokio::spawn(end(stop, stopper.clone(), drain));
        Ok(Self { runtime: Some(threads), drain, tasks, ear, end, stopper })
    }

    /// Returns a function after which no new work is started.
    pub fn drain(&self) -> impl Fn() + Send + use<> {
        let stopper = self.stopper.clone();
        move || stopper.drain()
    }

    /// Lets running work finish in time, aborts the rest, and releases its jobs. Connections made here are usable until
    /// this is dropped.
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

/// One connection listens for both.
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

/// Deletes sessions, tokens, deliveries of webhooks and similar data some time after their expiry.
#[derive(Serialize, Deserialize)]
struct DeleteExpired {}

/// Deletes events that all consumers have handled.
#[derive(Serialize, Deserialize)]
struct PruneEvents {}

struct Expiry(Accounts);

struct Pruning {
    keep: Duration,
    /// The site's consumers.
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

/// Small separate transactions, so that no request waits for long.
impl OutsideWork<DeleteExpired> for Expiry {
    async fn work(&self, store: &Store, _: &Attempt, _: DeleteExpired) -> Result<()> {
        let rows = self.0.delete_expired().await? + ::webhooks::prune(store).await?;
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

struct FailureMail(Accounts);

impl OutsideWork<NotifyFailure> for FailureMail {
    async fn work(&self, _: &Store, _: &Attempt, job: NotifyFailure) -> Result<()> {
        let Some((_, user)) = id::decode(&job.user) else { return Ok(()) };
        let failed = ScheduleFailed {
            title: job.title.as_deref().unwrap_or(&job.entry),
            entry: &job.entry,
            is_release: id::decode(&job.entry).is_some_and(|(prefix, _)| prefix == lifecycle::release::PREFIX),
            action: &job.action,
            at: &job.at,
            problems: &job.problems,
        };
        self.0.mail_schedule_failed(user, &failed).await
    }
}

struct MentionMail(Accounts);

impl OutsideWork<NotifyMention> for MentionMail {
    async fn work(&self, _: &Store, _: &Attempt, job: NotifyMention) -> Result<()> {
        let Some((_, user)) = id::decode(&job.user) else { return Ok(()) };
        let author = job.author.as_deref().and_then(id::decode).map(|(_, author)| author);
        let said = Mentioned {
            author: "Someone",
            title: job.title.as_deref().unwrap_or(&job.entry),
            entry: &job.entry,
            field: job.field.as_deref(),
            text: &job.text,
        };
        self.0.mail_mention(user, author, &said).await
    }
}

/// The periodic jobs of the server itself.
pub fn add_upkeep(jobs: &mut Jobs, accounts: Accounts, keep: Duration, consumers: Vec<&'static str>) {
    jobs.add_outside(FailureMail(accounts.clone()));
    jobs.add_outside(MentionMail(accounts.clone()));
    jobs.add_outside(Expiry(accounts));
    jobs.every(HOURLY, &DeleteExpired {});
    jobs.add_outside(Pruning { keep, consumers });
    jobs.every(HOURLY, &PruneEvents {});
}
