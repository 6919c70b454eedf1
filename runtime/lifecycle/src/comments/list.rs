//! Comments as people read them: threads with their replies.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{missing, place};
use crate::review::names;
use crate::schedule::content;
use base::error::{Error, Problem, Result, Step};
use model::content::ContentInfo;
use store::Store;
use store::write::entries;

/// A comment, and the replies to the first one of a thread.
#[derive(Clone, Debug)]
pub struct Comment {
    pub id: Uuid,
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    pub field: Option<String>,
    pub text: String,
    pub mentions: Vec<Uuid>,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub role: Option<String>,
    /// RFC 3339, with microseconds, as the others.
    pub at: String,
    pub edited_at: Option<String>,
    pub resolved_at: Option<String>,
    pub resolved_kind: Option<String>,
    pub resolved_by: Option<Uuid>,
    pub replies: Vec<Self>,
}

/// Which threads to list.
#[derive(Clone, Debug)]
pub struct Filter {
    pub info: &'static ContentInfo,
    pub entry: Uuid,
    /// This field or a part of it.
    pub field: Option<String>,
    pub resolved: Option<bool>,
    /// The last one of the page before.
    pub after: Option<Uuid>,
}

const COLUMNS: &str = r#"c.id, c.type, c.entry, c.thread, c.field, c.text, c.mentions, c.actor_kind, c.actor, c.role,
    to_char(c.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as shown_at,
    to_char(c.edited_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as shown_edited_at,
    to_char(c.resolved_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as shown_resolved_at,
    c.resolved_kind, c.resolved_by"#;

/// The threads of an entry that the actor may read, oldest first.
pub async fn list(store: &Store, filter: &Filter, limit: usize) -> Result<Vec<Comment>> {
    entries::must_have_account(store)?;
    store.at(store::Stage::Draft).must_read_any(filter.info)?;
    let mut lent = store.lend().await?;
    if entries::read_by(&mut lent, store, &[(filter.info, filter.entry)]).await?.is_empty() {
        let message =
            format!("{} `{}` does not exist", filter.info.name, store::id::encode(filter.info.table, filter.entry));
        return Err(Problem::new(base::error::Code::NotFound, message).at([Step::from("entry")]).into());
    }
    let sql = "select distinct field from cms.comment where type = any($1) and entry = $2 and field is not null";
    let fields: Vec<String> =
        sqlx::query_scalar(sql).bind(names(filter.info)).bind(filter.entry).fetch_all(&mut *lent).await?;
    let asked = |place: &String| match &filter.field {
        Some(field) => place.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => true,
    };
    let shown = |place: &String| asked(place) && place::is_readable(store, filter.info, place);
    let sql = format!(
        "select {COLUMNS} from cms.comment c where c.type = any($1) and c.entry = $2 and c.thread is null
            and (c.field = any($3) or (c.field is null and $4)) and ($5::boolean is null or (c.resolved_at is not null) = $5)
            and ($6::uuid is null or c.id > $6)
        order by c.id limit $7"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(names(filter.info))
        .bind(filter.entry)
        .bind(fields.into_iter().filter(shown).collect::<Vec<_>>())
        .bind(filter.field.is_none())
        .bind(filter.resolved)
        .bind(filter.after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *lent)
        .await?;
    drop(lent);
    let threads = rows.iter().filter_map(|row| comment(store, row).transpose());
    with_replies(store, threads.collect::<Result<_>>()?).await
}

/// A thread by its first comment, for the one who just wrote to it.
pub async fn one(store: &Store, thread: Uuid) -> Result<Comment> {
    let sql = format!("select {COLUMNS} from cms.comment c where c.id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(thread).fetch_optional(&store.writes).await?;
    let found = row.map(|row| comment(store, &row)).transpose()?.flatten();
    let found = with_replies(store, found.into_iter().collect()).await?.pop();
    found.ok_or_else(|| Error::from(missing(thread)))
}

async fn with_replies(store: &Store, mut threads: Vec<Comment>) -> Result<Vec<Comment>> {
    let ids: Vec<Uuid> = threads.iter().map(|comment| comment.id).collect();
    let sql = format!("select {COLUMNS} from cms.comment c where c.thread = any($1) order by c.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(ids).fetch_all(&store.writes).await?;
    let mut replies: BTreeMap<Uuid, Vec<Comment>> = BTreeMap::new();
    for row in &rows {
        if let (Some(reply), Some(thread)) = (comment(store, row)?, row.try_get::<Option<Uuid>, _>(3)?) {
            replies.entry(thread).or_default().push(reply);
        }
    }
    for thread in &mut threads {
        thread.replies = replies.remove(&thread.id).unwrap_or_default();
    }
    Ok(threads)
}

/// `None` if the site has the type no more.
fn comment(store: &Store, row: &PgRow) -> Result<Option<Comment>> {
    let table: String = row.try_get(1)?;
    let Some(info) = content(store, &table) else { return Ok(None) };
    Ok(Some(Comment {
        id: row.try_get(0)?,
        info,
        entry: row.try_get(2)?,
        field: row.try_get(4)?,
        text: row.try_get(5)?,
        mentions: row.try_get(6)?,
        actor_kind: row.try_get(7)?,
        actor: row.try_get(8)?,
        role: row.try_get(9)?,
        at: row.try_get(10)?,
        edited_at: row.try_get(11)?,
        resolved_at: row.try_get(12)?,
        resolved_kind: row.try_get(13)?,
        resolved_by: row.try_get(14)?,
        replies: Vec::new(),
    }))
}
