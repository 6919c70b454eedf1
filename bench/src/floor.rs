//! The floor, a hand-written baseline: what a good engineer would write with axum, sqlx and serde for these responses.

use std::collections::HashMap;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::process::CONNECTIONS;

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

/// Serves at `TYPECASE_ADDRESS`, like the site's own server.
pub async fn serve(url: &str) -> anyhow::Result<()> {
    let address = std::env::var("TYPECASE_ADDRESS")?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, router(url)?).await?)
}

fn router(url: &str) -> anyhow::Result<Router> {
    // The settings of planned reads, so that only the code is compared.
    let settings = [("plan_cache_mode", "force_generic_plan"), ("random_page_cost", "1.1")];
    let options = url.parse::<PgConnectOptions>()?.options(settings);
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy_with(options);
    let router = Router::new().route("/one", post(one)).route("/newest", post(newest));
    Ok(router.route("/filtered", post(filtered)).route("/deep", post(deep)).with_state(pool))
}

#[derive(Deserialize)]
struct Request<V> {
    variables: V,
}

#[derive(Deserialize)]
struct BySlug {
    slug: String,
}

#[derive(Deserialize)]
struct ByPrice {
    category: String,
    low: Amount,
    high: Amount,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Amount {
    amount_minor: String,
    currency: String,
}

#[derive(Serialize)]
struct Body<T> {
    data: T,
    extensions: Extensions,
}

#[derive(Serialize)]
struct Extensions {
    cost: Cost,
}

#[derive(Serialize)]
struct Cost {
    requested: u32,
    limit: u32,
    statements: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Money {
    amount_minor: String,
    currency: String,
}

#[derive(Serialize)]
struct Named {
    name: String,
    slug: String,
}

#[derive(Serialize)]
struct Nodes<T> {
    nodes: Vec<T>,
}

#[derive(Serialize)]
struct Products<T> {
    products: Nodes<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProductBySlug<T> {
    product_by_slug: Option<T>,
}

async fn one(State(pool): State<PgPool>, body: Bytes) -> Answer {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Product {
        id: String,
        name: String,
        slug: String,
        summary: Option<String>,
        stock_status: String,
        price: Option<Money>,
    }
    let request: Request<BySlug> = serde_json::from_slice(&body)?;
    let sql = "select id, name, slug, summary, stock_status, price, price_currency from live.product where slug = $1";
    let row = sqlx::query(sql).bind(request.variables.slug).fetch_optional(&pool).await?;
    let product = row.map(|row| -> Result<Product, Failure> {
        Ok(Product {
            id: id("product", row.try_get(0)?),
            name: row.try_get(1)?,
            slug: row.try_get(2)?,
            summary: row.try_get(3)?,
            stock_status: row.try_get::<&str, _>(4)?.to_ascii_uppercase(),
            price: money(&row, 5)?,
        })
    });
    answer(ProductBySlug { product_by_slug: product.transpose()? }, 1)
}

async fn newest(State(pool): State<PgPool>, _body: Bytes) -> Answer {
    #[derive(Serialize)]
    struct Product<'a> {
        id: String,
        name: String,
        slug: String,
        price: Option<Money>,
        brand: Option<&'a Named>,
        categories: Vec<Named>,
        tags: Vec<Named>,
    }
    let sql = "select id, name, slug, price, price_currency, brand_id from live.product order by created_at desc, id desc limit 20";
    let rows = sqlx::query(sql).fetch_all(&pool).await?;
    let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
    let mut brand_ids = rows.iter().map(|row| row.try_get(5)).collect::<Result<Vec<Option<Uuid>>, _>>()?;
    brand_ids.sort_unstable();
    brand_ids.dedup();
    let brands = sqlx::query("select id, name, slug from live.brand where id = any($1)").bind(brand_ids);
    let categories = "select j.owner_id, t.name, t.slug from live.product_categories j join live.category t on t.id = j.target_id where j.owner_id = any($1) order by j.owner_id, j.position";
    let tags = "select j.owner_id, t.name, t.slug from live.product_tags j join live.tag t on t.id = j.target_id where j.owner_id = any($1) order by j.owner_id, j.position";
    let (brands, categories, tags) = tokio::try_join!(
        brands.fetch_all(&pool),
        sqlx::query(categories).bind(&ids).fetch_all(&pool),
        sqlx::query(tags).bind(&ids).fetch_all(&pool),
    )?;
    let brands =
        brands.iter().map(|row| Ok((row.try_get(0)?, named(row)?))).collect::<Result<HashMap<Uuid, _>, Failure>>()?;
    let (mut categories, mut tags) = (grouped(&categories)?, grouped(&tags)?);
    let nodes = rows.iter().zip(ids).map(|(row, key)| {
        let brand: Option<Uuid> = row.try_get(5)?;
        let mut categories = categories.remove(&key).unwrap_or_default();
        categories.truncate(1);
        Ok(Product {
            id: id("product", key),
            name: row.try_get(1)?,
            slug: row.try_get(2)?,
            price: money(row, 3)?,
            brand: brand.and_then(|brand| brands.get(&brand)),
            categories,
            tags: tags.remove(&key).unwrap_or_default(),
        })
    });
    answer(Products { products: Nodes { nodes: nodes.collect::<Result<Vec<_>, Failure>>()? } }, 4)
}

async fn filtered(State(pool): State<PgPool>, body: Bytes) -> Answer {
    #[derive(Serialize)]
    struct Product {
        id: String,
        name: String,
        slug: String,
        price: Option<Money>,
    }
    let request: Request<ByPrice> = serde_json::from_slice(&body)?;
    let ByPrice { category, low, high } = request.variables;
    let (low_minor, high_minor): (i64, i64) = (low.amount_minor.parse()?, high.amount_minor.parse()?);
    let sql = "select t.id, t.name, t.slug, t.price, t.price_currency from live.product t where t.price >= $2 and t.price_currency = $3 and t.price <= $4 and t.price_currency = $5 \
        and exists (select from live.product_categories j join live.category c on c.id = j.target_id where j.owner_id = t.id and c.slug = $1) order by t.price, t.id limit 100";
    let query = sqlx::query(sql).bind(category).bind(low_minor).bind(low.currency).bind(high_minor).bind(high.currency);
    let rows = query.fetch_all(&pool).await?;
    let nodes = rows.iter().map(|row| {
        Ok(Product {
            id: id("product", row.try_get(0)?),
            name: row.try_get(1)?,
            slug: row.try_get(2)?,
            price: money(row, 3)?,
        })
    });
    answer(Products { products: Nodes { nodes: nodes.collect::<Result<Vec<_>, Failure>>()? } }, 1)
}

async fn deep(State(pool): State<PgPool>, body: Bytes) -> Answer {
    #[derive(Serialize)]
    struct Product {
        id: String,
        name: String,
        brand: Option<Brand>,
    }
    #[derive(Serialize)]
    struct Brand {
        name: String,
        products: Vec<Listed>,
    }
    #[derive(Serialize)]
    struct Listed {
        name: String,
        slug: String,
        categories: Vec<Named>,
    }
    let request: Request<BySlug> = serde_json::from_slice(&body)?;
    let sql = "select id, name, brand_id from live.product where slug = $1";
    let Some(product) = sqlx::query(sql).bind(request.variables.slug).fetch_optional(&pool).await? else {
        return answer(ProductBySlug::<Product> { product_by_slug: None }, 4);
    };
    let brand: Option<Uuid> = product.try_get(2)?;
    let brand = sqlx::query("select id, name from live.brand where id = $1").bind(brand).fetch_optional(&pool).await?;
    let brand = match brand {
        None => None,
        Some(row) => {
            let key: Uuid = row.try_get(0)?;
            let sql = "select id, name, slug from live.product where brand_id = $1 order by id desc limit 10";
            let products = sqlx::query(sql).bind(key).fetch_all(&pool).await?;
            let ids = products.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
            let sql = "select j.owner_id, t.name, t.slug from live.product_categories j join live.category t on t.id = j.target_id where j.owner_id = any($1) order by j.owner_id, j.position";
            let mut categories = grouped(&sqlx::query(sql).bind(&ids).fetch_all(&pool).await?)?;
            let listed = products.iter().zip(ids).map(|(row, key)| {
                let Named { name, slug } = named(row)?;
                Ok(Listed { name, slug, categories: categories.remove(&key).unwrap_or_default() })
            });
            Some(Brand { name: row.try_get(1)?, products: listed.collect::<Result<Vec<_>, Failure>>()? })
        }
    };
    let product = Product { id: id("product", product.try_get(0)?), name: product.try_get(1)?, brand };
    answer(ProductBySlug { product_by_slug: Some(product) }, 4)
}

fn answer<T: Serialize>(data: T, statements: u32) -> Answer {
    let body = Body { data, extensions: Extensions { cost: Cost { requested: 100, limit: 50_000, statements } } };
    Ok(([(CONTENT_TYPE, "application/json")], serde_json::to_vec(&body)?).into_response())
}

fn id(table: &str, key: Uuid) -> String {
    runtime::id::encode(table, key)
}

fn named(row: &PgRow) -> Result<Named, Failure> {
    Ok(Named { name: row.try_get(1)?, slug: row.try_get(2)? })
}

fn money(row: &PgRow, column: usize) -> Result<Option<Money>, Failure> {
    let minor: Option<i64> = row.try_get(column)?;
    let Some(minor) = minor else { return Ok(None) };
    Ok(Some(Money { amount_minor: minor.to_string(), currency: row.try_get(column + 1)? }))
}

fn grouped(rows: &[PgRow]) -> Result<HashMap<Uuid, Vec<Named>>, Failure> {
    let mut groups: HashMap<Uuid, Vec<Named>> = HashMap::with_capacity(rows.len());
    for row in rows {
        groups.entry(row.try_get(0)?).or_default().push(named(row)?);
    }
    Ok(groups)
}
