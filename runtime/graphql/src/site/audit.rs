//! `auditLog`: the lines of `cms.audit`, newest first. Their ids are made in order of time, and are the cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json, json};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::{text, wrong};
use base::error::{Code, Problem, Result};
use model::content::ContentInfo;
use model::kind::Kind;
use store::Store;
use store::access::{API_TOKEN_PREFIX, USER_PREFIX};
use store::id;

/// Lines of a page that is asked for neither `first` nor `last`.
const PAGE: usize = 20;
/// The prefix of the ids of lines.
const PREFIX: &str = "audit";

/// Conditions with what is bound in them.
#[derive(Default)]
struct Conditions {
    sql: String,
    arguments: PgArguments,
    bound: usize,
}

impl Conditions {
    /// `{}` in the condition is the parameter.
    fn add<'q, T>(&mut self, condition: &str, value: T) -> Result<()>
    where
        T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        self.bound += 1;
        self.sql += if self.bound == 1 { " where " } else { " and " };
        self.sql += &condition.replace("{}", &format!("${}", self.bound));
        Ok(())
    }
}

pub async fn page(store: &Store, arguments: &Map<String, Json>, counted: bool) -> Result<Json> {
    let (first, last) = (size(store, arguments, "first")?, size(store, arguments, "last")?);
    if first.is_some() && last.is_some() {
        return Err(wrong("give `first` or `last`, not both", &["last"]));
    }
    let limit = first.or(last).unwrap_or(PAGE);
    let mut total = Json::Null;
    if counted {
        let Conditions { sql, arguments, .. } = filter(store, arguments)?;
        let sql = AssertSqlSafe(format!("select count(*) from cms.audit{sql}"));
        total = sqlx::query_scalar_with::<_, i64, _>(sql, arguments).fetch_one(&store.writes).await?.into();
    }
    let mut conditions = filter(store, arguments)?;
    for (name, condition) in [("after", "id < {}"), ("before", "id > {}")] {
        if let Some(cursor) = text(arguments, name) {
            conditions.add(condition, read_cursor(cursor, name)?)?;
        }
    }
    let direction = if last.is_some() { "asc" } else { "desc" };
    let Conditions { sql, arguments: bound, .. } = conditions;
    let columns = "id, to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as at, actor_kind, actor, actor_name, \
        role, host(address) as address, request_id, action, type, entry, fields, before::text, after::text";
    // One more, to know whether there is more.
    let more = limit + 1;
    let sql = AssertSqlSafe(format!("select {columns} from cms.audit{sql} order by id {direction} limit {more}"));
    let mut rows = sqlx::query_with(sql, bound).fetch_all(&store.writes).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    if last.is_some() {
        rows.reverse();
    }
    let nodes = rows.iter().map(|row| line(store, row)).collect::<Result<Vec<_>>>()?;
    let cursors: Vec<_> = rows.iter().map(|row| Ok(cursor(row.try_get("id")?))).collect::<Result<_>>()?;
    let edges: Vec<_> =
        cursors.iter().zip(&nodes).map(|(cursor, node)| json!({"cursor": cursor, "node": node})).collect();
    let info = json!({
        "hasNextPage": if last.is_some() { arguments.contains_key("before") } else { has_more },
        "hasPreviousPage": if last.is_some() { has_more } else { arguments.contains_key("after") },
        "startCursor": cursors.first(),
        "endCursor": cursors.last(),
    });
    Ok(json!({"edges": edges, "nodes": nodes, "pageInfo": info, "totalCount": total}))
}

