//! Lookups in the facts of a schema: types, fields and values by name, entries by id.

use uuid::Uuid;

use super::{ComponentInfo, ContentInfo, EnumInfo, FieldInfo, OnDelete, RelationInfo, SchemaInfo, Shape};
use crate::access::{ReviewInfo, StageInfo};
use crate::id;

impl SchemaInfo {
    /// Every content type, each followed by its children.
    pub fn contents(&self) -> impl Iterator<Item = &'static ContentInfo> {
        self.types.iter().flat_map(|info| {
            let children = info.fields.iter().filter_map(|field| match field.shape {
                Shape::Children(children) => Some(children),
                _ => None,
            });
            std::iter::once(*info).chain(children)
        })
    }

    /// The content type or children with this name.
    pub fn content(&self, name: &str) -> Option<&'static ContentInfo> {
        self.contents().find(|info| info.name == name)
    }

    /// The review of a content type, if it has one.
    pub fn review(&self, info: &ContentInfo) -> Option<&'static ReviewInfo> {
        self.reviews.iter().find(|review| review.table == info.table)
    }

    /// Every field of every type and component.
    pub fn fields(&self) -> impl Iterator<Item = &'static FieldInfo> {
        let components = self.components.iter().flat_map(|component| component.fields);
        self.contents().flat_map(|info| info.fields).chain(components)
    }
}

impl ReviewInfo {
    /// The place of a stage in the order; the first one if it has been renamed or removed.
    pub fn place(&self, stage: &str) -> usize {
        self.stages.iter().position(|known| known.name == stage).unwrap_or_default()
    }

    /// Where an entry can be published.
    pub fn last(&self) -> Option<&'static StageInfo> {
        self.stages.last()
    }
}

impl EnumInfo {
    /// `in_stock` for `IN_STOCK`.
    pub fn stored(&self, shown: &str) -> Option<&'static str> {
        self.values.iter().find(|value| value.1 == shown).map(|value| value.0)
    }

    /// `'in_stock', 'low_stock'`: the stored names in schema order, as SQL. They are `snake_case` and need no escaping.
    pub fn listed(&self) -> String {
        let names: Vec<_> = self.values.iter().map(|(stored, _)| format!("'{stored}'")).collect();
        names.join(", ")
    }

    /// `IN_STOCK` for `in_stock`.
    pub fn shown(&self, stored: &str) -> Option<&'static str> {
        self.values.iter().find(|value| value.0 == stored).map(|value| value.1)
    }
}

impl Shape {
    /// A to-one relation, stored in these columns.
    pub const fn one(
        to: &'static [&'static ContentInfo],
        type_name: &'static str,
        on_delete: OnDelete,
        columns: &'static [&'static str],
    ) -> Self {
        Self::One(RelationInfo { to, type_name, on_delete, join: "", columns, listings: &[] })
    }

    /// A to-many relation, stored in these columns of the table `join`.
    pub const fn many(
        to: &'static [&'static ContentInfo],
        type_name: &'static str,
        on_delete: OnDelete,
        join: &'static str,
        columns: &'static [&'static str],
    ) -> Self {
        Self::Many(RelationInfo { to, type_name, on_delete, join, columns, listings: &[] })
    }

    /// Of a to-many relation, with the listings of its targets.
    pub const fn listed(self, listings: &'static [&'static str]) -> Self {
        match self {
            Self::Many(relation) => Self::Many(RelationInfo { listings, ..relation }),
            other => other,
        }
    }
}

impl RelationInfo {
    /// The listing of this target.
    pub fn listing(&self, target: &ContentInfo) -> Option<&'static str> {
        let targets = self.to.iter().zip(self.listings);
        let mut found = targets.filter(|(to, _)| to.table == target.table).map(|(_, listing)| *listing);
        found.next().filter(|listing| !listing.is_empty())
    }

    /// The column with the ids of this target.
    pub fn column(&self, target: &ContentInfo) -> &'static str {
        let targets = self.to.iter().zip(self.columns);
        let mut found = targets.filter(|(to, _)| to.table == target.table).map(|(_, column)| *column);
        found.next().unwrap_or_else(|| panic!("codegen bug: `{}` has no column for `{}`", self.type_name, target.name))
    }
}

impl ComponentInfo {
    pub fn field(&self, name: &str) -> Option<&'static FieldInfo> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl ContentInfo {
    /// The UUID of an id of this type, including ids from before the type was renamed.
    pub fn decode(&self, id: &str) -> Option<Uuid> {
        let (prefix, uuid) = id::decode(id)?;
        self.is_called(prefix).then_some(uuid)
    }

    /// Whether the table has, or had, this name.
    pub fn is_called(&self, table: &str) -> bool {
        self.table == table || self.former.contains(&table)
    }

    pub fn field(&self, name: &str) -> Option<&'static FieldInfo> {
        self.fields.iter().find(|field| field.name == name)
    }
}
