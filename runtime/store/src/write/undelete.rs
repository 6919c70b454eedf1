//! Takes entries out of the bin: with what was deleted with them, and with the references that others lost.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::value::Value;
use crate::write::batch::{self, Change, Saved};
use crate::write::bin::{self, Binned, Pointed};
use crate::write::failure::Result;
use crate::write::guard::Guard;
use crate::write::history::Kept;
use crate::write::load::load;
use crate::write::put_back;
use crate::write::remove::{self, not_found, refused};
use crate::write::restore::fit;
use crate::write::row::{Item, Row};
use crate::write::table;
use crate::{Connection, Stage, Store};
use base::error::Step;
use model::content::{ContentInfo, RelationInfo, Shape};

/// Takes an entry out of the bin, with those that were deleted with it and with the references that it lost. It is a draft again.
pub async fn undelete(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<Saved> {
    let store = cx.store;
    let guard = Guard::new(store, false);
    guard.rights(info, Action::Delete).map_err(refused)?;
    guard.rights(info, Action::Create).map_err(refused)?;
    let missing = || refused(not_found(info, id).at([Step::from("id")]));
    let binned = bin::deletion(cx.connection, store.schema, info, id).await?;
    if binned.is_empty() {
        return Err(missing());
    }
    let mut rows = Vec::new();
    for entry in &binned {
        match row_of(cx.connection, store, entry).await? {
            Some(row) => rows.push((entry.info, row)),
            None if entry.id == id => return Err(missing()),
            None => {}
        }
    }
    fit(cx.connection, &mut rows.iter_mut().map(|(info, row)| (*info, row)).collect::<Vec<_>>()).await?;
    let revisions: HashMap<Uuid, i64> = binned.iter().map(|entry| (entry.id, entry.revision)).collect();
    let item = |(info, row): (&'static ContentInfo, Row)| Item {
        info,
        root: 0,
        is_root: row.id == id,
        publish: false,
        after: revisions.get(&row.id).copied().unwrap_or_default(),
        old: None,
        new: row,
        record: OnceLock::new(),
    };
    let restored: HashSet<Uuid> = rows.iter().map(|(_, row)| row.id).collect();
    let items: Vec<Item> = rows.into_iter().map(item).collect();
    let mut events = batch::save_whole(cx, items).await?;
    bin::take_out(cx.connection, &binned, &restored).await?;
    let drafts = put_back::put_back(cx.connection, store.schema, &binned, &restored).await?;
    events.extend(point_again(cx, &binned, &restored, &drafts).await?);
    Ok(Saved { entries: vec![(id, Change::Created)], events })
}

/// The last revision of an entry in the bin, if the actor may delete such an entry.
async fn row_of(connection: &mut Connection, store: &Store, entry: &Binned) -> Result<Option<Row>> {
    let Some(kept) = Kept::find(connection, entry.info, entry.id, entry.revision).await? else { return Ok(None) };
    let past = store.over(kept.overlay());
    let admitted = Guard::new(&past, false).admitted(connection, entry.info, Action::Delete, vec![entry.id]).await?;
    let mut stored = load(connection, past.at(Stage::Draft), entry.info, &[entry.id], false).await?;
    Ok(stored.remove(&entry.id).filter(|_| admitted.contains(&entry.id)).map(|old| old.row))
}

/// Entries that pointed at what comes back and were changed since do so again, by a new revision, where they have room and the actor may
/// update them. `drafts` are the revisions of their drafts: of those that were not changed, nothing is left to do.
async fn point_again(
    cx: &mut Cx<'_>,
    binned: &[Binned],
    restored: &HashSet<Uuid>,
    drafts: &HashMap<Uuid, i64>,
) -> Result<Vec<Happened>> {
    let store = cx.store;
    let is_changed = |pointed: &&Pointed| {
        let is_as_before = pointed.revision.is_some() && drafts.get(&pointed.entry).copied() == pointed.revision;
        !pointed.is_live && !is_as_before && !restored.contains(&pointed.entry)
    };
    let mut by_type: BTreeMap<&'static str, (&'static ContentInfo, Vec<(&Binned, &Pointed)>)> = BTreeMap::new();
    for entry in binned.iter().filter(|entry| restored.contains(&entry.id)) {
        for pointed in entry.pointers.iter().filter(is_changed) {
            let Some(info) = store.schema.contents().find(|info| info.is_called(&pointed.table)) else { continue };
            let Some(info) = Some(info.owner.unwrap_or(info)) else { continue };
            by_type.entry(info.table).or_insert((info, Vec::new())).1.push((entry, pointed));
        }
    }
    let mut events = Vec::new();
    for (info, pointers) in by_type.into_values() {
        let ids: Vec<Uuid> =
            pointers.iter().map(|(_, pointed)| pointed.entry).collect::<HashSet<_>>().into_iter().collect();
        let admitted = Guard::new(store, false).admitted(cx.connection, info, Action::Update, ids.clone()).await?;
        let stored = load(cx.connection, store.at(Stage::Draft), info, &ids, true).await?;
        let mut items: BTreeMap<Uuid, Item> = stored
            .into_iter()
            .filter(|(id, _)| admitted.contains(id))
            .map(|(id, old)| (id, remove::item(info, old)))
            .collect();
        for (entry, pointed) in pointers {
            if let Some(item) = items.get_mut(&pointed.entry) {
                point(info, &mut item.new, entry, pointed);
            }
        }
        events.extend(batch::save_whole(cx, items.into_values().filter(Item::is_changed).collect()).await?);
    }
    Ok(events)
}

fn point(info: &'static ContentInfo, row: &mut Row, entry: &Binned, pointed: &Pointed) {
    if row.id != pointed.row {
        for (index, child) in table::children(info) {
            for row in row.children.entry(index).or_default().iter_mut().filter(|row| row.id == pointed.row) {
                point(child, row, entry, pointed);
            }
        }
        return;
    }
    let Some((index, field)) = info.fields.iter().enumerate().find(|(_, field)| field.snake == pointed.field) else {
        return;
    };
    let value = |to: &RelationInfo| match to.to {
        [_] => Value::Uuid(entry.id),
        _ => Value::List(vec![Value::Text(entry.info.table.to_owned()), Value::Uuid(entry.id)]),
    };
    match (field.shape, &mut row.values[index]) {
        (Shape::One(to), place @ Value::Null) if is_target(&to, entry) => *place = value(&to),
        (Shape::Many(to), Value::List(items)) if is_target(&to, entry) => {
            let value = value(&to);
            let max = field.rules.max.and_then(|max| max.parse().ok()).unwrap_or(usize::MAX);
            if !items.contains(&value) && items.len() < max {
                let place = pointed.position.unwrap_or(items.len()).min(items.len());
                items.insert(place, value);
            }
        }
        _ => {}
    }
}

fn is_target(to: &RelationInfo, entry: &Binned) -> bool {
    to.to.iter().any(|info| info.table == entry.info.table)
}
