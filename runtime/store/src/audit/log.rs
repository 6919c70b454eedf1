//! Reads the audit log, newest first. The ids of its lines are ordered by time and serve as cursors.

use serde_json::Value as Json;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::Pool;
use base::error::Result;

const COLUMNS: &str = "id, to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as at, actor_kind, actor, \
    actor_name, role, host(address) as address, request_id, action, type, entry, fields, before::text, after::text";

/// Selects lines; all given conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub actor: Option<Uuid>,
    pub entry: Option<Uuid>,
    pub actions: Option<Vec<String>>,
    /// `ContentInfo::table`, or another name that the log uses.
    pub table: Option<String>,
    /// Timestamps in PostgreSQL's syntax: `since` is included, `until` is not.
    pub since: Option<String>,
    pub until: Option<String>,
}

/// A range of the list.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub limit: usize,
    /// Take the lines at the end of the range.
    pub backward: bool,
    pub after: Option<Uuid>,
    pub before: Option<Uuid>,
}

/// A part of the log, newest first.
#[derive(Debug)]
pub struct Lines {
    pub lines: Vec<Line>,
    /// Whether there are more lines in the direction of reading.
    pub more: bool,
}

#[derive(Clone, Debug)]
pub struct Line {
    pub id: Uuid,
    /// RFC 3339, with microseconds.
    pub at: String,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub actor_name: Option<String>,
    pub role: Option<String>,
    pub address: Option<String>,
    pub request: Option<String>,
    pub action: String,
    pub table: Option<String>,
    pub entry: Option<Uuid>,
    pub fields: Vec<String>,
    pub before: Json,
    pub after: Json,
}

/// SQL conditions with their bound arguments.
#[derive(Default)]
struct Conditions {
    sql: String,
    arguments: PgArguments,
    bound: usize,
}

impl Conditions {
    fn of(filter: &Filter) -> Result<Self> {
        let mut conditions = Self::default();
        conditions.add("actor = {}", filter.actor)?;
        conditions.add("entry = {}", filter.entry)?;
        conditions.add("action = any({})", filter.actions.clone())?;
        conditions.add("type = {}", filter.table.clone())?;
        conditions.add("at >= {}::timestamptz", filter.since.clone())?;
        conditions.add("at < {}::timestamptz", filter.until.clone())?;
        Ok(conditions)
    }

    /// `{}` in the condition stands for the parameter.
    fn add<'q, T>(&mut self, condition: &str, value: Option<T>) -> Result<()>
    where
        T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let Some(value) = value else { return Ok(()) };
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        self.bound += 1;
        self.sql += if self.bound == 1 { " where " } else { " and " };
        self.sql += &condition.replace("{}", &format!("${}", self.bound));
        Ok(())
    }
}

/// The number of matching lines.
pub async fn count(pool: &Pool, filter: &Filter) -> Result<i64> {
    let Conditions { sql, arguments, .. } = Conditions::of(filter)?;
    let sql = AssertSqlSafe(format!("select count(*) from cms.audit{sql}"));
    Ok(sqlx::query_scalar_with(sql, arguments).fetch_one(pool).await?)
}

pub async fn lines(pool: &Pool, filter: &Filter, part: Part) -> Result<Lines> {
    let mut conditions = Conditions::of(filter)?;
    conditions.add("id < {}", part.after)?;
    conditions.add("id > {}", part.before)?;
    let direction = if part.backward { "asc" } else { "desc" };
    let Conditions { sql, arguments, .. } = conditions;
    // One line more than the limit shows whether there are more.
    let limit = part.limit + 1;
    let sql = format!("select {COLUMNS} from cms.audit{sql} order by id {direction} limit {limit}");
    let mut rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(pool).await?;
    let more = rows.len() > part.limit;
    rows.truncate(part.limit);
    if part.backward {
        rows.reverse();
    }
    Ok(Lines { lines: rows.iter().map(line).collect::<Result<_>>()?, more })
}

fn line(row: &PgRow) -> Result<Line> {
    let stored = |column: &str| -> Result<Json> {
        let text: Option<String> = row.try_get(column)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    };
    Ok(Line {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        actor_kind: row.try_get("actor_kind")?,
        actor: row.try_get("actor")?,
        actor_name: row.try_get("actor_name")?,
        role: row.try_get("role")?,
        address: row.try_get("address")?,
        request: row.try_get("request_id")?,
        action: row.try_get("action")?,
        table: row.try_get("type")?,
        entry: row.try_get("entry")?,
        fields: row.try_get::<Option<Vec<String>>, _>("fields")?.unwrap_or_default(),
        before: stored("before")?,
        after: stored("after")?,
    })
}
