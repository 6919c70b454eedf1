//! Finds the relations of the schema that can point at a type, and the entries that do.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value as Json, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::id;
use crate::write::failure::Result;
use crate::write::guard::readable;
use crate::write::table;
use crate::{Connection, Scope, Stage, Store};
use model::content::{ComponentInfo, ContentInfo, FieldInfo, OnDelete, RelationInfo, SchemaInfo, Shape};

/// How many entries an error lists at most.
const SHOWN: usize = 20;

/// A relation that can point at a given type, with its column.
pub struct Pointer {
    /// The type or children with the relation.
    source: &'static ContentInfo,
    field: &'static FieldInfo,
    pub to: RelationInfo,
    many: bool,
    column: &'static str,
}

/// An entry that points at an entry to be removed.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    /// The type or children with the relation, and the stage of the reference.
    source: &'static ContentInfo,
    stage: Stage,
    field: &'static FieldInfo,
}

impl Reference {
    /// Identifies the reference in both stages.
    pub fn place(&self) -> (&'static str, Uuid, &'static str) {
        (self.info.table, self.id, self.field.name)
    }
}

pub fn pointers(schema: &'static SchemaInfo, target: &'static ContentInfo) -> Vec<Pointer> {
    let children = schema.types.iter().flat_map(|info| table::children(info).map(|(_, child)| child));
    schema.types.iter().copied().chain(children).flat_map(|source| of_source(source, target)).collect()
}

fn of_source(source: &'static ContentInfo, target: &ContentInfo) -> Vec<Pointer> {
    let mut pointers = Vec::new();
    for field in source.fields {
        let (to, many) = match field.shape {
            Shape::One(to) => (to, false),
            Shape::Many(to) => (to, true),
            _ => continue,
        };
        let Some(part) = to.to.iter().position(|other| other.table == target.table) else { continue };
        pointers.push(Pointer { source, field, to, many, column: to.columns[part] });
    }
    pointers
}

