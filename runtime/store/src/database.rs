//! `Database`: its connection pools. `Store`: the database as one actor may see and change it; nothing is read without naming a stage.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use uuid::Uuid;

use crate::access::{Access, Actor, Policy};
use crate::bell::Bells;
use crate::connection::{Connection, Login};
use crate::pool::{Lent, Pool};
use crate::public_role::PublicRole;
use crate::pulse::Pulse;
use crate::touched::{Table, Touched};
use base::error::Result;
use base::memory::{self, Ration};
use model::content::SchemaInfo;

/// The one that signing keys are listened for on; what works in the background has another.
const LISTENING: u32 = 1;
/// What works in the background has this long for a statement at least.
const LONG_STATEMENT: Duration = Duration::from_secs(60);
/// Bytes of rows.
const COUNTED_AT_ONCE: usize = 16 * 1024;

/// The database without an actor: it becomes a [`Store`] for one.
#[derive(Clone, Debug)]
pub struct Database {
    /// For transactions and accounts. Reads have connections of their own, so that writes never keep them waiting.
    pub writes: Pool,
    /// For what people and programs that have signed in read, and for the look-up of who they are.
    reads: Pool,
    /// For what everybody may read, as a role that has no right on anything else where there is one.
    public: Pool,
    /// For the transactions of what works in the background, so that it never keeps requests waiting.
    pub background: Pool,
    /// Of this process.
    pub bells: Bells,
    pub schema: &'static SchemaInfo,
    statements: Arc<AtomicU64>,
    policy: Arc<Policy>,
}

/// What a process may take of the database.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connections: Sizes,
    /// For a statement; `None` for commands that take as long as they need.
    pub statement: Option<Duration>,
    /// The same for anonymous visitors.
    pub public_statement: Option<Duration>,
}

/// The most connections of each pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub public: u32,
    pub reads: u32,
    /// Two or more: a site's own code may hold one and ask for another.
    pub writes: u32,
    /// None: it has those for writes, one at a time.
    pub background: u32,
}

/// The database as one actor may see and change it. All reading and writing of content goes through it, and here alone
/// the rules of the schema are applied.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    pub access: Access,
    /// What may be read for this actor's request.
    pub ration: Arc<Ration>,
    /// `None` for what no client asks.
    standing: Option<Arc<dyn Standing>>,
    /// `None` where nobody asks what was read.
    touched: Option<Arc<Touched>>,
}

/// What a user or an API token is called. A token has no address.
#[derive(Clone, Debug, Default)]
pub struct Called {
    pub email: Option<String>,
    pub name: Option<String>,
}

/// Knows the accounts: who may still act, and what they are called.
pub trait Standing: fmt::Debug + Send + Sync {
    /// Refuses an actor that may no longer do what it was let in for. Within the transaction that is to act for it.
    fn check<'a>(&'a self, connection: &'a mut Connection, actor: &'a Actor) -> BoxFuture<'a, Result<()>>;

    fn called<'a>(&'a self, pool: &'a Pool, actor: &'a Actor) -> BoxFuture<'a, Result<Called>>;

    /// The role of a user; `None` for one that does not exist, or is disabled.
    fn role_of<'a>(&'a self, pool: &'a Pool, user: Uuid) -> BoxFuture<'a, Result<Option<String>>>;
}

impl Limits {
    /// For a command of the operator.
    pub const COMMAND: Self = Self { connections: Sizes::FEWEST, statement: None, public_statement: None };
}

impl Sizes {
    /// With which all works.
    pub const FEWEST: Self = Self { public: 1, reads: 1, writes: 2, background: 0 };

    /// All that a server opens.
    pub fn sum(self) -> u32 {
        let background = self.background + self.background.min(LISTENING);
        self.public + self.reads + self.writes + background + LISTENING
    }
}

impl Database {
    /// Connects when first used, so that a server can start and say what is missing.
    pub fn connect_lazy(url: &str, limits: Limits, schema: &'static SchemaInfo) -> Result<Self, sqlx::Error> {
        Ok(Self::new(PgConnectOptions::from_str(url)?, limits, schema))
    }

