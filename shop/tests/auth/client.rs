//! A site with accounts, and an HTTP client for it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use runtime::access::Actor;
use runtime::hooks::HookSet;
use runtime::http::protection;
use runtime::identity::Accounts;
use runtime::identity::mail::{Mail, Mailer, Sending};
use runtime::identity::secret::Secret;
use runtime::identity::settings::Settings;
use runtime::identity::user::{NewUser, User};
use runtime::serde_json::{self, Value as Json, json};
use runtime::site::SiteCode;
use runtime::testing::{LIMITS, Node, TestDb, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub const PASSWORD: &str = "velvet anchor drifting sundial";
pub const SECRET: &str = "hnDmOGZ8EkxUoGvXlEjfB2wTZ3xq0Yb5k9mUq1C7v4s=";
pub const PUBLIC_URL: &str = "https://shop.example";

/// Collects the mails of a site.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<Vec<Mail>>>);

impl Mailer for Outbox {
    fn send(&self, mail: Mail) -> Sending {
        self.0.lock().expect("no test has failed with it").push(mail);
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Outbox {
    pub fn count(&self) -> usize {
        self.0.lock().expect("no test has failed with it").len()
    }

    /// The token in the link of the next mail after the first `before`, however long that takes.
    pub async fn token(&self, before: usize) -> String {
        loop {
            let text = self.0.lock().expect("no test has failed with it").get(before).map(|mail| mail.text.clone());
            if let Some(text) = text {
                let (_, token) = text.split_once("#token=").expect("a link");
                return token.split_whitespace().next().expect("a token").to_owned();
            }
            tokio::task::yield_now().await;
        }
    }
}

pub struct Site {
    pub db: TestDb,
    pub server: TestServer,
    pub mail: Outbox,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

pub fn settings() -> Settings {
    let mut settings = Settings::of(([127, 0, 0, 1], 4000).into(), false);
    settings.secret = Some(Secret::parse(SECRET).expect("a good one"));
    settings.public_url = PUBLIC_URL.to_owned();
    settings
}

pub async fn node(db: &TestDb, mail: &Outbox) -> TestServer {
    served(db, mail, settings(), protection::Settings::default()).await
}

pub async fn protected(db: &TestDb, mail: &Outbox, protection: protection::Settings) -> TestServer {
    served(db, mail, settings(), protection).await
}

pub async fn node_with(db: &TestDb, mail: &Outbox, settings: Settings) -> TestServer {
    served(db, mail, settings, protection::Settings::default()).await
}

async fn served(db: &TestDb, mail: &Outbox, settings: Settings, protection: protection::Settings) -> TestServer {
    TestServer::start(db, Node { settings, protection, ..plain(mail) }).await
}

/// The shipped schema without the site's own code.
fn plain(mail: &Outbox) -> Node {
    Node {
        schema: &generated::SCHEMA,
        site: SiteCode::default(),
        settings: settings(),
        token: None,
        mailer: Some(Arc::new(mail.clone())),
        public_role: None,
        hooks: HookSet::default().into(),
        routes: runtime::axum::Router::new(),
        database: None,
        limits: LIMITS,
        protection: protection::Settings::default(),
    }
}

pub async fn migrated() -> TestDb {
    let db = TestDb::new().await;
    let role = runtime::store::PublicRole::default();
    let migrated = runtime::migrate::migrate_for(&db.options, (&generated::SCHEMA).into(), Some(&role)).await;
    assert_eq!(migrated.expect("the migrations").notice, None);
    db
}

impl Site {
    pub async fn new() -> Self {
        Self::with(settings()).await
    }

    pub async fn with(settings: Settings) -> Self {
        Self::with_both(settings, protection::Settings::default()).await
    }

    pub async fn with_both(settings: Settings, protection: protection::Settings) -> Self {
        Self::of(|node| Node { settings, protection, ..node }).await
    }

    /// May change the facts about types, if the tables stay the same.
    pub async fn of(change: impl FnOnce(Node) -> Node) -> Self {
        let db = migrated().await;
        let mail = Outbox::default();
        Self { server: TestServer::start(&db, change(plain(&mail))).await, db, mail }
    }

    pub fn accounts(&self) -> &Accounts {
        &self.server.app.accounts
    }

    pub async fn user(&self, email: &str, role: &str) -> User {
        let new =
            NewUser { email: email.into(), name: "Ada".into(), role: role.into(), password: Some(PASSWORD.into()) };
        self.accounts().create_user(&Actor::system(), new).await.expect("a user")
    }

    /// Signs a user in and returns the tokens.
    pub async fn sign_in(&self, email: &str) -> Json {
        let answer = self.post("/auth/sign-in", json!({ "email": email, "password": PASSWORD }), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn post(&self, path: &str, body: Json, token: Option<&str>) -> Answer {
        self.ask("POST", path, body, token).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, Json::Null, Some(token)).await
    }

    pub async fn ask(&self, method: &str, path: &str, body: Json, token: Option<&str>) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        send(self.server.address, method, path, &headers, &body).await
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Json) -> Answer {
        send(self.server.address, method, path, headers, &body).await
    }

    /// Whether a mutation reaches its resolver, which finds nothing to delete.
    pub async fn may_write(&self, token: &str) -> bool {
        let mutation = "mutation { deleteTag(id: \"tag_00000000000000000000000000\", revision: 1) }";
        let answer = self.post("/graphql", json!({ "query": mutation }), Some(token)).await;
        answer.status == 200 && answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    }

    pub async fn stop(self) {
        self.server.stop().await;
        self.db.close().await;
    }
}

/// Repeats the check until it is true. The timeout is for hangs.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !is_so().await {
        assert!(Instant::now() < until, "it does not come to pass: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// `null` means no body.
pub async fn send(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> Answer {
    let stream = TcpStream::connect(address).await.expect("the server accepts");
    send_on(stream, method, path, headers, body).await
}

pub async fn send_on(mut stream: TcpStream, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    );
    // A server that has refused the request need not read it to the end.
    let _ = stream.write_all(text.as_bytes()).await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the server answers");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer but {answer:?}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Answer { status, headers: lines.filter_map(header).collect(), body: body.to_owned() }
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Status and code of an error response.
    pub fn refusal(&self) -> (u16, String) {
        let code =
            serde_json::from_str::<Json>(&self.body).ok().and_then(|json| Some(json["code"].as_str()?.to_owned()));
        (self.status, code.unwrap_or_default())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// `name=value` of each cookie that is set.
    pub fn cookies(&self) -> Vec<&str> {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.filter_map(|(_, value)| value.split(';').next()).collect()
    }
}

pub fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}"))
}
