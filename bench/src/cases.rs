//! The measured reads: their documents, the variables that a round cycles through, and the same question as SQL by hand.

pub mod questions;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::load;

pub use questions::CASES;

pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    query: &'static str,
    pub kind: Kind,
    variables: Variables,
    /// Whether responses from a cache are measured too: their cost depends on nothing but their size.
    pub cached: bool,
}

/// What the floor does.
#[derive(Clone, Copy)]
pub enum Kind {
    One,
    Newest,
    Deep,
    /// Products by this statement, whose columns are id, name, slug, price and its currency.
    List(&'static str),
    /// A number by this statement.
    Count(&'static str),
    /// What a search finds, with the columns of `List`.
    Search(&'static str),
}

#[derive(Clone, Copy)]
pub enum Variables {
    None,
    Product,
    Category,
    CategoryAndPrices,
    TwoTags,
    Word,
    FourthPage,
    Words(&'static [&'static str]),
    WordAndMore,
}

impl Case {
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// The statement, if it is one.
    pub fn sql(&self) -> Option<&'static str> {
        match self.kind {
            Kind::One => Some(questions::ONE),
            Kind::List(sql) | Kind::Count(sql) | Kind::Search(sql) => Some(sql),
            Kind::Newest | Kind::Deep => None,
        }
    }

    pub fn query(&self) -> &'static str {
        self.query
    }

    pub fn is_search(&self) -> bool {
        matches!(self.kind, Kind::Search(_))
    }

    /// Bodies of requests. The floor gets the same ones, and reads the parameters of its statement from their extensions.
    pub async fn bodies(&self, pool: &PgPool, ours: &str) -> Result<Vec<String>> {
        let asked = self.variables.of(pool, ours).await.with_context(|| format!("the variables of {}", self.name))?;
        let body = |(variables, parameters): (Value, Value)| {
            json!({ "query": self.query, "variables": variables, "extensions": { "parameters": parameters } })
                .to_string()
        };
        Ok(asked.into_iter().map(body).collect())
    }
}

impl Variables {
    /// Pairs of variables and the parameters of the statement.
    async fn of(self, pool: &PgPool, ours: &str) -> Result<Vec<(Value, Value)>> {
        let one = |name: &'static str| move |value: String| (json!({ name: value }), json!([value]));
        Ok(match self {
            Self::None => vec![(json!({}), json!([]))],
            Self::Product => texts(pool, "slug from live.product").await?.into_iter().map(one("slug")).collect(),
            Self::Category => texts(pool, "slug from live.category").await?.into_iter().map(one("category")).collect(),
            Self::CategoryAndPrices => {
                let money = |minor: &str| json!({ "amountMinor": minor, "currency": "EUR" });
                let with = |slug: String| {
                    let variables = json!({ "category": slug, "low": money("10000"), "high": money("40000") });
                    (variables, json!([slug, 10_000, 40_000]))
                };
                texts(pool, "slug from live.category").await?.into_iter().map(with).collect()
            }
            Self::TwoTags => {
                let tags = texts(pool, "slug from live.tag").await?;
                let both = |pair: &[String]| (json!({ "a": pair[0], "b": pair[1] }), json!([pair[0], pair[1]]));
                tags.chunks_exact(2).map(both).collect()
            }
            Self::Word => words(pool).await?.into_iter().map(one("word")).collect(),
            Self::Words(words) => words.iter().map(|word| one("word")((*word).to_owned())).collect(),
            Self::WordAndMore => {
                words(pool).await?.into_iter().map(|word| one("word")(format!("{word} copper"))).collect()
            }
            Self::FourthPage => vec![fourth_page(pool, ours).await?],
        })
    }
}

/// Up to 500, not in the order of the rows on disk, and the same in every run.
async fn texts(pool: &PgPool, of: &str) -> Result<Vec<String>> {
    let sql = format!("select {of} order by md5(slug) limit 500");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(pool).await?)
}

/// Words that 20 products have in their names.
async fn words(pool: &PgPool) -> Result<Vec<String>> {
    texts(pool, "split_part(name, ' ', 4) from live.product").await
}

async fn fourth_page(pool: &PgPool, ours: &str) -> Result<(Value, Value)> {
    let query = "{ products(first: 60, orderBy: [{ field: NAME }]) { pageInfo { endCursor } } }";
    let request = load::request("/graphql", None, &json!({ "query": query }).to_string());
    let answer: Value = serde_json::from_str(&load::once(ours, &request).await?)?;
    let cursor = &answer["data"]["products"]["pageInfo"]["endCursor"];
    let sql = "select name, id::text from live.product order by sort.key(name) collate sort.und, id offset 59 limit 1";
    let (name, id): (String, String) = sqlx::query_as(sql).fetch_one(pool).await?;
    Ok((json!({ "after": cursor }), json!([name, id])))
}
