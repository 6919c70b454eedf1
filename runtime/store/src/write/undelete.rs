//! Takes entries out of the bin: with what was deleted with them, and with the references that others lost.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::record::to_stored;
use crate::value::Value;
use crate::write::batch::{self, Change, Saved};
use crate::write::bin::{self, Binned, Pointed};
use crate::write::failure::Result;
use crate::write::fit::{Fit, each_target, fit};
use crate::write::given;
use crate::write::guard::Guard;
use crate::write::history::Kept;
use crate::write::input::any;
use crate::write::inside::{self, Place};
use crate::write::load::load;
use crate::write::put_back;
use crate::write::remove::{self, not_found, refused};
use crate::write::row::{Item, Row};
use crate::write::table;
use crate::{Connection, Stage, Store};
use base::error::Step;
use model::content::{ContentInfo, FieldInfo, RelationInfo, Shape};

/// Takes an entry out of the bin, with those that were deleted with it and with the references that it lost. It is a draft again.
/// `input` replaces what it names.
pub async fn undelete(
    cx: &mut Cx<'_>,
    info: &'static ContentInfo,
    id: Uuid,
    input: &Map<String, Json>,
    again: bool,
) -> Result<Saved> {
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
    let near = near(&binned, &mut rows);
    // Whatever of these is not in the bin then is back, or gone for ever.
    let in_bin = bin::hold(cx.connection, &near).await?;
    let fit = fit(cx.connection, &mut rows.iter_mut().map(|(info, row)| (*info, row)).collect::<Vec<_>>()).await?;
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
    let items = given::lay_over(cx.connection, store, items, input, again).await?;
    let mut events = batch::save_whole(cx, items).await?;
    bin::take_out(cx.connection, &binned, &restored).await?;
    bin::remember(cx.connection, left_open(&binned, &restored, &in_bin, fit)).await?;
    let drafts = put_back::put_back(cx.connection, store.schema, &binned, &restored).await?;
    events.extend(point_again(cx, &binned, &restored, &drafts).await?);
    Ok(Saved { entries: vec![(id, Change::Created)], events })
}

/// Gives the entries the references that they lost while they were in the bin, and returns all that they refer to, or that referred to them.
fn near(binned: &[Binned], rows: &mut [(&'static ContentInfo, Row)]) -> Vec<Uuid> {
    let mut near: HashSet<Uuid> =
        binned.iter().flat_map(|entry| entry.pointers.iter().map(|pointed| pointed.entry)).collect();
    for (info, row) in rows.iter_mut() {
        let id = row.id;
        for pointed in binned.iter().filter(|entry| entry.id == id).flat_map(|entry| &entry.own) {
            if let Some((table, target)) = &pointed.to {
                point(info, row, table, *target, pointed);
            }
        }
        each_target(info, row, &mut |(_, id)| _ = near.insert(id));
    }
    for entry in binned {
        near.remove(&entry.id);
    }
    near.into_iter().collect()
}

/// References between what comes back and what is still in the bin: they are made when that comes back as well.
fn left_open(binned: &[Binned], restored: &HashSet<Uuid>, in_bin: &HashSet<Uuid>, fit: Fit) -> Vec<(Uuid, Pointed)> {
    let of_others = fit.dropped.into_iter().map(|dropped| (dropped.target.1, dropped.pointed));
    let to_these = binned.iter().filter(|entry| restored.contains(&entry.id)).flat_map(|entry| {
        let to = (entry.info.table.to_owned(), entry.id);
        let of_draft = entry.pointers.iter().filter(|pointed| !pointed.is_live);
        of_draft.map(move |pointed| (pointed.entry, Pointed { to: Some(to.clone()), ..pointed.clone() }))
    });
    of_others.chain(to_these).filter(|(entry, _)| in_bin.contains(entry)).collect()
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
            let info = info.owner.unwrap_or(info);
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
                point(info, &mut item.new, entry.info.table, entry.id, pointed);
            }
        }
        events.extend(batch::save_whole(cx, items.into_values().filter(Item::is_changed).collect()).await?);
    }
    Ok(events)
}

/// The row refers to the entry of a table, as it once did.
fn point(info: &'static ContentInfo, row: &mut Row, table: &str, id: Uuid, pointed: &Pointed) {
    if row.id != pointed.row {
        for (index, child) in table::children(info) {
            for row in row.children.entry(index).or_default().iter_mut().filter(|row| row.id == pointed.row) {
                point(child, row, table, id, pointed);
            }
        }
        return;
    }
    let Some((index, field)) = info.fields.iter().enumerate().find(|(_, field)| field.snake == pointed.field) else {
        return;
    };
    if let Some((pointer, tag)) = &pointed.inside {
        let found = &mut |relation: &'static FieldInfo, json: &mut Json, place: &Place| {
            if place.pointer == *pointer && place.tag == tag {
                point_inside(relation, json, table, id, pointed);
            }
        };
        return inside::each(field, &mut row.values[index], found);
    }
    let value = |to: &RelationInfo| {
        let target = to.to.iter().find(|info| info.is_called(table))?;
        Some(if to.to.len() == 1 { Value::Uuid(id) } else { any(target, id) })
    };
    match (field.shape, &mut row.values[index]) {
        (Shape::One(to), place @ Value::Null) => *place = value(&to).unwrap_or(Value::Null),
        (Shape::Many(to), Value::List(items)) => {
            let Some(value) = value(&to) else { return };
            if !items.contains(&value) && items.len() < most(field) {
                items.insert(place(items, pointed), value);
            }
        }
        _ => {}
    }
}

fn point_inside(relation: &FieldInfo, json: &mut Json, table: &str, id: Uuid, pointed: &Pointed) {
    let is_target = |to: &RelationInfo| to.to.iter().any(|info| info.is_called(table));
    match relation.shape {
        Shape::One(to) if json.is_null() && is_target(&to) => *json = Json::from(id.to_string()),
        Shape::Many(to) if is_target(&to) => {
            let items = json.as_array().map(Vec::as_slice).unwrap_or_default();
            let uuid = |item: &Json| item.as_str().and_then(|id| id.parse().ok()).map_or(Value::Null, Value::Uuid);
            let mut values: Vec<Value> = items.iter().map(uuid).collect();
            if !values.contains(&Value::Uuid(id)) && values.len() < most(relation) {
                values.insert(place(&values, pointed), Value::Uuid(id));
                *json = to_stored(&relation.shape, &Value::List(values));
            }
        }
        _ => {}
    }
}

fn most(field: &FieldInfo) -> usize {
    field.rules.max.and_then(|max| max.parse().ok()).unwrap_or(usize::MAX)
}

/// Where a list has room for an item: behind the nearest of those that it followed, or at its former position.
fn place(items: &[Value], pointed: &Pointed) -> usize {
    let is = |item: &Value, id: &Uuid| match item {
        Value::Uuid(item) => item == id,
        Value::List(parts) => parts.contains(&Value::Uuid(*id)),
        _ => false,
    };
    let before = pointed.follows.iter().rev().find_map(|id| items.iter().position(|item| is(item, id)));
    match (before, pointed.follows.is_empty()) {
        (Some(before), _) => before + 1,
        (None, false) => 0,
        (None, true) => pointed.position.unwrap_or(items.len()).min(items.len()),
    }
}
