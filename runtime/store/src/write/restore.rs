//! A draft becomes an earlier revision again, as far as the schema and the content of today have a place for it.

use std::collections::{BTreeMap, HashSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::value::Value;
use crate::write::batch;
use crate::write::draft::may_change;
use crate::write::failure::Result;
use crate::write::guard::Guard;
use crate::write::history::Kept;
use crate::write::load::load;
use crate::write::remove::{self, Subject, refused};
use crate::write::row::{Row, empty};
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
pub async fn fit(connection: &mut Connection, rows: &mut [(&'static ContentInfo, &mut Row)]) -> Result<Vec<String>> {
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