impl Pointer {
    /// The type whose entries have the relation, directly or in their children.
    pub fn entry(&self) -> &'static ContentInfo {
        self.source.owner.unwrap_or(self.source)
    }

    /// Whether only a list item or a row of children is lost, not the entry; false if the relation restricts deletion.
    pub fn loses_item(&self) -> bool {
        self.to.on_delete != OnDelete::Restrict && (self.many || self.source.owner.is_some())
    }

    /// Whether deleting the target clears the relation, or removes the row of children with it, while the entry stays.
    pub fn is_cleared(&self) -> bool {
        self.to.on_delete == OnDelete::SetNull || self.loses_item()
    }

    /// The statement that clears the relation in a stage.
    pub fn forget(&self, scope: Scope<'_>) -> Option<String> {
        let (column, source, join) = (&self.column, scope.table(self.source.table), scope.table(self.to.join));
        match (self.to.on_delete, self.many) {
            (_, true) => Some(format!(r#"delete from {join} where "{column}" = any($1)"#)),
            (OnDelete::SetNull, false) => {
                Some(format!(r#"update {source} set "{column}" = null where "{column}" = any($1)"#))
            }
            (OnDelete::Cascade, false) => Some(format!(r#"delete from {source} where "{column}" = any($1)"#)),
            // The entry that remains with such a relation is itself removed.
            (OnDelete::Restrict, false) => None,
        }
    }

    /// Whether it is the relation of a table that had this name once, by `snake`.
    pub fn is_of(&self, table: &str, field: &str) -> bool {
        self.source.is_called(table) && self.field.snake == field
    }

    /// The table of the type or children that hold the relation.
    pub fn table(&self) -> &'static str {
        self.source.table
    }

    /// Its field, by `snake`.
    pub fn field(&self) -> &'static str {
        self.field.snake
    }

    /// Selects the target, the row that points at it, the entry of the row, the position in a list, and the revision of the entry: of all
    /// drafts, or of the live entries that are of another revision than their draft.
    pub fn select_places(&self, stage: Stage) -> Option<String> {
        let (column, source, entry, schema) = (self.column, self.source.table, self.entry().table, stage.schema());
        let owner = if self.source.owner.is_some() { "parent_id" } else { "id" };
        let differs = match stage {
            Stage::Draft => String::new(),
            Stage::Live => format!(r#" join draft."{entry}" d on d.id = e.id and d.revision <> e.revision"#),
        };
        let rows = format!(r#"{schema}."{source}" s join {schema}."{entry}" e on e.id = s.{owner}{differs}"#);
        let select = match self.many {
            false => {
                format!(
                    r#"s."{column}", s.id, e.id, null::bigint, e.revision from {rows} where s."{column}" = any($1)"#
                )
            }
            true => format!(
                r#"j."{column}", s.id, e.id, j.position::bigint, e.revision from {schema}."{join}" j join {rows} on s.id = j.owner_id where j."{column}" = any($1)"#,
                join = self.to.join
            ),
        };
        // A row of children whose only target goes is deleted, and comes back with a revision of its own entry.
        let goes_along = !self.many && self.to.on_delete == OnDelete::Cascade;
        (!goes_along).then(|| format!("select {select} limit $2"))
    }

    /// Puts references back into rows of a stage whose entries are still of the revision that had them.
    pub fn put_back(&self, stage: Stage) -> String {
        let (column, source, entry, schema) = (self.column, self.source.table, self.entry().table, stage.schema());
        let places = "unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[]) as p(target, row, entry, position, revision)";
        let unchanged = format!(r#"join {schema}."{entry}" e on e.id = p.entry and e.revision = p.revision"#);
        match self.many {
            true => format!(
                r#"insert into {schema}."{join}" (owner_id, "{column}", position)
                select distinct p.row, p.target, p.position from {places} {unchanged} join {schema}."{source}" s on s.id = p.row
                where not exists (select from {schema}."{join}" j where j.owner_id = p.row and j."{column}" = p.target)"#,
                join = self.to.join
            ),
            false => {
                let is_free: String =
                    self.to.columns.iter().map(|column| format!(r#" and s."{column}" is null"#)).collect();
                format!(
                    r#"update {schema}."{source}" s set "{column}" = p.target from {places} {unchanged} where s.id = p.row{is_free}"#
                )
            }
        }
    }

    fn select(&self, scope: Scope<'_>) -> String {
        let (column, source, join) = (&self.column, scope.table(self.source.table), scope.table(self.to.join));
        let is_child = self.source.owner.is_some();
        match (self.many, is_child) {
            (false, false) => format!(r#"select id from {source} where "{column}" = any($1)"#),
            (false, true) => format!(r#"select parent_id from {source} where "{column}" = any($1)"#),
            (true, false) => format!(r#"select owner_id from {join} where "{column}" = any($1)"#),
            (true, true) => format!(
                r#"select c.parent_id from {join} j join {source} c on c.id = j.owner_id where j."{column}" = any($1)"#
            ),
        }
    }
}

/// The entries that point at any of these ids.
pub async fn references(
    connection: &mut Connection,
    scope: Scope<'_>,
    pointer: &Pointer,
    ids: &[Uuid],
) -> Result<Vec<Reference>> {
    let found: Vec<Uuid> =
        sqlx::query_scalar(AssertSqlSafe(pointer.select(scope))).bind(ids).fetch_all(connection).await?;
    let Pointer { source, field, .. } = *pointer;
    Ok(found.into_iter().map(|id| Reference { info: pointer.entry(), id, source, stage: scope.stage, field }).collect())
}

/// The entries of a stage whose components point at any of these ids.
pub async fn inside_components(
    connection: &mut Connection,
    schema: &'static SchemaInfo,
    stage: Stage,
    target: &ContentInfo,
    ids: &[Uuid],
) -> Result<Vec<Reference>> {
    let mut references = Vec::new();
    for source in schema.contents() {
        for field in source.fields.iter().filter(|field| holds(&field.shape, target)) {
            // Stored ids are UUIDs in text; nothing else looks like them.
            let sql = format!(
                r#"select distinct t.{} from {}."{}" t, unnest($1::uuid[]) as k(id) where strpos(t."{}"::text, k.id::text) > 0"#,
                if source.owner.is_some() { "parent_id" } else { "id" },
                stage.schema(),
                source.table,
                field.snake
            );
            let found: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
            let info = source.owner.unwrap_or(source);
            references.extend(found.into_iter().map(|id| Reference { info, id, source, stage, field }));
        }
    }
    Ok(references)
}

/// Whether a component of the field has a relation to the type.
fn holds(shape: &Shape, target: &ContentInfo) -> bool {
    let of = |component: &ComponentInfo| {
        component.fields.iter().any(|field| match field.shape {
            Shape::One(to) | Shape::Many(to) => to.to.iter().any(|other| other.table == target.table),
            shape => holds(&shape, target),
        })
    };
    match shape {
        Shape::Component(component) | Shape::Components(component) => of(component),
        Shape::Blocks(blocks) => blocks.of.iter().any(|component| of(component)),
        _ => false,
    }
}

/// The first references with their titles, for an error's details. References that the actor may not read are left out.
pub async fn shown(connection: &mut Connection, store: &Store, references: &[Reference]) -> Result<Vec<Json>> {
    let mut shown: BTreeMap<_, Json> = BTreeMap::new();
    // Drafts come last, since their titles are the newest and overwrite the others.
    for stage in [Stage::Live, Stage::Draft] {
        let scope = store.at(stage);
        let may = |reference: &&Reference| {
            reference.stage == stage && scope.reads(reference.source).has(reference.source, reference.field.snake)
        };
        let mut by_type: BTreeMap<&'static str, Vec<&Reference>> = BTreeMap::new();
        for reference in references.iter().filter(may) {
            by_type.entry(reference.info.table).or_default().push(reference);
        }
        for of_type in by_type.into_values() {
            let info = of_type[0].info;
            let ids: Vec<Uuid> = of_type.iter().map(|reference| reference.id).collect();
            let readable = readable(connection, scope, info, ids).await?;
            let titles = titles(connection, scope, info, &readable).await?;
            let readable: HashSet<Uuid> = readable.into_iter().collect();
            for reference in of_type.into_iter().filter(|reference| readable.contains(&reference.id)) {
                let entry = json!({
                    "type": info.name,
                    "id": id::encode(info.table, reference.id),
                    "field": reference.field.name,
                    "title": titles.get(&reference.id),
                });
                shown.insert(reference.place(), entry);
            }
        }
    }
    Ok(shown.into_values().take(SHOWN).collect())
}

/// The titles of the entries that the actor may read.
pub async fn titles(
    connection: &mut Connection,
    scope: Scope<'_>,
    info: &ContentInfo,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, String>> {
    let title = table::title(info).filter(|column| scope.reads(info).has(info, column));
    let Some(column) = title.filter(|_| !ids.is_empty()) else { return Ok(HashMap::new()) };
    let table = scope.table(info.table);
    let sql = format!(r#"select id, "{column}" from {table} where id = any($1) and "{column}" is not null"#);
    let found: Vec<(Uuid, String)> = sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?;
    Ok(found.into_iter().collect())
}
