//! `Pool`: a connection pool. A connection is closed unless its last response was read completely.
//!
//! sqlx's own pool spawns a task and pings the database each time a connection is returned, which costs as much as a small read.

mod lent;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection::{Connection, Login, Patience, State, run_out, timed_out};
use base::seen;
use base::trace::{Kind, Leaf};

/// A connection that was idle for longer is tested before use.
const FRESH: Duration = Duration::from_secs(1);
/// Timeout of this test.
const TRY: Duration = Duration::from_secs(1);
/// Timeout of a pool check.
const CHECK: Duration = Duration::from_secs(2);
/// Timeout to wait for a free connection. A silent database is noticed earlier.
const WAIT: Duration = Duration::from_secs(10);
/// Pause between attempts to connect while clients wait.
const PAUSE: Duration = Duration::from_millis(200);
/// Timeout to roll back an abandoned transaction.
const ROLLBACK: Duration = Duration::from_secs(2);
/// Maximum age of a connection, which also frees the memory of its database process.
const LIFETIME: Duration = Duration::from_secs(30 * 60);

#[derive(Clone)]
pub struct Pool(Arc<Shared>);

struct Shared {
    /// The purpose of the pool: `reads`.
    name: &'static str,
    login: Login,
    most: usize,
    inside: Mutex<Inside>,
}

/// A client whose statements take turns with those of others: an address or an account. `None` is the server itself.
pub type Party = Option<u64>;

#[derive(Default)]
struct Inside {
    /// The most recently used connection is last.
    idle: Vec<(Connection, Instant)>,
    waiting: VecDeque<Waiting>,
    /// The number of connections that each party holds.
    held: HashMap<u64, usize>,
    /// The number of all connections, including those being opened.
    open: usize,
    connecting: usize,
    is_closed: bool,
}

struct Waiting {
    party: Party,
    sender: oneshot::Sender<Result<Lent, Arc<sqlx::Error>>>,
}

/// A connection borrowed from a pool. It is returned when dropped.
pub struct Lent {
    party: Party,
    /// `None` once it is being returned.
    connection: Option<Connection>,
    pool: Pool,
}

/// A transaction. It is rolled back unless committed.
pub struct Transaction(Lent);

/// The current use of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub used: usize,
    pub idle: usize,
    /// Being opened.
    pub connecting: usize,
    /// Requests that wait for a connection.
    pub waiting: usize,
}

enum Found {
    Idle(Lent, Instant),
    Later(oneshot::Receiver<Result<Lent, Arc<sqlx::Error>>>),
}

impl Pool {
    /// Connects on first use.
    pub fn new(name: &'static str, login: Login, most: u32) -> Self {
        let most = (most as usize).max(1);
        Self(Arc::new(Shared { name, login, most, inside: Mutex::default() }))
    }

