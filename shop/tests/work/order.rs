//! The order of events has no gaps, whenever their transactions commit.

use std::sync::Arc;

use runtime::hooks::HookSet;
use runtime::prelude::*;
use runtime::store::outbox::{self, Line};
use uuid::Uuid;

use crate::site::{Recorder, Site, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_transaction_commits_late_is_not_skipped() {
    let site = Site::new().await;
    let node = site.node(Recorder::new("all").alone());
    let mut late = site.store.writes.begin().await.expect("a transaction");
    let line =
        Line { table: "tag", entry: Uuid::now_v7(), revision: 7, kind: EventKind::Updated, fields: vec!["name"] };
    outbox::record(&mut late, &site.store, std::slice::from_ref(&line)).await.expect("an event");
    for number in 0..20 {
        site.create(&HookSet::default(), &format!("Early {number}")).await;
    }
    runtime::events::give_positions(&site.store).await.expect("an order");
    eventually("those that are committed are followed", async || site.done("all").await.len() == 40).await;
    late.commit().await.expect("it ends");
    runtime::events::give_positions(&site.store).await.expect("an order");
    eventually("the late one is followed", async || site.done("all").await.len() == 41).await;
    let done = site.done("all").await;
    assert_eq!(done.last(), Some(&format!("tag updated {} 7", line.entry)));
    assert_eq!(done, site.events().await);
    assert_eq!(site.number("select max(position) - min(position) + 1 - count(*) from cms.outbox").await, 0);
    assert_eq!(site.number("select position from cms.outbox_head").await, 41);
    node.stop().await;
    site.stop().await;
}

/// A tag has no drafts, so each save is two events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_events_of_an_entry_are_in_the_order_of_its_revisions() {
    const EACH: usize = 15;
    let site = Arc::new(Site::new().await);
    let nodes = [site.node(Recorder::new("all").alone()), site.node(Recorder::new("all").alone())];
    let id = site.create(&HookSet::default(), "Contested").await;
    let writers = (0..4).map(|writer| {
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let (mut revision, mut written) = (1, 0);
            while written < EACH {
                match site.update(id, revision, &format!("By {writer}, {written}")).await {
                    Ok(_) => (revision, written) = (revision + 1, written + 1),
                    Err(error) => {
                        let problem = &error.problems[0];
                        assert_eq!(problem.code, Code::RevisionMismatch, "{error}");
                        revision = problem.details.as_ref().and_then(|it| it["actual"].as_i64()).expect("a revision");
                    }
                }
                runtime::events::give_positions(&site.store).await.expect("an order");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("it writes");
    }
    site.followed("all").await;
    let done = site.done("all").await;
    let expected: Vec<String> = (1..=4 * EACH + 1)
        .flat_map(|revision| {
            let kind = if revision == 1 { "created" } else { "updated" };
            [format!("tag {kind} {id} {revision}"), format!("tag published {id} {revision}")]
        })
        .collect();
    assert_eq!(done, expected);
    for node in nodes {
        node.stop().await;
    }
    let Ok(site) = Arc::try_unwrap(site) else { panic!("nobody writes any more") };
    site.stop().await;
}
