//! A database with the tables of the shop, servers on it as processes, and what is asked of them.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use runtime::serde_json::{self, Value as Json, json};
use runtime::testing::TestDb;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::receiver::Receiver;

const TOKEN: &str = "a-token-for-tests-only";
const DELIVERY: &str = "id webhook event type entry revision state attempts due status latency answer error finishedAt";

pub struct Site {
    pub db: TestDb,
    pub receiver: Receiver,
    /// `TYPECASE_WEBHOOK_ALLOWED_NETWORKS`.
    pub allowed: &'static str,
    /// Further settings.
    pub variables: Vec<(&'static str, String)>,
}

/// A node; killed when it is dropped, as by `kill -9`.
pub struct Node {
    child: std::process::Child,
    pub address: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Site {
    pub async fn new() -> Self {
        Self::allowing("127.0.0.0/8").await
    }

    pub async fn allowing(allowed: &'static str) -> Self {
        let db = TestDb::new().await;
        runtime::migrate::migrate(&db.options, (&generated::SCHEMA).into()).await.expect("the migrations");
        Self { db, receiver: Receiver::start().await, allowed, variables: Vec::new() }
    }

    fn prepared(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
        command
            .env("DATABASE_URL", self.db.url())
            .env("TYPECASE_DEV_TOKEN", TOKEN)
            .env("TYPECASE_ENV", "development")
            .env("TYPECASE_WEBHOOK_ALLOWED_NETWORKS", self.allowed)
            .env_remove("TYPECASE_ADDRESS")
            .env_remove("PORT")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("RUST_LOG", "info");
        command
    }

    pub fn command(&self, arguments: &[&str]) -> Output {
        self.prepared().env("RUST_LOG", "error").args(arguments).output().expect("the server's program runs")
    }

    /// A node that delivers, once the consumer of webhooks is known.
    pub async fn node(&self) -> Node {
        let mut child =
            self.prepared().args(["serve", "--port", "0"]).stderr(Stdio::piped()).spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its log is read")).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.contains("serving GraphQL")));
        let line = line.expect("it serves");
        let port: String =
            line.split("127.0.0.1:").nth(1).expect("its address").chars().take_while(char::is_ascii_digit).collect();
        let shown = std::env::var("SHOW_LOG").is_ok();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).filter(|_| shown).for_each(|line| eprintln!("{line}"));
        });
        eventually("webhooks follow events", async || {
            self.number("select count(*) from cms.consumer where name = 'typecase.webhooks'").await == 1
        })
        .await;
        Node { child, address: format!("127.0.0.1:{port}") }
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn run(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.db.pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// What waits for its time is due.
    pub async fn hasten(&self) {
        self.run("update cms.webhook set paused_until = null where paused_until is not null").await;
        self.run("update cms.webhook_delivery set due = now() where state = 'waiting' and due > now()").await;
    }

    pub async fn close(self) {
        self.db.close().await;
    }
}

impl Node {
    pub fn kill(self) {}

    /// The data of an answer without errors.
    pub async fn ask(&self, query: &str, variables: Json) -> Json {
        let mut answer = self.answer(query, variables, Some(TOKEN)).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].take()
    }

    /// The code, the place and the message of the first error.
    pub async fn refused(&self, query: &str, variables: Json, token: Option<&str>) -> (String, String, String) {
        let answer = self.answer(query, variables, token).await;
        let error = &answer["errors"][0];
        let text = |value: &Json| value.as_str().unwrap_or_else(|| panic!("no error: {answer}")).to_owned();
        let place = error["extensions"]["inputPath"].as_array().map_or(&[][..], Vec::as_slice);
        let place: Vec<_> = place.iter().map(|step| step.as_str().map_or(step.to_string(), str::to_owned)).collect();
        (text(&error["extensions"]["code"]), place.join("."), text(&error["message"]))
    }

    pub async fn refused_admin(&self, query: &str, variables: Json) -> (String, String, String) {
        self.refused(query, variables, Some(TOKEN)).await
    }

    async fn answer(&self, query: &str, variables: Json, token: Option<&str>) -> Json {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let bearer = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{bearer}content-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).await.expect("the server accepts");
        stream.write_all((head + &body).as_bytes()).await.expect("the server reads");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let text = String::from_utf8_lossy(&answer);
        let body = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}")).1;
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Its id and its secret.
    pub async fn webhook(&self, input: Json) -> (String, String) {
        let query = "mutation ($input: WebhookCreateInput!) { createWebhook(input: $input) { webhook { id } secret } }";
        let made = self.ask(query, json!({ "input": input })).await;
        let made = &made["createWebhook"];
        (text(&made["webhook"]["id"]), text(&made["secret"]))
    }

    pub async fn tag(&self, name: &str) -> String {
        let query = "mutation ($name: String!) { createTag(input: { name: $name }) { id } }";
        text(&self.ask(query, json!({ "name": name })).await["createTag"]["id"])
    }

    pub async fn rename(&self, tag: &str, revision: i64, name: &str) {
        let query = "mutation ($id: ID!, $revision: Int!, $name: String!) {
            updateTag(id: $id, revision: $revision, input: { name: $name }) { id }
        }";
        self.ask(query, json!({ "id": tag, "revision": revision, "name": name })).await;
    }

    /// Of a webhook, newest first.
    pub async fn deliveries(&self, webhook: &str) -> Vec<Json> {
        let query =
            format!("query ($id: ID!) {{ webhookDeliveries(webhook: $id, first: 100) {{ nodes {{ {DELIVERY} }} }} }}");
        let found = self.ask(&query, json!({ "id": webhook })).await;
        found["webhookDeliveries"]["nodes"].as_array().expect("a list").clone()
    }

    /// Waits until the newest delivery of a webhook is in this state.
    pub async fn newest(&self, webhook: &str, state: &str) -> Json {
        let mut newest = Json::Null;
        eventually(&format!("a delivery is {state}"), async || {
            newest = self.deliveries(webhook).await.into_iter().next().unwrap_or_default();
            newest["state"] == state
        })
        .await;
        newest
    }

    pub async fn shown(&self, webhook: &str) -> Json {
        let query = "query ($id: ID!) { webhook(id: $id) { enabled disabledReason pausedUntil previousSecretUntil types actions } }";
        self.ask(query, json!({ "id": webhook })).await["webhook"].take()
    }
}

pub fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}")).to_owned()
}

/// Repeats the check until it is true. The time is for hangs.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !is_so().await {
        assert!(Instant::now() < until, "it does not come to pass: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
