//! The server's routes, and the state that they share.

mod accept;
pub mod auth;
mod body;
pub mod bounds;
pub mod client;
mod cors;
pub mod documents;
mod encoded;
pub mod freshness;
mod graphiql;
mod graphql;
mod headers;
mod intake;
pub mod listen;
mod observe;
mod pace;
mod places;
mod preview;
pub mod protection;
pub mod rate;
mod sent;
#[cfg(feature = "redis")]
pub mod strict;
pub mod subscriptions;
pub mod traffic;
mod validator;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use self::protection::Protection;
use self::traffic::Traffic;
use ::graphql::Api;
use identity::Accounts;
use store::access::Origin;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// With GraphiQL.
    Development,
    Production,
}

/// The state that routes share.
pub struct App {
    pub api: Api,
    pub accounts: Accounts,
    pub environment: Environment,
    pub protection: Arc<Protection>,
    pub traffic: Traffic,
    /// The development token: its holder is an administrator.
    pub token: Option<String>,
    /// Set when the server is told to stop, so that load balancers stop sending requests.
    pub stopping: AtomicBool,
}

/// The client address of a request, past trusted proxies; an extension of the request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The id of a request; an extension of the request.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The origin of a request, for the audit log.
pub fn origin(parts: &Parts) -> Origin {
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0);
    Origin { address, request: parts.extensions.get::<RequestId>().map(|id| id.0.clone()) }
}

/// Health checks of load balancers and supervisors, which are always answered.
pub fn is_about_health(uri: &Uri) -> bool {
    matches!(uri.path(), "/health" | "/ready")
}

/// Only the health checks, for a separate address.
pub fn health_router(app: Arc<App>) -> Router {
    Router::new().merge(health()).fallback(not_found).with_state(app)
}

fn health() -> Router<Arc<App>> {
    Router::new().route("/health", get(|| async { "ok" })).route("/ready", get(ready))
}

/// All routes. The site's own are added to ours and get the same id and log.
pub fn router(app: Arc<App>, own: Router<Arc<App>>) -> Router {
    let mut routes = Router::new()
        .route("/graphql", any(graphql::handle))
        .merge(health())
        .merge(auth::routes())
        .merge(preview::routes());
    if app.environment == Environment::Development {
        routes = routes.merge(graphiql::routes());
    }
    routes
        .merge(own)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), protection::limit))
        .layer(middleware::from_fn_with_state(app.clone(), cors::cors))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}

/// Whether requests should be sent here: the database responds on a connection of each pool, and the server is not
/// stopping.
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
    (StatusCode::NOT_FOUND, "nothing is here: the API is at /graphql\n").into_response()
}
