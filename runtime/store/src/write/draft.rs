//! Operations on whole drafts: discard, duplicate, and publish many at once.

use std::collections::HashSet;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::value::Value;
use crate::write::batch::{self, Input, Saved, Target};
use crate::write::bin::{self, Pointed};
use crate::write::failure::Result;
use crate::write::fit::fit;
use crate::write::guard::{Guard, readable};
use crate::write::live;
use crate::write::load::load;
use crate::write::remove::{self, Subject, not_found, refused};
use crate::write::row::{Faults, Item, Row, empty};
use crate::write::table;
use crate::write::trail::differing;
use crate::{Connection, Stage};
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, FieldInfo, Required, Shape};
use model::kind::Kind;
use serde_json::{Map, Value as Json};

/// Replaces the draft with the live entry. It gets a new revision, so that a client that still holds the discarded draft cannot save over
/// it. The live entry gets the same revision, so that the status is `PUBLISHED`.
pub async fn discard(cx: &mut Cx<'_>, of: Subject) -> Result<Vec<Happened>> {
    let (store, info) = (cx.store, of.info);
    // A deletion locks what is deleted before what refers to it.
    if let Some(mut live) = load(cx.connection, store.at(Stage::Live), info, &[of.id], false).await?.remove(&of.id) {
        fit(cx.connection, &mut [(info, &mut live.row)]).await?;
    }
    let mut item = remove::subject(cx.connection, store, of, Action::Update).await?;
    let live = load(cx.connection, store.at(Stage::Live), info, &[of.id], false).await?.remove(&of.id);
    let Some(mut live) = live else {
        let message = format!(
            "{} `{}` is not published, so there is nothing to go back to",
            info.name,
            crate::id::encode(info.table, of.id)
        );
        return Err(refused(Problem::new(Code::Conflict, message).at([Step::from("id")])));
    };
    if live.system.revision == of.revision {
        return Ok(Vec::new());
    }
    // A revision of the history is published with its references to what is in the bin.
    let fit = fit(cx.connection, &mut [(info, &mut live.row)]).await?;
    item.new = live.row.clone();
    may_change(Guard::new(store, false), &item)?;
    let revision = item.revision();
    let events = batch::save_whole(cx, vec![item]).await?;
    // If a hook changed the draft, it differs from the live entry.
    let stored = load(cx.connection, store.at(Stage::Draft), info, &[of.id], false).await?.remove(&of.id);
    let is_same = stored.is_some_and(|stored| stored.row.same(&live.row, info));
    if is_same && events.is_empty() && !fit.dropped.is_empty() {
        // The revision of the draft is as it is, and does not have these references.
        live::publish(cx.connection, store.trusted().at(Stage::Draft), info, &[of.id], &[of.id]).await?;
    } else if is_same {
        follow(cx.connection, info, of.id, revision).await?;
        let open = fit.dropped.into_iter().map(|dropped| {
            let pointed = Pointed { revision: Some(revision), ..dropped.pointed };
            (dropped.target.1, pointed)
        });
        bin::remember(cx.connection, open.collect()).await?;
    }
    Ok(events)
}

/// Rejects the discard if it would change a field that the actor may not write.
pub fn may_change(guard: Guard<'_>, item: &Item) -> Result<()> {
    let info = item.info;
    let rights = guard.rights(info, Action::Update).map_err(refused)?;
    let old = item.old.as_ref().map(|old| &old.row);
    let mut forbidden = Vec::new();
    for (index, field) in differing(info, old, Some(&item.new)) {
        if !rights.has(info, field.snake) {
            forbidden.push((info, field));
        }
        if let Shape::Children(child) = field.shape {
            let (before, after) = (old.map_or(&[][..], |old| old.children(index)), item.new.children(index));
            let closed = child.fields.iter().enumerate().filter(|(_, field)| !rights.has(child, field.snake));
            let changed = closed.filter(|(index, _)| children_differ(before, after, *index));
            forbidden.extend(changed.map(|(_, field)| (child, field)));
        }
    }
    let refusal = |(info, field): (&ContentInfo, &FieldInfo)| {
        guard.access().refusal(format!("you may not write `{}.{}`", info.name, field.name))
    };
    match forbidden.is_empty() {
        true => Ok(()),
        false => Err(base::error::Error { problems: forbidden.into_iter().map(refusal).collect() }.into()),
    }
}

/// Whether a field of children differs. Added and removed rows count if the field has a value.
fn children_differ(before: &[Row], after: &[Row], field: usize) -> bool {
    let value = |rows: &[Row], id: Uuid| {
        rows.iter().find(|row| row.id == id).map_or(Value::Null, |row| row.values[field].clone())
    };
    let is_nothing =
        |value: &Value| matches!(value, Value::Null) || matches!(value, Value::List(items) if items.is_empty());
    before.iter().chain(after).any(|row| {
        let (before, after) = (value(before, row.id), value(after, row.id));
        before != after && !(is_nothing(&before) && is_nothing(&after))
    })
}

