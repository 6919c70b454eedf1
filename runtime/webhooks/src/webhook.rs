//! `Webhook`: an address and what is sent there.

use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use base::error::{Error, Result};
use events::Change;
use model::content::ContentInfo;
use model::timestamp::Timestamp;
use store::hooks::EventKind;
use store::{Connection, Database};

/// What its maker wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub name: String,
    pub url: String,
    /// `ContentInfo::table`; `None` for all.
    pub types: Option<Vec<String>>,
    /// `None` for all.
    pub actions: Option<Vec<EventKind>>,
    /// Of its one type.
    pub filter: Option<Json>,
    pub document: Option<String>,
    /// Of the document; `None` for `anonymous`.
    pub role: Option<String>,
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    pub id: Uuid,
    pub wanted: Wanted,
    pub disabled_reason: Option<String>,
    pub paused_until: Option<Timestamp>,
    pub previous_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Events up to this position are none of its.
    pub(crate) since: i64,
}

/// Of [`Webhook::read`].
pub(crate) const COLUMNS: &str =
    "webhook.id, name, url, types, actions, filter::text as filter, document, role, enabled, disabled_reason,
    (extract(epoch from case when paused_until > now() then paused_until end) * 1000000)::bigint as paused_until,
    (extract(epoch from case when previous_until > now() then previous_until end) * 1000000)::bigint as previous_until,
    (extract(epoch from webhook.created_at) * 1000000)::bigint as created_at,
    (extract(epoch from updated_at) * 1000000)::bigint as updated_at, since";

impl Webhook {
    pub(crate) fn read(row: &PgRow) -> Result<Self> {
        let filter: Option<String> = row.try_get("filter")?;
        let actions: Option<Vec<String>> = row.try_get("actions")?;
        let known = |name: &String| EventKind::ALL.into_iter().find(|kind| kind.as_str() == name.as_str());
        Ok(Self {
            id: row.try_get("id")?,
            wanted: Wanted {
                name: row.try_get("name")?,
                url: row.try_get("url")?,
                types: row.try_get("types")?,
                actions: actions.map(|actions| actions.iter().filter_map(known).collect()),
                filter: filter.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?,
                document: row.try_get("document")?,
                role: row.try_get("role")?,
                enabled: row.try_get("enabled")?,
            },
            disabled_reason: row.try_get("disabled_reason")?,
            paused_until: moment(row, "paused_until")?,
            previous_until: moment(row, "previous_until")?,
            created_at: moment(row, "created_at")?.unwrap_or(Timestamp::MIN),
            updated_at: moment(row, "updated_at")?.unwrap_or(Timestamp::MIN),
            since: row.try_get("since")?,
        })
    }

    /// Whether it asks for this change, but for its filter.
    pub(crate) fn wants(&self, info: &ContentInfo, change: &Change) -> bool {
        let types = self.wanted.types.as_ref();
        let of_type = types.is_none_or(|types| types.iter().any(|table| info.is_called(table)));
        let actions = self.wanted.actions.as_ref();
        of_type && actions.is_none_or(|actions| actions.contains(&change.kind)) && change.position > self.since
    }
}

/// Microseconds since 1970.
pub(crate) fn moment(row: &PgRow, column: &str) -> Result<Option<Timestamp>> {
    let microseconds: Option<i64> = row.try_get(column)?;
    Ok(microseconds.and_then(Timestamp::from_microsecond))
}

/// By name.
pub async fn all(database: &Database) -> Result<Vec<Webhook>> {
    let sql = format!("select {COLUMNS} from cms.webhook order by name, id");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&database.writes).await?;
    rows.iter().map(Webhook::read).collect()
}

pub async fn find(database: &Database, id: Uuid) -> Result<Option<Webhook>> {
    let sql = format!("select {COLUMNS} from cms.webhook where id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&database.writes).await?;
    row.as_ref().map(Webhook::read).transpose()
}

pub(crate) async fn enabled(connection: &mut Connection) -> Result<Vec<Webhook>> {
    let sql = format!("select {COLUMNS} from cms.webhook where enabled order by id");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
    rows.iter().map(Webhook::read).collect()
}

/// Keeps the turns of its deliveries as they are until the transaction ends. Whether it is there.
pub(crate) async fn hold(connection: &mut Connection, id: Uuid) -> Result<bool> {
    let sql = "select from cms.webhook where id = $1 for no key update";
    Ok(sqlx::query(sql).bind(id).fetch_optional(&mut *connection).await?.is_some())
}
