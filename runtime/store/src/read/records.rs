//! Reads whole entries as rows of values for the site's own code, as input for [`crate::record::from_entry`].

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::link::Link;
use super::load::{array_items, raw, uuid};
use super::source::Source;
use crate::record::{Entry, System};
use crate::sql::quoted;
use crate::value::Value;
use base::error::{Error, Result};
use model::content::{ContentInfo, FieldInfo, RelationInfo, Shape};

/// Which lists (children and to-many relations) are read, with one statement each; others are null. Children include their lists.
#[derive(Clone, Copy, Debug)]
pub enum Lists<'a> {
    All,
    /// By `snake`.
    Only(&'a [&'static str]),
}

impl Lists<'_> {
    fn has(self, field: &FieldInfo) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(&field.snake),
        }
    }
}

/// The entries with these ids, in order. Entries that are not in the stage are left out.
pub async fn entries(
    source: &mut Source<'_, '_>,
    info: &'static ContentInfo,
    ids: &[Uuid],
    lists: Lists<'_>,
) -> Result<Vec<Entry>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let scope = source.scope;
    let mut sql = scope.sql();
    sql.push("SELECT t.id");
    scope.push_system(info, &mut sql);
    sql.push(&select(info)).push(" FROM ");
    scope.push(info, "t", &mut sql)?;
    sql.push(" WHERE t.id = ANY(").ids().push(")");
    let rows = source.rows(sql, ids).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let (id, system) = (uuid(row, 0).unwrap_or_default(), Some(System::read(row, 1)?));
        found.push(Entry { id, system, row: values(info, row, 1 + System::COLUMNS)? });
    }
    lists_of(source, info, &mut found, lists).await?;
    let by_id: HashMap<_, _> = found.into_iter().map(|entry| (entry.id, entry)).collect();
    Ok(ids.iter().filter_map(|id| by_id.get(id).cloned()).collect())
}

/// Clears all other lists, so that a computed field's value does not depend on which others are requested with it.
pub fn only(info: &ContentInfo, lists: &[&'static str], entry: &Entry) -> Entry {
    let is_left_out =
        |field: &FieldInfo| matches!(field.shape, Shape::Many(_) | Shape::Children(_)) && !lists.contains(&field.snake);
    let value = |(field, value): (&FieldInfo, &Value)| if is_left_out(field) { Value::Null } else { value.clone() };
    Entry { row: info.fields.iter().zip(&entry.row).map(value).collect(), ..*entry }
}

/// Fills in the lists of these entries.
fn lists_of<'a, 's: 'a, 'c: 'a>(
    source: &'a mut Source<'s, 'c>,
    info: &'static ContentInfo,
    found: &'a mut [Entry],
    lists: Lists<'a>,
) -> BoxFuture<'a, Result<()>> {
    async move {
        let owners: Vec<_> = found.iter().map(|entry| entry.id).collect();
        let places: HashMap<_, _> = owners.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        for (index, field) in info.fields.iter().enumerate() {
            let items = match field.shape {
                Shape::Many(relation) if lists.has(field) => targets(source, &relation, &owners).await?,
                Shape::Children(of) if lists.has(field) => children(source, of, &owners).await?,
                _ => continue,
            };
            found.iter_mut().for_each(|entry| entry.row[index] = Value::List(Vec::new()));
            for (owner, item) in items {
                if let Some(Value::List(list)) = places.get(&owner).map(|place| &mut found[*place].row[index]) {
                    list.push(item);
                }
            }
        }
        Ok(())
    }
    .boxed()
}

/// The `(owner, target)` pairs of a to-many relation, in order.
async fn targets(source: &mut Source<'_, '_>, to: &RelationInfo, owners: &[Uuid]) -> Result<Vec<(Uuid, Value)>> {
    let scope = source.scope;
    let mut sql = scope.sql();
    sql.push("SELECT j.owner_id");
    for column in to.columns {
        sql.push(&format!(", j.{}", quoted(column)));
    }
    sql.push(" FROM ");
    scope.push_join(to.join, "j", &mut sql);
    sql.push(" WHERE j.owner_id = ANY(").ids().push(") ORDER BY j.owner_id, j.position");
    let rows = source.rows(sql, owners).await?;
    Ok(rows.iter().filter_map(|row| Some((uuid(row, 0)?, target(to, row, 1)?))).collect())
}