async fn follow(connection: &mut Connection, info: &ContentInfo, id: Uuid, revision: i64) -> Result<()> {
    connection.changes(info, &[id]);
    let sql = format!(r#"update live."{}" set revision = $2 where id = $1"#, info.table);
    sqlx::query(AssertSqlSafe(sql)).bind(id).bind(revision).execute(connection).await?;
    Ok(())
}

/// Creates a draft with the values of another that the actor may read and write, overlaid with `data`.
pub async fn duplicate(
    cx: &mut Cx<'_>,
    info: &'static ContentInfo,
    id: Uuid,
    data: &Map<String, Json>,
    again: bool,
) -> Result<Saved> {
    let store = cx.store;
    let drafts = store.at(Stage::Draft);
    drafts.must_read_any(info).map_err(refused)?;
    let seen = readable(cx.connection, drafts, info, vec![id]).await?;
    let stored = load(cx.connection, drafts, info, &seen, false).await?.remove(&id);
    let mut source = stored.ok_or_else(|| refused(not_found(info, id).at([Step::from("id")])))?.row;
    make_unique(cx.connection, info, &mut [&mut source]).await?;
    for (field, child) in table::children(info) {
        let mut rows: Vec<&mut Row> = source.children.get_mut(&field).into_iter().flatten().collect();
        make_unique(cx.connection, child, &mut rows).await?;
    }
    let target = Target::Copy(&source);
    let input =
        Input { root: 0, target, data, publish: false, merge: false, path: vec!["input".into()], outer: Vec::new() };
    batch::run(cx, &super::save(info, vec![input]), again).await
}

/// Publishes all or none. Reports the problems of all entries.
pub async fn publish_all(cx: &mut Cx<'_>, info: &'static ContentInfo, ids: &[Uuid]) -> Result<Vec<Happened>> {
    let store = cx.store;
    let guard = Guard::new(store, false);
    guard.rights(info, Action::Publish).map_err(refused)?;
    let mut stored = load(cx.connection, store.at(Stage::Draft), info, ids, true).await?;
    let admitted = guard.admitted(cx.connection, info, Action::Publish, stored.keys().copied().collect()).await?;
    let (mut items, mut faults, mut seen) = (Vec::new(), Faults::default(), HashSet::new());
    for (root, id) in ids.iter().enumerate().filter(|(_, id)| seen.insert(**id)) {
        let path: Vec<Step> = vec!["ids".into(), root.into()];
        match stored.remove(id).filter(|_| admitted.contains(id)) {
            Some(old) => {
                let mut item = remove::item(info, old);
                (item.root, item.new.path) = (root, path);
                items.push(item);
            }
            None => faults.0.push((root, not_found(info, *id).at(path))),
        }
    }
    batch::refuse(faults)?;
    batch::publish_stored(cx, &items, store).await
}

/// The highest number for a copy of a required unique text.
const MOST_COPIES: usize = 100;

/// Clears unique values; slugs are generated again when the copy is saved. A required text gets the suffix `-copy`.
async fn make_unique(connection: &mut Connection, info: &ContentInfo, rows: &mut [&mut Row]) -> Result<()> {
    for (index, field) in info.fields.iter().enumerate().filter(|(_, field)| is_unique(info, field)) {
        let is_named = field.required == Required::Save && field.rules.from.is_none();
        let named = match field.shape {
            Shape::Scalar(Kind::String) if is_named => free_names(connection, info, field, index, rows).await?,
            _ => Vec::new(),
        };
        let mut named = named.into_iter();
        for row in rows.iter_mut() {
            row.values[index] = named.next().map_or_else(|| empty(&field.shape), Value::Text);
        }
    }
    Ok(())
}

/// Whether the field is unique by itself.
fn is_unique(info: &ContentInfo, field: &FieldInfo) -> bool {
    field.unique.is_some_and(<[_]>::is_empty) || info.unique.iter().any(|together| *together == [field.snake])
}

/// A free name for each row. No name if there are too many copies; the client must then give one.
async fn free_names(
    connection: &mut Connection,
    info: &ContentInfo,
    field: &FieldInfo,
    index: usize,
    rows: &[&mut Row],
) -> Result<Vec<String>> {
    let longest = field.rules.max.and_then(|max| max.parse().ok()).unwrap_or(usize::MAX);
    let sql = ["draft", "live"]
        .map(|stage| format!(r#"select from {stage}."{}" where "{}" = any($1)"#, info.table, field.snake));
    let sql = format!("select exists ({})", sql.join(" union all "));
    connection.alone_at(&format!("copies of {}.{}", info.table, field.snake)).await?;
    for copy in 1..=MOST_COPIES {
        let suffix = if copy == 1 { "-copy".to_owned() } else { format!("-copy-{copy}") };
        let names: Option<Vec<String>> =
            rows.iter().map(|row| suffixed(&row.values[index], &suffix, longest)).collect();
        let Some(names) = names else { break };
        let is_taken = names.iter().collect::<HashSet<_>>().len() < names.len()
            || sqlx::query_scalar(AssertSqlSafe(sql.clone())).bind(&names).fetch_one(&mut *connection).await?;
        if !is_taken {
            return Ok(names);
        }
    }
    Ok(Vec::new())
}

fn suffixed(value: &Value, suffix: &str, longest: usize) -> Option<String> {
    let Value::Text(text) = value else { return None };
    let kept = longest.checked_sub(suffix.len())?;
    Some(text.chars().take(kept).chain(suffix.chars()).collect())
}
