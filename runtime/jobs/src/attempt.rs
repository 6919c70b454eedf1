//! One attempt at a job, from claim to end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::job::{AnyWork, Attempt, Body, Kind, PREFIX};
use crate::queue::{self, Claimed, LEASE};
use base::background::{Stop, backoff};
use base::cause::{kept, noted};
use base::error::{Error, Result, caught};
use base::seen;
use base::trace::{Kind as SpanKind, Root};
use store::Database;
use store::hooks::HookSet;
use store::hooks::Transcript;
use store::id;

/// How often a lease is renewed.
const BEAT: Duration = Duration::from_secs(10);
/// The pause after the first failure, and the longest one after many.
const FIRST: Duration = Duration::from_secs(2);
const MOST: Duration = Duration::from_secs(60 * 60);
/// Timeout to record an abandoned attempt when the process exits.
const FAREWELL: Duration = Duration::from_secs(3);

/// How an attempt ended.
enum End {
    Done,
    /// With the cause.
    Failed(String),
    /// The lease is lost: another node has the job, or it was cancelled.
    Lost,
    /// The process exits.
    GivenUp,
}

impl End {
    /// The error kind for the trace. It leaves out the cause, which may contain values.
    fn error(&self, is_last: bool) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Lost => Some("lost"),
            Self::GivenUp => Some("given_up"),
            Self::Failed(_) => Some(if is_last { "parked" } else { "failed" }),
        }
    }
}

fn traced(error: Option<&'static str>) {
    seen::with(|seen| seen.root().map(|root| root.done(error.map(Into::into))));
}

/// What an attempt needs to run.
#[derive(Clone)]
pub struct Bench {
    pub database: Database,
    pub hooks: Arc<HookSet>,
    /// Limits the number of open transactions.
    pub places: Arc<Semaphore>,
    pub stop: Stop,
}

impl Bench {
    /// Runs the attempt in a new trace, since the one that enqueued the job is over.
    pub(crate) async fn attempt(self, kind: &Kind, job: Claimed) {
        let root = Root::begin(SpanKind::Consumer, None);
        if let Some(root) = &root {
            root.name(format!("job {}", job.kind));
            root.tell("typecase.job.kind", job.kind.clone());
            root.tell("typecase.job.id", id::encode(PREFIX, job.id));
            root.tell("typecase.job.attempt", i64::from(job.attempts));
        }
        seen::within(root, self.work(kind, job)).await;
    }

    /// Records the end of the attempt, however it ends. If that fails, the lease expires.
    async fn work(self, kind: &Kind, job: Claimed) {
        let (id, name) = (id::encode(PREFIX, job.id), job.kind.as_str());
        if job.attempts > kind.attempts {
            self.park(kind, &job, "the last attempt was not completed").await;
            return traced(Some("parked"));
        }
        let end = tokio::select! {
            (done, cause) = noted(timeout(kind.time, caught(self.run(kind, &job)))) => match done {
                Ok(Ok(Ok(true))) => End::Done,
                Ok(Ok(Ok(false))) => End::Lost,
                Ok(Ok(Err(error)) | Err(error)) => End::Failed(kept(&cause.unwrap_or_else(|| error.to_string()))),
                Err(_) => End::Failed(Error::timeout().to_string()),
            },
            () = self.keep(&job) => End::Lost,
            () = self.stop.over() => End::GivenUp,
        };
        let error = end.error(job.attempts >= kind.attempts);
        match end {
            End::Done => tracing::debug!(job = %id, kind = name, attempt = job.attempts, "a job is done"),
            End::Lost => tracing::warn!(job = %id, kind = name, "a job was taken over or cancelled while it ran"),
            End::GivenUp => {
                if let Ok(given_back) = timeout(FAREWELL, queue::give_back(&self.database, &job)).await {
                    self.note(given_back);
                }
            }
            End::Failed(error) if job.attempts >= kind.attempts => {
                tracing::error!(job = %id, kind = name, %error, "a job failed its last attempt, and is parked");
                self.park(kind, &job, &error).await;
            }
            End::Failed(error) => {
                let wait = backoff(job.attempts, FIRST, MOST);
                tracing::warn!(job = %id, kind = name, %error, ?wait, "a job failed, and will be tried again");
                self.note(queue::put_off(&self.database, &job, &error, wait).await);
            }
        }
        traced(error);
    }

    /// Parks the job and says so to its handler, in one transaction; without its handler if that fails.
    async fn park(&self, kind: &Kind, job: &Claimed, error: &str) {
        if let Body::Inside(work) = &kind.body {
            match timeout(kind.time, caught(self.give_up(work.as_ref(), job, error))).await {
                Ok(Ok(Ok(()))) => return,
                Ok(Ok(Err(error)) | Err(error)) => {
                    tracing::warn!(job = %id::encode(PREFIX, job.id), %error, "the end of a job could not be told");
                }
                Err(_) => tracing::warn!(job = %id::encode(PREFIX, job.id), "telling the end of a job took too long"),
            }
        }
        let parked = async { queue::park(&mut *self.database.writes.lend().await?, job, error).await.map(|_| ()) };
        self.note(parked.await);
    }

    async fn give_up(&self, work: &dyn AnyWork, job: &Claimed, error: &str) -> Result<()> {
        let store = self.database.trusted();
        let mut transaction = self.database.background.begin().await?;
        if !queue::park(&mut transaction, job, error).await? {
            return Ok(());
        }
        let mut transcript = Transcript::new(&store);
        work.given_up(&mut transcript.cx(&store, &self.hooks, &mut transaction), &job.payload).await?;
        transaction.check_whole()?;
        transaction.commit().await?;
        transcript.committed(&store, &self.hooks).await;
        Ok(())
    }

    /// Returns whether the attempt still had its lease at the end.
    async fn run(&self, kind: &Kind, job: &Claimed) -> Result<bool> {
        let store = self.database.trusted();
        match &kind.body {
            Body::Inside(work) => {
                // The semaphore is never closed.
                let _place = self.places.acquire().await.ok();
                let mut transaction = self.database.background.begin().await?;
                let mut transcript = Transcript::new(&store);
                work.work(&mut transcript.cx(&store, &self.hooks, &mut transaction), &job.payload).await?;
                transaction.check_whole()?;
                let is_ours = queue::done(&mut transaction, job, &self.database.bells.jobs).await?;
                if is_ours {
                    transaction.commit().await?;
                    transcript.committed(&store, &self.hooks).await;
                } else {
                    transaction.rollback().await?;
                }
                Ok(is_ours)
            }
            Body::Outside(work) => {
                let attempt = Attempt { job: job.id, number: job.attempts, of: kind.attempts };
                work.work(&store, &attempt, &job.payload).await?;
                let mut transaction = self.database.writes.begin().await?;
                let is_ours = queue::done(&mut transaction, job, &self.database.bells.jobs).await?;
                transaction.commit().await?;
                Ok(is_ours)
            }
        }
    }

    /// Renews the lease and returns once it is lost. While the database is down, it counts as held until its expiry.
    async fn keep(&self, job: &Claimed) {
        let mut beaten = Instant::now();
        loop {
            sleep(BEAT).await;
            let now = Instant::now();
            match timeout(BEAT, queue::beat(&self.database, job)).await {
                Ok(Ok(true)) => beaten = now,
                Ok(Ok(false)) => return,
                Ok(Err(_)) | Err(_) if beaten.elapsed() < LEASE - BEAT => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
    }

    fn note(&self, written: Result<()>) {
        if let Err(error) = written {
            tracing::warn!(%error, "the end of an attempt could not be recorded; its lease will expire");
        }
    }
}
