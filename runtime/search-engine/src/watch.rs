//! Keeps a node's knowledge of the engine fresh, and sends what waits: on each node that works in the background, one at a time.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Row as _;
use tokio::time::sleep;

use crate::consumer::CONSUMER;
use crate::engine::{Engine, Known};
use crate::feed::{self, Fed};
use crate::lost;
use crate::mapping;
use base::error::Result;
use store::Database;

/// How often it looks for changes to send, and for what other nodes have done.
const PAUSE: Duration = Duration::from_millis(200);
const LOOK: Duration = Duration::from_secs(1);
/// After a failure.
const REST: Duration = Duration::from_secs(2);
/// How late the engine may be; PostgreSQL answers while it is later.
const LATE: f64 = 10.0;

pub async fn run(engine: Arc<Engine>, database: Database, sends: bool) {
    // Side by side: a request that hangs must not hide how late the engine is.
    tokio::join!(look(&engine, &database), async {
        if sends {
            send(&engine, &database).await;
        }
    });
}

async fn look(engine: &Engine, database: &Database) {
    loop {
        match known(engine, database).await {
            Ok(known) => engine.learn(known),
            // What is not known cannot be relied on.
            Err(_) => engine.learn(Known { is_late: true, ..Known::default() }),
        }
        sleep(LOOK).await;
    }
}

async fn send(engine: &Engine, database: &Database) {
    let mut has_failed = false;
    loop {
        match step(engine, database).await {
            Ok(Fed::Some) => has_failed = false,
            Ok(_) => sleep(PAUSE).await,
            Err(error) => {
                if !has_failed {
                    tracing::warn!(%error, "changes cannot be sent to the search engine: they wait");
                }
                has_failed = true;
                sleep(REST).await;
            }
        }
    }
}

async fn step(engine: &Engine, database: &Database) -> Result<Fed> {
    // An engine that has lost its indexes answers no question.
    let missing = match engine.circuit.takes_a_look() {
        true => lost::missing(engine, database).await?,
        false => Default::default(),
    };
    let fed = match missing.is_empty() {
        true => feed::feed(engine, database).await?,
        false => Fed::Missing(missing),
    };
    if let Fed::Missing(names) = &fed {
        lost::forget(engine, database, names).await?;
    }
    Ok(fed)
}

async fn known(engine: &Engine, database: &Database) -> Result<Known> {
    let mut known = Known::default();
    let mut transaction = database.background.begin().await?;
    let built = "select index, type, is_live, by from search.engine where is_built";
    let mut indexes = HashSet::new();
    for row in sqlx::query(built).fetch_all(&mut *transaction).await? {
        let index: (String, String, bool, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        indexes.insert(index);
    }
    // The oldest change that the consumer has not noted, or nobody has sent.
    let sql = "select exists (select from cms.consumer where name = $1),
        coalesce(extract(epoch from now() - least(
            (select at from search.unsent order by id limit 1),
            (select o.at from cms.outbox o where o.position > (select position from cms.consumer where name = $1)
                order by o.position limit 1),
            (select at from cms.outbox where position is null order by seq limit 1)
        )), 0)::float8,
        (select count(*) from search.unsent)";
    let row = sqlx::query(sql).bind(CONSUMER).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    let is_followed: bool = row.try_get(0)?;
    (known.lag, known.unsent) = (row.try_get::<f64, _>(1)?.max(0.0), row.try_get(2)?);
    known.is_late = !is_followed || known.lag > LATE;
    for info in database.schema.types {
        let Some(version) = mapping::version(info) else { continue };
        for (index, table, is_live, by) in &indexes {
            let is_own = index.strip_prefix(&engine.prefix).is_some_and(|rest| rest.starts_with('-'));
            if is_own && *table == info.table && *by == version {
                known.built.insert((info.table, *is_live));
            }
        }
    }
    Ok(known)
}
