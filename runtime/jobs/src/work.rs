//! The job worker of a process: claims due jobs and sleeps until the next one.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::attempt::Bench;
use crate::registry::Jobs;
use crate::{queue, schedule};
use base::background::backoff;
use base::error::Result;
use store::Bell;

/// The polling interval if there are no notifications.
const AT_LEAST: Duration = Duration::from_secs(30);
/// The first pause after a database failure.
const FIRST: Duration = Duration::from_secs(1);

/// Runs until told to stop and all running jobs have ended. `most`: the number of concurrent jobs, none if 0; `heard`: rings when
/// another node has work.
pub async fn work(bench: Bench, jobs: Jobs, most: usize, heard: Bell) {
    let mut worker = Worker { bench, jobs: Arc::new(jobs), most, is_declared: false, running: JoinSet::new() };
    worker.work(&heard).await;
    while worker.running.join_next().await.is_some() {}
}

struct Worker {
    bench: Bench,
    jobs: Arc<Jobs>,
    most: usize,
    /// Whether the schedules are registered.
    is_declared: bool,
    running: JoinSet<()>,
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
                Some(_) = self.running.join_next(), if failures == 0 => {}
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
        let database = &self.bench.database;
        if !self.is_declared {
            schedule::declare(database, &self.jobs.periodic).await?;
            self.is_declared = true;
        }
        let periodic = schedule::enqueue_due(database, &self.jobs.periodic).await?;
        let kinds: Vec<&str> = self.jobs.kinds.keys().copied().collect();
        while self.running.try_join_next().is_some() {}
        while self.running.len() < self.most && !self.bench.stop.is_draining() && !kinds.is_empty() {
            let (claimed, wait) = queue::claim(&self.bench.database, &kinds).await?;
            let Some(job) = claimed else {
                return Ok(periodic.into_iter().chain(wait).min());
            };
            let (bench, jobs) = (self.bench.clone(), Arc::clone(&self.jobs));
            self.running.spawn(async move {
                if let Some(kind) = jobs.kinds.get(job.kind.as_str()) {
                    bench.attempt(kind, job).await;
                }
            });
        }
        Ok(periodic)
    }

    /// Notifies other nodes, since this one may be busy.
    async fn tell_others(&self) {
        if let Err(error) = queue::tell(&self.bench.database).await {
            tracing::warn!(%error, "other nodes could not be notified of a job; they will find it at their next look-up");
        }
    }
}
