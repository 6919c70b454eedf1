//! The server's routes, and what holds for every one of them: a request's id, its line in the log, safe headers.

mod accept;
pub mod auth;
mod body;
pub mod bounds;
pub mod client;
mod cors;
pub mod documents;
mod graphiql;
mod graphql;
mod headers;
mod intake;
pub mod listen;
mod pace;
mod places;
pub mod protection;
pub mod rate;
mod sent;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tracing::Instrument;

use self::protection::Protection;
use ::graphql::Api;
use base::error::caught;
use identity::Accounts;
use store::access::Origin;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// With GraphiQL.
    Development,
    Production,
}

/// What the routes share.
pub struct App {
    pub api: Api,
    pub accounts: Accounts,
    pub environment: Environment,
    pub protection: Arc<Protection>,
    /// Of development: whoever has it is an administrator.
    pub token: Option<String>,
    /// Set when the server is told to stop: load balancers then send no more requests.
    pub stopping: AtomicBool,
}

/// Where a request comes from, past the proxies that are trusted, as an extension of it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The id of a request, as an extension of it.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Where a request came from.
pub fn origin(parts: &Parts) -> Origin {
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0);
    Origin { address, request: parts.extensions.get::<RequestId>().map(|id| id.0.clone()) }
}

/// What load balancers and supervisors ask, which is always answered.
pub fn is_about_health(uri: &Uri) -> bool {
    matches!(uri.path(), "/health" | "/ready")
}

/// Those questions alone, for an address of their own.
pub fn health_router(app: Arc<App>) -> Router {
    Router::new().merge(health()).fallback(not_found).with_state(app)
}

fn health() -> Router<Arc<App>> {
    Router::new().route("/health", get(|| async { "ok" })).route("/ready", get(ready))
}

/// All routes; the site's own come beside ours and get the same id and log.
pub fn router(app: Arc<App>, own: Router<Arc<App>>) -> Router {
    let mut routes = Router::new().route("/graphql", any(graphql::handle)).merge(health()).merge(auth::routes());
    if app.environment == Environment::Development {
        routes = routes.merge(graphiql::routes());
    }
    routes
        .merge(own)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), protection::limit))
        .layer(middleware::from_fn_with_state(app.clone(), cors::cors))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// Whether requests should be sent here: the database answers on a connection of each pool, and the server is not about to stop.
async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.stopping.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response();
    }
    let asked = app.api.database.pools().map(|pool| async move {
        let cause = pool.check().await.err()?;
        tracing::warn!(pool = pool.name(), %cause, "the database is not ready");
        Some(pool.name())
    });
    let failed: Vec<_> = futures_util::future::join_all(asked).await.into_iter().flatten().collect();
    if failed.is_empty() {
        return "ready".into_response();
    }
    let message = format!("the database does not answer: {}", failed.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "nothing is here: the API is at /graphql").into_response()
}

/// Gives the request an id, or keeps the one that a proxy gave it, and writes one line when it is answered.
async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(new_request_id, str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", id);
    request.extensions_mut().insert(RequestId(id.clone()));
    let start = Instant::now();
    let answered = caught(next.run(request)).instrument(span.clone()).await;
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    let status = response.status().as_u16();
    span.in_scope(|| tracing::info!(%method, path, status, milliseconds, "answered"));
    let headers = response.headers_mut();
    headers::protect(headers, &path, app.accounts.is_secure());
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID.clone(), id);
    }
    response
}

/// Different in every process and for every request of it; a UUID each time would ask the system for random bits.
fn new_request_id() -> String {
    static PROCESS: LazyLock<u128> = LazyLock::new(|| uuid::Uuid::new_v4().as_u128() << 64);
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    format!("{:032x}", *PROCESS | u128::from(REQUESTS.fetch_add(1, Ordering::Relaxed)))
}

/// An id of somebody else's goes into our log, so it is short and of plain letters.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
