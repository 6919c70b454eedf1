//! The measured cases: the documents, and the variables that a round cycles through.

use anyhow::Result;
use serde_json::{Value, json};
use sqlx::PgPool;

pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    /// Path on the floor.
    pub path: &'static str,
    query: &'static str,
    variables: Variables,
}

enum Variables {
    None,
    Slugs,
    Filters,
}

pub const CASES: &[Case] = &[
    Case {
        name: "one",
        about: "one product by its slug",
        path: "/one",
        query: "query One($slug: String!) { productBySlug(slug: $slug) { id name slug summary stockStatus price { amountMinor currency } } }",
        variables: Variables::Slugs,
    },
    Case {
        name: "newest",
        about: "20 newest products with brand, category and tags",
        path: "/newest",
        query: "{ products(first: 20, orderBy: [{ field: CREATED_AT, direction: DESC }]) { nodes { id name slug price { amountMinor currency } brand { name slug } categories(first: 1) { name slug } tags { name slug } } } }",
        variables: Variables::None,
    },
    Case {
        name: "filtered",
        about: "100 products filtered by category and price range",
        path: "/filtered",
        query: "query Filtered($category: String!, $low: MoneyInput!, $high: MoneyInput!) { products(first: 100, filter: { categories: { some: { slug: { eq: $category } } }, price: { gte: $low, lte: $high } }, orderBy: [{ field: PRICE }]) { nodes { id name slug price { amountMinor currency } } } }",
        variables: Variables::Filters,
    },
    Case {
        name: "deep",
        about: "a page three relations deep: a product, its brand, the brand's products, their categories",
        path: "/deep",
        query: "query Deep($slug: String!) { productBySlug(slug: $slug) { id name brand { name products(first: 10) { name slug categories { name slug } } } } }",
        variables: Variables::Slugs,
    },
];

impl Case {
    /// Request bodies. The floor gets the same ones and reads only their variables.
    pub async fn bodies(&self, pool: &PgPool) -> Result<Vec<String>> {
        let variables = match self.variables {
            Variables::None => vec![json!({})],
            Variables::Slugs => {
                slugs(pool, "live.product").await?.into_iter().map(|slug| json!({ "slug": slug })).collect()
            }
            Variables::Filters => slugs(pool, "live.category").await?.into_iter().map(filter).collect(),
        };
        Ok(variables
            .into_iter()
            .map(|variables| json!({ "query": self.query, "variables": variables }).to_string())
            .collect())
    }
}

fn filter(category: String) -> Value {
    let money = |minor: &str| json!({ "amountMinor": minor, "currency": "EUR" });
    json!({ "category": category, "low": money("10000"), "high": money("40000") })
}

async fn slugs(pool: &PgPool, table: &str) -> Result<Vec<String>> {
    // Not the order of the rows on disk, and the same in every run.
    let sql = format!("select slug from {table} order by md5(slug) limit 500");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await?)
}
