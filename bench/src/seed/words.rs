//! The rows of searches for the seeded entries: written by the server's own code on two connections, instead of by its job on one.

use anyhow::{Context, Result};
use runtime::content::ContentInfo;
use runtime::store::search::document;
use runtime::store::{Database, Limits, Stage};
use shop_generated::SCHEMA;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

/// Entries of a transaction.
const AT_ONCE: usize = 500;
const CONNECTIONS: usize = 2;

pub async fn write(pool: &PgPool, url: &str) -> Result<()> {
    let database = Database::connect_lazy(url, Limits::COMMAND, &SCHEMA)?;
    for info in SCHEMA.types.iter().filter(|info| info.search.is_some()) {
        for stage in [Stage::Draft, Stage::Live] {
            let sql = format!("select id from {}.{} order by id", stage.schema(), info.table);
            let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await?;
            let part = ids.len().div_ceil(CONNECTIONS).max(1);
            let parts: Vec<_> = ids.chunks(part).map(|ids| part_of(&database, info, stage, ids)).collect();
            let parts: Vec<_> = parts.into_iter().map(tokio::spawn).collect();
            for part in parts {
                part.await??;
            }
        }
        // Otherwise the server would make them anew when it starts.
        let version = document::version(info).context("a searched type has a version")?;
        let made = sqlx::query("insert into search.made (type, by) values ($1, $2)").bind(info.table).bind(version);
        made.execute(pool).await?;
    }
    database.close().await;
    Ok(())
}

fn part_of(
    database: &Database,
    info: &'static ContentInfo,
    stage: Stage,
    ids: &[Uuid],
) -> impl Future<Output = Result<()>> + use<> {
    let (writes, ids) = (database.trusted().writes.clone(), ids.to_vec());
    async move {
        for ids in ids.chunks(AT_ONCE) {
            let mut transaction = writes.begin().await?;
            document::write(&mut transaction, info, stage, ids).await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}
