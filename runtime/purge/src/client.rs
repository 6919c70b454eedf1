//! The HTTP client for services that the operator names: one request on a connection of its own, little time, little memory. Its
//! addresses are not checked like those of webhooks, which editors make.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use base::error::Result;

/// From the name of the host to the end of the answer.
const TIME: Duration = Duration::from_secs(20);
/// Bytes of the answer's body, for the log.
const HEAD: usize = 512;
/// Bytes of its status line and headers.
const HEADERS: usize = 32 * 1024;
const AGENT: HeaderValue = HeaderValue::from_static(concat!("Typecase/", env!("CARGO_PKG_VERSION")));

pub struct Client {
    tls: TlsConnector,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    pub fn new() -> Result<Self> {
        Ok(Self { tls: base::tls::connector()? })
    }

    /// The status and the beginning of the answer, or why there is none.
    pub async fn send(&self, request: Request<Bytes>) -> Result<(u16, String), String> {
        let answered = timeout(TIME, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(format!("no answer in {} seconds", TIME.as_secs())))
    }

    async fn exchange(&self, mut request: Request<Bytes>) -> Result<(u16, String), String> {
        let uri = std::mem::take(request.uri_mut());
        let authority = uri.authority().ok_or("the address has no host")?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let is_tls = uri.scheme_str() == Some("https");
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let named = HeaderValue::from_str(authority.as_str()).map_err(told)?;
        request.headers_mut().entry(HOST).or_insert(named);
        request.headers_mut().insert(USER_AGENT, AGENT);
        // Some refuse a POST without it, which hyper leaves out if there is no body.
        let length = request.body().len();
        request.headers_mut().insert(CONTENT_LENGTH, length.into());
        request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse::<Uri>().map_err(told)?;
        let stream = TcpStream::connect((host, port)).await.map_err(told)?;
        if !is_tls {
            return sent(stream, request).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(told)?;
        sent(self.tls.connect(name, stream).await.map_err(|error| format!("TLS: {error}"))?, request).await
    }
}

async fn sent<S>(stream: S, request: Request<Bytes>) -> Result<(u16, String), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADERS)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(told)?;
    // Ends with this function, also when its time is up.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let (parts, mut body) = sender.send_request(request.map(Full::new)).await.map_err(told)?.into_parts();
    let mut head = Vec::new();
    while head.len() < HEAD
        && let Some(Ok(frame)) = body.frame().await
    {
        if let Ok(data) = frame.into_data() {
            head.extend_from_slice(&data[..data.len().min(HEAD - head.len())]);
        }
    }
    let text = String::from_utf8_lossy(&head).chars().filter(|letter| !letter.is_control()).collect();
    Ok((parts.status.as_u16(), text))
}

fn told(error: impl fmt::Display) -> String {
    error.to_string()
}
