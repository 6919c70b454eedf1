//! The test kit of a site: its server on a separate database, an actor of any role, and an HTTP client.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{LIMITS, Node, TestDb, TestServer};
use crate::Server;
use crate::background::{Background, Work};
use base::error::{Error, Result};
use identity::api_token::NewToken;
use identity::settings::Settings;
use jobs::Job;
use migrate::migrate;
use store::access::{Actor, Identity, Origin};
use store::hooks::{Cx, Transcript};
use store::{Limits, Sizes, Store};
use web::protection;

/// For all events and jobs that a test causes.
const SETTLED: Duration = Duration::from_secs(20);

/// Runs a test of a site: starts its server on an empty, migrated database. The database is dropped when the test ends,
/// even if it fails.
///
/// ```ignore
/// #[test]
/// fn visitors_see_what_is_published() {
///     runtime::testing::run(crate::site(), async |site| {
///         let answer = site.visitor().ask("{ products { totalCount } }").await;
///         assert_eq!(answer.data["products"]["totalCount"], 0);
///     });
/// }
/// ```
pub fn run(server: Server, test: impl AsyncFnOnce(&TestSite)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("tokio starts").block_on(async {
        let site = TestSite::start(server).await;
        let done = AssertUnwindSafe(test(&site)).catch_unwind().await;
        site.stop().await;
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

/// A running site.
pub struct TestSite {
    pub db: TestDb,
    server: TestServer,
    demo: super::Demo,
    /// Consumers and jobs, as in the server.
    background: Background,
    consumers: Vec<&'static str>,
    trusted: Store,
}

/// A client that sends requests.
pub struct Client<'a> {
    site: &'a TestSite,
    token: Option<String>,
}

/// A response of `/graphql`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub data: Json,
    /// Empty on success.
    pub errors: Vec<Json>,
}

/// A response of any other route.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl TestSite {
    async fn start(server: Server) -> Self {
        let db = TestDb::new().await;
        let schema = server.schema;
        migrate(&db.options, schema.into()).await.unwrap_or_else(|error| panic!("the migrations: {error}"));
        server.jobs.check().unwrap_or_else(|error| panic!("the jobs: {error:?}"));
        server.followers.check().unwrap_or_else(|error| panic!("the consumers: {error:?}"));
        let (demo, hooks) = (server.demo, Arc::new(server.hooks));
        let (followers, jobs) = (server.followers, server.jobs);
        let node = Node {
            schema,
            database: None,
            limits: Limits { connections: Sizes { background: 4, ..LIMITS.connections }, ..LIMITS },
            site: server.site,
            settings: Settings::of(([127, 0, 0, 1], 4000).into(), true),
            token: None,
            mailer: None,
            protection: protection::Settings::default(),
            hooks: Arc::clone(&hooks),
            routes: server.routes,
            public_role: None,
        };
        let server = TestServer::start(&db, node).await;
        let consumers = followers.names();
        let work = Work { hooks, followers, jobs, ..Work::default() };
        let background =
            Background::start(&server.app.api.database, work).expect("threads for what is in the background");
        let trusted = server.app.api.database.trusted();
        let site = Self { db, server, demo, background, consumers, trusted };
        site.settle().await;
        site
    }

    async fn stop(mut self) {
        self.background.stop().await;
        self.server.stop().await;
        self.db.close().await;
    }

    /// Loads the site's demo.
    pub async fn load_demo(&self) {
        let api = &self.server.app.api;
        let store = api.database.trusted();
        transfer::demo::load(&store, api.hooks(), self.demo).await.unwrap_or_else(|error| {
            let problems: Vec<_> = error.problems.iter().map(|problem| problem.message.as_str()).collect();
            panic!("the demo does not fit the schema: {}", problems.join("; "))
        });
    }

    /// A client that is not signed in.
    pub fn visitor(&self) -> Client<'_> {
        Client { site: self, token: None }
    }

    /// A client with this role, by an API token.
    pub async fn with_role(&self, role: &str) -> Client<'_> {
        let new = NewToken { name: format!("a test's {role}"), role: role.to_owned(), scopes: None, days: 1 };
        let made = self.server.app.accounts.create_token(&Actor::system(), new).await;
        let (token, _) = made.unwrap_or_else(|error| panic!("a token of the role `{role}`: {error:?}"));
        Client { site: self, token: Some(token) }
    }

    /// The store of an actor with this role, for the typed API: `store.at(Stage::Draft).find().filter(..)`.
    pub fn store(&self, role: &str) -> Store {
        let actor =
            Actor { role: role.to_owned(), identity: Identity::Developer, ..Actor::anonymous(Origin::default()) };
        self.server.app.api.database.acting(actor)
    }

    /// The store without rules.
    pub fn trusted(&self) -> &Store {
        &self.trusted
    }

    /// Enqueues a job, also a periodic one; [`Self::settle`] waits for it.
    pub async fn enqueue<J: Job>(&self, job: &J) {
        jobs::enqueue(&self.trusted, job).await.unwrap_or_else(|error| panic!("the job: {error:?}"));
    }

    /// Waits until consumers have handled every event and no job is due. It does not wait for retries. Panics if work
    /// is left after 20 seconds, or if a consumer fails repeatedly.
    pub async fn settle(&self) {
        let (store, begun) = (&self.trusted, Instant::now());
        loop {
            let lag = events::lag(store).await.unwrap_or_else(|error| panic!("the events: {error:?}"));
            let backlog = jobs::backlog(store).await.unwrap_or_else(|error| panic!("the jobs: {error:?}"));
            let behind: Vec<_> = lag.iter().filter(|lag| lag.behind > 0).collect();
            let due: Vec<_> = backlog.iter().filter(|kind| kind.due > 0 || kind.running > 0).collect();
            let is_followed = |name: &&str| lag.iter().any(|lag| lag.consumer == **name);
            if behind.is_empty() && due.is_empty() && self.consumers.iter().all(is_followed) {
                return;
            }
            let is_stuck = lag.iter().any(|lag| lag.failures > 1);
            assert!(begun.elapsed() < SETTLED && !is_stuck, "still to be done: {behind:?} {due:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs this in one transaction with the site's hooks, as for an own mutation. Conflicts are not retried.
    pub async fn transact<T>(&self, store: &Store, work: impl AsyncFnOnce(&mut Cx<'_>) -> Result<T>) -> Result<T> {
        let hooks = self.server.app.api.hooks();
        let mut transaction = store.writes.begin().await?;
        let mut transcript = Transcript::new(store);
        let done = work(&mut transcript.cx(store, hooks, &mut transaction)).await;
        // As for an own mutation: a transaction with an aborted write or an ignored SQL error is not committed.
        let done = match done.and_then(|done| transaction.check_whole().map(|()| done)) {
            Ok(done) => transaction.ping().await.map(|()| done).map_err(Error::from),
            failed => failed,
        };
        match done {
            Ok(done) => {
                transaction.commit().await?;
                transcript.committed(store, hooks).await;
                Ok(done)
            }
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    }
}

impl Client<'_> {
    pub async fn ask(&self, query: &str) -> Answer {
        self.ask_with(query, json!({})).await
    }

    pub async fn ask_with(&self, query: &str, variables: Json) -> Answer {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut answer = self.send("POST", "/graphql", &[("content-type", "application/json")], &body).await.json();
        let errors = answer["errors"].take();
        Answer { data: answer["data"].take(), errors: errors.as_array().cloned().unwrap_or_default() }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], "").await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let bearer = self.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n{bearer}{headers}\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(self.site.server.address).await.expect("the server accepts");
        stream.write_all(head.as_bytes()).await.expect("the server reads the head");
        // A server that refuses early need not read the rest.
        let _ = stream.write_all(body.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        Response::parse(&String::from_utf8_lossy(&answer))
    }
}

impl Answer {
    /// The codes of the errors, in order.
    pub fn codes(&self) -> Vec<&str> {
        self.errors.iter().filter_map(|error| error["extensions"]["code"].as_str()).collect()
    }
}

impl Response {
    /// Panics with the body if it is not JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers: Vec<_> = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if is_chunked { joined(body) } else { body.to_owned() };
        Self { status: status.unwrap_or_default(), headers, body }
    }
}

/// Joins a chunked body: each chunk is its size in hexadecimal, then its bytes.
fn joined(mut chunks: &str) -> String {
    let mut body = String::new();
    while let Some((size, rest)) = chunks.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { break };
        body += chunk;
        chunks = rest.get(size + 2..).unwrap_or_default();
    }
    body
}
