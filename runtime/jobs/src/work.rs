//! The job worker of a process: claims due jobs and sleeps until the next one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use crate::attempt::Bench;
use crate::pace::Pace;
use crate::registry::Jobs;
use crate::{queue, schedule};
use base::background::backoff;
use base::error::Result;
use store::Bell;

/// The polling interval if there are no notifications.
const AT_LEAST: Duration = Duration::from_secs(30);
/// How long it is known when the next periodic job is due.
const FRESH: Duration = Duration::from_secs(1);
/// The first pause after a database failure.
const FIRST: Duration = Duration::from_secs(1);

/// Runs until told to stop and all running jobs have ended. `most`: the number of concurrent jobs, none if 0; `heard`: rings when
/// another node has work.
pub async fn work(bench: Bench, jobs: Jobs, most: usize, heard: Bell) {
    let mut worker = Worker {
        bench,
        jobs: Arc::new(jobs),
        most,
        is_declared: false,
        periodic: None,
        running: JoinSet::new(),
        pace: Pace::new(),
    };
    worker.work(&heard).await;
    while worker.running.join_next().await.is_some() {}
}

struct Worker {
    bench: Bench,
    jobs: Arc<Jobs>,
    most: usize,
    /// Whether the schedules are registered.
    is_declared: bool,
    /// When the schedules were looked at, and when the next one is due.
    periodic: Option<(Instant, Option<Instant>)>,
    /// Each returns how long it took.
    running: JoinSet<Duration>,
    pace: Pace,
}

impl Worker {
    async fn work(&mut self, heard: &Bell) {
        let stop = self.bench.stop.clone();
        let mut failures = 0;
        while !stop.is_draining() {
            let pause = match self.begin().await {
                Ok(wait) => {
                    failures = 0;
                    wait.unwrap_or(AT_LEAST).min(AT_LEAST)
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "jobs could not be looked up; will try again");
                    backoff(failures, FIRST, AT_LEAST)
                }
            };
            tokio::select! {
                () = self.bench.database.bells.jobs.rung(), if failures == 0 => self.tell_others().await,
                () = heard.rung(), if failures == 0 => {}
                Some(ended) = self.running.join_next(), if failures == 0 => self.note(ended),
                () = sleep(pause) => {}
                () = stop.draining() => {}
            }
        }
    }

    /// Starts as many jobs as there is room for; returns the time until there may be more.
    async fn begin(&mut self) -> Result<Option<Duration>> {
        if self.most == 0 {
            return Ok(None);
        }
        if !self.is_declared {
            schedule::declare(&self.bench.database, &self.jobs.periodic).await?;
            self.is_declared = true;
        }
        let periodic = self.enqueue_due().await?;
        let kinds: Vec<&str> = self.jobs.kinds.keys().copied().collect();
        while let Some(ended) = self.running.try_join_next() {
            self.note(ended);
        }
        self.pace.look(&self.bench.database);
        while self.running.len() < self.most && !self.bench.stop.is_draining() && !kinds.is_empty() {
            if let Some(rest) = self.pace.rest() {
                return Ok(periodic.into_iter().chain([rest]).min());
            }
            let (claimed, wait) = queue::claim(&self.bench.database, &kinds).await?;
            let Some(job) = claimed else {
                return Ok(periodic.into_iter().chain(wait).min());
            };
            let (bench, jobs) = (self.bench.clone(), Arc::clone(&self.jobs));
            self.pace.started();
            self.running.spawn(async move {
                let begun = Instant::now();
                if let Some(kind) = jobs.kinds.get(job.kind.as_str()) {
                    bench.attempt(kind, job).await;
                }
                begun.elapsed()
            });
        }
        Ok(periodic)
    }

    /// Enqueues due periodic jobs; returns the time until the next one. Not with each of many short jobs.
    async fn enqueue_due(&mut self) -> Result<Option<Duration>> {
        let now = Instant::now();
        let is_fresh = |(at, due): &(Instant, Option<Instant>)| *at + FRESH > now && due.is_none_or(|due| due > now);
        let due = match self.periodic.filter(is_fresh) {
            Some((_, due)) => due,
            None => {
                let wait = schedule::enqueue_due(&self.bench.database, &self.jobs.periodic).await?;
                let due = wait.map(|wait| now + wait);
                self.periodic = Some((now, due));
                due
            }
        };
        Ok(due.map(|due| due.saturating_duration_since(now)))
    }

    fn note(&mut self, ended: std::result::Result<Duration, JoinError>) {
        self.pace.ended(ended.unwrap_or_default());
    }

    /// Notifies other nodes, since this one may be busy.
    async fn tell_others(&self) {
        if let Err(error) = queue::tell(&self.bench.database).await {
            tracing::warn!(%error, "other nodes could not be notified of a job; they will find it at their next look-up");
        }
    }
}
