//! Indexes that the engine has lost: they are made again.

use std::collections::BTreeSet;

use crate::build;
use crate::client::written;
use crate::engine::Engine;
use crate::indexes::{self, Index};
use base::error::Result;
use store::Database;

/// Enqueues what makes them again.
pub async fn forget(engine: &Engine, database: &Database, names: &BTreeSet<String>) -> Result<()> {
    let mut transaction = database.background.begin().await?;
    for name in names {
        tracing::warn!(index = name, "the search engine does not have this index: it is made again");
        indexes::forget(&mut transaction, name).await?;
    }
    transaction.commit().await?;
    build::enqueue_missing(engine, database).await
}

/// The indexes that should be there and are not.
pub async fn missing(engine: &Engine, database: &Database) -> Result<BTreeSet<String>> {
    let there = engine.client.indexes(&format!("{}-*", engine.prefix)).await?;
    let mut transaction = database.background.begin().await?;
    let all = indexes::all(&mut transaction).await?;
    transaction.commit().await?;
    let is_there = |index: &Index| {
        there.iter().any(|(name, aliases)| *name == index.name && aliases.contains(&written(&index.name)))
    };
    Ok(all.into_iter().filter(|index| !is_there(index)).map(|index| index.name).collect())
}
