//! The HTTP client for providers: one connection per request, no redirects, short timeouts, little memory.
//!
//! Redirects are not followed, because they could lead to machines behind our firewall (SSRF).

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use openidconnect::AsyncHttpClient;
use rustls::pki_types::ServerName;
use serde_json::{Map, Value as Json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::provider_settings::is_loopback;
use base::error::Result;

/// From the DNS lookup to the last byte of the response.
const TIME: Duration = Duration::from_secs(10);
/// Bytes of a response: metadata and keys are a few thousand.
const LIMIT: usize = 512 * 1024;

#[derive(Clone)]
pub struct Http {
    tls: TlsConnector,
}

/// For the log; the user is told less.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(String);

impl Http {
    /// Trusts the certificates of the system.
    pub fn new() -> Result<Self> {
        Ok(Self { tls: base::tls::connector()? })
    }

    async fn ask(self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Failed> {
        let uri = request.uri().clone();
        let answered = match tokio::time::timeout(TIME, self.exchange(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(failed(format!("no answer in {} seconds", TIME.as_secs()))),
        };
        answered.map_err(|Failed(why)| failed(format!("{uri}: {why}")))
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Failed> {
        let uri = request.uri().clone();
        let host = uri.host().ok_or_else(|| failed("no host"))?.trim_start_matches('[').trim_end_matches(']');
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if is_loopback(host) => false,
            _ => return Err(failed("it must be https")),
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
        if !is_tls {
            return send(stream, request, &uri).await;
        }
        let name = ServerName::try_from(host.to_owned()).map_err(failed)?;
        send(self.tls.connect(name, stream).await.map_err(failed)?, request, &uri).await
    }
}

impl AsyncHttpClient<'_> for Http {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, Failed>> + Send>>;

    fn call(&self, request: Request<Vec<u8>>) -> Self::Future {
        Box::pin(self.clone().ask(request))
    }
}

/// For user info. Unused claims are removed, because a provider that formats one of them in its own way (an address as
/// one line, `"True"`) could otherwise sign nobody in.
pub struct UserInfo<'a>(pub &'a Http);

/// Claims of OpenID Connect Core, 5.1, that are not used.
const UNUSED: [&str; 17] = [
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthday",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

impl AsyncHttpClient<'_> for UserInfo<'_> {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, Failed>> + Send>>;

    fn call(&self, request: Request<Vec<u8>>) -> Self::Future {
        let answer = self.0.clone().ask(request);
        Box::pin(async move { Ok(answer.await?.map(without_unused)) })
    }
}

/// A body that is not a JSON object, such as a signed response, is left unchanged.
fn without_unused(body: Vec<u8>) -> Vec<u8> {
    let Ok(mut claims) = serde_json::from_slice::<Map<String, Json>>(&body) else { return body };
    // Names and similar claims may be given in several languages: `family_name#ja`.
    claims.retain(|claim, _| !UNUSED.contains(&claim.split_once('#').map_or(claim.as_str(), |(name, _)| name)));
    Json::Object(claims).to_string().into_bytes()
}

async fn send<S>(stream: S, request: Request<Vec<u8>>, uri: &Uri) -> Result<Response<Vec<u8>>, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut parts, body) = request.into_parts();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    parts.headers.insert(HOST, HeaderValue::from_str(authority).map_err(failed)?);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse().map_err(failed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    // Aborted when this function returns, also after its timeout.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
    let (parts, body) = sender.send_request(request).await.map_err(failed)?.into_parts();
    let body = Limited::new(body, LIMIT).collect().await.map_err(failed)?.to_bytes();
    Ok(Response::from_parts(parts, body.to_vec()))
}

fn failed(why: impl std::fmt::Display) -> Failed {
    Failed(why.to_string())
}
