//! Periodic jobs run once per period, however many nodes there are.

use std::time::Duration;

use runtime::background::Work as Tasks;
use runtime::jobs::Jobs;
use runtime::prelude::*;

use crate::site::{Site, eventually, note};

#[derive(Serialize, Deserialize)]
struct Tick {}

impl Job for Tick {
    const KIND: &'static str = "tick";
}

struct Ticking;

impl Work<Tick> for Ticking {
    async fn work(&self, cx: &mut Cx<'_>, _: Tick) -> Result<()> {
        note(cx.connection, "tick", "tick", None).await
    }
}

fn ticks() -> Tasks {
    let mut jobs = Jobs::default();
    jobs.add(Ticking);
    jobs.every(Duration::from_millis(500), &Tick {});
    Tasks { jobs, ..Tasks::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_nodes_one_does_it_each_period() {
    let site = Site::new().await;
    site.run("create table public.periods (due timestamptz)").await;
    site.run(
        "create function public.period() returns trigger language plpgsql as $$ begin
            insert into public.periods values (old.due); return new; end $$",
    )
    .await;
    site.run("create trigger period after update on cms.schedule for each row execute function public.period()").await;
    let nodes = [site.node(ticks()), site.node(ticks()), site.node(ticks())];
    eventually("some periods have passed", async || site.done("tick").await.len() >= 8).await;
    for node in nodes {
        node.stop().await;
    }
    assert_eq!(site.number("select count(*) - count(distinct due) from public.periods").await, 0);
    let periods = site.number("select count(*) from public.periods").await;
    let ticks = site.number("select (select count(*) from public.done) + (select count(*) from cms.job)").await;
    // On a busy machine, the job of the previous period may still be waiting.
    assert!((8..=periods).contains(&ticks), "{ticks} in {periods} periods");
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_while_no_node_was_there_is_done_once() {
    let site = Site::new().await;
    site.run("insert into cms.schedule values ('tick', now() - interval '3 hours', 'every 3600s')").await;
    let mut jobs = Jobs::default();
    jobs.add(Ticking);
    jobs.every(Duration::from_secs(3600), &Tick {});
    let node = site.node(Tasks { jobs, ..Tasks::default() });
    eventually("it is done", async || site.done("tick").await.len() == 1).await;
    node.stop().await;
    assert_eq!(site.number("select count(*) from cms.job").await, 0);
    let next = "select extract(epoch from due - now())::bigint from cms.schedule";
    assert!((3590..=3600).contains(&site.number(next).await), "{}", site.number(next).await);
    site.stop().await;
}

#[test]
fn what_is_declared_wrongly_is_told_before_anything_runs() {
    let mut jobs = Jobs::default();
    jobs.every(Duration::from_secs(60), &Tick {});
    let told = jobs.check().expect_err("nothing does it").to_string();
    assert_eq!(told, "the job `tick` is periodic, but has no handler");
    jobs.add(Ticking);
    jobs.check().expect("something does it");
    jobs.daily("24:30", "Europe/Vienna", &Tick {});
    jobs.daily("03:30", "Vienna", &Tick {});
    let told = jobs.check().expect_err("neither is one").to_string();
    assert!(told.contains("`24:30` is not a time of day") && told.contains("`Vienna` is not a time zone"), "{told}");
}

#[derive(Serialize, Deserialize)]
struct Other;

impl Job for Other {
    const KIND: &'static str = "other";
}

struct Othering;

impl Work<Other> for Othering {
    async fn work(&self, cx: &mut Cx<'_>, _: Other) -> Result<()> {
        note(cx.connection, "other", "other", None).await
    }
}

/// The same job was enqueued by hand, in a transaction that stays open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_held_by_an_open_transaction_keeps_no_other_waiting() {
    let site = Site::new().await;
    let mut open = site.store.writes.begin().await.expect("a transaction");
    let held = "insert into cms.job (id, kind, payload, key) values (gen_random_uuid(), 'tick', '{}', 'periodic')";
    open.run(held, true).await.expect("it is held");
    let mut tasks = ticks();
    tasks.jobs.add(Othering);
    let node = site.node(tasks);
    eventually("the schedule is due", async || {
        site.number("select count(*) from cms.schedule where due < now()").await == 1
    })
    .await;
    runtime::jobs::enqueue(&site.store, &Other).await.expect("a job");
    eventually("the other is done", async || site.done("other").await.len() == 1).await;
    assert!(site.done("tick").await.is_empty(), "the held one is not there yet");
    open.rollback().await.expect("it is let go");
    eventually("it is done", async || !site.done("tick").await.is_empty()).await;
    node.stop().await;
    site.stop().await;
}
