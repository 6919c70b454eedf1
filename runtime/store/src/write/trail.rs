//! What the audit log says of a write: an entry a line, all of them with one statement, in the write's own transaction.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::access::Identity;
use crate::audit::{self, Event};
use crate::hooks::EventKind;
use crate::id;
use crate::input::value_json;
use crate::write::batch::Happened;
use crate::write::failure::Result;
use crate::write::row::{Item, Row};
use crate::{Connection, Store};
use model::content::{ContentInfo, FieldInfo, Shape};

/// Tells of a batch that was saved. An import of the operator's is told in one line: what it brings is in its own file.
pub async fn saved(
    connection: &mut Connection,
    store: &Store,
    root: &'static ContentInfo,
    import: bool,
    items: &[Item],
    events: &[Happened],
) -> Result<()> {
    if import && store.access.actor.identity == Identity::System {
        return imported(connection, store, root, events).await;
    }
    let changed = items.iter().filter(|item| item.is_changed()).map(|item| {
        let kind = if item.old.is_none() { EventKind::Created } else { EventKind::Updated };
        let old = item.old.as_ref().map(|old| &old.row);
        line(item.info, kind, item.new.id, old, Some(&item.new))
    });
    // A type without drafts is published whenever it is saved.
    let published = events.iter().filter(|event| event.kind == EventKind::Published && event.info.drafts);
    let published = published.map(|event| line(event.info, event.kind, event.id, None, None));
    tell(connection, store, changed.chain(published).collect()).await
}

/// Tells of entries whose content stays as it is.
pub async fn happened(connection: &mut Connection, store: &Store, events: &[Happened]) -> Result<()> {
    tell(connection, store, events.iter().map(|event| line(event.info, event.kind, event.id, None, None)).collect())
        .await
}

pub async fn deleted(connection: &mut Connection, store: &Store, items: &[Item]) -> Result<()> {
    let gone = items.iter().map(|item| line(item.info, EventKind::Deleted, item.new.id, Some(&item.new), None));
    tell(connection, store, gone.collect()).await
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

/// With the fields that differ, of a row that is new or gone those that are not empty.
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
    for (index, field) in info.fields.iter().enumerate() {
        let json = |row: Option<&Row>| row.map_or(Json::Null, |row| field_json(field, index, row));
        let is_same = match (before, after, field.shape) {
            (None, None, _) => true,
            (Some(before), Some(after), Shape::Children(child)) => {
                let (before, after) = (before.children(index), after.children(index));
                before.len() == after.len() && before.iter().zip(after).all(|(a, b)| a.id == b.id && a.same(b, child))
            }
            (Some(before), Some(after), _) => before.values[index] == after.values[index],
            (row, other, _) => is_empty(&json(row.or(other))),
        };
        if !is_same {
            event = event.changed(field.name, json(before), json(after));
        }
    }
    event.before = event.before.filter(|_| before.is_some());
    event.after = event.after.filter(|_| after.is_some());
    event
}

fn is_empty(json: &Json) -> bool {
    json.is_null() || json.as_array().is_some_and(Vec::is_empty)
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
