//! The event worker of a process: gives positions to its changes and runs each consumer in a task.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::consumer::{self, Step};
use crate::follow::{Consumer, Followers};
use crate::{feed, order};
use base::background::{Stop, backoff};
use base::error::Result;
use store::hooks::HookSet;
use store::{Bell, Database};

/// The polling interval if there are no notifications.
const AT_LEAST: Duration = Duration::from_secs(30);
/// The first pause after a database failure.
const FIRST: Duration = Duration::from_secs(1);

/// Runs until told to stop. `places` limits open transactions; `heard` rings when other nodes have given positions.
pub async fn work(
    database: Database,
    hooks: Arc<HookSet>,
    followers: Followers,
    places: Arc<Semaphore>,
    heard: Bell,
    stop: Stop,
) {
    let (told, hears) = watch::channel(());
    let mut tasks = JoinSet::new();
    for consumer in followers.consumers {
        let worker = Worker {
            database: database.clone(),
            hooks: Arc::clone(&hooks),
            consumer,
            places: Arc::clone(&places),
            told: hears.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(worker.run());
    }
    tasks.spawn(feed::follow(database.clone(), hears, stop.clone()));
    let mut failures = 0;
    while !stop.is_draining() {
        match order::give_positions(&database).await {
            Ok(_) => failures = 0,
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, "events could not be ordered; will try again");
            }
        }
        told.send_replace(());
        let pause = if failures > 0 { backoff(failures, FIRST, AT_LEAST) } else { AT_LEAST };
        tokio::select! {
            () = database.bells.events.rung(), if failures == 0 => {}
            () = sleep(pause) => {}
            () = passed_on(&heard, &told) => {}
            () = stop.draining() => {}
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Forwards the notifications of other nodes to the consumers. Never returns.
async fn passed_on(heard: &Bell, told: &watch::Sender<()>) {
    loop {
        heard.rung().await;
        told.send_replace(());
    }
}

struct Worker {
    database: Database,
    hooks: Arc<HookSet>,
    consumer: Arc<Consumer>,
    places: Arc<Semaphore>,
    told: watch::Receiver<()>,
    stop: Stop,
}

impl Worker {
    async fn run(mut self) {
        let mut failures = 0;
        let mut most = self.consumer.batch;
        while !self.stop.is_draining() {
            self.told.mark_unchanged();
            let stop = self.stop.clone();
            let step = tokio::select! {
                step = self.step(most) => step,
                // Its transaction is rolled back.
                () = stop.over() => return,
            };
            if step.is_ok() {
                failures = 0;
            }
            match step {
                Ok(Step::Moved) => most = (most * 2).min(self.consumer.batch),
                Ok(Step::Idle) => self.wait().await,
                Ok(Step::Failed(wait)) => {
                    // One change at a time, to find the one that fails.
                    most = 1;
                    self.pause(wait).await;
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(consumer = self.consumer.name, %error, "events could not be followed; will try again");
                    self.pause(backoff(failures, FIRST, AT_LEAST)).await;
                }
            }
        }
    }

    async fn step(&self, most: usize) -> Result<Step> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await.ok();
        if self.stop.is_draining() {
            return Ok(Step::Idle);
        }
        let step = consumer::step(&self.database, &self.hooks, &self.consumer, most).await?;
        if step == Step::Idle && consumer::register(&self.database, &self.consumer).await? {
            return Ok(Step::Moved);
        }
        Ok(step)
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.told.changed() => {}
            () = sleep(AT_LEAST) => {}
            () = self.stop.draining() => {}
        }
    }

    async fn pause(&self, pause: Duration) {
        tokio::select! {
            () = sleep(pause) => {}
            () = self.stop.draining() => {}
        }
    }
}
