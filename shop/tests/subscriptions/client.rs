//! A site with one node or several, and clients for both transports.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use runtime::access::Actor;
use runtime::background::{Background, Work};
use runtime::hooks::HookSet;
use runtime::http::protection;
use runtime::identity::settings::Settings;
use runtime::identity::user::{NewUser, User};
use runtime::serde_json::{self, Value as Json, json};
use runtime::site::SiteCode;
use runtime::testing::{LIMITS, Node, TestDb, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

pub const TOKEN: &str = "a-token-for-tests-only";
pub const PASSWORD: &str = "velvet anchor drifting sundial";
/// For what hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Site {
    pub db: TestDb,
    pub nodes: Vec<(TestServer, Background)>,
}

impl Site {
    pub async fn new() -> Self {
        Self::with(1, protection::Settings::default()).await
    }

    pub async fn with(nodes: usize, protection: protection::Settings) -> Self {
        let db = TestDb::new().await;
        let role = runtime::store::PublicRole::default();
        runtime::migrate::migrate_for(&db.options, (&generated::SCHEMA).into(), Some(&role)).await.expect("the tables");
        let mut site = Self { db, nodes: Vec::new() };
        for _ in 0..nodes {
            let node = Node {
                schema: &generated::SCHEMA,
                site: SiteCode::default(),
                settings: Settings::of(([127, 0, 0, 1], 4000).into(), true),
                token: Some(TOKEN.to_owned()),
                mailer: None,
                public_role: Some(role.clone()),
                hooks: HookSet::default().into(),
                routes: runtime::axum::Router::new(),
                database: None,
                limits: LIMITS,
                protection: protection.clone(),
            };
            let server = TestServer::start(&site.db, node).await;
            let background = Background::start(&server.app.api.database, Work::default()).expect("threads");
            site.nodes.push((server, background));
        }
        site
    }

    pub fn node(&self) -> &TestServer {
        &self.nodes[0].0
    }

    pub fn address(&self) -> SocketAddr {
        self.node().address
    }

    /// Subscriptions that began at any node.
    pub fn begun(&self) -> u64 {
        self.nodes.iter().map(|(server, _)| server.app.protection.subscriptions.begun()).sum()
    }

    /// How many subscriptions ended for this reason.
    pub fn ended(&self, reason: &str) -> u64 {
        let subscriptions = &self.node().app.protection.subscriptions;
        subscriptions.ends().find(|(known, _)| *known == reason).map_or(0, |(_, count)| count)
    }

    /// The data of an answer to whoever has this token.
    pub async fn ask_as(&self, token: &str, query: &str) -> Json {
        let headers = [("authorization", format!("Bearer {token}"))];
        let answer = post(self.address(), "/graphql", &headers, &json!({ "query": query })).await;
        assert_eq!(answer["errors"], Json::Null, "{query}: {answer}");
        answer["data"].clone()
    }

    pub async fn ask(&self, query: &str) -> Json {
        self.ask_as(TOKEN, query).await
    }

    pub async fn user(&self, email: &str, role: &str) -> User {
        let new =
            NewUser { email: email.into(), name: "Ada".into(), role: role.into(), password: Some(PASSWORD.into()) };
        self.node().app.accounts.create_user(&Actor::system(), new).await.expect("a user")
    }

    /// The access token of a new session.
    pub async fn sign_in(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = post(self.address(), "/auth/sign-in", &[], &body).await;
        answer["accessToken"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    pub async fn stop(self) {
        for (server, mut background) in self.nodes {
            server.app.protection.subscriptions.stop();
            background.stop().await;
            server.stop().await;
        }
        self.db.close().await;
    }
}

/// A product that is live: its id.
pub async fn publish(site: &Site, name: &str) -> String {
    let query = format!(
        "mutation {{ createProduct(input: {{name: \"{name}\", price: {{amount: \"5.00\"}}}}, publish: true) {{ id }} }}"
    );
    site.ask(&query).await["createProduct"]["id"].as_str().expect("an id").to_owned()
}

pub async fn post(address: SocketAddr, path: &str, headers: &[(&str, String)], body: &Json) -> Json {
    let (mut stream, body) = (TcpStream::connect(address).await.expect("the server accepts"), body.to_string());
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the server answers");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    if body.is_empty() {
        return Json::Null;
    }
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// Repeats the check until it is true.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < until, "it does not come to pass: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    /// After the handshake.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.expect("a WebSocket")
    }

