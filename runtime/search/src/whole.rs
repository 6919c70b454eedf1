//! The job that makes the index of a type anew, if its search was changed.

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::refresh;
use base::error::{Code, Error, Result};
use jobs::{Attempt, Job, OutsideWork};
use model::content::ContentInfo;
use store::search::document;
use store::{Database, Stage, Store};

/// Entries of a transaction, which saves of them wait for.
const AT_ONCE: usize = 200;

#[derive(Debug, Serialize, Deserialize)]
pub struct Make {
    table: String,
    version: String,
}

impl Job for Make {
    const KIND: &'static str = "typecase.search_index";
    const TIME: std::time::Duration = std::time::Duration::from_secs(6 * 60 * 60);

    fn key(&self) -> Option<String> {
        Some(format!("{} {}", self.table, self.version))
    }
}

/// Enqueues a job for each type whose index was not made from what this server knows, and removes the rows of types that are gone.
pub async fn begin(database: &Database) -> Result<()> {
    let store = database.trusted();
    let searched: Vec<&ContentInfo> = store.schema.types.iter().copied().filter(|info| info.search.is_some()).collect();
    // A server of another version may search other types; those that nobody has any more have no table.
    for table in ["search.draft", "search.live"] {
        let gone: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(types_without_table(table))).fetch_all(&store.writes).await?;
        if !gone.is_empty() {
            let sql = format!("delete from {table} where type = any($1)");
            sqlx::query(AssertSqlSafe(sql)).bind(gone).execute(&store.writes).await?;
        }
    }
    sqlx::query("delete from search.made where to_regclass(format('draft.%I', type)) is null")
        .execute(&store.writes)
        .await?;
    for info in searched {
        let made: Option<String> = sqlx::query_scalar("select by from search.made where type = $1")
            .bind(info.table)
            .fetch_optional(&store.writes)
            .await?;
        if let Some(version) = document::version(info).filter(|version| made.as_ref() != Some(version)) {
            jobs::enqueue(&store, &Make { table: info.table.to_owned(), version }).await?;
        }
    }
    Ok(())
}

/// The types of the rows whose tables are gone. It takes one look at the index for each type: a server does not start later the more
/// entries there are.
fn types_without_table(table: &str) -> String {
    format!(
        "with recursive t(type) as (
            (select type from {table} order by type limit 1)
            union all
            select (select s.type from {table} s where s.type > t.type order by s.type limit 1) from t where t.type is not null
        )
        select type from t where type is not null and to_regclass(format('draft.%I', type)) is null"
    )
}

pub struct Making;

impl OutsideWork<Make> for Making {
    async fn work(&self, store: &Store, _: &Attempt, job: Make) -> Result<()> {
        let info = store.schema.types.iter().find(|info| info.table == job.table);
        let Some(info) = info.filter(|info| document::version(info).as_ref() == Some(&job.version)) else {
            return Err(Error::new(Code::Unavailable, "a server of another version makes this index"));
        };
        let mut done = 0;
        for stage in [Stage::Draft, Stage::Live] {
            let schema = stage.schema();
            let next = format!(r#"select id from {schema}."{}" where id > $1 order by id limit {AT_ONCE}"#, info.table);
            let mut last = Uuid::nil();
            loop {
                let ids: Vec<Uuid> =
                    sqlx::query_scalar(AssertSqlSafe(next.clone())).bind(last).fetch_all(&store.background).await?;
                let Some(end) = ids.last() else { break };
                last = *end;
                refresh::write(store, info, stage, &ids).await?;
                done += ids.len();
            }
        }
        let sql =
            "insert into search.made (type, by) values ($1, $2) on conflict (type) do update set by = excluded.by";
        sqlx::query(sql).bind(info.table).bind(job.version).execute(&store.background).await?;
        if done > 0 {
            tracing::info!(of = info.name, rows = done, "the search index was made");
        }
        Ok(())
    }
}
