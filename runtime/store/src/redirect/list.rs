//! Redirects in the order of their paths, in pages.

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{COLUMNS, Redirect, read};
use crate::Store;
use base::error::Result;

/// Which redirects to list.
#[derive(Clone, Debug, Default)]
pub struct Part<'a> {
    /// The beginning of their paths.
    pub from: Option<&'a str>,
    pub entry: Option<Uuid>,
    pub is_manual: Option<bool>,
    /// The path of the last one of the page before.
    pub after: Option<&'a str>,
    pub most: usize,
}

pub async fn list(store: &Store, part: &Part<'_>) -> Result<Vec<Redirect>> {
    // Only the conditions that are asked for, so that they can use an index.
    let conditions = [
        (part.from.is_some(), "from_path between $1 and $1 || U&'\\+10FFFF' and starts_with(from_path, $1)"),
        (part.entry.is_some(), "entry = $2"),
        (part.is_manual.is_some(), "origin = $3"),
        (part.after.is_some(), "from_path > $4"),
    ];
    let conditions: Vec<_> = conditions.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, sql)| sql).collect();
    let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" and ") };
    let sql = format!("select {COLUMNS} from cms.redirect where {conditions} order by from_path limit $5");
    let mut lent = store.lend().await?;
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(part.from)
        .bind(part.entry)
        .bind(part.is_manual.map(|is_manual| if is_manual { "manual" } else { "history" }))
        .bind(part.after)
        .bind(i64::try_from(part.most).unwrap_or(i64::MAX))
        .fetch_all(&mut *lent)
        .await?;
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

/// Calls with each redirect, page by page.
pub async fn all(store: &Store, mut each: impl FnMut(Redirect) -> Result<()>) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page = list(store, &Part { after: after.as_deref(), most: 1_000, ..Part::default() }).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.from.clone());
        page.into_iter().try_for_each(&mut each)?;
    }
}
