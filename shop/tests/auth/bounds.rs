//! Bounds on memory, connections and time that requests hold at the same time. A client that takes all it can get leaves others their
//! share.

use std::net::SocketAddr;
use std::time::Duration;

use runtime::http::bounds::Bounds;
use runtime::http::protection::Settings;
use runtime::memory::MIB;
use runtime::serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::{Answer, Site, eventually, send, settings, text};

async fn site(bounds: Bounds) -> Site {
    Site::with_both(settings(), Settings { bounds, ..Settings::default() }).await
}

/// A published post whose body has this many bytes.
async fn post(site: &Site, bytes: usize) {
    let user = site.user("ada@shop.example", "admin").await;
    let tokens = site.sign_in(&user.email).await;
    let mutation = r#"mutation { createPost(input: {title: "Long", body: "x"}, publish: true) { id } }"#;
    let made = ask(site, mutation, Some(text(&tokens["accessToken"]))).await;
    assert!(made.json()["data"]["createPost"]["id"].is_string(), "{}", made.body);
    sqlx::query("update live.post set body = repeat('x', $1)")
        .bind(i32::try_from(bytes).expect("not so long"))
        .execute(&site.db.pool)
        .await
        .expect("a long one");
}

async fn ask(site: &Site, query: &str, token: Option<&str>) -> Answer {
    site.post("/graphql", json!({ "query": query }), token).await
}

/// The same body several times.
fn bodies(count: usize) -> String {
    let aliases: String = (0..count).map(|index| format!("a{index}: body ")).collect();
    format!("{{ posts(first: 1) {{ nodes {{ {aliases} }} }} }}")
}

const SMALL: &str = "{ posts(first: 1) { nodes { title } } }";

async fn is_served(site: &Site) {
    let answer = ask(site, SMALL, None).await;
    assert_eq!((answer.status, answer.body.contains("Long")), (200, true), "{}", answer.body);
}

fn code(answer: &Json) -> &Json {
    &answer["errors"][0]["extensions"]["code"]
}

#[tokio::test]
async fn an_answer_has_a_limit_and_a_batch_is_one_answer() {
    let site = site(Bounds { answer: 100 * 1024, ..Bounds::default() }).await;
    post(&site, 20 * 1024).await;
    let fits = ask(&site, &bodies(4), None).await;
    assert_eq!((fits.status, fits.json()["errors"].is_null()), (200, true), "{}", &fits.body[..200]);
    let large = ask(&site, &bodies(5), None).await.json();
    assert_eq!((code(&large), &large["errors"][0]["path"]), (&json!("LIMIT_EXCEEDED"), &json!(["posts"])));
    assert!(large["data"].is_null(), "nothing of it is held");
    let both = format!("{{ a: __typename {} {} }}", "x: __typename", &bodies(5)[1..bodies(5).len() - 1]);
    assert_eq!(code(&ask(&site, &both, None).await.json()), "LIMIT_EXCEEDED");
    // Rows that are read but not shown count as well.
    sqlx::query("update live.post set body = repeat('x', 110000)").execute(&site.db.pool).await.expect("a longer one");
    assert_eq!(code(&ask(&site, &bodies(1), None).await.json()), "LIMIT_EXCEEDED");
    is_served(&site).await;
    sqlx::query("update live.post set body = repeat('x', 20480)").execute(&site.db.pool).await.expect("as before");

    let batch: Vec<_> = (0..6).map(|_| json!({ "query": bodies(1) })).collect();
    let answers = site.post("/graphql", Json::Array(batch), None).await;
    assert!(answers.body.len() < 110 * 1024, "{} bytes", answers.body.len());
    let refused: Vec<_> =
        answers.json().as_array().expect("answers").iter().map(|one| one["errors"].is_array()).collect();
    assert_eq!(refused, [false, false, false, false, true, true]);
    assert_eq!(code(&answers.json()[5]), "LIMIT_EXCEEDED");
    let memory = &site.server.app.protection.answers;
    eventually("all is given back", async || memory.used() == 0).await;
    site.stop().await;
}

