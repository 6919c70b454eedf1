//! The strict mode: what is marked on one node is marked on all of them before the commit, in a place that all share, and each cached
//! response is confirmed there before it is given. `web/src/strict.rs` has it in Redis.
//!
//! **While the writer does not reach that place**, others may. So it takes an advisory lock in its transaction and commits only after
//! [`SUSPENSE`]: by then the follower of each node has seen the lock, or is too late and knows nothing. While there is such a lock, no
//! node serves or stores anything; when it is gone, the commit is visible, and the follower hears of it before it says what it has
//! seen (`events/src/feed.rs`). It needs no writer to live on, and no connection to be kept.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{BOUND, Generations, Lease, Part, ReadFrom};
use crate::{Connection, Database};
use base::error::Result;

/// For how long a commit waits that the others cannot be told of: the bound, and the time of a look.
const SUSPENSE: Duration = BOUND.saturating_add(Duration::from_millis(250));
/// The advisory lock: `TCac`, and its number.
const LOCK: (i32, i32) = (0x5443_6163, 1);

/// A place that all nodes share.
pub trait Shared: fmt::Debug + Send + Sync {
    /// Before a commit: from now on, nothing that has these marks is valid, and nothing is stored until the lease ends. `None` if the
    /// place cannot be reached.
    fn begin<'a>(&'a self, marks: &'a [String]) -> BoxFuture<'a, Option<Uuid>>;

    /// After it. A lease of which the end is not told ends by itself, when the commit is surely done.
    fn end<'a>(&'a self, lease: Uuid, marks: &'a [String]) -> BoxFuture<'a, ()>;

    /// The time before a read.
    fn now(&self) -> BoxFuture<'_, Option<Time>>;

    /// Whether nothing of these has changed since, nor is about to.
    fn holds<'a>(&'a self, time: &'a Time, marks: &'a [String]) -> BoxFuture<'a, bool>;
}

/// A number of changes, since the place has its memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Time {
    pub epoch: Arc<str>,
    pub count: u64,
}

/// What a response was read from, as the shared place knows it.
#[derive(Debug)]
pub(super) struct Stamp {
    pub time: Time,
    pub marks: Box<[String]>,
}

impl Generations {
    /// Turns the strict mode on, before anything is cached.
    pub fn share(&self, shared: Arc<dyn Shared>) {
        // It is set once, at the start.
        let _ = self.shared.set(shared);
    }

    pub fn is_strict(&self) -> bool {
        self.shared.get().is_some()
    }

    /// The shared time before a read. `None` in strict mode while it is not known: then nothing is kept.
    pub async fn shared_now(&self) -> Option<Option<Time>> {
        match self.shared.get() {
            None => Some(None),
            Some(shared) => shared.now().await.map(Some),
        }
    }

    /// A response that was read after this time; `false` if something has changed since.
    pub async fn stamp(&self, read: &mut ReadFrom, time: Option<Time>) -> bool {
        let (Some(shared), Some(time)) = (self.shared.get(), time) else { return self.shared.get().is_none() };
        let marks = self.names(read.parts.iter().flat_map(|part| match part {
            Part::Type(of_type) => vec![*of_type],
            Part::Entry(of_type, entry) => vec![self.unknown(*of_type), self.entry(*of_type, *entry)],
        }));
        let holds = shared.holds(&time, &marks).await;
        read.stamp = Some(Stamp { time, marks: marks.into() });
        holds
    }

    /// Whether a response that holds on this node holds on all of them.
    pub async fn is_confirmed(&self, read: &ReadFrom) -> bool {
        match (self.shared.get(), &read.stamp) {
            (None, _) => true,
            (Some(shared), Some(stamp)) => shared.holds(&stamp.time, &stamp.marks).await,
            (Some(_), None) => false,
        }
    }

    /// For the follower, before it looks for events: whether a commit is waiting that other nodes cannot be told of. If not, what is
    /// cached may be given again once the events are heard, and [`Generations::resume`] is called.
    pub async fn is_in_suspense(&self, database: &Database) -> Result<bool> {
        if !self.is_strict() {
            return Ok(false);
        }
        let sql = "select exists (select from pg_locks where locktype = 'advisory' and classid = $1::bigint::oid and objid = $2::bigint::oid
            and database = (select oid from pg_database where datname = current_database()))";
        let (class, object) = (i64::from(LOCK.0), i64::from(LOCK.1));
        let found = sqlx::query_scalar(sql).bind(class).bind(object);
        let is_suspended: bool = found.fetch_one(&mut *database.lend().await?).await?;
        if is_suspended {
            self.is_suspended.store(true, Ordering::SeqCst);
        }
        Ok(is_suspended)
    }

    pub fn resume(&self) {
        self.is_suspended.store(false, Ordering::SeqCst);
    }

    /// Names that are the same on all nodes, whatever their schema is.
    fn names(&self, marks: impl Iterator<Item = usize>) -> Vec<String> {
        let types = self.types.len();
        let name = |mark: usize| match mark {
            any if any < types => self.types[any].table.to_owned(),
            unknown if unknown < 2 * types => format!("{}-entries", self.types[unknown - types].table),
            entry => format!("#{}", entry - 2 * types),
        };
        let mut names: Vec<String> = marks.map(name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A commit that all nodes know of.
pub(crate) struct Told {
    shared: Arc<dyn Shared>,
    lease: Uuid,
    marks: Vec<String>,
}

impl Told {
    pub async fn end(self) {
        self.shared.end(self.lease, &self.marks).await;
    }
}

impl Lease {
    /// Tells all nodes before the commit, or makes sure that none of them serves anything meanwhile.
    pub(crate) async fn tell(&self, connection: &mut Connection) -> Result<Option<Told>, sqlx::Error> {
        let Some(shared) = self.generations.shared.get().filter(|_| !self.marks.is_empty()) else { return Ok(None) };
        let marks = self.generations.names(self.marks.iter().copied());
        if let Some(lease) = shared.begin(&marks).await {
            return Ok(Some(Told { shared: Arc::clone(shared), lease, marks }));
        }
        let sql = "select pg_advisory_xact_lock_shared($1, $2)";
        sqlx::query(sql).bind(LOCK.0).bind(LOCK.1).execute(connection).await?;
        tokio::time::sleep(SUSPENSE).await;
        Ok(None)
    }
}
