//! Brings content back: a draft becomes an earlier revision again, and a deleted entry comes out of the bin.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::value::Value;
use crate::write::batch::{self, Change, Saved};
use crate::write::bin::{self, Binned, Pointed};
use crate::write::draft::may_change;
use crate::write::failure::Result;
use crate::write::guard::Guard;
use crate::write::history::Kept;
use crate::write::load::load;
use crate::write::remove::{self, Subject, not_found, refused};
use crate::write::row::{Item, Row, empty};
use crate::write::table;
use crate::{Connection, Stage, Store};
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, FieldInfo, RelationInfo, Required, Shape};

/// What a revision becomes under the schema of today.
pub struct Fitted {
    pub row: Row,
    /// What has no place any more, as paths in API or database names.
    pub lost: Vec<String>,
}

/// The draft becomes what it was at an earlier revision. It is a new revision, and nothing is published.
pub async fn restore(cx: &mut Cx<'_>, of: Subject, from: i64) -> Result<Vec<Happened>> {
    let store = cx.store;
    let mut item = remove::subject(cx.connection, store, of, Action::Update).await?;
    let old = item.old.as_ref().map(|old| old.row.clone()).unwrap_or_else(|| item.new.clone());
    item.new = fitted(cx.connection, store, of.info, of.id, from, &old).await?.row;
    may_change(Guard::new(store, false), &item)?;
    batch::save_whole(cx, vec![item]).await
}

/// The revision as it could be restored over the row, for those who may read the history.
pub async fn fitted(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    from: i64,
    over: &Row,
) -> Result<Fitted> {
    let missing = || {
        let message =
            format!("the history of {} `{}` has no revision {from}", info.name, crate::id::encode(info.table, id));
        refused(Problem::new(Code::NotFound, message).at([Step::from("from")]))
    };
    Guard::new(store, false).rights(info, Action::ReadHistory).map_err(refused)?;
    let kept = Kept::find(connection, info, id, from).await?.ok_or_else(missing)?;
    let past = store.over(kept.overlay());
    let stored = load(connection, past.at(Stage::Draft), info, &[id], false).await?.remove(&id);
    let admitted = Guard::new(&past, false).admitted(connection, info, Action::ReadHistory, vec![id]).await?;
    let mut row = stored.filter(|_| admitted.contains(&id)).ok_or_else(missing)?.row;
    keep_newer(&kept, info, &mut row, over);
    keep_hidden(Guard::new(store, false), info, &mut row, over);
    let mut lost = kept.lost.clone();
    lost.extend(fit(connection, &mut [(info, &mut row)]).await?);
    lost.sort();
    fill_required(info, &mut row, over);
    Ok(Fitted { row, lost })
}

/// Fields whose history the actor may not read keep the values of today: it would read them in the draft.
fn keep_hidden(guard: Guard<'_>, info: &'static ContentInfo, row: &mut Row, over: &Row) {
    for (index, field) in info.fields.iter().enumerate() {
        let is_hidden = !guard.reads_history(info, field.snake);
        match field.shape {
            Shape::Children(_) if is_hidden => _ = row.children.insert(index, over.children(index).to_vec()),
            Shape::Children(child) => {
                for row in row.children.entry(index).or_default() {
                    match over.children(index).iter().find(|over| over.id == row.id) {
                        Some(over) => keep_hidden(guard, child, row, over),
                        None => keep_hidden(guard, child, row, &Row::new(child, row.id, Vec::new())),
                    }
                }
            }
            _ if is_hidden => row.values[index] = over.values[index].clone(),
            _ => {}
        }
    }
}

/// Fields that are younger than the revision keep the values of today.
fn keep_newer(kept: &Kept, info: &'static ContentInfo, row: &mut Row, over: &Row) {
    for (index, field) in info.fields.iter().enumerate() {
        match field.shape {
            Shape::Many(to) if !kept.knows(to.join, None) => row.values[index] = over.values[index].clone(),
            Shape::Children(child) if !kept.knows(child.table, None) => {
                row.children.insert(index, over.children(index).to_vec());
            }
            Shape::Children(child) => {
                let rows = row.children.entry(index).or_default();
                for row in rows {
                    if let Some(over) = over.children(index).iter().find(|over| over.id == row.id) {
                        keep_newer(kept, child, row, over);
                    }
                }
            }
            Shape::Many(_) => {}
            _ => {
                let columns = table::field_columns(index, field);
                if !columns.iter().any(|column| kept.knows(info.table, Some(&column.name))) {
                    row.values[index] = over.values[index].clone();
                }
            }
        }
    }
}

