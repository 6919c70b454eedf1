//! The seed data: the site's own migrations, then the catalogue, by SQL in a few minutes for a million products.
//!
//! Triggers on `live` keep the listings while the rows are inserted, as after any other write. Indexes are made afterwards, which is a
//! part of the work, and the rows of searches are written by the server's own code.

mod words;

use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Executor, PgPool};

use crate::process::server;

/// Products of the smallest catalogue.
pub const PRODUCTS: u32 = 10_000;

/// In the order of their foreign keys.
const TABLES: &[&str] = &[
    "brand",
    "category",
    "tag",
    "product",
    "product_variant",
    "product_categories",
    "product_tags",
    "post",
    "post_tags",
];

/// All indexes that no constraint needs. The triggers of listings look up primary keys only.
const INDEXES: &str = "select format('%I.%I', n.nspname, c.relname), pg_get_indexdef(c.oid) from pg_index i
    join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('draft', 'live', 'listing', 'search') and not i.indisprimary
    and not exists (select from pg_constraint k where k.conindid = c.oid)";

/// How long the parts took, in seconds.
pub struct Times {
    pub rows: f64,
    pub indexes: f64,
    /// Those of searches, with their indexes.
    pub words: f64,
}

/// Creates a database with the site's tables.
pub async fn migrated(url: &str, connections: u32) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(connections).connect(url).await;
    let pool = pool.context("PostgreSQL does not answer")?;
    let migrated = server()?.arg("migrate").env("DATABASE_URL", url).stdout(Stdio::null()).status()?;
    ensure!(migrated.success(), "`migrate` failed");
    Ok(pool)
}

/// Migrates and fills an empty database; a filled one is left unchanged.
pub async fn prepare(url: &str, scale: u32) -> Result<(PgPool, Option<Times>)> {
    let pool = migrated(url, 2).await?;
    let filled: bool = sqlx::query_scalar("select exists (select from live.product)").fetch_one(&pool).await?;
    if filled {
        return Ok((pool, None));
    }
    let begin = Instant::now();
    let indexes: Vec<(String, String)> = sqlx::query_as(INDEXES).fetch_all(&pool).await?;
    for (name, _) in &indexes {
        pool.execute(AssertSqlSafe(format!("drop index {name}"))).await?;
    }
    insert(&pool, scale).await.context("loading the catalogue")?;
    let rows = begin.elapsed().as_secs_f64();
    let (of_words, of_content): (Vec<_>, Vec<_>) =
        indexes.into_iter().partition(|(name, _)| name.starts_with("search."));
    make(&pool, &of_content).await?;
    // The rows of searches are made from the content, by its indexes.
    pool.execute("analyze").await?;
    let indexes = begin.elapsed().as_secs_f64() - rows;
    words::write(&pool, url).await.context("the rows of searches")?;
    make(&pool, &of_words).await?;
    let words = begin.elapsed().as_secs_f64() - rows - indexes;
    pool.execute("vacuum analyze").await?;
    Ok((pool, Some(Times { rows, words, indexes })))
}

/// On two connections.
async fn make(pool: &PgPool, indexes: &[(String, String)]) -> Result<()> {
    let halves = indexes.split_at(indexes.len() / 2);
    tokio::try_join!(make_part(pool, halves.0), make_part(pool, halves.1))?;
    Ok(())
}

async fn insert(pool: &PgPool, scale: u32) -> Result<()> {
    let products = PRODUCTS * scale;
    let sql = include_str!("seed.sql").replace("$PRODUCTS", &products.to_string());
    let mut transaction = pool.begin().await?;
    transaction.execute(AssertSqlSafe(sql)).await?;
    // The planner knows nothing of the new rows before.
    transaction.execute("analyze").await?;
    for table in TABLES {
        let sql = format!("insert into live.{table} select * from draft.{table}");
        transaction.execute(AssertSqlSafe(sql)).await.with_context(|| format!("live.{table}"))?;
    }
    Ok(transaction.commit().await?)
}

async fn make_part(pool: &PgPool, indexes: &[(String, String)]) -> Result<()> {
    let mut connection = pool.acquire().await?;
    connection.execute("set maintenance_work_mem = '256MB'").await?;
    for (name, sql) in indexes {
        connection.execute(AssertSqlSafe(sql.clone())).await.with_context(|| format!("the index {name}"))?;
    }
    connection.execute("reset maintenance_work_mem").await?;
    Ok(())
}
