//! Starts the server on a separate database, and an HTTP client for it.

use std::io::{BufRead, BufReader, Write as _};
use std::ops::Deref;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use runtime::identity::Roles;
use runtime::serde_json::{self, Value as Json, json};
use runtime::store::Standing;
use runtime::testing::TestDb;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const TOKEN: &str = "a-token-for-tests-only";

/// A running server and its database; `stop` ends it and drops the database.
pub struct Site {
    pub db: TestDb,
    node: Node,
}

/// A server process; killed when it is dropped, as by `kill -9`.
pub struct Node {
    pub address: String,
    log: Arc<Mutex<Vec<String>>>,
    process: Process,
}

impl Deref for Site {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

/// Killed when the test ends, even if it fails.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// The body as it was sent.
    pub bytes: Vec<u8>,
}

impl Site {
    /// Starts with the demo content.
    pub async fn with_demo() -> Self {
        let db = migrated().await;
        let demo = command(&db, &["demo"]);
        assert!(demo.status.success(), "{demo:?}");
        Self::on(db).await
    }

    pub async fn empty() -> Self {
        Self::on(migrated().await).await
    }

    async fn on(db: TestDb) -> Self {
        Self::with(db, &[]).await
    }

    /// Starts with these variables, on a migrated database.
    pub async fn with(db: TestDb, variables: &[(&str, &str)]) -> Self {
        let node = Node::start(&db, variables);
        Self { db, node }
    }

    /// Another server process on the same database.
    pub fn another_node(&self) -> Node {
        self.another_node_with(&[])
    }

    /// The same with these variables.
    pub fn another_node_with(&self, variables: &[(&str, &str)]) -> Node {
        Node::start(&self.db, variables)
    }

    pub async fn stop(self) {
        drop(self.node);
        self.db.close().await;
    }

    /// Sends SIGTERM and returns the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        self.signal("-TERM");
        let code = self.node.process.0.wait().expect("the server ends").code();
        self.db.close().await;
        code
    }
}

impl Node {
    fn start(db: &TestDb, variables: &[(&str, &str)]) -> Self {
        let mut command = prepared(db);
        command.envs(variables.iter().copied());
        command.args(["serve", "--port", "0"]).env("RUST_LOG", "info").stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the server starts"));
        let mut lines = BufReader::new(process.0.stderr.take().expect("its log is read")).lines();
        let mut begin = Vec::new();
        let address = loop {
            let line = lines.next().expect("the server ended at once").expect("its log is text");
            let address = value_of(&line, "address");
            begin.push(line);
            if let Some(address) = address {
                break address;
            }
        };
        // The log must be read continuously, or the server would block on writing it.
        let log = Arc::new(Mutex::new(begin));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().expect("no test has failed with it").push(line);
            }
        });
        Self { address, log, process }
    }

    /// The address of `/metrics`, if `TYPECASE_METRICS_ADDRESS` is set.
    pub fn metrics_address(&self) -> String {
        let told = self.logged("serving metrics");
        told.iter().find_map(|line| value_of(line, "metrics")).expect("it is served")
    }

    pub fn signal(&self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.process.0.id().to_string()]).status().expect("kill runs");
        assert!(told.success());
    }

    /// The lines of the log that contain this text.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let log = self.log.lock().expect("no test has failed with it");
        log.iter().filter(|line| line.contains(text)).cloned().collect()
    }

    /// The server's resident memory in bytes.
    #[cfg(target_os = "linux")]
    pub fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kilobytes * 1024
    }

    /// The response to an anonymous query.
    pub async fn ask(&self, query: &str) -> Json {
        self.post(&json!({ "query": query }), &[]).await.json()
    }

    /// The response to a request with the development token.
    pub async fn ask_as_developer(&self, query: &str, variables: Json) -> Json {
        self.ask_with(TOKEN, query, variables).await
    }

    /// The response to a request with this token.
    pub async fn ask_with(&self, token: &str, query: &str, variables: Json) -> Json {
        let body = json!({ "query": query, "variables": variables });
        self.post(&body, &[("authorization", &format!("Bearer {token}"))]).await.json()
    }

    pub async fn post(&self, body: &Json, headers: &[(&str, &str)]) -> Answer {
        let headers =
            [&[("content-type", "application/json"), ("accept", "application/graphql-response+json")], headers];
        self.send("POST", "/graphql", &headers.concat(), &body.to_string()).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        send_to(&self.address, method, path, headers, body).await
    }
}

