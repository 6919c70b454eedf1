//! The job that writes the rows of entries anew that have texts of changed ones.

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use base::error::Result;
use jobs::{Attempt, Job, OutsideWork};
use model::content::ContentInfo;
use store::search::document;
use store::{Stage, Store};

/// Entries of a transaction, which saves of them wait for.
const AT_ONCE: usize = 200;

/// The rows of entries that have texts of these.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refresh {
    pub is_live: bool,
    pub entries: Vec<Uuid>,
}

impl Job for Refresh {
    const KIND: &'static str = "typecase.search_refresh";
    const TIME: std::time::Duration = std::time::Duration::from_secs(30 * 60);
}

pub struct Refreshing;

impl OutsideWork<Refresh> for Refreshing {
    async fn work(&self, store: &Store, _: &Attempt, job: Refresh) -> Result<()> {
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
}

/// Writes the rows of a few entries. Their drafts are locked first: what a save has not committed yet would be overwritten.
pub async fn write(store: &Store, info: &'static ContentInfo, stage: Stage, entries: &[Uuid]) -> Result<()> {
    let mut transaction = store.background.begin().await?;
    let lock = format!(r#"select from draft."{}" where id = any($1) order by id for no key update"#, info.table);
    sqlx::query(AssertSqlSafe(lock)).bind(entries).execute(&mut *transaction).await?;
    document::write(&mut transaction, info, stage, entries).await?;
    transaction.commit().await?;
    Ok(())
}
