//! The seed data: the site's own migrations, then ten thousand products.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Executor, PgPool};

use crate::process::server;

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

/// Creates a database with the site's tables.
pub async fn migrated(url: &str, connections: u32) -> Result<PgPool> {
    let pool = PgPoolOptions::new().max_connections(connections).connect(url).await;
    let pool = pool.context("PostgreSQL does not answer")?;
    let migrated = server()?.arg("migrate").env("DATABASE_URL", url).stdout(Stdio::null()).status()?;
    ensure!(migrated.success(), "`migrate` failed");
    Ok(pool)
}

/// Migrates and fills an empty database; a filled one is left unchanged.
pub async fn prepare(url: &str) -> Result<PgPool> {
    let pool = migrated(url, 1).await?;
    let filled: bool = sqlx::query_scalar("select exists (select from live.product)").fetch_one(&pool).await?;
    if !filled {
        let mut transaction = pool.begin().await?;
        transaction.execute(include_str!("seed.sql")).await.context("loading the catalogue")?;
        for table in TABLES {
            let sql = format!("insert into live.{table} select * from draft.{table}");
            transaction.execute(sqlx::AssertSqlSafe(sql)).await?;
        }
        transaction.commit().await?;
        pool.execute("vacuum analyze").await?;
    }
    Ok(pool)
}
