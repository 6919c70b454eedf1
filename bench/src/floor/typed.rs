//! The floor: rows to structs, structs to JSON by serde.

use std::collections::HashMap;

use axum::extract::{Path, State};
use bytes::Bytes;
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{Answer, BRAND, BRANDS, CATEGORIES, Failure, NEWEST, OF_BRAND, OF_SLUG, Request, TAGS, json, lend};
use crate::cases::{Case, Kind, questions};

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
    products: T,
}

#[derive(Serialize)]
struct Search<T> {
    search: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_count: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProductBySlug<T> {
    product_by_slug: Option<T>,
}

#[derive(Serialize)]
struct Listed {
    id: String,
    name: String,
    slug: String,
    price: Option<Money>,
}

pub async fn answer(State(pool): State<PgPool>, Path(case): Path<String>, body: Bytes) -> Answer {
    let request: Request = serde_json::from_slice(&body)?;
    let case = Case::named(&case).ok_or_else(|| Failure(format!("no case {case}")))?;
    match case.kind {
        Kind::One => one(&pool, request).await,
        Kind::Newest => newest(&pool).await,
        Kind::Deep => deep(&pool, request).await,
        Kind::List(sql) => {
            let nodes = listed(&request.bound(sql).fetch_all(&pool).await?)?;
            respond(Products { products: Nodes { nodes } }, 1)
        }
        Kind::Search(sql) => {
            let nodes = listed(&request.bound(sql).fetch_all(&pool).await?)?;
            respond(Search { search: Nodes { nodes } }, 1)
        }
        Kind::Count(sql) => {
            let row = request.bound(sql).fetch_one(&pool).await?;
            respond(Products { products: Count { total_count: row.try_get(0)? } }, 1)
        }
    }
}

fn listed(rows: &[PgRow]) -> Result<Vec<Listed>, Failure> {
    let one = |row: &PgRow| {
        Ok(Listed {
            id: id("product", row.try_get(0)?),
            name: row.try_get(1)?,
            slug: row.try_get(2)?,
            price: money(row, 3)?,
        })
    };
    rows.iter().map(one).collect()
}

async fn one(pool: &PgPool, request: Request) -> Answer {
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
    let row = request.bound(questions::ONE).fetch_optional(pool).await?;
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
    respond(ProductBySlug { product_by_slug: product.transpose()? }, 1)
}

async fn newest(pool: &PgPool) -> Answer {
    #[derive(Serialize)]
    struct Product<'a> {
        #[serde(flatten)]
        listed: Listed,
        brand: Option<&'a Named>,
        categories: Vec<Named>,
        tags: Vec<Named>,
    }
    let mut connection = lend(pool).await?;
    let rows = sqlx::query(NEWEST).fetch_all(&mut *connection).await?;
    let ids = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
    let mut brand_ids = rows.iter().map(|row| row.try_get(5)).collect::<Result<Vec<Option<Uuid>>, _>>()?;
    brand_ids.sort_unstable();
    brand_ids.dedup();
    let brands = sqlx::query(BRANDS).bind(brand_ids).fetch_all(&mut *connection).await?;
    let categories = sqlx::query(CATEGORIES).bind(&ids).fetch_all(&mut *connection).await?;
    let tags = sqlx::query(TAGS).bind(&ids).fetch_all(&mut *connection).await?;
    drop(connection);
    let brands =
        brands.iter().map(|row| Ok((row.try_get(0)?, named(row)?))).collect::<Result<HashMap<Uuid, _>, Failure>>()?;
    let (mut categories, mut tags) = (grouped(&categories)?, grouped(&tags)?);
    let nodes = listed(&rows)?.into_iter().zip(&rows).zip(ids).map(|((listed, row), key)| {
        let brand: Option<Uuid> = row.try_get(5)?;
        let mut categories = categories.remove(&key).unwrap_or_default();
        categories.truncate(1);
        let brand = brand.and_then(|brand| brands.get(&brand));
        Ok(Product { listed, brand, categories, tags: tags.remove(&key).unwrap_or_default() })
    });
    respond(Products { products: Nodes { nodes: nodes.collect::<Result<Vec<_>, Failure>>()? } }, 4)
}

async fn deep(pool: &PgPool, request: Request) -> Answer {
    #[derive(Serialize)]
    struct Product {
        id: String,
        name: String,
        brand: Option<Brand>,
    }
    #[derive(Serialize)]
    struct Brand {
        name: String,
        products: Vec<OfBrand>,
    }
    #[derive(Serialize)]
    struct OfBrand {
        name: String,
        slug: String,
        categories: Vec<Named>,
    }
    let mut connection = lend(pool).await?;
    let Some(product) = sqlx::query(OF_SLUG).bind(request.text()?).fetch_optional(&mut *connection).await? else {
        return respond(ProductBySlug::<Product> { product_by_slug: None }, 1);
    };
    let brand: Option<Uuid> = product.try_get(2)?;
    let brand = match sqlx::query(BRAND).bind(brand).fetch_optional(&mut *connection).await? {
        None => None,
        Some(row) => {
            let key: Uuid = row.try_get(0)?;
            let products = sqlx::query(OF_BRAND).bind(key).fetch_all(&mut *connection).await?;
            let ids = products.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
            let categories = sqlx::query(CATEGORIES).bind(&ids).fetch_all(&mut *connection).await?;
            let mut categories = grouped(&categories)?;
            let of_brand = products.iter().zip(ids).map(|(row, key)| {
                let Named { name, slug } = named(row)?;
                Ok(OfBrand { name, slug, categories: categories.remove(&key).unwrap_or_default() })
            });
            Some(Brand { name: row.try_get(1)?, products: of_brand.collect::<Result<Vec<_>, Failure>>()? })
        }
    };
    drop(connection);
    let product = Product { id: id("product", product.try_get(0)?), name: product.try_get(1)?, brand };
    respond(ProductBySlug { product_by_slug: Some(product) }, 4)
}

fn respond<T: Serialize>(data: T, statements: u32) -> Answer {
    let body = Body { data, extensions: Extensions { cost: Cost { requested: 100, limit: 50_000, statements } } };
    json(serde_json::to_vec(&body)?)
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
