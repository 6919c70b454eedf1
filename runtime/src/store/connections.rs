//! Connections for reads. Each comes back as it went: sqlx's own pool would start a task and ask the server for a sign
//! of life each time, which costs as much as a small statement.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult, Timeouts};
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::error::{Error, Result};

/// A connection that was idle for longer is tried before it is used.
const FRESH: Duration = Duration::from_secs(1);
/// For a connection to be free, or to be made.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Connections {
    pool: managed::Pool<Connector>,
}

/// A connection that goes back when it is dropped.
pub struct Lent(managed::Object<Connector>);

#[derive(Debug)]
struct Connector {
    options: PgConnectOptions,
}

#[derive(Debug)]
struct Kept {
    connection: PgConnection,
    /// A statement was begun and not awaited to its end: its rows would come to the next one.
    is_busy: bool,
}

impl Connections {
    /// Connects when first used.
    pub fn new(options: PgConnectOptions, most: u32) -> Self {
        let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let pool = managed::Pool::builder(Connector { options })
            .max_size(most as usize)
            .runtime(Runtime::Tokio1)
            .timeouts(timeouts)
            .build();
        // A runtime for the timeouts is given, and nothing else can be missing.
        Self { pool: pool.unwrap_or_else(|error| panic!("the pool for reads: {error}")) }
    }

    pub async fn lend(&self) -> Result<Lent> {
        match self.pool.get().await {
            Ok(lent) => Ok(Lent(lent)),
            Err(error) => Err(Error::internal(format!("no connection to the database: {error}"))),
        }
    }

    pub fn most(&self) -> u32 {
        u32::try_from(self.pool.status().max_size).unwrap_or(u32::MAX)
    }

    /// Those that are lent end when they come back.
    pub fn close(&self) {
        self.pool.close();
    }
}

impl Lent {
    /// Each row is weighed as it comes; after one that is too much, nothing more is read and the connection is not used again.
    pub async fn rows(
        &mut self,
        sql: String,
        arguments: PgArguments,
        mut weigh: impl FnMut(&PgRow) -> Result<()>,
    ) -> Result<Vec<PgRow>> {
        self.0.is_busy = true;
        let mut rows = Vec::new();
        let mut coming = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch(&mut self.0.connection);
        let failed = loop {
            match coming.try_next().await {
                Ok(Some(row)) => {
                    weigh(&row)?;
                    rows.push(row);
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        drop(coming);
        self.0.is_busy = false;
        failed.map_or(Ok(rows), |error| Err(error.into()))
    }
}

impl managed::Manager for Connector {
    type Type = Kept;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Kept, sqlx::Error> {
        Ok(Kept { connection: self.options.connect().await?, is_busy: false })
    }

    async fn recycle(&self, kept: &mut Kept, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if kept.is_busy {
            return Err(RecycleError::message("its last statement was given up"));
        }
        if metrics.last_used() > FRESH {
            kept.connection.ping().await?;
        }
        Ok(())
    }
}
