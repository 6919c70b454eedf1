//! `Store`: the database as the rest of the server sees it. Nothing is read without naming a stage.

mod connections;
pub mod read;
pub mod write;

use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{PgConnection, PgPool};

use self::connections::Connections;
pub use self::connections::Lent;
use crate::access::{Access, Actor, Policy};
use crate::content::SchemaInfo;
use crate::error::Result;
use crate::identity::again;
use crate::memory::{self, Ration};
use crate::migrate::PublicRole;

/// Connections for writes that there are at least: a site's own code may hold one and ask for another.
const FEWEST: u32 = 2;
/// Bytes of rows.
const COUNTED_AT_ONCE: usize = 16 * 1024;

/// Which copy of the content is read: what is published, or what editors work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    Live,
    Draft,
}

/// The database before anybody asks: it becomes a [`Store`] for an actor.
#[derive(Clone, Debug)]
pub struct Database {
    /// For transactions. Reads have connections of their own, so that writes never keep them waiting.
    pub pool: PgPool,
    reads: Connections,
    /// For what everybody may read, as a role that has no right on anything else.
    public: Option<Connections>,
    pub schema: &'static SchemaInfo,
    statements: Arc<AtomicU64>,
    policy: Arc<Policy>,
}

/// The database as one actor may see and change it. All reading and writing of content goes through it, and here alone
/// the rules of the schema are applied.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    pub access: Access,
    /// What may be read for this actor's request.
    pub ration: Arc<Ration>,
    is_client: bool,
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

impl Database {
    pub fn new(pool: PgPool, schema: &'static SchemaInfo) -> Self {
        let reads = Connections::new(pool.connect_options().as_ref().clone(), pool.options().get_max_connections());
        Self::of(pool, reads, schema)
    }

    fn of(pool: PgPool, reads: Connections, schema: &'static SchemaInfo) -> Self {
        Self { pool, reads, public: None, schema, statements: Arc::default(), policy: Arc::new(Policy::new(schema)) }
    }

    /// With connections of their own for what anonymous actors read at `LIVE`, on which this role is set from the start:
    /// where the server is wrong about a statement, PostgreSQL still refuses drafts and accounts.
    pub fn with_public_role(self, role: &PublicRole) -> Self {
        let options = self.pool.connect_options().as_ref().clone().options([("role", role.as_str())]);
        self.with_public_login(options)
    }

    /// As [`Self::with_public_role`], by a login that cannot become anybody else: no statement leads out of its rights.
    pub fn with_public_login(mut self, login: PgConnectOptions) -> Self {
        let options = connect_options(login).options([("default_transaction_read_only", "on")]);
        self.public = Some(Connections::new(options, self.reads.most()));
        self
    }

    /// The store of this actor.
    pub fn acting(&self, actor: Actor) -> Store {
        Store {
            database: self.clone(),
            access: self.policy.access(Arc::new(actor)),
            ration: Ration::unbounded(),
            is_client: false,
        }
    }

    /// The store of the server itself: no rule applies.
    pub fn trusted(&self) -> Store {
        self.acting(Actor::system())
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Connects when first used, so that a server can start and say what is missing. Reads have this many connections,
    /// writes up to half as many more.
    pub fn connect_lazy(url: &str, connections: u32, schema: &'static SchemaInfo) -> Result<Self, sqlx::Error> {
        let options = connect_options(PgConnectOptions::from_str(url)?);
        let reads = Connections::new(options.clone(), connections);
        let pool = PgPoolOptions::new().max_connections((connections / 2).max(FEWEST)).connect_lazy_with(options);
        Ok(Self::of(pool, reads, schema))
    }

    /// The rows of a statement, on a connection of its own.
    pub async fn rows(&self, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let mut lent = self.lend().await?;
        self.rows_on(&mut lent, sql, arguments).await
    }

    pub async fn rows_on(&self, lent: &mut Lent, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        lent.rows(sql, arguments, |_| Ok(())).await
    }

    /// A connection for reads. Whoever waits for a second one while holding the first can wait for ever.
    pub async fn lend(&self) -> Result<Lent> {
        self.reads.lend().await
    }

    pub async fn close(&self) {
        self.reads.close();
        self.public.iter().for_each(Connections::close);
        self.pool.close().await;
    }

    /// Statements that planned reads have sent so far: what `extensions.cost` announces is checked against it.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }
}

impl Store {
    /// For what a client asks: within its ration, and its actor is looked up again before each change.
    pub fn of_client(self, ration: Arc<Ration>) -> Self {
        Self { ration, is_client: true, ..self }
    }

    /// As [`Database::trusted`], within the same ration.
    pub fn trusted(&self) -> Self {
        Self { ration: Arc::clone(&self.ration), ..self.database.trusted() }
    }

    /// What was found out about a client's actor may have changed since. Within the transaction that is to act for it.
    pub async fn check_actor(&self, connection: &mut PgConnection) -> Result<()> {
        match self.is_client {
            true => again::check(connection, self.schema, &self.access.actor).await,
            false => Ok(()),
        }
    }

    /// As [`Database::rows_on`]; what the request may not hold is not fetched to its end.
    pub async fn rows_on(&self, lent: &mut Lent, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let mut uncounted = 0;
        let rows = lent.rows(sql, arguments, |row| {
            uncounted += memory::of_row(row);
            if uncounted < COUNTED_AT_ONCE { Ok(()) } else { self.ration.hold_rows(std::mem::take(&mut uncounted)) }
        });
        let rows = rows.await?;
        self.ration.hold_rows(uncounted)?;
        Ok(rows)
    }

    /// The rows of a statement that reads this stage, on a connection of its own.
    pub async fn rows(&self, stage: Stage, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let mut lent = self.lend(stage).await?;
        self.rows_on(&mut lent, sql, arguments).await
    }

    /// A connection for reads of this stage: with the rights of the public where that is all the actor has.
    pub async fn lend(&self, stage: Stage) -> Result<Lent> {
        match &self.database.public {
            Some(public) if stage == Stage::Live && self.access.actor.is_anonymous() => public.lend().await,
            _ => self.database.lend().await,
        }
    }
}

impl Deref for Store {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// Settings of every connection of the server. Plans are generic because parameters are ids and bounds, and planning anew
/// at each execution costs as much as executing; the page cost is that of a solid-state disk. A statement whose request was
/// given up ends within two seconds.
pub fn connect_options(options: PgConnectOptions) -> PgConnectOptions {
    let settings = [
        ("plan_cache_mode", "force_generic_plan"),
        ("random_page_cost", "1.1"),
        ("jit", "off"),
        ("TimeZone", "UTC"),
        ("client_connection_check_interval", "2s"),
    ];
    options.application_name("typecase").statement_cache_capacity(512).options(settings)
}