/// What must have a value, and lost it, keeps the value of today.
fn fill_required(info: &'static ContentInfo, row: &mut Row, over: &Row) {
    for (index, field) in info.fields.iter().enumerate() {
        if field.required == Required::Save && row.values[index] == empty(&field.shape) {
            row.values[index] = over.values[index].clone();
        }
    }
}

/// Removes values that have no place any more: references to entries that are gone, values that an enum has lost.
async fn fit(connection: &mut Connection, rows: &mut [(&'static ContentInfo, &mut Row)]) -> Result<Vec<String>> {
    let mut wanted: BTreeMap<&'static str, HashSet<Uuid>> = BTreeMap::new();
    for (info, row) in rows.iter() {
        each_target(info, row, &mut |target, id| _ = wanted.entry(target.table).or_default().insert(id));
    }
    let mut there: HashSet<(&'static str, Uuid)> = rows.iter().map(|(info, row)| (info.table, row.id)).collect();
    for (table, ids) in wanted {
        let sql = format!(r#"select id from draft."{table}" where id = any($1)"#);
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let found: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
        there.extend(found.into_iter().map(|id| (table, id)));
    }
    let mut lost = Vec::new();
    for (info, row) in rows {
        drop_gone(info, row, &there, &mut lost);
    }
    Ok(lost)
}

fn each_target(info: &'static ContentInfo, row: &Row, found: &mut impl FnMut(&'static ContentInfo, Uuid)) {
    for (index, field) in info.fields.iter().enumerate() {
        match field.shape {
            Shape::One(to) => _ = target(&to, &row.values[index]).map(|(info, id)| found(info, id)),
            Shape::Many(to) => {
                if let Value::List(items) = &row.values[index] {
                    items.iter().filter_map(|item| target(&to, item)).for_each(|(info, id)| found(info, id));
                }
            }
            Shape::Children(child) => row.children(index).iter().for_each(|row| each_target(child, row, found)),
            _ => {}
        }
    }
}

fn target(to: &RelationInfo, value: &Value) -> Option<(&'static ContentInfo, Uuid)> {
    to.to.iter().enumerate().find_map(|(part, info)| match value {
        Value::Uuid(id) => Some((*info, *id)),
        value => table::target(to, value, part).map(|id| (*info, id)),
    })
}

fn drop_gone(info: &'static ContentInfo, row: &mut Row, there: &HashSet<(&'static str, Uuid)>, lost: &mut Vec<String>) {
    let gone =
        |to: &RelationInfo, value: &Value| target(to, value).filter(|(info, id)| !there.contains(&(info.table, *id)));
    let named = |field: &FieldInfo, what: String| format!("{}.{}: {what}", info.name, field.name);
    for (index, field) in info.fields.iter().enumerate() {
        match field.shape {
            Shape::One(to) => {
                if let Some((info, id)) = gone(&to, &row.values[index]) {
                    lost.push(named(field, crate::id::encode(info.table, id)));
                    row.values[index] = Value::Null;
                }
            }
            Shape::Many(to) => {
                if let Value::List(items) = &mut row.values[index] {
                    items.retain(|item| match gone(&to, item) {
                        Some((info, id)) => {
                            lost.push(named(field, crate::id::encode(info.table, id)));
                            false
                        }
                        None => true,
                    });
                }
            }
            Shape::Enum(info) => {
                if let Value::Text(value) = &row.values[index]
                    && !info.values.iter().any(|(stored, _)| stored == value)
                {
                    lost.push(named(field, value.clone()));
                    row.values[index] = empty(&field.shape);
                }
            }
            Shape::Enums(info) => {
                if let Value::List(items) = &mut row.values[index] {
                    items.retain(|item| match item {
                        Value::Text(value) if !info.values.iter().any(|(stored, _)| stored == value) => {
                            lost.push(named(field, value.clone()));
                            false
                        }
                        _ => true,
                    });
                }
            }
            Shape::Children(child) => {
                for row in row.children.entry(index).or_default() {
                    drop_gone(child, row, there, lost);
                }
            }
            _ => {}
        }
    }
}

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
    events.extend(point_again(cx, &binned, &restored).await?);
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

/// Entries that pointed at what comes back do so again, where they have room and the actor may update them.
async fn point_again(cx: &mut Cx<'_>, binned: &[Binned], restored: &HashSet<Uuid>) -> Result<Vec<Happened>> {
    let store = cx.store;
    let mut by_type: BTreeMap<&'static str, (&'static ContentInfo, Vec<(&Binned, &Pointed)>)> = BTreeMap::new();
    for entry in binned.iter().filter(|entry| restored.contains(&entry.id)) {
        for pointed in entry.pointers.iter().filter(|pointed| !restored.contains(&pointed.entry)) {
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
