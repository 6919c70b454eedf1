//! One attempt at a job, from its claim to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::job::{Attempt, Body, Kind, PREFIX};
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

/// How often a lease is made longer.
const BEAT: Duration = Duration::from_secs(10);
/// After the first failure, and after many.
const FIRST: Duration = Duration::from_secs(2);
const MOST: Duration = Duration::from_secs(60 * 60);
/// For what is said of an attempt that was given up when the process ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// How it ended.
enum End {
    Done,
    /// With its cause.
    Failed(String),
    /// Another node has the job by now, or nobody: it was cancelled.
    Lost,
    /// The process ends.
    GivenUp,
}

impl End {
    /// For the trace, which is told nothing of the cause: it may hold a value.
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

/// What an attempt is made with.
#[derive(Clone)]
pub struct Bench {
    pub database: Database,
    pub hooks: Arc<HookSet>,
    /// Transactions that may be open at once.
    pub places: Arc<Semaphore>,
    pub stop: Stop,
}

impl Bench {
    /// A trace of its own: what has given cause to it is over.
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

    /// Whatever the job does, its end is written down; where that fails, its lease ends by itself.
    async fn work(self, kind: &Kind, job: Claimed) {
        let (id, name) = (id::encode(PREFIX, job.id), job.kind.as_str());
        if job.attempts > kind.attempts {
            self.note(queue::park(&self.database, &job, "the last attempt was not completed").await);
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
                self.note(queue::park(&self.database, &job, &error).await);
            }
            End::Failed(error) => {
                let wait = backoff(job.attempts, FIRST, MOST);
                tracing::warn!(job = %id, kind = name, %error, ?wait, "a job failed, and will be tried again");
                self.note(queue::put_off(&self.database, &job, &error, wait).await);
            }
        }
        traced(error);
    }

    /// Whether the job was still this attempt's when it was done.
    async fn run(&self, kind: &Kind, job: &Claimed) -> Result<bool> {
        let store = self.database.trusted();
        match &kind.body {
            Body::Inside(work) => {
                // It is never closed.
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

    /// Until the job is not this attempt's any more. While the database is away it is, for as long as the lease was.
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
