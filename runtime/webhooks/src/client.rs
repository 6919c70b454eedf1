//! The HTTP client for receivers: one request on a connection of its own to an address that was checked, no redirects, little time,
//! little memory.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address::Allowed;
use crate::target::refusal;
use base::error::Result;

/// From the name of the host to the connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// From the name of the host to the head of the answer.
const TIME: Duration = Duration::from_secs(20);
/// For the body of an answer whose head is there: what it says is only shown.
const BODY_TIME: Duration = Duration::from_secs(2);
/// Of the body, that are kept.
const HEAD: usize = 1024;
/// Bytes of the answer's status line and headers.
const HEADERS: usize = 32 * 1024;
/// Of those that a name resolves to.
const MOST_ADDRESSES: usize = 4;

const AGENT: &str = concat!("Typecase/", env!("CARGO_PKG_VERSION"));

pub(crate) struct Client {
    tls: TlsConnector,
    allowed: Allowed,
}

/// What is sent.
pub(crate) struct Message<'a> {
    pub url: &'a str,
    pub id: &'a str,
    pub timestamp: i64,
    pub signatures: &'a str,
    pub body: Bytes,
}

pub(crate) struct Answer {
    pub status: u16,
    pub retry_after: Option<String>,
    /// The beginning of its body.
    pub head: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Failed(pub String);

impl Client {
    pub fn new(allowed: Allowed) -> Result<Self> {
        Ok(Self { tls: base::tls::connector()?, allowed })
    }

    pub async fn post(&self, message: &Message<'_>) -> Result<Answer, Failed> {
        match timeout(TIME, self.exchange(message)).await {
            Ok(answered) => answered,
            Err(_) => Err(failed(format!("no answer in {} seconds", TIME.as_secs()))),
        }
    }

    async fn exchange(&self, message: &Message<'_>) -> Result<Answer, Failed> {
        let uri: Uri = message.url.parse().map_err(failed)?;
        let host = uri.host().ok_or_else(|| failed("the address has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_tls = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let connecting = async {
            let addresses = self.resolve(host, port, is_tls).await?;
            let stream = connect(&addresses).await?;
            if !is_tls {
                return Ok((Some(stream), None));
            }
            let name = ServerName::try_from(host.to_owned()).map_err(failed)?;
            let secured = self.tls.connect(name, stream).await;
            Ok((None, Some(secured.map_err(|error| failed(format!("TLS: {error}")))?)))
        };
        let connected = timeout(CONNECT, connecting).await;
        let late = |_| failed(format!("no connection in {} seconds", CONNECT.as_secs()));
        match connected.map_err(late)?? {
            (_, Some(secured)) => send(secured, &uri, message).await,
            (Some(plain), None) => send(plain, &uri, message).await,
            (None, None) => Err(failed("no connection")),
        }
    }

    /// Once: what was checked is what is connected to. One address that is refused refuses all.
    async fn resolve(&self, host: &str, port: u16, is_tls: bool) -> Result<Vec<SocketAddr>, Failed> {
        let found = lookup_host((host, port)).await.map_err(|error| failed(format!("`{host}`: {error}")))?;
        let found: Vec<_> = found.take(MOST_ADDRESSES).collect();
        if let Some(refused) = found.iter().find(|found| !self.allowed.permits(found.ip())) {
            return Err(failed(format!("`{host}` {}", refusal(refused.ip()))));
        }
        if !is_tls && found.iter().any(|found| !self.allowed.names(found.ip())) {
            return Err(failed("`http` is only for the networks of TYPECASE_WEBHOOK_ALLOWED_NETWORKS"));
        }
        if found.is_empty() { Err(failed(format!("`{host}` has no address"))) } else { Ok(found) }
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failed> {
    let mut why = failed("no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = failed(format!("{address}: {error}")),
        }
    }
    Err(why)
}

async fn send<S>(stream: S, uri: &Uri, message: &Message<'_>) -> Result<Answer, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let value = |text: &str| HeaderValue::from_str(text).map_err(failed);
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, value(authority)?)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .header("webhook-id", value(message.id)?)
        .header("webhook-timestamp", message.timestamp)
        .header("webhook-signature", value(message.signatures)?)
        .body(Full::new(message.body.clone()))
        .map_err(failed)?;
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(HEADERS).handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Ends with this function, also when its time is up.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let (parts, mut body) = sender.send_request(request).await.map_err(|error| failed(cause(&error)))?.into_parts();
    let retry_after = parts.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut head = Vec::new();
    // The status has decided; a body that does not come, or breaks off, changes nothing.
    let _ = timeout(BODY_TIME, read(&mut body, &mut head)).await;
    Ok(Answer { status: parts.status.as_u16(), retry_after, head: text(&head) })
}

async fn read(body: &mut Incoming, into: &mut Vec<u8>) {
    while into.len() < HEAD {
        let Some(Ok(frame)) = body.frame().await else { return };
        if let Ok(data) = frame.into_data() {
            into.extend_from_slice(&data[..data.len().min(HEAD - into.len())]);
        }
    }
}

/// As a person can read it; PostgreSQL keeps no NUL.
fn text(bytes: &[u8]) -> String {
    let is_shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    String::from_utf8_lossy(bytes).chars().filter(is_shown).collect()
}

/// hyper's own words say little without their cause.
fn cause(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn failed(why: impl std::fmt::Display) -> Failed {
    Failed(why.to_string())
}
