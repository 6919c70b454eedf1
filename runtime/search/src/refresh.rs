//! The jobs that write the rows of entries: of those that have texts of changed ones, and of imported ones.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use tokio::time::sleep;
use uuid::Uuid;

use base::error::{Code, Error, Result};
use jobs::{Attempt, Job, OutsideWork};
use model::content::ContentInfo;
use store::search::document;
use store::{Stage, Store};

/// Entries of a transaction, which saves of them wait for.
const AT_ONCE: usize = 200;

/// How long, and how often, an attempt waits for transactions from before the change.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// The rows of entries that have texts of these.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refresh {
    pub is_live: bool,
    pub entries: Vec<Uuid>,
    /// See [`document::under_way`].
    pub before: String,
}

impl Job for Refresh {
    const KIND: &'static str = "typecase.search_refresh";
    const TIME: Duration = Duration::from_secs(30 * 60);
}

/// The rows of the entries of an import.
#[derive(Debug, Serialize, Deserialize)]
pub struct Write {
    pub table: String,
    pub is_live: bool,
    pub entries: Vec<Uuid>,
}

impl Job for Write {
    const KIND: &'static str = "typecase.search_write";
    const TIME: Duration = Duration::from_secs(10 * 60);
}

pub struct Writing;

impl OutsideWork<Write> for Writing {
    async fn work(&self, store: &Store, _: &Attempt, job: Write) -> Result<()> {
        // A type that is gone has no rows.
        let Some(info) = store.schema.types.iter().find(|info| info.table == job.table) else { return Ok(()) };
        let stage = if job.is_live { Stage::Live } else { Stage::Draft };
        for entries in job.entries.chunks(AT_ONCE) {
            write(store, info, stage, entries).await?;
        }
        Ok(())
    }
}

pub struct Refreshing;

impl OutsideWork<Refresh> for Refreshing {
    async fn work(&self, store: &Store, _: &Attempt, job: Refresh) -> Result<()> {
        let start = Instant::now();
        loop {
            let mut transaction = store.background.begin().await?;
            let all = document::has_ended(&mut transaction, &job.before).await?;
            transaction.commit().await?;
            refresh(store, &job).await?;
            if all {
                return Ok(());
            }
            // What was committed meanwhile was not found before.
            if start.elapsed() > PATIENCE {
                return Err(Error::new(Code::Unavailable, "a transaction from before the change is still open"));
            }
            sleep(PAUSE).await;
        }
    }
}

async fn refresh(store: &Store, job: &Refresh) -> Result<()> {
    let stage = if job.is_live { Stage::Live } else { Stage::Draft };
    let mut transaction = store.background.begin().await?;
    let found = document::with_texts_of(&mut transaction, store.schema, stage, &job.entries).await?;
    transaction.commit().await?;
    for (info, entries) in found {
        for entries in entries.chunks(AT_ONCE) {
            write(store, info, stage, entries).await?;
        }
    }
    Ok(())
}

/// Writes the rows of a few entries. Their drafts are locked first: what a save has not committed yet would be overwritten.
pub async fn write(store: &Store, info: &'static ContentInfo, stage: Stage, entries: &[Uuid]) -> Result<()> {
    let mut transaction = store.background.begin().await?;
    let lock = format!(r#"select from draft."{}" where id = any($1) order by id for no key update"#, info.table);
    sqlx::query(AssertSqlSafe(lock)).bind(entries).execute(&mut *transaction).await?;
    document::write(&mut transaction, info, stage, entries).await?;
    document::tell_engine(&mut transaction, info, stage, entries).await?;
    transaction.commit().await?;
    Ok(())
}
