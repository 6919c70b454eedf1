//! The HTTP client for a collector: one persistent connection, no redirects, short timeouts, little memory.

use std::fmt;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderValue};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::Settings;
use base::error::{Error, Result};

/// From the DNS lookup to the last byte of the response; the default of OTLP exporters.
const TIME: Duration = Duration::from_secs(10);
/// Bytes of a response, which holds little.
const LIMIT: usize = 64 * 1024;

type Failed = Box<dyn std::error::Error + Send + Sync>;

pub struct Client {
    endpoint: Uri,
    headers: HeaderMap,
    tls: Option<TlsConnector>,
    kept: Option<SendRequest<Full<Bytes>>>,
    /// Drives the persistent connection; ends with the client.
    driver: JoinSet<hyper::Result<()>>,
}

/// Why a batch was not accepted.
#[derive(Debug)]
pub struct Refused {
    pub why: String,
    /// Whether a retry may succeed.
    pub is_for_now: bool,
}

impl Client {
    /// Trusts the certificates of the system.
    pub fn new(settings: &Settings) -> Result<Self> {
        let mut headers = settings.headers.clone();
        let host = settings.endpoint.authority().map_or("", |authority| authority.as_str());
        headers.insert(HOST, HeaderValue::from_str(host).map_err(Error::internal)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let is_tls = settings.endpoint.scheme() == Some(&Scheme::HTTPS);
        let tls = if is_tls { Some(base::tls::connector()?) } else { None };
        Ok(Self { endpoint: settings.endpoint.clone(), headers, tls, kept: None, driver: JoinSet::new() })
    }

    pub async fn send(&mut self, body: Bytes) -> Result<(), Refused> {
        let status = match tokio::time::timeout(TIME, self.exchange(body)).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Err(Refused { why: error.to_string(), is_for_now: true }),
            Err(_) => {
                return Err(Refused { why: format!("no answer in {} seconds", TIME.as_secs()), is_for_now: true });
            }
        };
        if status.is_success() {
            return Ok(());
        }
        // The status codes that OTLP declares retryable.
        let is_for_now = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        Err(Refused { why: format!("the collector answered {status}"), is_for_now })
    }

    /// A persistent connection may have been closed, which is noticed only when it is used.
    async fn exchange(&mut self, body: Bytes) -> Result<StatusCode, Failed> {
        if let Some(kept) = self.kept.take()
            && let Ok(status) = self.post(kept, body.clone()).await
        {
            return Ok(status);
        }
        let sender = self.connect().await?;
        self.post(sender, body).await
    }

    async fn post(&mut self, mut sender: SendRequest<Full<Bytes>>, body: Bytes) -> Result<StatusCode, Failed> {
        sender.ready().await?;
        let path = self.endpoint.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path).body(Full::new(body))?;
        request.headers_mut().clone_from(&self.headers);
        let (parts, answer) = sender.send_request(request).await?.into_parts();
        Limited::new(answer, LIMIT).collect().await?;
        self.kept = Some(sender);
        Ok(parts.status)
    }

    async fn connect(&mut self) -> Result<SendRequest<Full<Bytes>>, Failed> {
        self.driver = JoinSet::new();
        let host = self.endpoint.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let port = self.endpoint.port_u16().unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return self.drive(stream).await };
        let stream = tls.connect(ServerName::try_from(host.to_owned())?, stream).await?;
        self.drive(stream).await
    }

    async fn drive<S>(&mut self, stream: S) -> Result<SendRequest<Full<Bytes>>, Failed>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        self.driver.spawn(connection);
        Ok(sender)
    }
}

/// The headers may hold a key.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
