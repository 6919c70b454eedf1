//! A database with the tables of the shop, writers on it, nodes that do background work, and a table that records this work.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use generated::content::TAG;
use runtime::background::{Background, Work as Tasks};
use runtime::events::{Followers, Lag, lag};
use runtime::hooks::HookSet;
use runtime::prelude::*;
use runtime::serde_json::{Map, Value as Json, json};
use runtime::store::{Connection, Limits, Sizes, write};
use runtime::testing::TestDb;
use sqlx::postgres::PgConnectOptions;
use uuid::Uuid;

/// With room for two jobs and two consumers.
pub const LIMITS: Limits = Limits {
    connections: Sizes { public: 4, reads: 4, writes: 4, background: 4 },
    statement: Some(Duration::from_secs(5)),
    public_statement: None,
};

/// What consumers and jobs have done, in order.
const DONE: &str = "create table public.done (
    n bigint generated always as identity, who text not null, what text not null, position bigint
)";

pub struct Site {
    pub db: TestDb,
    pub store: Store,
}

impl Site {
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        let migrated = runtime::migrate::migrate(&db.options, (&generated::SCHEMA).into()).await;
        migrated.expect("the migrations");
        sqlx::query(DONE).execute(&db.pool).await.expect("a table");
        Self { store: database_of(db.options.clone()).trusted(), db }
    }

    /// A node in this process, with its own connections.
    pub fn node(&self, tasks: Tasks) -> Node {
        Node::on(database_of(self.db.options.clone()), tasks)
    }

    pub async fn create(&self, hooks: &HookSet, name: &str) -> Uuid {
        let input = input(name);
        write::create(&self.store, hooks, &TAG, &input, false).await.expect("a tag")
    }

    pub async fn update(&self, id: Uuid, revision: i64, name: &str) -> Result<Uuid> {
        write::update(&self.store, &HookSet::default(), &TAG, id, revision, &input(name), false).await
    }

    /// What a worker has done, in order.
    pub async fn done(&self, who: &str) -> Vec<String> {
        let sql = "select what from public.done where who = $1 order by n";
        sqlx::query_scalar(sql).bind(who).fetch_all(&self.db.pool).await.expect("what is done")
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// All events in order, as [`Recorder`] records them.
    pub async fn events(&self) -> Vec<String> {
        let sql = "select type || ' ' || kind || ' ' || entry || ' ' || revision from cms.outbox order by position";
        sqlx::query_scalar(sql).fetch_all(&self.db.pool).await.expect("the events")
    }

    pub async fn lag(&self, name: &str) -> Option<Lag> {
        lag(&self.store).await.expect("the lag").into_iter().find(|lag| lag.consumer == name)
    }

    /// Waits until a consumer has handled everything.
    pub async fn followed(&self, name: &str) {
        eventually(&format!("`{name}` has followed all"), async || {
            self.lag(name).await.is_some_and(|lag| lag.behind == 0)
        })
        .await;
    }

    /// Starts the test with this name of this program as a process, which is a node until it is killed.
    pub fn child(&self, test: &str) -> Child {
        let program = std::env::current_exe().expect("this program");
        let mut command = std::process::Command::new(program);
        command.args(["--exact", test, "--nocapture"]).env(CHILD, self.db.url());
        command.stdout(std::process::Stdio::null());
        Child(command.spawn().expect("a process"))
    }

    pub async fn stop(self) {
        self.store.close().await;
        self.db.close().await;
    }
}

/// The variable with a child process's database.
const CHILD: &str = "WORK_NODE_OF";

/// The database of a process that was started as a node; `None` in the test itself.
pub fn of_child() -> Option<Database> {
    let url = std::env::var(CHILD).ok()?;
    Some(database_of(PgConnectOptions::from_str(&url).expect("an address")))
}

/// Killed when it is dropped, as by `kill -9`.
pub struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Node {
    pub database: Database,
    background: Background,
}

impl Node {
    pub fn on(database: Database, tasks: Tasks) -> Self {
        Self { background: Background::start(&database, tasks).expect("threads"), database }
    }

    /// As on SIGTERM.
    pub async fn stop(mut self) {
        self.background.stop().await;
        self.database.close().await;
    }
}

pub fn database_of(options: PgConnectOptions) -> Database {
    Database::new(options, LIMITS, &generated::SCHEMA)
}

fn input(name: &str) -> Map<String, Json> {
    Map::from_iter([("name".to_owned(), json!(name))])
}

/// Repeats the check until it is true. The timeout is for hangs.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !is_so().await {
        assert!(Instant::now() < until, "it does not come to pass: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn note(connection: &mut Connection, who: &str, what: &str, position: Option<i64>) -> Result<()> {
    let sql = "insert into public.done (who, what, position) values ($1, $2, $3)";
    sqlx::query(sql).bind(who).bind(what).bind(position).execute(connection).await?;
    Ok(())
}

/// A consumer that records its events.
#[derive(Clone)]
pub struct Recorder {
    pub name: &'static str,
    pub start_at: StartAt,
    /// While this is set, it fails after it has written.
    pub is_broken: Arc<AtomicBool>,
}

impl Recorder {
    pub fn new(name: &'static str) -> Self {
        Self { name, start_at: StartAt::Beginning, is_broken: Arc::default() }
    }

    pub fn alone(self) -> Tasks {
        let mut followers = Followers::default();
        followers.add_all(self.name, self);
        Tasks { followers, ..Tasks::default() }
    }
}

impl FollowAll for Recorder {
    async fn follow(&self, cx: &mut Cx<'_>, changes: &[Change]) -> Result<()> {
        for change in changes {
            let Change { table, entry, revision, .. } = change;
            let what = format!("{table} {} {entry} {revision}", change.kind.as_str());
            note(cx.connection, self.name, &what, Some(change.position)).await?;
        }
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(refuse("the index is away", []));
        }
        Ok(())
    }

    fn start_at(&self) -> StartAt {
        self.start_at
    }
}
