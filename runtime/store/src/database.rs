//! `Database`: the connection pools. `Store`: the database for one actor. Every read names a stage.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use uuid::Uuid;

use crate::access::{Access, Actor, Grant, Identity, Policy};
use crate::backend::Backend;
use crate::bell::Bells;
use crate::connection::{Connection, Login};
use crate::feed::Feed;
use crate::generations::Generations;
use crate::overlay::Overlay;
use crate::pool::{Lent, Pool};
use crate::public_role::PublicRole;
use crate::pulse::Pulse;
use crate::searched::{Asked, Kept, Texts};
use crate::stage::Stage;
use crate::touched::Touched;
use base::error::Result;
use base::memory::{self, Ration};
use model::content::{ContentInfo, SchemaInfo};

/// The connection that listens for signing keys; background tasks have another.
const LISTENING: u32 = 1;
/// The minimum statement timeout of background tasks.
const LONG_STATEMENT: Duration = Duration::from_secs(60);
/// How many bytes of rows are counted at a time.
const COUNTED_AT_ONCE: usize = 16 * 1024;

/// The database without an actor. It creates a [`Store`] for one.
#[derive(Clone, Debug)]
pub struct Database {
    /// For transactions and accounts. Reads have their own pools, so that writes never delay them.
    pub writes: Pool,
    /// For reads of signed-in actors, and for the lookup of their accounts.
    reads: Pool,
    /// For public reads, as a role without any other rights if one is configured.
    public: Pool,
    /// For transactions of background tasks, so that they never delay requests.
    pub background: Pool,
    /// The bells of this process.
    pub bells: Bells,
    pub feed: Feed,
    /// Of the published entries of each type.
    pub generations: Arc<Generations>,
    /// What editors say of searches, and how often visitors ask for what.
    pub search_rules: Kept,
    pub asked: Asked,
    pub(crate) search_texts: Texts,
    /// A search engine beside PostgreSQL.
    pub search_backend: Option<Arc<dyn Backend>>,
    pub schema: &'static SchemaInfo,
    statements: Arc<AtomicU64>,
    policy: Arc<Policy>,
}

/// The database resources that a process may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connections: Sizes,
    /// Timeout of a statement; `None` for commands that take as long as they need.
    pub statement: Option<Duration>,
    /// The same for anonymous visitors.
    pub public_statement: Option<Duration>,
}

/// The maximum number of connections of each pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub public: u32,
    pub reads: u32,
    /// At least two: the site's code may hold one and need another.
    pub writes: u32,
    /// Zero: background tasks use the pool for writes, one at a time.
    pub background: u32,
}

/// The database for one actor. All reads and writes of content go through it; only here are access rules applied.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    pub access: Access,
    /// The limit on what this actor's request may read.
    pub ration: Arc<Ration>,
    /// `None` unless a client sent the request.
    standing: Option<Arc<dyn Standing>>,
    /// `None` unless the tables read are recorded.
    touched: Option<Arc<Touched>>,
    /// What reads see instead of what the stage has.
    pub(crate) overlay: Option<Arc<Overlay>>,
    /// What the actor says of its changes, for the history.
    pub(crate) note: Option<Arc<str>>,
}

/// The name and address of a user or an API token. A token has no address.
#[derive(Clone, Debug, Default)]
pub struct Called {
    pub email: Option<String>,
    pub name: Option<String>,
}

