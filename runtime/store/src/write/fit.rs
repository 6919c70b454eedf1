//! Fits rows of the history into the content and the schema of today: references to entries that are gone, and values that an enum has
//! lost, are left out. So are references inside components and blocks.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Connection;
use crate::value::Value;
use crate::write::bin::Pointed;
use crate::write::failure::Result;
use crate::write::inside::{self, Place};
use crate::write::row::{Row, empty};
use crate::write::table;
use model::content::{ContentInfo, FieldInfo, RelationInfo, Shape};

/// How many of the items before a reference are noted, to find its place again.
const MOST_FOLLOWED: usize = 50;

/// What had no place.
#[derive(Debug, Default)]
pub struct Fit {
    /// As paths in API names, with the value.
    pub lost: Vec<String>,
    pub dropped: Vec<Dropped>,
}

/// A reference that was left out.
#[derive(Debug)]
pub struct Dropped {
    pub target: Target,
    pub pointed: Pointed,
}

pub type Target = (&'static ContentInfo, Uuid);

/// Targets, by table and id.
type There = HashSet<(&'static str, Uuid)>;

/// Each row is of an entry. They may refer to each other. What they refer to is locked until the transaction ends: lock it before the
/// entries, as a deletion does.
pub async fn fit(connection: &mut Connection, rows: &mut [(&'static ContentInfo, &mut Row)]) -> Result<Fit> {
    // No foreign key keeps what a component refers to.
    let lock = if connection.in_transaction() { " order by id for key share" } else { "" };
    fitted(connection, rows, lock).await
}

/// For rows that are only compared.
pub async fn fit_to_compare(connection: &mut Connection, rows: &mut [(&'static ContentInfo, &mut Row)]) -> Result<Fit> {
    fitted(connection, rows, "").await
}

async fn fitted(connection: &mut Connection, rows: &mut [(&'static ContentInfo, &mut Row)], lock: &str) -> Result<Fit> {
    let mut wanted: BTreeMap<&'static str, HashSet<Uuid>> = BTreeMap::new();
    for (info, row) in rows.iter_mut() {
        each_target(info, row, &mut |(target, id)| _ = wanted.entry(target.table).or_default().insert(id));
    }
    let mut there: There = rows.iter().map(|(info, row)| (info.table, row.id)).collect();
    for (table, ids) in wanted {
        let sql = format!(r#"select id from draft."{table}" where id = any($1){lock}"#);
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let found: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
        there.extend(found.into_iter().map(|id| (table, id)));
    }
    let mut fit = Fit::default();
    for (info, row) in rows {
        let entry = row.id;
        fit.drop_gone(info, row, entry, &there);
    }
    Ok(fit)
}

pub fn each_target(info: &'static ContentInfo, row: &mut Row, found: &mut dyn FnMut(Target)) {
    for (index, field) in info.fields.iter().enumerate() {
        match field.shape {
            Shape::One(to) => {
                if let Some(target) = target(&to, &row.values[index]) {
                    found(target);
                }
            }
            Shape::Many(to) => {
                if let Value::List(items) = &row.values[index] {
                    items.iter().filter_map(|item| target(&to, item)).for_each(&mut *found);
                }
            }
            Shape::Children(child) => {
                for row in row.children.entry(index).or_default() {
                    each_target(child, row, found);
                }
            }
            _ => inside::each(field, &mut row.values[index], &mut |relation, json, _| {
                let items = json.as_array().map_or(std::slice::from_ref(&*json), Vec::as_slice);
                items.iter().filter_map(|item| stored(relation, item)).for_each(&mut *found);
            }),
        }
    }
}

/// The target of a relation inside a component, which has one type.
fn stored(relation: &FieldInfo, json: &Json) -> Option<Target> {
    match relation.shape {
        Shape::One(to) | Shape::Many(to) => Some((*to.to.first()?, json.as_str()?.parse().ok()?)),
        _ => None,
    }
}

fn target(to: &RelationInfo, value: &Value) -> Option<Target> {
    to.to.iter().enumerate().find_map(|(part, info)| match value {
        Value::Uuid(id) => Some((*info, *id)),
        value => table::target(to, value, part).map(|id| (*info, id)),
    })
}

impl Fit {
    fn drop_gone(&mut self, info: &'static ContentInfo, row: &mut Row, entry: Uuid, there: &There) {
        let gone = |to: &RelationInfo, value: &Value| {
            target(to, value).filter(|(info, id)| !there.contains(&(info.table, *id)))
        };
        let pointed = |row: Uuid, field: &FieldInfo| Pointed {
            table: info.table.to_owned(),
            row,
            entry,
            field: field.snake.to_owned(),
            ..Pointed::default()
        };
        let id = row.id;
        for (index, field) in info.fields.iter().enumerate() {
            match (field.shape, &mut row.values[index]) {
                (Shape::One(to), value) => {
                    if let Some(target) = gone(&to, value) {
                        self.drop(info, field.name, target, pointed(id, field));
                        *value = Value::Null;
                    }
                }
                (Shape::Many(to), Value::List(items)) => {
                    let mut before: Vec<Uuid> = Vec::new();
                    for (position, item) in std::mem::take(items).into_iter().enumerate() {
                        let of_item = target(&to, &item);
                        match gone(&to, &item) {
                            Some(target) => {
                                let (position, follows) = (Some(position), nearest(&before));
                                let place = Pointed { position, follows, ..pointed(id, field) };
                                self.drop(info, field.name, target, place);
                            }
                            None => items.push(item),
                        }
                        before.extend(of_item.map(|(_, id)| id));
                    }
                }
                (Shape::Enum(of), value) => {
                    if let Value::Text(text) = value
                        && !of.values.iter().any(|(stored, _)| stored == text)
                    {
                        self.lost.push(format!("{}.{}: {text}", info.name, field.name));
                        *value = empty(&field.shape);
                    }
                }
                (Shape::Enums(of), Value::List(items)) => items.retain(|item| match item {
                    Value::Text(text) if !of.values.iter().any(|(stored, _)| stored == text) => {
                        self.lost.push(format!("{}.{}: {text}", info.name, field.name));
                        false
                    }
                    _ => true,
                }),
                (Shape::Children(child), _) => {
                    for row in row.children.entry(index).or_default() {
                        self.drop_gone(child, row, entry, there);
                    }
                }
                (_, value) => inside::each(field, value, &mut |relation, json, place| {
                    self.drop_inside(info, relation, json, there, place, &pointed(id, field));
                }),
            }
        }
    }

    fn drop_inside(
        &mut self,
        info: &ContentInfo,
        relation: &FieldInfo,
        json: &mut Json,
        there: &There,
        place: &Place,
        pointed: &Pointed,
    ) {
        let gone = |json: &Json| stored(relation, json).filter(|(info, id)| !there.contains(&(info.table, *id)));
        let inside = Some((place.pointer.clone(), place.tag.to_owned()));
        let Json::Array(items) = json else {
            if let Some(target) = gone(json) {
                self.drop(info, &place.path, target, Pointed { inside, ..pointed.clone() });
                *json = Json::Null;
            }
            return;
        };
        let mut before: Vec<Uuid> = Vec::new();
        for (position, item) in std::mem::take(items).into_iter().enumerate() {
            let of_item = stored(relation, &item);
            match gone(&item) {
                Some(target) => {
                    let (position, follows) = (Some(position), nearest(&before));
                    let pointed = Pointed { inside: inside.clone(), position, follows, ..pointed.clone() };
                    self.drop(info, &place.path, target, pointed);
                }
                None => items.push(item),
            }
            before.extend(of_item.map(|(_, id)| id));
        }
    }

    /// `path`: the field, or more if the reference is inside a component.
    fn drop(&mut self, info: &ContentInfo, path: &str, target: Target, pointed: Pointed) {
        self.lost.push(format!("{}.{path}: {}", info.name, crate::id::encode(target.0.table, target.1)));
        self.dropped.push(Dropped { target, pointed });
    }
}

fn nearest(before: &[Uuid]) -> Vec<Uuid> {
    before[before.len().saturating_sub(MOST_FOLLOWED)..].to_vec()
}
