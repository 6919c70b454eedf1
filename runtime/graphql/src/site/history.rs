//! The history of entries and the bin: revisions, their differences, what a restore would lose, deleted entries.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{any_entry, author, content_type, text};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use store::write::FieldDiff;
use store::write::diff::Kind;
use store::write::revisions::{self, Deleted};
use store::{Store, id, page};

pub async fn list(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, id) = any_entry(store, arguments.get("id"), &["id".into()])?;
    let before = arguments.get("before").and_then(Json::as_i64);
    let found = revisions::revisions(store, info, id, before, first(store, arguments)?).await?;
    let shown = |line: &revisions::Revision| {
        let mut shown = author(&line.at, &line.actor_kind, line.actor, line.role.as_deref());
        shown.insert("revision".into(), line.revision.into());
        shown.insert("note".into(), line.note.clone().into());
        shown.insert("fields".into(), line.fields.clone().into());
        shown.insert("isDraft".into(), line.is_draft.into());
        shown.insert("isLive".into(), line.is_live.into());
        Json::Object(shown)
    };
    Ok(found.iter().map(shown).collect())
}

pub async fn difference(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, id) = any_entry(store, arguments.get("id"), &["id".into()])?;
    let (from, to) = (number(arguments, "from"), number(arguments, "to"));
    let found = revisions::difference(store, info, id, from, to).await?;
    let shown = |diff: &FieldDiff| {
        let kind = diff.row.as_ref().map_or(Kind::Changed, |(_, kind)| *kind);
        let parts: Vec<_> =
            diff.parts.iter().map(|part| json!({"kind": part.kind.as_str(), "value": part.value})).collect();
        json!({
            "field": diff.field,
            "row": diff.row.as_ref().map(|(id, _)| id),
            "kind": kind.as_str(),
            "before": diff.before,
            "after": diff.after,
            "movedFrom": diff.moved.map(|(from, _)| from),
            "movedTo": diff.moved.map(|(_, to)| to),
            "parts": parts,
        })
    };
    Ok(found.iter().map(shown).collect())
}

pub async fn restore_check(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, id) = any_entry(store, arguments.get("id"), &["id".into()])?;
    Ok(revisions::restore_check(store, info, id, number(arguments, "from")).await?.into())
}

pub async fn bin(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let of = text(arguments, "type").map(|name| content_type(store, name, &["type".into()]));
    let after = text(arguments, "after").map(|cursor| {
        let wrong =
            || Problem::new(Code::InvalidCursor, "`after` is not a cursor of this list").at([Step::from("after")]);
        read_cursor(cursor).ok_or_else(|| Error::from(wrong()))
    });
    let found = revisions::bin(store, of.transpose()?, after.transpose()?, first(store, arguments)?).await?;
    let shown = |entry: &Deleted| {
        let mut shown = author(&entry.at, &entry.actor_kind, entry.actor, entry.role.as_deref());
        shown.insert("id".into(), id::encode(entry.info.table, entry.id).into());
        shown.insert("type".into(), entry.info.name.into());
        shown.insert("title".into(), entry.title.clone().into());
        shown.insert("revision".into(), entry.revision.into());
        shown.insert("cursor".into(), URL_SAFE_NO_PAD.encode(format!("{} {}", entry.at, entry.id)).into());
        Json::Object(shown)
    };
    Ok(found.iter().map(shown).collect())
}

pub async fn purge(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let ids = arguments.get("ids").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let entry = |(place, given): (usize, &Json)| any_entry(store, Some(given), &["ids".into(), place.into()]);
    let entries: Vec<(&'static ContentInfo, Uuid)> = ids.iter().enumerate().map(entry).collect::<Result<_>>()?;
    Ok(revisions::purge(store, &entries).await?.into())
}

fn read_cursor(cursor: &str) -> Option<(String, Uuid)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (at, id) = text.split_once(' ')?;
    let is_moment = at.parse::<model::Timestamp>().is_ok();
    Some((at.to_owned(), id.parse().ok()?)).filter(|_| is_moment)
}

fn number(arguments: &Map<String, Json>, name: &str) -> i64 {
    arguments.get(name).and_then(Json::as_i64).unwrap_or_default()
}

pub fn first(store: &Store, arguments: &Map<String, Json>) -> Result<usize> {
    let mut problems = Vec::new();
    let size = page::size(arguments, "first", store.schema.site.limits.page, &mut problems);
    if problems.is_empty() { Ok(size.unwrap_or(20)) } else { Err(Error { problems }) }
}