/// Sends a request and does not read the response.
async fn ask_and_leave(address: SocketAddr, query: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small one");
    let mut stream = socket.connect(address).await.expect("the server accepts");
    let body = json!({ "query": query }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("the server reads");
    stream
}

#[tokio::test]
async fn answers_that_nobody_reads_are_bounded_and_go() {
    let bounds = Bounds { answer: 10 * MIB, answers: 40 * MIB, patience: Duration::from_secs(15), ..Bounds::default() };
    let site = site(bounds.clone()).await;
    post(&site, MIB).await;
    let memory = &site.server.app.protection.answers;
    let mut unread = vec![ask_and_leave(site.server.address, &bodies(9)).await];
    eventually("the first is held", async || memory.used() > 9 * MIB).await;
    for _ in 0..11 {
        unread.push(ask_and_leave(site.server.address, &bodies(9)).await);
        assert!(memory.used() <= bounds.answers, "{} bytes are held", memory.used());
        is_served(&site).await;
    }
    eventually("what nobody reads is forgotten", async || memory.used() == 0).await;
    // The connections were cut: only what the system has buffered can still be read.
    let mut shortest = usize::MAX;
    for mut stream in unread {
        let mut read = Vec::new();
        // A reset also ends the connection.
        let _ = stream.read_to_end(&mut read).await;
        shortest = shortest.min(read.len());
    }
    assert!(shortest < 9 * MIB, "{shortest}");
    let read = ask(&site, &bodies(9), None).await;
    assert_eq!((read.status, read.body.len() > 9 * MIB), (200, true), "who reads is served");
    site.stop().await;
}

/// A request whose body never ends.
async fn endless(address: SocketAddr, from: &str, sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-forwarded-for: {from}\r\n\
         content-length: 1000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("the server reads");
    // The server may have closed the connection by then.
    let _ = stream.write_all(&vec![b' '; sent]).await;
    stream
}

#[tokio::test]
async fn bodies_that_never_end_are_bounded_by_address_and_together() {
    let bounds = Bounds { bodies: 8 * MIB, ..Bounds::default() };
    let site =
        Site::with_both(settings(), Settings { bounds, ..crate::abuse::behind_a_proxy(Default::default()) }).await;
    let bodies = &site.server.app.protection.bodies;
    let address = site.server.address;
    let json_type = ("content-type", "application/json");
    let honest = async |from: &str, length: usize| {
        let body = json!({ "query": "{ __typename }", "variables": { "text": "x".repeat(length) } });
        send(address, "POST", "/graphql", &[json_type, ("x-forwarded-for", from)], &body).await
    };
    let mut streams = Vec::new();
    for _ in 0..12 {
        streams.push(endless(address, "192.0.2.1", 900_000).await);
        assert!(bodies.used() <= 8 * MIB, "{} bytes are held", bodies.used());
    }
    eventually("some are refused", async || {
        let mut refused = 0;
        for stream in &streams {
            let mut status = [0; 12];
            let peeked = stream.try_read(&mut status);
            refused += usize::from(peeked.is_ok_and(|read| &status[..read] == b"HTTP/1.1 429"));
        }
        refused > 0
    })
    .await;
    assert!(bodies.used() <= 4 * MIB, "one address has half of it");
    assert_eq!(honest("192.0.2.1", 100).await.status, 200, "who shares the address sends little");
    assert_eq!(honest("192.0.2.2", 500_000).await.status, 200, "others have their own share");
    for _ in 0..12 {
        streams.push(endless(address, "192.0.2.3", 900_000).await);
    }
    assert!(bodies.used() <= 8 * MIB, "{} bytes are held", bodies.used());
    assert_eq!(honest("192.0.2.4", 100).await.status, 200);
    drop(streams);
    eventually("all is given back", async || bodies.used() == 0).await;
    site.stop().await;
}

#[tokio::test]
async fn values_are_weighed_as_they_are_held() {
    let site = site(Bounds { bodies: 8 * MIB, ..Bounds::default() }).await;
    let zeros = format!(r#"{{"query": "{{ __typename }}", "variables": {{"a": [0{}]}}}}"#, ",0".repeat(400_000));
    let refused = site.post("/graphql", runtime::serde_json::from_str(&zeros).expect("JSON"), None).await;
    assert_eq!((refused.status, code(&refused.json())), (413, &json!("LIMIT_EXCEEDED")), "{}", refused.body);
    let fewer = format!(r#"{{"query": "{{ __typename }}", "variables": {{"a": [0{}]}}}}"#, ",0".repeat(500));
    assert_eq!(site.post("/graphql", runtime::serde_json::from_str(&fewer).expect("JSON"), None).await.status, 200);
    let bodies = &site.server.app.protection.bodies;
    eventually("all is given back", async || bodies.used() == 0).await;
    site.stop().await;
}

async fn ask_from(address: SocketAddr, from: [u8; 4], path: &str) -> Answer {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("an address of this machine");
    let stream = socket.connect(address).await.expect("the server accepts");
    crate::client::send_on(stream, "GET", path, &[], &Json::Null).await
}

#[tokio::test]
async fn one_address_cannot_hold_all_connections_and_health_is_always_answered() {
    const QUERY: &str = "/graphql?query=%7B__typename%7D";
    let site = site(Bounds { connections: 12, by_address: 8, ..Bounds::default() }).await;
    let address = site.server.address;
    let idle = async || TcpStream::connect(address).await.expect("the server accepts");
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(idle().await);
    }
    let own = [127, 0, 0, 1];
    eventually("the address has all it may have", async || ask_from(address, own, QUERY).await.status == 429).await;
    let refused = ask_from(address, own, QUERY).await;
    assert_eq!((refused.refusal().1.as_str(), refused.header("connection")), ("RATE_LIMITED", Some("close")));
    // On Linux, every address of 127.0.0.0/8 is this machine's; elsewhere only the first is.
    if cfg!(target_os = "linux") {
        let other = [127, 0, 0, 2];
        assert_eq!(ask_from(address, other, QUERY).await.status, 200, "others are served");
        let mut others = Vec::new();
        for _ in 0..4 {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.bind(SocketAddr::from((other, 0))).expect("an address of this machine");
            others.push(socket.connect(address).await.expect("the server accepts"));
        }
        let third = [127, 0, 0, 3];
        eventually("all places are taken", async || ask_from(address, third, QUERY).await.status == 503).await;
        assert_eq!(ask_from(address, third, "/ready").await.body, "ready");
    }
    // Connections beyond the limit are refused at once, and do not keep others out.
    for _ in 0..200 {
        held.push(idle().await);
    }
    for path in ["/health", "/ready", "/health"] {
        let answer = ask_from(address, own, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    drop(held);
    eventually("places come back", async || ask_from(address, own, QUERY).await.status == 200).await;
    site.stop().await;
}

/// Sends a request and reads one response, with its headers in lower case; the connection stays open.
async fn one(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("the server reads");
    let mut answer = Vec::new();
    loop {
        assert_ne!(stream.read_buf(&mut answer).await.expect("the server answers"), 0, "the server has hung up");
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

#[tokio::test]
async fn a_refusal_before_the_body_is_read_says_whether_the_connection_goes_on() {
    let site = site(Bounds::default()).await;
    let refusals = [
        ("/graphql", "content-type: text/plain", 415),
        ("/graphql", "content-type: application/json\r\naccept: text/html", 406),
        ("/graphql", "content-type: application/json\r\nauthorization: Bearer wrong", 401),
        ("/graphql", "content-type: application/json\r\ncontent-encoding: gzip", 415),
        ("/auth/sign-in", "content-type: text/plain", 415),
        ("/auth/sessions", "content-type: application/json", 405),
        ("/nothing", "content-type: application/json", 404),
    ];
    for (path, headers, status) in refusals {
        let head = |length: usize, more: &str| {
            format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n{more}content-length: {length}\r\n\r\n")
        };
        let status = format!("http/1.1 {status}");
        // A small body is discarded, and the connection continues.
        let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
        let answer = one(&mut stream, &format!("{}{}", head(10, ""), "x".repeat(10))).await;
        assert!(answer.starts_with(&status) && !answer.contains("connection: close"), "{path} {headers}: {answer}");
        assert!(one(&mut stream, "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.ends_with("ok"));
        // For a large body it does not, whether it is sent or not; the response still arrives.
        for sent in [0, 1_500_000] {
            let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
            let request = format!("{}{}", head(3_000_000, ""), "x".repeat(sent));
            let answer = one(&mut stream, &request).await;
            assert!(answer.starts_with(&status) && answer.contains("connection: close"), "{path} {headers}: {answer}");
            let mut rest = Vec::new();
            assert_eq!(stream.read_to_end(&mut rest).await.expect("an end, no reset"), 0);
        }
        // A client that waits for `100 Continue` does not get it.
        let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
        let answer = one(&mut stream, &head(10, "expect: 100-continue\r\n")).await;
        assert!(answer.starts_with(&status) && answer.contains("connection: close"), "{path} {headers}: {answer}");
    }
    let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 3000000\r\n\r\n";
    let answer = one(&mut stream, head).await;
    assert!(answer.starts_with("http/1.1 413") && answer.contains("connection: close"), "{answer}");
    site.stop().await;
}

#[tokio::test]
async fn what_a_proxy_could_read_as_two_requests_is_the_last_of_its_connection() {
    let site = site(Bounds::default()).await;
    let query = "POST /graphql HTTP/1.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n";
    let chunked = |end: &str| format!("{query}host: a\r\n\r\n1a\r\n{{\"query\":\"{{ __typename }}\"}}\r\n0\r\n{end}");
    let second = "GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n";
    let cases = [
        // A lone line feed: the end of the request, or the beginning of its trailers, to which everything after it
        // belongs.
        (chunked("\n"), "200"),
        (chunked("a: b\n\r\n"), "200"),
        (chunked("a: b\r\n\r\n"), "200"),
        // The same with a body that is not read.
        (chunked("\n").replace("application/json", "text/plain"), "415"),
        ("GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(), "400"),
        ("GET /health HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /health HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n".to_owned(), "400"),
    ];
    for (request, status) in cases {
        let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
        let answer = one(&mut stream, &format!("{request}{second}")).await;
        assert!(answer.starts_with(&format!("http/1.1 {status}")), "{request}: {answer}");
        assert!(answer.contains("connection: close"), "{request}: {answer}");
        let mut rest = Vec::new();
        assert_eq!(stream.read_to_end(&mut rest).await.unwrap_or(0), 0, "{request}: another answer");
    }
    // HTTP/1.0 does not require a host.
    let mut stream = TcpStream::connect(site.server.address).await.expect("the server accepts");
    assert!(one(&mut stream, "GET /health HTTP/1.0\r\n\r\n").await.starts_with("http/1.0 200"));
    site.stop().await;
}
