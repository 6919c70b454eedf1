//! A database of its own for each test, on the real PostgreSQL that `cargo xtask test` starts.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgPool};
use uuid::Uuid;

/// Where tests find a PostgreSQL on which they may create databases.
pub const DATABASE_VARIABLE: &str = "TYPECASE_TEST_DATABASE_URL";

/// A new, empty database; `close` drops it.
pub struct TestDb {
    pub pool: PgPool,
    pub options: PgConnectOptions,
    name: String,
}

impl TestDb {
    /// Panics with what to do when there is no PostgreSQL: a test without its database has failed.
    pub async fn new() -> Self {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let admin = admin_options();
        run(&admin, format!("create database {name}")).await;
        let options = admin.database(&name);
        let pool = PgPoolOptions::new().max_connections(8).connect_with(options.clone()).await;
        Self { pool: pool.unwrap_or_else(|error| panic!("the new database does not answer: {error}")), options, name }
    }

    /// Its address, for a process that is started on it.
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    pub async fn close(self) {
        self.pool.close().await;
        run(&admin_options(), format!("drop database if exists {} with (force)", self.name)).await;
    }
}

fn admin_options() -> PgConnectOptions {
    let url = std::env::var(DATABASE_VARIABLE)
        .unwrap_or_else(|_| panic!("{DATABASE_VARIABLE} is not set: run the tests with `cargo xtask test`"));
    PgConnectOptions::from_str(&url).unwrap_or_else(|error| panic!("{DATABASE_VARIABLE} is no address: {error}"))
}

async fn run(options: &PgConnectOptions, sql: String) {
    let mut connection = options
        .connect()
        .await
        .unwrap_or_else(|error| panic!("PostgreSQL does not answer ({error}): run the tests with `cargo xtask test`"));
    if let Err(error) = connection.execute(AssertSqlSafe(sql.clone())).await {
        panic!("`{sql}` failed: {error}");
    }
}
