//! `Store`: the database as the rest of the server sees it. Nothing is read without naming a stage.

pub mod read;
pub mod write;

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool};

use crate::content::SchemaInfo;

/// A connection that was idle for longer is tried before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// Which copy of the content is read: what is published, or what editors work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Live,
    Draft,
}

#[derive(Clone, Debug)]
pub struct Store {
    pub pool: PgPool,
    pub schema: &'static SchemaInfo,
    statements: Arc<AtomicU64>,
}

impl Stage {
    /// The PostgreSQL schema that holds its tables.
    pub fn schema(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Draft => "draft",
        }
    }
}

impl Store {
    pub fn new(pool: PgPool, schema: &'static SchemaInfo) -> Self {
        Self { pool, schema, statements: Arc::default() }
    }

    /// Connects when first used, so that a server can start and say what is missing.
    pub fn connect_lazy(url: &str, connections: u32, schema: &'static SchemaInfo) -> Result<Self, sqlx::Error> {
        let options = connect_options(PgConnectOptions::from_str(url)?);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .before_acquire(|connection, used| {
                Box::pin(async move {
                    // What worked a moment ago needs no sign of life, which is a round trip.
                    if used.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self::new(pool, schema))
    }

    /// Statements that planned reads have sent so far: what `extensions.cost` announces is checked against it.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    pub(crate) fn count_statement(&self) {
        self.statements.fetch_add(1, Ordering::Relaxed);
    }
}

/// Settings of every connection of the server. Plans are generic because parameters are ids and bounds, and planning anew
/// at each execution costs as much as executing; the page cost is that of a solid-state disk.
pub fn connect_options(options: PgConnectOptions) -> PgConnectOptions {
    let settings =
        [("plan_cache_mode", "force_generic_plan"), ("random_page_cost", "1.1"), ("jit", "off"), ("TimeZone", "UTC")];
    options.application_name("typecase").statement_cache_capacity(512).options(settings)
}