/// Looks up accounts: whether they may still act, and their names.
pub trait Standing: fmt::Debug + Send + Sync {
    /// Rejects an actor that has lost its rights since the request began. Runs in the transaction that acts for it.
    fn check<'a>(&'a self, connection: &'a mut Connection, actor: &'a Actor) -> BoxFuture<'a, Result<()>>;

    fn called<'a>(&'a self, pool: &'a Pool, actor: &'a Actor) -> BoxFuture<'a, Result<Called>>;

    /// The actor as it is now, for work that it has asked for earlier: without a session, with the role and scopes of today. `None` if
    /// the account is gone or disabled, or the token revoked or expired. `role` is the one it had.
    fn resume<'a>(
        &'a self,
        connection: &'a mut Connection,
        identity: &'a Identity,
        role: &'a str,
    ) -> BoxFuture<'a, Result<Option<Actor>>>;

    /// The role of a user; `None` if the user does not exist or is disabled.
    fn role_of<'a>(&'a self, pool: &'a Pool, user: Uuid) -> BoxFuture<'a, Result<Option<String>>>;

    /// Refuses a role that does not exist, or that the actor may not give to a token.
    fn check_may_give(&self, actor: &Actor, role: &str) -> Result<()>;
}

impl Limits {
    /// The limits of an operator's command.
    pub const COMMAND: Self = Self { connections: Sizes::FEWEST, statement: None, public_statement: None };
}

impl Sizes {
    /// The smallest sizes that work.
    pub const FEWEST: Self = Self { public: 1, reads: 1, writes: 2, background: 0 };

    /// The number of connections that a server opens at most.
    pub fn sum(self) -> u32 {
        let background = self.background + self.background.min(LISTENING);
        self.public + self.reads + self.writes + background + LISTENING
    }
}

impl Database {
    /// Connects on first use, so that a server can start and report what is missing.
    pub fn connect_lazy(url: &str, limits: Limits, schema: &'static SchemaInfo) -> Result<Self, sqlx::Error> {
        Ok(Self::new(PgConnectOptions::from_str(url)?, limits, schema))
    }

    pub fn new(options: PgConnectOptions, limits: Limits, schema: &'static SchemaInfo) -> Self {
        let plain = Login::plain(options);
        let pulse = Arc::new(Pulse::of(plain.clone()));
        let generations = Arc::new(Generations::of(schema.types));
        let tuned = plain.tuned().watched(pulse).counted_by(&generations);
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
            feed: Feed::default(),
            generations,
            search_rules: Kept::default(),
            asked: Asked::default(),
            search_texts: Texts::default(),
            search_backend: None,
            schema,
            statements: Arc::default(),
            policy: Arc::new(Policy::new(schema)),
        }
    }

    /// Sets a role for anonymous reads at `LIVE`. If the server ever sends a wrong statement, PostgreSQL still denies
    /// access to drafts and accounts.
    pub fn with_public_role(mut self, role: &PublicRole) -> Self {
        self.public =
            Pool::new(self.public.name(), self.public.login().clone().with_role(role).read_only(), self.public.most());
        self
    }

    /// Searches ask it, as far as it is there.
    pub fn with_search(mut self, backend: Arc<dyn Backend>) -> Self {
        self.search_backend = Some(backend);
        self
    }

    /// Like [`Self::with_public_role`], with a login that cannot change its role: no statement can extend its rights.
    pub fn with_public_login(mut self, options: PgConnectOptions) -> Self {
        let login = self.public.login().clone().signed_in_by(options).read_only();
        self.public = Pool::new(self.public.name(), login, self.public.most());
        self
    }

    /// The pools for requests.
    pub fn pools(&self) -> [&Pool; 3] {
        [&self.public, &self.reads, &self.writes]
    }

    /// All pools, including the one for background tasks if it is separate.
    pub fn all_pools(&self) -> impl Iterator<Item = &Pool> {
        let apart = (self.background.name() != self.writes.name()).then_some(&self.background);
        self.pools().into_iter().chain(apart)
    }

    /// How many reads have a connection or wait for one.
    pub fn reads_under_way(&self) -> usize {
        let under_way = |pool: &Pool| {
            let taken = pool.taken();
            taken.used + taken.waiting
        };
        under_way(&self.public) + under_way(&self.reads)
    }

    /// How many transactions background tasks may run at once.
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
            overlay: None,
            note: None,
        }
    }

    /// The store of the server itself, without access rules.
    pub fn trusted(&self) -> Store {
        self.acting(Actor::system())
    }

    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Runs a statement on its own connection and returns its rows.
    pub async fn rows(&self, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        let mut lent = self.lend().await?;
        self.rows_on(&mut lent, sql, arguments).await
    }

    pub async fn rows_on(&self, lent: &mut Lent, sql: String, arguments: PgArguments) -> Result<Vec<PgRow>> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        lent.rows(sql, arguments, |_| Ok(())).await
    }

    /// Takes a connection for reads. Tasks that wait for a second one while holding the first can deadlock.
    pub async fn lend(&self) -> Result<Lent> {
        Ok(self.reads.lend().await?)
    }

    pub async fn close(&self) {
        join_all(self.pools().map(Pool::close)).await;
        self.background.close().await;
    }

    /// How many statements planned reads have sent; checked against the number announced in `extensions.cost`.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }
}

