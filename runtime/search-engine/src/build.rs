//! The job that makes an index of a type and a stage: from the rows of PostgreSQL in batches, while changes go into it as well; then the
//! alias leads to it, and the former index is removed. A repeated attempt goes on where the last one was.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::client::written;
use crate::consumer::CONSUMER;
use crate::engine::Engine;
use crate::feed;
use crate::indexes::{self, Index};
use crate::mapping;
use base::error::{Code, Error, Result};
use jobs::{Attempt, Job, OutsideWork};
use model::content::{ContentInfo, SchemaInfo};
use store::{Database, Stage, Store};

/// Entries of a batch, which other changes wait for.
const AT_ONCE: usize = 250;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Build {
    pub table: String,
    pub is_live: bool,
    /// See [`mapping::version`].
    pub by: String,
    /// Also if there is one.
    pub again: bool,
}

impl Job for Build {
    const KIND: &'static str = "typecase.search_engine_index";
    const ATTEMPTS: u32 = 30;
    const TIME: Duration = Duration::from_secs(6 * 60 * 60);

    fn key(&self) -> Option<String> {
        Some(format!("{} {} {} {}", self.table, self.is_live, self.by, self.again))
    }
}

#[derive(Debug)]
pub struct Building(pub Arc<Engine>);

/// Before changes are followed: if nobody has followed them, an index may lack some.
pub async fn begin(engine: &Engine, database: &Database) -> Result<()> {
    let sql = "delete from search.engine where not exists (select from cms.consumer where name = $1)";
    sqlx::query(sql).bind(CONSUMER).execute(&database.writes).await?;
    enqueue_missing(engine, database).await
}

/// Enqueues a job for each index that is not there, or is made from something else.
pub async fn enqueue_missing(engine: &Engine, database: &Database) -> Result<()> {
    let mut transaction = database.writes.begin().await?;
    let all = indexes::all(&mut transaction).await?;
    transaction.commit().await?;
    let store = database.trusted();
    for build in wanted(database.schema, None) {
        if !all.iter().any(|index| index.is_built && build.is(index) && engine.is_own(index)) {
            jobs::enqueue(&store, &build).await?;
        }
    }
    Ok(())
}

/// Enqueues jobs that make the indexes of a type, or of all, again; returns how many.
pub async fn rebuild(database: &Database, table: Option<&str>) -> Result<usize> {
    let store = database.trusted();
    let wanted = wanted(database.schema, table);
    for build in &wanted {
        jobs::enqueue(&store, &Build { again: true, ..build.clone() }).await?;
    }
    Ok(wanted.len())
}

fn wanted(schema: &'static SchemaInfo, table: Option<&str>) -> Vec<Build> {
    let types = schema.types.iter().copied().filter(|info| table.is_none_or(|table| info.is_called(table)));
    let of = |info: &'static ContentInfo| {
        let by = mapping::version(info)?;
        let build = |is_live| Build { table: info.table.to_owned(), is_live, by: by.clone(), again: false };
        Some([build(true), build(false)])
    };
    types.filter_map(of).flatten().collect()
}

impl Build {
    fn is(&self, index: &Index) -> bool {
        (&self.table, self.is_live, &self.by) == (&index.table, index.is_live, &index.by)
    }

    fn stage(&self) -> Stage {
        if self.is_live { Stage::Live } else { Stage::Draft }
    }
}

impl Engine {
    /// Whether an index has the prefix of this site.
    fn is_own(&self, index: &Index) -> bool {
        index.name.strip_prefix(&self.prefix).is_some_and(|rest| rest.starts_with('-'))
    }
}

impl OutsideWork<Build> for Building {
    async fn work(&self, store: &Store, attempt: &Attempt, job: Build) -> Result<()> {
        let engine = &*self.0;
        // A type that is gone has no index; a server of another version makes its own.
        let info = store.schema.types.iter().copied().find(|info| info.table == job.table);
        let Some(info) = info.filter(|info| mapping::version(info).as_ref() == Some(&job.by)) else {
            return Err(Error::new(Code::Unavailable, "a server of another version makes this index"));
        };
        let Some(index) = begun(engine, store, &attempt.job.to_string(), info, &job).await? else { return Ok(()) };
        let mut sent = 0;
        loop {
            match batch(engine, store, &index, job.stage()).await? {
                0 => break,
                count => sent += count,
            }
        }
        finish(engine, store, &index, &job).await?;
        tracing::info!(
            of = info.name,
            stage = job.stage().schema(),
            documents = sent,
            "an index of the search engine was made"
        );
        Ok(())
    }
}

