//! The follower behind the subscriptions and the cached responses of a process: reads each new change once, tells it to
//! `store::generations`, and sends it to `store::feed`.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use crate::order;
use base::background::{Stop, backoff};
use base::error::Result;
use store::{Database, outbox};

/// Changes that are read at once.
const BATCH: i64 = 500;
/// How often the database is asked while there are subscriptions or responses are cached. Other nodes need not give positions, and connection poolers
/// forward no notifications.
const POLL: Duration = Duration::from_millis(250);
const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(10);

/// Runs until told to stop. `told` changes when there may be something new.
pub async fn follow(database: Database, mut told: watch::Receiver<()>, stop: Stop) {
    let mut position = None;
    let mut failures = 0;
    while !stop.is_draining() {
        if !database.generations.is_wanted() && database.feed.ends() {
            position = None;
            tokio::select! {
                () = database.feed.wanted() => {}
                () = stop.draining() => return,
            }
        }
        told.mark_unchanged();
        let pause = match step(&database, &mut position).await {
            Ok(()) => {
                failures = 0;
                POLL
            }
            Err(error) => {
                failures += 1;
                database.generations.lose();
                tracing::warn!(%error, "changes could not be read for subscriptions and caches; will try again");
                backoff(failures, FIRST, MOST)
            }
        };
        tokio::select! {
            _ = told.changed(), if failures == 0 => {}
            () = sleep(pause) => {}
            () = stop.draining() => {}
        }
    }
}

/// Sends everything that is committed.
async fn step(database: &Database, position: &mut Option<i64>) -> Result<()> {
    let begun = Instant::now();
    let is_in_suspense = database.generations.is_in_suspense(database).await?;
    let (mut head, is_new) = ends(database).await?;
    if is_new {
        order::give(database).await?;
        head = ends(database).await?.0;
    }
    // After a failover, the database may have lost its last changes, and give their positions again.
    let Some(reached) = position.as_mut().filter(|reached| **reached <= head) else {
        *position = Some(head);
        database.generations.lose();
        seen(database, begun, is_in_suspense);
        database.feed.begin(head);
        return Ok(());
    };
    while *reached < head {
        let part = outbox::after(database, (*reached, head), None, BATCH).await?;
        database.generations.hear(database, &part.signals).await?;
        part.signals.into_iter().for_each(|signal| database.feed.send(signal));
        *reached = part.reached;
        database.feed.reach(part.reached);
    }
    seen(database, begun, is_in_suspense);
    Ok(())
}

/// Everything is heard that was committed until then.
fn seen(database: &Database, until: Instant, is_in_suspense: bool) {
    database.generations.has_seen(until);
    if !is_in_suspense {
        database.generations.resume();
    }
}

/// The last position, and whether there are changes without one.
async fn ends(database: &Database) -> Result<(i64, bool)> {
    let sql = "select position, exists (select from cms.outbox where position is null) from cms.outbox_head";
    Ok(sqlx::query_as(sql).fetch_one(&mut *database.lend().await?).await?)
}
