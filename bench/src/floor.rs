//! The floors, hand-written baselines: `typed` is what a good engineer would write with axum, sqlx and serde; `fast` writes PostgreSQL's
//! binary rows to JSON by hand, as the server does, without GraphQL. Both answer the same bytes. `write` is a bare update.

mod fast;
mod fixed;
mod typed;
mod write;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use sqlx::PgPool;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions};

use crate::process::CONNECTIONS;

pub use fixed::serve as serve_fixed;

/// Fails a request with the error's text, which is enough for a benchmark.
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        (axum::http::StatusCode::INTERNAL_SERVER_ERROR, self.0).into_response()
    }
}

type Answer = Result<Response, Failure>;

const BRANDS: &str = "select id, name, slug from live.brand where id = any($1)";
const CATEGORIES: &str = "select j.owner_id, t.name, t.slug from live.product_categories j join live.category t on t.id = j.target_id where j.owner_id = any($1) order by j.owner_id, j.position";
const TAGS: &str = "select j.owner_id, t.name, t.slug from live.product_tags j join live.tag t on t.id = j.target_id where j.owner_id = any($1) order by j.owner_id, j.position";
const NEWEST: &str = "select id, name, slug, price, price_currency, brand_id from live.product order by created_at desc, id desc limit 20";
const OF_SLUG: &str = "select id, name, brand_id from live.product where slug = $1";
const BRAND: &str = "select id, name from live.brand where id = $1";
const OF_BRAND: &str = "select id, name, slug from live.product where brand_id = $1 order by id desc limit 10";

/// Serves at `TYPECASE_ADDRESS`, like the site's own server.
pub async fn serve(url: &str) -> anyhow::Result<()> {
    let address = std::env::var("TYPECASE_ADDRESS")?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, router(url)?).await?)
}

fn router(url: &str) -> anyhow::Result<Router> {
    // The settings of planned reads, so that only the code is compared.
    let settings = [("plan_cache_mode", "force_generic_plan"), ("random_page_cost", "1.1")];
    let options = url.parse::<PgConnectOptions>()?;
    let reads = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options.clone().options(settings));
    let writes = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options);
    let reads = Router::new()
        .route("/typed/{case}", post(typed::answer))
        .route("/fast/{case}", post(fast::answer))
        .with_state(reads);
    Ok(reads.merge(Router::new().route("/update", post(write::update)).with_state(writes)))
}

/// What the floor reads of a request.
#[derive(Deserialize)]
struct Request {
    extensions: Extensions,
}

#[derive(Deserialize)]
struct Extensions {
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Parameter {
    Number(i64),
    Text(String),
}

impl Request {
    fn text(self) -> Result<String, Failure> {
        match self.extensions.parameters.into_iter().next() {
            Some(Parameter::Text(text)) => Ok(text),
            _ => Err(Failure("a text is missing".to_owned())),
        }
    }

    fn bound(self, sql: &'static str) -> sqlx::query::Query<'static, sqlx::Postgres, PgArguments> {
        self.extensions.parameters.into_iter().fold(sqlx::query(sql), |query, parameter| match parameter {
            Parameter::Number(number) => query.bind(number),
            Parameter::Text(text) => query.bind(text),
        })
    }
}

fn json(body: Vec<u8>) -> Answer {
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Our server runs the statements of a read on one connection; so do the floors.
async fn lend(pool: &PgPool) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, Failure> {
    Ok(pool.acquire().await?)
}
