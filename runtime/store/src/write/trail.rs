//! Writes the audit log and the outbox: one line per entry, with one statement each, in the write's own transaction.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::access::Identity;
use crate::audit::{self, Event};
use crate::hooks::{EventKind, Happened};
use crate::id;
use crate::input::value_json;
use crate::outbox::{self, Line};
use crate::search::document::{self, When};
use crate::value::Value;
use crate::write::failure::Result;
use crate::write::row::{Item, Row};
use crate::{Connection, Store};
use model::content::{ContentInfo, FieldInfo, Shape};

/// Records a saved batch. An operator's import is one line in the audit log, since its file has the content.
pub async fn saved(
    connection: &mut Connection,
    store: &Store,
    root: &'static ContentInfo,
    (import, index): (bool, When),
    items: &[Item],
    events: &[Happened],
) -> Result<()> {
    let by_id: HashMap<Uuid, &Item> = items.iter().map(|item| (item.new.id, item)).collect();
    let is_searched = |event: &&Happened| changes_search(event, by_id.get(&event.id).copied());
    document::follow(connection, events.iter().filter(is_searched), index).await?;
    let lines = events.iter().map(|event| told(event, by_id.get(&event.id).copied()));
    outbox::record(connection, store, &lines.collect::<Vec<_>>()).await?;
    if import && store.access.actor.identity == Identity::System {
        return imported(connection, store, root, events).await;
    }
    let changed = items.iter().filter(|item| item.is_changed()).map(|item| {
        let kind = if item.old.is_none() { EventKind::Created } else { EventKind::Updated };
        let old = item.old.as_ref().map(|old| &old.row);
        line(item.info, kind, item.new.id, old, Some(&item.new))
    });
    // A type without drafts is always published when saved, so that needs no line.
    let published = events.iter().filter(|event| event.kind == EventKind::Published && event.info.drafts);
    let published = published.map(|event| line(event.info, event.kind, event.id, None, None));
    tell(connection, store, changed.chain(published).collect()).await
}

/// Records events that do not change the content of entries.
pub async fn happened(connection: &mut Connection, store: &Store, events: &[Happened]) -> Result<()> {
    document::follow(connection, events.iter(), When::Now).await?;
    outbox::record(connection, store, &events.iter().map(|event| told(event, None)).collect::<Vec<_>>()).await?;
    tell(connection, store, events.iter().map(|event| line(event.info, event.kind, event.id, None, None)).collect())
        .await
}

/// `live`: those with drafts that were published.
pub async fn deleted(connection: &mut Connection, store: &Store, items: &[Item], live: &BTreeSet<Uuid>) -> Result<()> {
    let happened = items.iter().map(|item| Happened {
        info: item.info,
        kind: EventKind::Deleted,
        id: item.new.id,
        revision: item.revision(),
    });
    document::follow(connection, happened.collect::<Vec<_>>().iter(), When::Now).await?;
    let lines = items.iter().map(|item| Line {
        table: item.info.table,
        entry: item.new.id,
        revision: item.revision(),
        kind: EventKind::Deleted,
        fields: live.get(&item.new.id).map(|_| outbox::WAS_LIVE).into_iter().collect(),
    });
    outbox::record(connection, store, &lines.collect::<Vec<_>>()).await?;
    let gone = items.iter().map(|item| line(item.info, EventKind::Deleted, item.new.id, Some(&item.new), None));
    tell(connection, store, gone.collect()).await
}

/// Whether the row of the search index may be another one. Most updates are of a price or a stock, which no search finds.
fn changes_search(event: &Happened, item: Option<&Item>) -> bool {
    let (Some(search), EventKind::Updated) = (event.info.search, event.kind) else { return true };
    let Some((old, new)) = item.and_then(|item| Some((&item.old.as_ref()?.row, &item.new))) else { return true };
    let is_searched = |field: &FieldInfo| search.texts.iter().any(|text| text.path[0] == field.snake);
    differing(event.info, Some(old), Some(new)).any(|(_, field)| is_searched(field))
}

