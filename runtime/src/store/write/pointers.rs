//! Which relations of the whole schema can point at a type, and which entries do.

use std::collections::HashMap;

use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::content::{ContentInfo, FieldInfo, OnDelete, RelationInfo, SchemaInfo, Shape};
use crate::id;
use crate::store::Stage;
use crate::store::write::failure::Result;
use crate::store::write::table;

/// As many entries as an error lists.
const SHOWN: usize = 20;

/// A relation that can point at the type in question, with the column that does.
pub struct Pointer {
    /// The type or children that hold it.
    source: &'static ContentInfo,
    field: &'static FieldInfo,
    pub to: RelationInfo,
    many: bool,
    column: String,
}

/// An entry that points at something that is to go.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    /// GraphQL name of the relation.
    pub field: &'static str,
}

pub fn pointers(schema: &'static SchemaInfo, target: &'static ContentInfo) -> Vec<Pointer> {
    let children = schema.types.iter().flat_map(|info| table::children(info).map(|(_, child)| child));
    schema.types.iter().copied().chain(children).flat_map(|source| of_source(source, target)).collect()
}

fn of_source(source: &'static ContentInfo, target: &ContentInfo) -> Vec<Pointer> {
    let mut pointers = Vec::new();
    for (index, field) in source.fields.iter().enumerate() {
        let (to, many) = match field.shape {
            Shape::One(to) => (to, false),
            Shape::Many(to) => (to, true),
            _ => continue,
        };
        let Some(part) = to.to.iter().position(|other| other.table == target.table) else { continue };
        let column = match many {
            true => table::join_columns(&to).swap_remove(part),
            false => table::field_columns(index, field).swap_remove(part).name,
        };
        pointers.push(Pointer { source, field, to, many, column });
    }
    pointers
}

impl Pointer {
    /// The type whose entries hold the relation, themselves or in their children.
    pub fn entry(&self) -> &'static ContentInfo {
        self.source.owner.unwrap_or(self.source)
    }

    /// A to-many relation and a row of children go without taking their entry along, unless that is refused.
    pub fn loses_item(&self) -> bool {
        self.to.on_delete != OnDelete::Restrict && (self.many || self.source.owner.is_some())
    }

    /// The statement that clears the relation in a stage.
    pub fn forget(&self, stage: Stage) -> Option<String> {
        let (stage, column, source) = (stage.schema(), &self.column, self.source.table);
        match (self.to.on_delete, self.many) {
            (_, true) => Some(format!(r#"delete from {stage}."{}" where "{column}" = any($1)"#, self.to.join)),
            (OnDelete::SetNull, false) => {
                Some(format!(r#"update {stage}."{source}" set "{column}" = null where "{column}" = any($1)"#))
            }
            (OnDelete::Cascade, false) => Some(format!(r#"delete from {stage}."{source}" where "{column}" = any($1)"#)),
            // What is left of these goes with its own entry.
            (OnDelete::Restrict, false) => None,
        }
    }

    fn select(&self, stage: Stage) -> String {
        let (stage, column, source) = (stage.schema(), &self.column, self.source.table);
        let is_child = self.source.owner.is_some();
        match (self.many, is_child) {
            (false, false) => format!(r#"select id from {stage}."{source}" where "{column}" = any($1)"#),
            (false, true) => format!(r#"select parent_id from {stage}."{source}" where "{column}" = any($1)"#),
            (true, false) => format!(r#"select owner_id from {stage}."{}" where "{column}" = any($1)"#, self.to.join),
            (true, true) => format!(
                r#"select c.parent_id from {stage}."{}" j join {stage}."{source}" c on c.id = j.owner_id where j."{column}" = any($1)"#,
                self.to.join
            ),
        }
    }
}

/// The entries that point at any of these ids.
pub async fn references(
    connection: &mut PgConnection,
    stage: Stage,
    pointer: &Pointer,
    ids: &[Uuid],
) -> Result<Vec<Reference>> {
    let found: Vec<Uuid> =
        sqlx::query_scalar(AssertSqlSafe(pointer.select(stage))).bind(ids).fetch_all(connection).await?;
    Ok(found.into_iter().map(|id| Reference { info: pointer.entry(), id, field: pointer.field.name }).collect())
}

/// The first references with their titles, for an error's details.
pub async fn shown(connection: &mut PgConnection, references: &[Reference]) -> Result<Vec<Json>> {
    let mut shown = Vec::new();
    let mut titles: HashMap<Uuid, String> = HashMap::new();
    let first = &references[..references.len().min(SHOWN)];
    for group in first.chunk_by(|a, b| a.info.table == b.info.table) {
        if let Some(column) = table::title(group[0].info) {
            let ids: Vec<Uuid> = group.iter().map(|reference| reference.id).collect();
            let table = group[0].info.table;
            let sql =
                format!(r#"select id, "{column}" from draft."{table}" where id = any($1) and "{column}" is not null"#);
            let found: Vec<(Uuid, String)> =
                sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
            titles.extend(found);
        }
    }
    for reference in first {
        shown.push(json!({
            "type": reference.info.name,
            "id": id::encode(reference.info.table, reference.id),
            "field": reference.field,
            "title": titles.get(&reference.id),
        }));
    }
    Ok(shown)
}