/// The value of a field in a line of the log, which is text or JSON.
fn value_of(line: &str, field: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!("{field}=")).or_else(|| line.split_once(&format!("\"{field}\":\"")))?;
    rest.split(|letter: char| letter.is_whitespace() || letter == '"').next().map(str::to_owned)
}

pub async fn send_to(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let answer = try_to_send(address, method, path, headers, body).await.expect("the server accepts");
    Answer::parse(&answer).unwrap_or_else(|| panic!("no answer but {:?}", String::from_utf8_lossy(&answer)))
}

/// The response of a server that may be killed meanwhile; nothing if it is not whole.
pub async fn try_to_post(address: &str, body: &Json) -> Option<Json> {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("content-type", "application/json"), ("authorization", &authorization)];
    let answer = try_to_send(address, "POST", "/graphql", &headers, &body.to_string()).await.ok()?;
    serde_json::from_str(&Answer::parse(&answer)?.body).ok()
}

async fn try_to_send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<Vec<u8>> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    // A server that refuses early need not read the rest.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Ok(answer)
}

impl Answer {
    fn parse(answer: &[u8]) -> Option<Self> {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&answer[..end]);
        let bytes = answer[end + 4..].to_vec();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok())?;
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Some(Self { status, headers: lines.filter_map(header).collect(), body, bytes })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub async fn migrated() -> TestDb {
    let db = TestDb::new().await;
    let migrated = command(&db, &["migrate"]);
    assert!(migrated.status.success(), "{migrated:?}");
    db
}

/// Creates an account. Returns its id, and its token at the site.
pub async fn account(site: &Site, email: &str, role: &str) -> (String, String) {
    let password = "velvet anchor drifting sundial";
    let mut command = prepared(&site.db);
    command.args(["user", "create", "--email", email, "--name", "Ada", "--role", role, "--password-stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the server's program runs");
    child.stdin.take().expect("its input").write_all(password.as_bytes()).expect("it reads");
    let created = child.wait_with_output().expect("it ends");
    assert!(created.status.success(), "{created:?}");
    let body = json!({ "email": email, "password": password }).to_string();
    let answer = site.send("POST", "/auth/sign-in", &[("content-type", "application/json")], &body).await.json();
    let token = answer["accessToken"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    let me = site.ask_with(&token, "{ me { id } }", json!({})).await;
    (me["data"]["me"]["id"].as_str().expect("an id").to_owned(), token)
}

/// Runs a command of the server to its end.
pub fn command(db: &TestDb, arguments: &[&str]) -> Output {
    prepared(db).args(arguments).output().expect("the server's program runs")
}

/// The same with these variables.
pub fn command_with(db: &TestDb, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    prepared(db).envs(variables.iter().copied()).args(arguments).output().expect("the server's program runs")
}

/// The same with this input.
pub fn command_with_input(db: &TestDb, arguments: &[&str], input: &str) -> Output {
    let mut command = prepared(db);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the server's program runs");
    // A command that does not read its input may have ended.
    let _ = child.stdin.take().expect("its input").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn prepared(db: &TestDb) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command
        .env("DATABASE_URL", db.url())
        .env("TYPECASE_DEV_TOKEN", TOKEN)
        .env("TYPECASE_ENV", "development")
        // Tests change the database by hand as well, which only its own tests wait for.
        .env("TYPECASE_CACHE", "0")
        .env_remove("TYPECASE_ADDRESS")
        .env_remove("TYPECASE_PUBLIC_DATABASE_URL")
        .env_remove("PORT")
        .env("RUST_LOG", "error");
    command
}

/// For an API without a server: looks actors up by the roles of the shop.
pub fn standing() -> Arc<dyn Standing> {
    Arc::new(Roles::of(&generated::SCHEMA))
}