/// The index of this job; `None` if there is one already.
async fn begun(
    engine: &Engine,
    store: &Store,
    job: &str,
    info: &'static ContentInfo,
    build: &Build,
) -> Result<Option<Index>> {
    let mut transaction = store.background.begin().await?;
    let known = indexes::of_job(&mut transaction, job).await?;
    let all = indexes::all(&mut transaction).await?;
    let is_followed: bool = sqlx::query_scalar("select exists (select from cms.consumer where name = $1)")
        .bind(CONSUMER)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    if known.is_some() {
        return Ok(known);
    }
    let is_there = all.iter().any(|index| index.is_built && build.is(index) && engine.is_own(index));
    if is_there && !build.again {
        return Ok(None);
    }
    // A change that is committed from now on must be followed.
    if !is_followed {
        return Err(Error::new(Code::Unavailable, "changes are not followed yet"));
    }
    let suffix: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
    let index = Index {
        name: format!("{}-{}-{suffix}", engine.alias(&build.table, build.stage()), build.by),
        table: build.table.clone(),
        is_live: build.is_live,
        by: build.by.clone(),
        job: job.to_owned(),
        reached: None,
        is_built: false,
    };
    engine.client.make(&index.name, mapping::index(info)).await?;
    let mut transaction = store.background.begin().await?;
    indexes::add(&mut transaction, &index).await?;
    transaction.commit().await?;
    Ok(Some(index))
}

/// Sends the next entries; returns how many.
async fn batch(engine: &Engine, store: &Store, index: &Index, stage: Stage) -> Result<usize> {
    let mut transaction = store.background.begin().await?;
    let version = indexes::lock(&mut transaction).await?;
    let Some(now) = indexes::of_job(&mut transaction, &index.job).await? else { return Err(superseded()) };
    let after = (now.reached.unwrap_or_default(), i64::try_from(AT_ONCE).unwrap_or_default());
    let documents = indexes::documents_after(&mut transaction, &index.table, stage, after).await?;
    let Some(last) = documents.last() else { return Ok(0) };
    let lines = documents.iter().map(|document| feed::written_line(index, document, version)).collect();
    if !feed::send(engine, lines).await?.is_empty() {
        indexes::forget(&mut transaction, &index.name).await?;
        transaction.commit().await?;
        return Err(Error::new(Code::Unavailable, "the search engine has lost the index while it was made"));
    }
    let sql = "update search.engine set reached = $2 where index = $1";
    sqlx::query(sql).bind(&index.name).bind(last.entry).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(documents.len())
}

/// Lets the alias lead to the index, and removes all others of the type and stage, also those that an abandoned job has left.
async fn finish(engine: &Engine, store: &Store, index: &Index, build: &Build) -> Result<()> {
    let alias = engine.alias(&build.table, build.stage());
    engine.client.refresh(&index.name).await?;
    let mut transaction = store.background.begin().await?;
    indexes::lock(&mut transaction).await?;
    if indexes::of_job(&mut transaction, &index.job).await?.is_none() {
        return Err(superseded());
    }
    let there = engine.client.indexes(&format!("{alias}-*")).await?;
    let others: Vec<&(String, Vec<String>)> = there.iter().filter(|(name, _)| *name != index.name).collect();
    let led: Vec<String> =
        others.iter().filter(|(_, aliases)| aliases.contains(&alias)).map(|(name, _)| name.clone()).collect();
    engine.client.lead(&alias, &index.name, &led).await?;
    let sql = "update search.engine set is_built = true where index = $1";
    sqlx::query(sql).bind(&index.name).execute(&mut *transaction).await?;
    let sql = "delete from search.engine where type = $1 and is_live = $2 and index <> $3";
    sqlx::query(sql).bind(&index.table).bind(index.is_live).bind(&index.name).execute(&mut *transaction).await?;
    transaction.commit().await?;
    // What only looks like one of ours has no name to write to.
    let old = others.iter().filter(|(name, aliases)| aliases.contains(&written(name)));
    let old: Vec<&str> = old.map(|(name, _)| name.as_str()).collect();
    if !old.is_empty() {
        engine.client.remove(&old).await?;
    }
    Ok(())
}

fn superseded() -> Error {
    Error::new(Code::Conflict, "another job makes this index")
}
