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
    let mut lent = store.lend().await?;
    let sql = format!(
        "select {COLUMNS} from cms.redirect
        where ($1::text is null or starts_with(from_path, $1)) and ($2::uuid is null or entry = $2)
            and ($3::text is null or origin = $3) and ($4::text is null or from_path > $4)
        order by from_path limit $5"
    );
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