impl Store {
    /// The same store, whose reads see these versions of entries.
    pub fn over(&self, overlay: impl Into<Arc<Overlay>>) -> Self {
        Self { overlay: Some(overlay.into()), ..self.clone() }
    }

    /// The same store, whose reads see what the stage has.
    pub fn plain(&self) -> Self {
        Self { overlay: None, ..self.clone() }
    }

    /// The same store, whose changes have this note in the history.
    pub fn with_note(&self, note: &str) -> Self {
        Self { note: Some(note.into()), ..self.clone() }
    }

    /// The store for a client's request: limited by its ration, and its actor is checked again before each change.
    pub fn of_client(self, ration: Arc<Ration>, standing: Arc<dyn Standing>) -> Self {
        Self { ration, standing: Some(standing), ..self }
    }

    /// Like [`Database::trusted`], with the same ration.
    pub fn trusted(&self) -> Self {
        let (ration, touched) = (Arc::clone(&self.ration), self.touched.clone());
        Self { ration, touched, overlay: self.overlay.clone(), ..self.database.trusted() }
    }

    /// Checks again whether a client's actor may act. Runs in the transaction that acts for it.
    pub async fn check_actor(&self, connection: &mut Connection) -> Result<()> {
        match &self.standing {
            Some(standing) => standing.check(connection, &self.access.actor).await,
            None => Ok(()),
        }
    }

    /// The same store, and a record of what it reads from now on.
    pub fn noting(&self) -> (Self, Arc<Touched>) {
        let touched = Arc::new(Touched::default());
        (Self { touched: Some(Arc::clone(&touched)), ..self.clone() }, touched)
    }

    /// A store for the site's own code that says which tables it reads: these are noted, and what it does is not. `None` if nobody
    /// notes anything.
    pub(crate) fn apart(&self, stage: Stage, tables: &'static [&'static str]) -> Option<Self> {
        let touched = self.touched.as_ref()?;
        touched.add(tables.iter().map(|table| (stage, *table)));
        let of_types = self.schema.types.iter().filter(|info| tables.contains(&info.table));
        let is_ruled = |info: &&'static ContentInfo| match self.access.reads(info, stage) {
            Grant::By(rule) => rule.rows.is_some(),
            Grant::Denied | Grant::Trusted => false,
        };
        if of_types.copied().any(|info| is_ruled(&info)) {
            // A rule may look at entries of other types.
            touched.add_by_hand();
        }
        Some(Self { touched: None, ..self.clone() })
    }

    /// The record of what is read, if there is one.
    pub(crate) fn touched(&self) -> Option<&Touched> {
        self.touched.as_deref()
    }

    /// Says that what is read depends on more than tables of content.
    pub fn touch_by_hand(&self) {
        if let Some(touched) = &self.touched {
            touched.add_by_hand();
        }
    }

    /// Takes a connection for reads, with the public role's rights or with full rights.
    pub(crate) async fn lend_for_reads(&self, is_public: bool) -> Result<Lent> {
        let pool = if is_public { &self.database.public } else { &self.database.reads };
        Ok(pool.lend_to(self.access.actor.party()).await?)
    }

    /// Like [`Database::rows_on`], but stops if the rows exceed the request's ration.
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
