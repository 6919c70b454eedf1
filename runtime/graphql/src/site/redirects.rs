//! Redirects: listed, made, changed, deleted, imported.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{any_entry, text, wrong};
use base::error::{Code, Error, Problem, Result, Step};
use model::cut;
use store::access::USER_PREFIX;
use store::redirect::{self, LeadsTo, New, PREFIX, Part, Redirect, To};
use store::{Store, id, page};

/// Redirects of a page that is asked for without `first`.
const PAGE: usize = 20;

pub async fn list(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let mut problems = Vec::new();
    let first = page::size(arguments, "first", store.schema.site.limits.page, &mut problems);
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let nothing = Map::new();
    let filter = arguments.get("filter").and_then(Json::as_object).unwrap_or(&nothing);
    let entry = filter.get("entry").filter(|id| !id.is_null());
    let entry = entry.map(|id| any_entry(store, Some(id), &["filter".into(), "entry".into()])).transpose()?;
    let after = text(arguments, "after").map(read_cursor).transpose()?;
    let from = text(filter, "from");
    if from.is_some_and(|from| from.contains('\0')) {
        return Err(wrong("no path has U+0000", &["filter", "from"]));
    }
    let size = first.unwrap_or(PAGE);
    let part = Part {
        from,
        entry: entry.map(|(_, id)| id),
        is_manual: text(filter, "origin").map(|origin| origin == "MANUAL"),
        after: after.as_deref(),
        most: size + 1,
    };
    let mut found = redirect::list(store, &part).await?;
    let more = found.len() > size;
    found.truncate(size);
    let cursor = |redirect: &Redirect| URL_SAFE_NO_PAD.encode(&redirect.from);
    let edges: Vec<Json> =
        found.iter().map(|redirect| json!({ "cursor": cursor(redirect), "node": shown(redirect) })).collect();
    Ok(json!({
        "nodes": found.iter().map(shown).collect::<Vec<_>>(),
        "edges": edges,
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": false,
            "startCursor": found.first().map(cursor),
            "endCursor": found.last().map(cursor),
        },
    }))
}

pub async fn create(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let input = arguments.get("input").unwrap_or(&Json::Null);
    Ok(shown(&redirect::create(store, &new(store, input, vec!["input".into()])?).await?))
}

pub async fn update(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let input = arguments.get("input").unwrap_or(&Json::Null);
    let new = new(store, input, vec!["input".into()])?;
    Ok(shown(&redirect::update(store, redirect_id(arguments)?, &new).await?))
}

pub async fn delete(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let deleted = redirect::delete(store, redirect_id(arguments)?).await?;
    Ok(id::encode(PREFIX, deleted).into())
}

pub async fn import(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let items = arguments.get("input").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let path = |index: usize| vec![Step::from("input"), Step::from(index)];
    let new: Vec<_> =
        items.iter().enumerate().map(|(index, item)| new(store, item, path(index))).collect::<Result<_>>()?;
    let done = redirect::import(store, &new, Vec::new()).await?;
    Ok((done.made + done.same).into())
}

fn new<'a>(store: &Store, input: &'a Json, path: Vec<Step>) -> Result<New<'a>> {
    let text = |name: &str| input.get(name).and_then(Json::as_str);
    let entry = input.get("entry").filter(|id| !id.is_null());
    let to = match (entry, text("to")) {
        (Some(id), None) => {
            let at: Vec<Step> = path.iter().cloned().chain([Step::from("entry")]).collect();
            let (info, id) = any_entry(store, Some(id), &at)?;
            To::Entry(info, id)
        }
        (None, Some(to)) => To::Address(to),
        _ => {
            let at = path.iter().cloned().chain([Step::from("to")]);
            return Err(Problem::new(Code::BadUserInput, "give either `entry` or `to`").at(at).into());
        }
    };
    let status = input.get("status").and_then(Json::as_i64).unwrap_or_default();
    Ok(New { from: text("from").unwrap_or_default(), to, status, path })
}

fn shown(redirect: &Redirect) -> Json {
    let entry = match &redirect.leads_to {
        LeadsTo::Entry(table, entry) => Some(id::encode(table, *entry)),
        LeadsTo::Address(_) => None,
    };
    json!({
        "id": id::encode(PREFIX, redirect.id),
        "from": redirect.from,
        "entry": entry,
        "to": redirect.address(),
        "status": redirect.status,
        "origin": if redirect.is_manual { "MANUAL" } else { "HISTORY" },
        "createdAt": redirect.created_at,
        "createdBy": redirect.created_by.map(|user| id::encode(USER_PREFIX, user)),
    })
}

fn redirect_id(arguments: &Map<String, Json>) -> Result<Uuid> {
    let given = text(arguments, "id").unwrap_or_default();
    id::decode_as(PREFIX, given)
        .ok_or_else(|| wrong(format!("`{}` is not an id like `{PREFIX}_...`", cut(given)), &["id"]))
}

fn read_cursor(cursor: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
    let path = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|path| !path.contains('\0'));
    path.ok_or_else(|| {
        Problem::new(Code::InvalidCursor, "`after` is not a cursor of this list").at(["after".into()]).into()
    })
}
