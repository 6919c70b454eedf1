//! Reads whole stored entries with their relations and children, one statement per table.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef};
use uuid::Uuid;

use crate::record::System;
use crate::value::Value;
use crate::write::failure::Result;
use crate::write::input::any;
use crate::write::row::{Old, Row};
use crate::write::table::{self, Column};
use crate::{Connection, Scope};
use base::error::Error;
use model::content::{ContentInfo, RelationInfo, Shape};

/// The existing entries with these ids. Locked rows can still be pointed at, but others cannot change them until the transaction ends.
/// Rows are locked in the order of their ids to avoid deadlocks.
pub async fn load(
    connection: &mut Connection,
    scope: Scope<'_>,
    info: &'static ContentInfo,
    ids: &[Uuid],
    lock: bool,
) -> Result<HashMap<Uuid, Old>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let columns = table::columns(info);
    let mut sql = scope.sql();
    sql.push("select t.id");
    scope.push_system(info, &mut sql);
    sql.push(&select(info, &columns)).push(" from ");
    scope.push_rows(info.table, &mut sql);
    sql.push(" t where t.id = any(").ids().push(") order by t.id").push(if lock { " for no key update" } else { "" });
    let rows = sql.bind(ids)?.fetch_within(connection).await?;
    let mut entries = HashMap::with_capacity(rows.len());
    for stored in &rows {
        let row = read_row(info, &columns, stored, 1 + System::COLUMNS)?;
        entries.insert(row.id, Old { row, system: System::read(stored, 1)? });
    }
    let found: Vec<Uuid> = entries.keys().copied().collect();
    for (field, to) in table::joins(info) {
        for (owner, target) in joined(connection, scope, &to, &found).await? {
            if let Some(Old { row, .. }) = entries.get_mut(&owner) {
                push(&mut row.values[field], target);
            }
        }
    }
    for (field, child) in table::children(info) {
        for (parent, row) in load_children(connection, scope, child, &found).await? {
            if let Some(Old { row: owner, .. }) = entries.get_mut(&parent) {
                owner.children.entry(field).or_default().push(row);
            }
        }
    }
    Ok(entries)
}

/// The children of these entries with their parents, in order.
async fn load_children(
    connection: &mut Connection,
    scope: Scope<'_>,
    info: &'static ContentInfo,
    parents: &[Uuid],
) -> Result<Vec<(Uuid, Row)>> {
    let columns = table::columns(info);
    let mut sql = scope.sql();
    sql.push("select t.id, t.parent_id").push(&select(info, &columns)).push(" from ");
    scope.push_rows(info.table, &mut sql);
    sql.push(" t where t.parent_id = any(").ids().push(") order by t.parent_id, t.position");
    let stored = sql.bind(parents)?.fetch_within(connection).await?;
    let mut rows = Vec::with_capacity(stored.len());
    let mut places = HashMap::with_capacity(stored.len());
    for stored in &stored {
        let row = read_row(info, &columns, stored, 2)?;
        places.insert(row.id, rows.len());
        rows.push((stored.try_get(1)?, row));
    }
    let ids: Vec<Uuid> = rows.iter().map(|(_, row): &(Uuid, Row)| row.id).collect();
    for (field, to) in table::joins(info) {
        for (owner, target) in joined(connection, scope, &to, &ids).await? {
            if let Some(place) = places.get(&owner) {
                push(&mut rows[*place].1.values[field], target);
            }
        }
    }
    Ok(rows)
}

async fn joined(
    connection: &mut Connection,
    scope: Scope<'_>,
    to: &RelationInfo,
    owners: &[Uuid],
) -> Result<Vec<(Uuid, Value)>> {
    let list: String = to.columns.iter().map(|column| format!(r#", "{column}""#)).collect();
    let mut sql = scope.sql();
    sql.push("select owner_id").push(&list).push(" from ");
    scope.push_join(to.join, "j", &mut sql);
    sql.push(" where owner_id = any(").ids().push(") order by owner_id, position");
    let stored = sql.bind(owners)?.fetch_within(connection).await?;
    let mut targets = Vec::with_capacity(stored.len());
    for row in &stored {
        for (part, target) in to.to.iter().enumerate() {
            if let Some(id) = row.try_get::<Option<Uuid>, _>(part + 1)? {
                targets.push((row.try_get(0)?, if to.to.len() == 1 { Value::Uuid(id) } else { any(target, id) }));
            }
        }
    }
    Ok(targets)
}

fn push(list: &mut Value, item: Value) {
    if let Value::List(items) = list {
        items.push(item);
    }
}

fn select(info: &ContentInfo, columns: &[Column]) -> String {
    let expression = |column: &Column| {
        let name = format!(r#"t."{}""#, column.name);
        match info.fields[column.field].shape {
            Shape::Scalar(kind) if column.part == 0 => kind.select(&name),
            _ => name,
        }
    };
    columns.iter().map(|column| format!(", {}", expression(column))).collect()
}

fn read_row(info: &'static ContentInfo, columns: &[Column], stored: &PgRow, first: usize) -> Result<Row> {
    let mut row = Row::new(info, stored.try_get(0)?, Vec::new());
    let mut place = 0;
    while let Some(column) = columns.get(place) {
        let width = columns[place..].iter().take_while(|next| next.field == column.field).count();
        row.values[column.field] = read_field(&info.fields[column.field].shape, stored, first + place, width)?;
        place += width;
    }
    Ok(row)
}

fn read_field(shape: &Shape, stored: &PgRow, first: usize, width: usize) -> Result<Value> {
    match shape {
        Shape::Scalar(kind) => {
            let raw = (first..first + width).map(|index| stored.try_get_raw(index)).collect::<Result<Vec<_>, _>>()?;
            let mut bytes = Vec::with_capacity(width);
            for value in &raw {
                bytes.push(if value.is_null() { None } else { Some(value.as_bytes().map_err(Error::internal)?) });
            }
            kind.read(&bytes).map_err(|error| Error::internal(error).into())
        }
        Shape::Enum(_) => Ok(stored.try_get::<Option<String>, _>(first)?.map_or(Value::Null, Value::Text)),
        Shape::Enums(_) => {
            // Null in a kept row that is older than the field.
            let values = stored.try_get::<Option<Vec<String>>, _>(first)?.unwrap_or_default();
            Ok(Value::List(values.into_iter().map(Value::Text).collect()))
        }
        Shape::One(to) => {
            for (part, target) in to.to.iter().enumerate() {
                if let Some(id) = stored.try_get::<Option<Uuid>, _>(first + part)? {
                    return Ok(if to.to.len() == 1 { Value::Uuid(id) } else { any(target, id) });
                }
            }
            Ok(Value::Null)
        }
        Shape::Component(_) => json(stored, first),
        Shape::Components(_) | Shape::Blocks(_) => match json(stored, first)? {
            Value::Json(serde_json::Value::Array(items)) => {
                Ok(Value::List(items.into_iter().map(Value::Json).collect()))
            }
            _ => Ok(Value::List(Vec::new())),
        },
        Shape::Many(_) | Shape::Children(_) => Ok(Value::Null),
    }
}

/// Binary `jsonb` is a version byte followed by text.
fn json(stored: &PgRow, index: usize) -> Result<Value> {
    let raw = stored.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let bytes = raw.as_bytes().map_err(Error::internal)?;
    let json = serde_json::from_slice(bytes.get(1..).unwrap_or_default()).map_err(Error::internal)?;
    Ok(Value::Json(json))
}
