//! The native form, as shared by import and export: its files, its keywords, and the order in which types are read.

use std::path::{Path, PathBuf};

use model::content::{ContentInfo, FieldInfo, SchemaInfo, Shape};

/// Every content type.
pub const ALL: &str = "all";
/// No field can have this name.
pub const STATUS: &str = "status";
pub const PUBLISHED: &str = "PUBLISHED";
/// The key inside the status for the published content of an entry that was changed since.
pub const LIVE: &str = "published";

/// The file of a type in the folder of an export of all types.
pub fn file_of(folder: &Path, info: &ContentInfo) -> PathBuf {
    folder.join(format!("{}.ndjson", info.table))
}

/// Every type after those that it refers to, where such an order exists.
pub fn in_order(schema: &'static SchemaInfo) -> Vec<&'static ContentInfo> {
    let mut left: Vec<&'static ContentInfo> = schema.types.to_vec();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let waits = |info: &&&'static ContentInfo| {
            let others = left.iter().filter(|other| other.table != info.table);
            others.filter(|other| info.fields.iter().any(|field| points_at(field, other))).count()
        };
        // In a cycle, the type that waits for the fewest others.
        let Some(next) = left.iter().min_by_key(waits).copied() else { break };
        left.retain(|info| info.table != next.table);
        ordered.push(next);
    }
    ordered
}

pub fn content_type(schema: &'static SchemaInfo, name: &str) -> Result<&'static ContentInfo, String> {
    let found = schema.types.iter().find(|info| info.table == name || info.name == name).copied();
    found.ok_or_else(|| {
        let known: Vec<_> = schema.types.iter().map(|info| info.table).collect();
        format!("unknown content type `{name}`; the content types are {}", known.join(", "))
    })
}

/// Whether a value of the field can refer to an entry of the type.
pub fn points_at(field: &FieldInfo, target: &ContentInfo) -> bool {
    let any = |fields: &[FieldInfo]| fields.iter().any(|field| points_at(field, target));
    match field.shape {
        Shape::One(relation) | Shape::Many(relation) => relation.to.iter().any(|to| to.table == target.table),
        Shape::Component(component) | Shape::Components(component) => any(component.fields),
        Shape::Blocks(blocks) => blocks.of.iter().any(|component| any(component.fields)),
        Shape::Children(child) => any(child.fields),
        Shape::Scalar(_) | Shape::Enum(_) | Shape::Enums(_) => false,
    }
}