    pub fn name(&self) -> &'static str {
        self.0.name
    }

    pub fn login(&self) -> &Login {
        &self.0.login
    }

    pub fn most(&self) -> u32 {
        u32::try_from(self.0.most).unwrap_or(u32::MAX)
    }

    /// A task that waits for a second connection while holding the first can deadlock.
    pub async fn lend(&self) -> Result<Lent, sqlx::Error> {
        self.lend_to(None).await
    }

    /// The waiting party with the fewest connections is served next, so that one party cannot take all connections.
    pub async fn lend_to(&self, party: Party) -> Result<Lent, sqlx::Error> {
        let found = match self.find(party)? {
            Found::Idle(lent, since) if since.elapsed() < FRESH => return Ok(lent),
            found => found,
        };
        let patience = Patience { statement: Some(WAIT), ..self.0.login.patience().clone() };
        let begun = Instant::now();
        let lent = tokio::select! {
            biased;
            lent = self.wait_for(found, party) => lent,
            why = run_out(patience) => Err(why),
        };
        seen::leaf(begun, || Leaf {
            name: "wait for a connection".into(),
            kind: Kind::Internal,
            facts: vec![("db.client.connection.pool.name", self.name().into())],
            error: lent.is_err().then(|| "connection".into()),
        });
        lent
    }

    /// Whether the pool works: a connection responds, or all are in use and the database is reachable.
    pub async fn check(&self) -> Result<(), sqlx::Error> {
        let asked = async { self.lend().await?.ping().await };
        if let Ok(answered) = timeout(CHECK, asked).await {
            return answered;
        }
        match &self.0.login.patience().pulse {
            Some(pulse) if self.is_busy() && pulse.beats().await => Ok(()),
            _ => Err(timed_out("it does not answer")),
        }
    }

    pub fn taken(&self) -> Taken {
        let inside = self.inside();
        let Inside { open, connecting, .. } = *inside;
        let idle = inside.idle.len();
        Taken { used: open.saturating_sub(idle + connecting), idle, connecting, waiting: inside.waiting.len() }
    }

    fn is_busy(&self) -> bool {
        let inside = self.inside();
        inside.connecting == 0 && inside.idle.is_empty() && inside.open == self.0.most
    }

    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        let mut lent = self.lend().await?;
        lent.begin().await?;
        Ok(Transaction(lent))
    }

    /// Borrowed connections are closed when they are returned.
    pub async fn close(&self) {
        let idle = {
            let mut inside = self.inside();
            inside.is_closed = true;
            inside.waiting.clear();
            inside.open -= inside.idle.len();
            std::mem::take(&mut inside.idle)
        };
        join_all(idle.into_iter().map(|(connection, _)| timeout(TRY, connection.close()))).await;
    }

    async fn wait_for(&self, mut found: Found, party: Party) -> Result<Lent, sqlx::Error> {
        loop {
            match found {
                Found::Idle(mut lent, since) => {
                    let is_well = since.elapsed() < FRESH || matches!(timeout(TRY, lent.ping()).await, Ok(Ok(())));
                    if is_well {
                        return Ok(lent);
                    }
                    // The other idle connections are older.
                    self.forget_idle();
                    drop(lent);
                    found = self.find(party)?;
                }
                Found::Later(receiver) => {
                    return match receiver.await {
                        Ok(Ok(lent)) => Ok(lent),
                        Ok(Err(error)) => Err(copy(&error)),
                        Err(_) => Err(sqlx::Error::PoolClosed),
                    };
                }
            }
        }
    }

    fn find(&self, party: Party) -> Result<Found, sqlx::Error> {
        let mut inside = self.inside();
        if inside.is_closed {
            return Err(sqlx::Error::PoolClosed);
        }
        if let Some((connection, since)) = inside.idle.pop() {
            inside.hold(party);
            return Ok(Found::Idle(self.lent(connection, party), since));
        }
        let (sender, receiver) = oneshot::channel();
        inside.waiting.push_back(Waiting { party, sender });
        self.connect_for_waiting(&mut inside);
        Ok(Found::Later(receiver))
    }

    fn connect_for_waiting(&self, inside: &mut Inside) {
        while inside.connecting < inside.waiting.len() && inside.open < self.0.most {
            inside.open += 1;
            inside.connecting += 1;
            tokio::spawn(self.clone().connect());
        }
    }

    /// Runs on when the client that needs it gives up, so that impatient clients cannot keep the pool empty.
    async fn connect(self) {
        loop {
            match self.0.login.connect().await {
                Ok(connection) => {
                    self.inside().connecting -= 1;
                    return self.take_back(connection);
                }
                Err(error) => {
                    if !self.is_worth_another_try(error) {
                        return;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Whether to retry. While there are other connections, a waiting client may still get one of them.
    fn is_worth_another_try(&self, error: sqlx::Error) -> bool {
        let mut inside = self.inside();
        inside.waiting.retain(|waiting| !waiting.sender.is_closed());
        if inside.open > inside.connecting && !inside.waiting.is_empty() && !inside.is_closed {
            return true;
        }
        inside.open -= 1;
        inside.connecting -= 1;
        let failed = if inside.connecting == 0 { inside.waiting.len() } else { inside.waiting.len().min(1) };
        let failed: Vec<_> = inside.waiting.drain(..failed).collect();
        self.connect_for_waiting(&mut inside);
        drop(inside);
        let error = Arc::new(error);
        for waiting in failed {
            let _ = waiting.sender.send(Err(Arc::clone(&error)));
        }
        false
    }

    fn lent(&self, connection: Connection, party: Party) -> Lent {
        Lent { party, connection: Some(connection), pool: self.clone() }
    }

    fn returned(&self, mut connection: Connection) {
        match connection.state() {
            State::Answered if connection.in_transaction() => {
                let pool = self.clone();
                let rolled_back = async move {
                    if matches!(timeout(ROLLBACK, connection.rollback()).await, Ok(Ok(()))) {
                        pool.take_back(connection);
                    } else {
                        pool.lost(connection);
                    }
                };
                match tokio::runtime::Handle::try_current() {
                    Ok(runtime) => drop(runtime.spawn(rolled_back)),
                    // No runtime: the process is about to exit.
                    Err(_) => drop(rolled_back),
                }
            }
            State::Answered if connection.made.elapsed() < LIFETIME => self.take_back(connection),
            State::Answered | State::Asked => self.closed(connection),
            State::Lost => self.lost(connection),
        }
    }

    /// Hands the connection to a waiting client, or adds it to the idle ones.
    fn take_back(&self, mut connection: Connection) {
        loop {
            let mut inside = self.inside();
            if inside.is_closed {
                inside.open -= 1;
                return;
            }
            let Some(Waiting { party, sender }) = inside.next() else {
                inside.idle.push((connection, Instant::now()));
                return;
            };
            inside.hold(party);
            drop(inside);
            let Err(Ok(mut refused)) = sender.send(Ok(self.lent(connection, party))) else { return };
            self.inside().release(party);
            match refused.connection.take() {
                Some(kept) => connection = kept,
                None => return,
            }
        }
    }

    /// Closes the connection and the idle ones, which are likely lost as well.
    fn lost(&self, connection: Connection) {
        self.forget_idle();
        self.closed(connection);
    }

    fn closed(&self, connection: Connection) {
        drop(connection);
        let mut inside = self.inside();
        inside.open -= 1;
        if !inside.is_closed {
            self.connect_for_waiting(&mut inside);
        }
    }

    fn forget_idle(&self) {
        let mut inside = self.inside();
        let idle = std::mem::take(&mut inside.idle);
        inside.open -= idle.len();
        drop(inside);
        drop(idle);
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Among the parties with the fewest connections, the client that has waited longest.
    fn next(&mut self) -> Option<Waiting> {
        let held = |waiting: &Waiting| waiting.party.map_or(0, |party| self.held.get(&party).copied().unwrap_or(0));
        let (next, _) = self.waiting.iter().enumerate().min_by_key(|(_, waiting)| held(waiting))?;
        self.waiting.remove(next)
    }

    fn hold(&mut self, party: Party) {
        if let Some(party) = party {
            *self.held.entry(party).or_default() += 1;
        }
    }

    fn release(&mut self, party: Party) {
        let Some(party) = party else { return };
        if let Some(held) = self.held.get_mut(&party) {
            *held -= 1;
            if *held == 0 {
                self.held.remove(&party);
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("name", &self.0.name).field("most", &self.0.most).finish_non_exhaustive()
    }
}

/// Copies the error, since several clients wait for the same connection.
fn copy(error: &sqlx::Error) -> sqlx::Error {
    let kind = match error {
        sqlx::Error::Io(error) => error.kind(),
        _ => std::io::ErrorKind::NotConnected,
    };
    std::io::Error::new(kind, base::cause::of_database(error)).into()
}
