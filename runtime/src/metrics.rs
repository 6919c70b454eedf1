//! `/metrics` for Prometheus, on a separate address. A scrape writes the counters that are kept elsewhere, and queries the database for the
//! rest at most once every few seconds.

mod backlog;
mod text;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;

use self::backlog::Backlog;
use self::text::Scrape;
use web::App;

struct Metrics {
    app: Arc<App>,
    backlog: Backlog,
    started: f64,
}

/// `/metrics` and nothing else.
pub fn router(app: Arc<App>) -> Router {
    let started = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let metrics = Metrics { backlog: Backlog::of(app.api.database.clone()), app, started };
    Router::new().route("/metrics", get(scrape)).with_state(Arc::new(metrics))
}

async fn scrape(State(metrics): State<Arc<Metrics>>) -> Response {
    let found = metrics.backlog.find().await;
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { app: Arc::clone(&metrics.app), found, started: metrics.started }));
    let mut body = String::with_capacity(32 * 1024);
    match prometheus_text::encode(&mut body, &registry) {
        Ok(()) => ([(CONTENT_TYPE, prometheus_text::CONTENT_TYPE)], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