    pub fn new(options: PgConnectOptions, limits: Limits, schema: &'static SchemaInfo) -> Self {
        let plain = Login::plain(options);
        let pulse = Arc::new(Pulse::of(plain.clone()));
        let tuned = plain.tuned().watched(pulse);
        let login = |limit: Option<Duration>| limit.into_iter().fold(tuned.clone(), Login::limited);
        let sizes = limits.connections;
        let writes = Pool::new("writes", login(limits.statement), sizes.writes);
        let background = match sizes.background {
            0 => writes.clone(),
            most => Pool::new("background", login(limits.statement.map(|limit| limit.max(LONG_STATEMENT))), most),
        };
        Self {
            writes,
            reads: Pool::new("reads", login(limits.statement), sizes.reads),
            public: Pool::new("public reads", login(limits.public_statement), sizes.public),
            background,
            bells: Bells::default(),
            schema,
            statements: Arc::default(),
            policy: Arc::new(Policy::new(schema)),
        }
    }

    /// With a role that is set from the start for what anonymous actors read at `LIVE`: where the server is wrong about a
    /// statement, PostgreSQL still refuses drafts and accounts.
    pub fn with_public_role(mut self, role: &PublicRole) -> Self {
        self.public =
            Pool::new(self.public.name(), self.public.login().clone().with_role(role).read_only(), self.public.most());
        self
    }

    /// As [`Self::with_public_role`], by a login that cannot change its role: no statement can extend its rights.
    pub fn with_public_login(mut self, options: PgConnectOptions) -> Self {
        let login = self.public.login().clone().signed_in_by(options).read_only();
        self.public = Pool::new(self.public.name(), login, self.public.most());
        self
    }

    /// Those that the server works with.
    pub fn pools(&self) -> [&Pool; 3] {
        [&self.public, &self.reads, &self.writes]
    }

    /// The same, and the one of what works in the background if it is another.
    pub fn all_pools(&self) -> impl Iterator<Item = &Pool> {
        let apart = (self.background.name() != self.writes.name()).then_some(&self.background);
        self.pools().into_iter().chain(apart)
    }

    /// Transactions at once of what works in the background.
    pub fn places(&self) -> usize {
        if self.background.name() == self.writes.name() { 1 } else { self.background.most() as usize }
    }

    /// The store of this actor.
    pub fn acting(&self, actor: Actor) -> Store {
        Store {
            database: self.clone(),
            access: self.policy.access(Arc::new(actor)),
            ration: Ration::unbounded(),
            standing: None,
            touched: None,
        }
    }

    /// The store of the server itself: no rule applies.
    pub fn trusted(&self) -> Store {
        self.acting(Actor::system())
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
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

    /// A connection for reads. A task that waits for a second one while it holds the first may wait forever.
    pub async fn lend(&self) -> Result<Lent> {
        Ok(self.reads.lend().await?)
    }

    pub async fn close(&self) {
        join_all(self.pools().map(Pool::close)).await;
        self.background.close().await;
    }

    /// Statements that planned reads have sent so far: what `extensions.cost` announces is checked against it.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }
}

impl Store {
    /// For what a client asks: within its ration, and its actor is looked up again before each change.
    pub fn of_client(self, ration: Arc<Ration>, standing: Arc<dyn Standing>) -> Self {
        Self { ration, standing: Some(standing), ..self }
    }

    /// As [`Database::trusted`], within the same ration.
    pub fn trusted(&self) -> Self {
        let (ration, touched) = (Arc::clone(&self.ration), self.touched.clone());
        Self { ration, touched, ..self.database.trusted() }
    }

    /// What was found out about a client's actor may have changed since. Within the transaction that is to act for it.
    pub async fn check_actor(&self, connection: &mut Connection) -> Result<()> {
        match &self.standing {
            Some(standing) => standing.check(connection, &self.access.actor).await,
            None => Ok(()),
        }
    }

    /// The same store, and what it reads from now on.
    pub fn noting(&self) -> (Self, Arc<Touched>) {
        let touched = Arc::new(Touched::default());
        (Self { touched: Some(Arc::clone(&touched)), ..self.clone() }, touched)
    }

    pub(crate) fn touch(&self, tables: &[Table]) {
        if let Some(touched) = &self.touched {
            touched.add(tables);
        }
    }

    pub(crate) fn touch_by_hand(&self) {
        if let Some(touched) = &self.touched {
            touched.add_by_hand();
        }
    }

    /// A connection for reads, with the rights of the public alone or without that bound.
    pub(crate) async fn lend_for_reads(&self, is_public: bool) -> Result<Lent> {
        let pool = if is_public { &self.database.public } else { &self.database.reads };
        Ok(pool.lend_to(self.access.actor.party()).await?)
    }

    /// As [`Database::rows_on`]; what the request may not hold is not fetched to its end.
    pub async fn rows_on(&self, lent: &mut Connection, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
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
}

impl Deref for Store {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}