async fn children(
    source: &mut Source<'_, '_>,
    info: &'static ContentInfo,
    owners: &[Uuid],
) -> Result<Vec<(Uuid, Value)>> {
    let mut sql = source.scope.sql();
    sql.push(&format!("SELECT t.id{}, p.id FROM unnest(", select(info)))
        .ids()
        .push(") p(id) CROSS JOIN LATERAL (SELECT t.*");
    Link::to_children().from(source.scope.with_all_rows(), info, "p", "t", &mut sql)?;
    sql.push(") t ORDER BY t.parent_id, t.position");
    let rows = source.rows(sql, owners).await?;
    let mut found = Vec::with_capacity(rows.len());
    let mut parents = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push(Entry { id: uuid(row, 0).unwrap_or_default(), system: None, row: values(info, row, 1)? });
        parents.push(uuid(row, row_width(row) - 1).unwrap_or_default());
    }
    lists_of(source, info, &mut found, Lists::All).await?;
    let child = |entry: Entry| Value::List(std::iter::once(Value::Uuid(entry.id)).chain(entry.row).collect());
    Ok(parents.into_iter().zip(found.into_iter().map(child)).collect())
}

fn row_width(row: &PgRow) -> usize {
    sqlx::Row::len(row)
}

/// `, column` for each column of each field, in order.
fn select(info: &ContentInfo) -> String {
    let columns = info.fields.iter().flat_map(columns);
    columns.map(|column| format!(", {column}")).collect()
}

fn columns(field: &'static FieldInfo) -> Vec<String> {
    let column = |name: &str| format!("t.{}", quoted(name));
    match field.shape {
        Shape::Scalar(kind) => {
            let names = kind.columns().iter().map(|part| column(&format!("{}{}", field.snake, part.suffix)));
            let select = |(index, name): (usize, String)| if index == 0 { kind.select(&name) } else { name };
            names.enumerate().map(select).collect()
        }
        Shape::One(to) => to.columns.iter().map(|name| column(name)).collect(),
        Shape::Many(_) | Shape::Children(_) => Vec::new(),
        _ => vec![column(field.snake)],
    }
}

/// Reads a row whose columns from `first` on were selected with [`select`].
fn values(info: &'static ContentInfo, row: &PgRow, first: usize) -> Result<Vec<Value>> {
    let mut next = first;
    let mut values = Vec::with_capacity(info.fields.len());
    for field in info.fields {
        values.push(value(field, row, next)?);
        next += columns(field).len();
    }
    Ok(values)
}

fn value(field: &FieldInfo, row: &PgRow, first: usize) -> Result<Value> {
    let text = |bytes: &[u8]| Value::Text(String::from_utf8_lossy(bytes).into_owned());
    // jsonb starts with a version byte.
    let json = || raw(row, first).map(|bytes| serde_json::from_slice::<Json>(bytes.get(1..).unwrap_or_default()));
    let stored = || json().transpose().map_err(Error::internal);
    Ok(match field.shape {
        Shape::Scalar(kind) => {
            let columns: Vec<_> = (first..first + kind.columns().len()).map(|column| raw(row, column)).collect();
            kind.read(&columns).map_err(Error::internal)?
        }
        Shape::Enum(_) => raw(row, first).map_or(Value::Null, text),
        Shape::Enums(_) => {
            Value::List(raw(row, first).map(array_items).unwrap_or_default().into_iter().map(text).collect())
        }
        Shape::One(to) => target(&to, row, first).unwrap_or(Value::Null),
        Shape::Component(_) => stored()?.map_or(Value::Null, Value::Json),
        Shape::Components(_) | Shape::Blocks(_) => match stored()? {
            Some(Json::Array(items)) => Value::List(items.into_iter().map(Value::Json).collect()),
            _ => Value::List(Vec::new()),
        },
        Shape::Many(_) | Shape::Children(_) => Value::Null,
    })
}

/// The first target whose column is set, paired with its table if there are several targets.
fn target(to: &RelationInfo, row: &PgRow, first: usize) -> Option<Value> {
    to.to.iter().enumerate().find_map(|(index, target)| {
        let id = Value::Uuid(uuid(row, first + index)?);
        Some(match to.to {
            [_] => id,
            _ => Value::List(vec![Value::Text(target.table.to_owned()), id]),
        })
    })
}
