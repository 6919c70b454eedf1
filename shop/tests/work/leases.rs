//! Leases: a job of a server that has died goes to another, and an attempt that has lost its lease commits nothing.

use std::time::Duration;

use runtime::jobs::{self, Filter};
use runtime::prelude::*;

use crate::jobs::{Gate, Saying, Wait, say, tasks};
use crate::site::{Site, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_has_ended_is_taken_by_another_node() {
    let site = Site::new().await;
    jobs::enqueue(&site.store, &say("left behind")).await.expect("a job");
    // The state that a dead server leaves behind.
    site.run(
        "update cms.job set state = 'running', lease = gen_random_uuid(), attempts = 1, due = now() + interval '2 seconds'",
    )
    .await;
    let node = site.node(tasks(|jobs| jobs.add(Saying)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(site.done("say").await.is_empty(), "the lease holds");
    eventually("it is said", async || site.done("say").await == ["left behind"]).await;
    node.stop().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_without_its_lease_keeps_nothing() {
    let site = Site::new().await;
    let gate = Gate::default();
    let node = site.node(tasks(|jobs| jobs.add(gate.clone())));
    jobs::enqueue(&site.store, &Wait { words: "slow".into() }).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.begun(1).await;
    // Another node has taken it.
    site.run("update cms.job set lease = gen_random_uuid(), due = now() + interval '1 hour'").await;
    gate.open.add_permits(1);
    // The next job shows that the first has ended.
    jobs::enqueue(&site.store, &Wait { words: "next".into() }).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.open.add_permits(1);
    eventually("the next one is done", async || site.done("wait").await.contains(&"next".to_owned())).await;
    node.stop().await;
    assert_eq!(site.done("wait").await, ["next"]);
    assert_eq!(site.number("select count(*) from cms.job where state = 'running'").await, 1);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_while_it_is_done_keeps_nothing() {
    let site = Site::new().await;
    let gate = Gate::default();
    let node = site.node(tasks(|jobs| jobs.add(gate.clone())));
    let id = jobs::enqueue(&site.store, &Wait { words: "cancelled".into() }).await.expect("a job");
    jobs::tell(&site.store).await.expect("it is told");
    gate.begun(1).await;
    assert!(jobs::cancel(&site.store, id).await.expect("it is cancelled"));
    gate.open.add_permits(1);
    node.stop().await;
    assert!(site.done("wait").await.is_empty());
    assert!(jobs::list(&site.store, &Filter { most: 10, ..Filter::default() }).await.expect("a list").is_empty());
    site.stop().await;
}

#[derive(Serialize, Deserialize)]
struct Fatal {}

impl Job for Fatal {
    const KIND: &'static str = "fatal";
    const ATTEMPTS: u32 = 2;
}

struct Never;

impl Work<Fatal> for Never {
    async fn work(&self, _: &mut Cx<'_>, _: Fatal) -> Result<()> {
        panic!("it is never begun")
    }
}

/// A job that kills its server each time must not do so forever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_attempts_never_come_to_an_end_is_parked() {
    let site = Site::new().await;
    jobs::enqueue(&site.store, &Fatal {}).await.expect("a job");
    site.run("update cms.job set state = 'running', lease = gen_random_uuid(), attempts = 2, due = now()").await;
    let node = site.node(tasks(|jobs| jobs.add(Never)));
    eventually("it is parked", async || site.number("select count(*) from cms.job where state = 'parked'").await == 1)
        .await;
    let parked = jobs::list(&site.store, &Filter { most: 10, ..Filter::default() }).await.expect("a list").remove(0);
    assert_eq!(parked.error.as_deref(), Some("the last attempt was not completed"));
    node.stop().await;
    site.stop().await;
}
