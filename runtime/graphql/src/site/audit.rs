//! `auditLog`: the audit log as a connection.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{text, wrong};
use base::error::{Code, Error, Problem, Result};
use model::kind::Kind;
use store::access::{API_TOKEN_PREFIX, USER_PREFIX};
use store::audit::log::{self, Filter, Line, Part};
use store::{Store, id, page};

/// The size of a page without `first` and `last`.
const PAGE: usize = 20;
/// The prefix of line ids.
const PREFIX: &str = "audit";

pub async fn page(store: &Store, arguments: &Map<String, Json>, counted: bool) -> Result<Json> {
    let mut problems = Vec::new();
    let most = store.schema.site.limits.page;
    let (first, last) =
        (page::size(arguments, "first", most, &mut problems), page::size(arguments, "last", most, &mut problems));
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    if first.is_some() && last.is_some() {
        return Err(wrong("give `first` or `last`, not both", &["last"]));
    }
    let filter = filter(store, arguments)?;
    let total = if counted { log::count(&store.writes, &filter).await?.into() } else { Json::Null };
    let place = |name| text(arguments, name).map(|cursor| read_cursor(cursor, name)).transpose();
    let (after, before, backward) = (place("after")?, place("before")?, last.is_some());
    let part = Part { limit: first.or(last).unwrap_or(PAGE), backward, after, before };
    let found = log::lines(&store.writes, &filter, part).await?;
    let nodes: Vec<_> = found.lines.iter().map(|line| shown(store, line)).collect();
    let cursors: Vec<_> = found.lines.iter().map(|line| URL_SAFE_NO_PAD.encode(line.id.as_bytes())).collect();
    let edges: Vec<_> =
        cursors.iter().zip(&nodes).map(|(cursor, node)| json!({"cursor": cursor, "node": node})).collect();
    let info = json!({
        "hasNextPage": if backward { before.is_some() } else { found.more },
        "hasPreviousPage": if backward { found.more } else { after.is_some() },
        "startCursor": cursors.first(),
        "endCursor": cursors.last(),
    });
    Ok(json!({"edges": edges, "nodes": nodes, "pageInfo": info, "totalCount": total}))
}

fn filter(store: &Store, arguments: &Map<String, Json>) -> Result<Filter> {
    let nothing = "must not be null: omit it to get all";
    let given = match arguments.get("filter") {
        Some(Json::Object(given)) => given,
        Some(Json::Null) => return Err(wrong(nothing, &["filter"])),
        _ => return Ok(Filter::default()),
    };
    if let Some((name, _)) = given.iter().find(|(_, value)| value.is_null()) {
        return Err(wrong(nothing, &["filter", name]));
    }
    let uuid = |name: &str| {
        let of = |given| id::decode(given).ok_or_else(|| wrong(format!("`{given}` is not an id"), &["filter", name]));
        text(given, name).map(of).transpose().map(|found| found.map(|(_, uuid)| uuid))
    };
    let moment = |name: &str| {
        let Some(moment) = given.get(name) else { return Ok(None) };
        let parsed = Kind::Datetime.parse(moment, &store.schema.site);
        let value = parsed.map_err(|message| wrong(message, &["filter", name]))?;
        Ok::<_, Error>(value.text(0).map(std::borrow::Cow::into_owned))
    };
    let actions = |actions: &Vec<Json>| actions.iter().filter_map(Json::as_str).map(str::to_owned).collect();
    // Names that are not content types belong to the log itself: `user`, `session`.
    let table =
        |name| store.schema.types.iter().find(|info| info.name == name).map_or(name, |info| info.table).to_owned();
    Ok(Filter {
        actor: uuid("actor")?,
        entry: uuid("entry")?,
        actions: given.get("action").and_then(Json::as_array).map(actions),
        table: text(given, "type").map(table),
        since: moment("since")?,
        until: moment("until")?,
    })
}

fn shown(store: &Store, line: &Line) -> Json {
    let prefix = if line.actor_kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    let table = line.table.as_deref();
    let info = table.and_then(|table| store.schema.types.iter().find(|info| info.is_called(table)));
    json!({
        "id": id::encode(PREFIX, line.id),
        "at": line.at,
        "actor": line.actor.map(|actor| id::encode(prefix, actor)),
        "actorKind": line.actor_kind.to_ascii_uppercase(),
        "actorName": line.actor_name,
        "role": line.role,
        "address": line.address,
        "requestId": line.request,
        "action": line.action,
        "type": info.map(|info| info.name).or(table),
        "entry": line.entry.zip(table).map(|(entry, table)| id::encode(table, entry)),
        "fields": line.fields,
        "before": line.before,
        "after": line.after,
    })
}

fn read_cursor(cursor: &str, name: &str) -> Result<Uuid> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| Uuid::from_slice(&bytes).ok());
    bytes.ok_or_else(|| {
        Problem::new(Code::InvalidCursor, format!("`{name}` is not a cursor of this list")).at([name.into()]).into()
    })
}