    /// The error is the status of the answer.
    pub async fn open_with(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        let mut request = format!("ws://{address}/graphql").into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("a value"));
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Acknowledged, by whoever has this token.
    pub async fn of(address: SocketAddr, token: Option<&str>) -> Self {
        let mut socket = Self::open(address).await;
        let payload = token.map(|token| json!({ "authorization": format!("Bearer {token}") }));
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub async fn send(&mut self, message: Json) {
        self.say(&message.to_string()).await;
    }

    pub async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the server reads");
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    /// As [`Self::subscribe`], and waits until the subscription has begun.
    pub async fn follow(&mut self, site: &Site, id: &str, query: &str) {
        let before = site.begun();
        self.subscribe(id, query).await;
        eventually("the subscription has begun", async || site.begun() > before).await;
    }

    /// The next message.
    pub async fn next(&mut self) -> Json {
        match self.receive().await {
            Message::Text(text) => serde_json::from_str(&text).expect("JSON"),
            other => panic!("no message but {other:?}"),
        }
    }

    /// The next change that a subscription tells.
    pub async fn change(&mut self) -> Json {
        let message = self.next().await;
        assert_eq!(message["type"], "next", "{message}");
        let data = message["payload"]["data"].as_object().unwrap_or_else(|| panic!("{message}"));
        data.values().next().expect("a field").clone()
    }

    /// The code and the reason with which the server closes.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.receive().await {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Text(_) => {}
                other => panic!("not closed but {other:?}"),
            }
        }
    }

    async fn receive(&mut self) -> Message {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the server says something") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return message,
                other => panic!("no message but {other:?}"),
            }
        }
    }
}

/// A stream of server-sent events.
pub struct Events {
    stream: TcpStream,
    text: String,
    pub head: String,
}

/// `(event, id, data)`.
pub type Sent = (String, Option<i64>, Json);

impl Events {
    pub async fn open(address: SocketAddr, query: &str, headers: &[(&str, String)]) -> Self {
        let body = json!({ "query": query }).to_string();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\naccept: text/event-stream\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(address).await.expect("the server accepts");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut events = Self { stream, text: String::new(), head: String::new() };
        events.head = events.until("\r\n\r\n").await.expect("a head").to_lowercase();
        events
    }

    /// The next event; `None` at the end. Comments and what only has an id are left out.
    pub async fn next(&mut self) -> Option<Sent> {
        loop {
            let event = self.until("\n\n").await?;
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
            let Some(kind) = field("event") else { continue };
            let data = field("data").map(str::trim).filter(|data| !data.is_empty());
            let data = data.map_or(Json::Null, |data| serde_json::from_str(data).expect("JSON"));
            return Some((kind.trim().to_owned(), field("id").map(|id| id.trim().parse().expect("a number")), data));
        }
    }

    async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some((found, rest)) = self.text.split_once(end) {
                // Chunks of HTTP have their size on lines of their own.
                let found = found.lines().filter(|line| !is_size(line)).collect::<Vec<_>>().join("\n");
                let rest = rest.to_owned();
                self.text = rest;
                return Some(found);
            }
            let mut bytes = [0; 16 * 1024];
            let read = timeout(PATIENCE, self.stream.read(&mut bytes)).await.expect("the server says something");
            match read {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.text.push_str(&String::from_utf8_lossy(&bytes[..length])),
            }
        }
    }
}

fn is_size(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.bytes().all(|byte| byte.is_ascii_hexdigit())
}