fn filter(store: &Store, arguments: &Map<String, Json>) -> Result<Conditions> {
    let mut conditions = Conditions::default();
    let nothing = "must not be null: leave it out to have all";
    let filter = match arguments.get("filter") {
        Some(Json::Object(filter)) => filter,
        Some(Json::Null) => return Err(wrong(nothing, &["filter"])),
        _ => return Ok(conditions),
    };
    if let Some((name, _)) = filter.iter().find(|(_, value)| value.is_null()) {
        return Err(wrong(nothing, &["filter", name]));
    }
    for name in ["actor", "entry"] {
        if let Some(given) = text(filter, name) {
            let (_, uuid) = id::decode(given).ok_or_else(|| wrong(format!("`{given}` is no id"), &["filter", name]))?;
            conditions.add(&format!("{name} = {{}}"), uuid)?;
        }
    }
    if let Some(actions) = filter.get("action").and_then(Json::as_array) {
        let actions: Vec<_> = actions.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        conditions.add("action = any({})", actions)?;
    }
    if let Some(name) = text(filter, "type") {
        // What is no content type is a name of the log's own: `user`, `session`.
        let table = store.schema.types.iter().find(|info| info.name == name).map_or(name, |info| info.table);
        conditions.add("type = {}", table.to_owned())?;
    }
    for (name, condition) in [("since", "at >= {}::timestamptz"), ("until", "at < {}::timestamptz")] {
        if let Some(moment) = filter.get(name) {
            let parsed = Kind::Datetime.parse(moment, &store.schema.site);
            let value = parsed.map_err(|message| wrong(message, &["filter", name]))?;
            conditions.add(condition, value.text(0).map(std::borrow::Cow::into_owned))?;
        }
    }
    Ok(conditions)
}

fn line(store: &Store, row: &PgRow) -> Result<Json> {
    let kind: String = row.try_get("actor_kind")?;
    let actor: Option<Uuid> = row.try_get("actor")?;
    let prefix = if kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    let table: Option<String> = row.try_get("type")?;
    let info = table.as_deref().and_then(|table| store.schema.types.iter().find(|info| info.is_called(table)));
    let entry: Option<Uuid> = row.try_get("entry")?;
    let fields: Option<Vec<String>> = row.try_get("fields")?;
    let stored = |column: &str| -> Result<Json> {
        let text: Option<String> = row.try_get(column)?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    };
    Ok(json!({
        "id": id::encode(PREFIX, row.try_get("id")?),
        "at": row.try_get::<String, _>("at")?,
        "actor": actor.map(|actor| id::encode(prefix, actor)),
        "actorKind": kind.to_ascii_uppercase(),
        "actorName": row.try_get::<Option<String>, _>("actor_name")?,
        "role": row.try_get::<Option<String>, _>("role")?,
        "address": row.try_get::<Option<String>, _>("address")?,
        "requestId": row.try_get::<Option<String>, _>("request_id")?,
        "action": row.try_get::<String, _>("action")?,
        "type": shown_type(info, table.as_deref()),
        "entry": entry.zip(table.as_deref()).map(|(entry, table)| id::encode(table, entry)),
        "fields": fields.unwrap_or_default(),
        "before": stored("before")?,
        "after": stored("after")?,
    }))
}

fn shown_type<'a>(info: Option<&'a &'static ContentInfo>, table: Option<&'a str>) -> Option<&'a str> {
    info.map(|info| info.name).or(table)
}

fn size(store: &Store, arguments: &Map<String, Json>, name: &str) -> Result<Option<usize>> {
    let Some(given) = arguments.get(name).filter(|given| !given.is_null()) else { return Ok(None) };
    let limit = store.schema.site.limits.page as usize;
    match given.as_u64().map(|size| size as usize) {
        Some(size) if size <= limit => Ok(Some(size)),
        Some(size) => {
            let message = format!("`{name}` is {size}, the limit is {limit}");
            Err(Problem::new(Code::LimitExceeded, message).at([name.into()]).into())
        }
        None => Err(wrong(format!("`{name}` must not be negative, it is {given}"), &[name])),
    }
}

fn cursor(id: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(id.as_bytes())
}

fn read_cursor(cursor: &str, name: &str) -> Result<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
    bytes.ok_or_else(|| {
        Problem::new(Code::InvalidCursor, format!("`{name}` is not a cursor of this list")).at([name.into()]).into()
    })
}