fn told(event: &Happened, item: Option<&Item>) -> Line {
    let Happened { info, kind, id, revision } = *event;
    let fields = match (kind, item) {
        (EventKind::Created | EventKind::Updated, Some(item)) => {
            let differing = differing(info, item.old.as_ref().map(|old| &old.row), Some(&item.new));
            differing.map(|(_, field)| field.name).collect()
        }
        _ => Vec::new(),
    };
    Line { table: info.table, entry: id, revision, kind, fields }
}

async fn imported(
    connection: &mut Connection,
    store: &Store,
    root: &'static ContentInfo,
    events: &[Happened],
) -> Result<()> {
    let count = |kind| events.iter().filter(|event| event.kind == kind).count();
    let counts = [EventKind::Created, EventKind::Updated, EventKind::Published].map(count);
    if counts == [0; 3] {
        return Ok(());
    }
    let [created, updated, published] = counts;
    let event = Event {
        table: Some(root.table),
        after: Some(json!({"created": created, "updated": updated, "published": published})),
        ..Event::new(format!("{}.import", root.table))
    };
    tell(connection, store, vec![event]).await
}

async fn tell(connection: &mut Connection, store: &Store, events: Vec<Event<'_>>) -> Result<()> {
    audit::record_all(connection, &store.access.actor, events).await.map_err(Into::into)
}

/// A line with the fields that differ. For a new or deleted row, these are the fields that are not empty.
fn line(
    info: &'static ContentInfo,
    kind: EventKind,
    entry: Uuid,
    before: Option<&Row>,
    after: Option<&Row>,
) -> Event<'static> {
    let verb = match kind {
        EventKind::Created => "create",
        EventKind::Updated => "update",
        EventKind::Published => "publish",
        EventKind::Unpublished => "unpublish",
        EventKind::Deleted => "delete",
    };
    let mut event = Event::new(format!("{}.{verb}", info.table)).on(info.table, entry);
    for (index, field) in differing(info, before, after) {
        let json = |row: Option<&Row>| row.map_or(Json::Null, |row| field_json(field, index, row));
        event = event.changed(field.name, json(before), json(after));
    }
    event.before = event.before.filter(|_| before.is_some());
    event.after = event.after.filter(|_| after.is_some());
    event
}

pub fn differing<'a>(
    info: &'static ContentInfo,
    before: Option<&'a Row>,
    after: Option<&'a Row>,
) -> impl Iterator<Item = (usize, &'static FieldInfo)> + 'a {
    let is_same = move |index: usize, field: &FieldInfo| match (before, after, field.shape) {
        (None, None, _) => true,
        (Some(before), Some(after), Shape::Children(child)) => {
            let (before, after) = (before.children(index), after.children(index));
            before.len() == after.len() && before.iter().zip(after).all(|(a, b)| a.id == b.id && a.same(b, child))
        }
        (Some(before), Some(after), _) => before.values[index] == after.values[index],
        (Some(only), None, Shape::Children(_)) | (None, Some(only), Shape::Children(_)) => {
            only.children(index).is_empty()
        }
        (Some(only), None, _) | (None, Some(only), _) => is_empty(&only.values[index]),
    };
    info.fields.iter().enumerate().filter(move |(index, field)| !is_same(*index, field))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

fn field_json(field: &FieldInfo, index: usize, row: &Row) -> Json {
    match field.shape {
        Shape::Children(child) => {
            let one = |row: &Row| {
                let fields = child.fields.iter().enumerate();
                let mut json: Map<_, _> =
                    fields.map(|(index, field)| (field.name.to_owned(), field_json(field, index, row))).collect();
                json.insert("id".into(), id::encode(child.table, row.id).into());
                Json::Object(json)
            };
            row.children(index).iter().map(one).collect()
        }
        shape => value_json(&shape, &row.values[index]),
    }
}
