//! A receiver of webhooks that does with each request what the test has told it to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use runtime::serde_json::{self, Value as Json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[derive(Clone, Debug)]
pub enum Reply {
    /// Its status, headers (each with its line end) and body.
    Answer(u16, String, String),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Drop,
}

#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

#[derive(Default)]
struct Shared {
    received: Vec<Received>,
    connections: usize,
    /// By path; the last one is repeated.
    replies: HashMap<String, Vec<Reply>>,
}

pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    task: JoinHandle<()>,
}

pub fn status(status: u16) -> Reply {
    Reply::Answer(status, String::new(), format!("status {status}"))
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::<Mutex<Shared>>::default();
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What requests to this path are answered with, one after the other.
    pub fn reply(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        self.shared.lock().expect("shared").replies.insert(path.to_owned(), replies.into_iter().collect());
    }

    pub fn received(&self, path: &str) -> Vec<Received> {
        let shared = self.shared.lock().expect("shared");
        shared.received.iter().filter(|received| received.path == path).cloned().collect()
    }

    pub fn connections(&self) -> usize {
        self.shared.lock().expect("shared").connections
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Received {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// The signatures that this secret has made, found again by the words of the specification.
    pub fn signed_by(&self, secret: &str) -> usize {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("its prefix")).expect("base64");
        let signed = format!("{}.{}.{}", self.id(), self.headers["webhook-timestamp"], self.body);
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let is_by = |signature: &&str| {
            let tag = signature.strip_prefix("v1,").map(|tag| STANDARD.decode(tag).expect("base64"));
            tag.is_some_and(|tag| hmac::verify(&key, signed.as_bytes(), &tag).is_ok())
        };
        self.signatures().into_iter().filter(is_by).count()
    }

    pub fn signatures(&self) -> Vec<&str> {
        self.headers["webhook-signature"].split(' ').collect()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.lock().expect("shared").connections += 1;
        tokio::spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let Some(received) = read(&mut stream).await else { return };
    let reply = {
        let mut shared = shared.lock().expect("shared");
        let replies = shared.replies.entry(received.path.clone()).or_default();
        let reply = match replies.as_slice() {
            [] => status(204),
            [only] => only.clone(),
            _ => replies.remove(0),
        };
        shared.received.push(received);
        reply
    };
    match reply {
        Reply::Hang => std::future::pending().await,
        Reply::Drop => {}
        Reply::Answer(status, headers, body) => {
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut text = Vec::new();
    loop {
        if let Some(end) = text.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&text[..end]).into_owned();
            let mut lines = head.lines();
            let path = lines.next()?.split(' ').nth(1)?.to_owned();
            let headers = lines.filter_map(|line| line.split_once(": "));
            let headers: HashMap<_, _> =
                headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
            let length: usize = headers.get("content-length")?.parse().ok()?;
            if text.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&text[end + 4..end + 4 + length]).into_owned();
                return Some(Received { path, headers, body });
            }
        }
        if stream.read_buf(&mut text).await.ok()? == 0 {
            return None;
        }
    }
}
