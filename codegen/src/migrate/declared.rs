//! What the schema declares beyond the catalog: former names, removals, defaults, and where each name is declared.

use std::collections::{BTreeMap, BTreeSet};

use super::pair::Hints;
use crate::schema::{Field, FieldKind, Literal, Schema};

/// Looked up by field and owner (a content type, children or component; these share one namespace).
pub struct Declared<'a> {
    pub schema: &'a Schema,
    fields: BTreeMap<&'a str, Vec<&'a Field>>,
    dropped: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Declared<'a> {
    pub fn new(schema: &'a Schema) -> Self {
        let mut declared = Self { schema, fields: BTreeMap::new(), dropped: BTreeSet::new() };
        for ty in &schema.types {
            declared.add(ty.name.snake(), &ty.fields, &ty.dropped);
            for field in &ty.fields {
                if let FieldKind::Children(children) = &field.kind {
                    declared.add(children.name.snake(), &children.fields, &children.dropped);
                }
            }
        }
        for component in &schema.components {
            declared.add(component.name.snake(), &component.fields, &component.dropped);
        }
        declared
    }

    fn add(&mut self, owner: &'a str, fields: &'a [Field], dropped: &'a [crate::schema::Name]) {
        self.fields.insert(owner, fields.iter().collect());
        self.dropped.extend(dropped.iter().map(|name| (owner, name.snake())));
    }

    pub fn types(&self) -> Hints<'a> {
        self.schema.types.iter().map(|ty| (ty.name.snake(), ty.was.as_ref().map(|was| was.snake()))).collect()
    }

    pub fn components(&self) -> Hints<'a> {
        let components = self.schema.components.iter();
        components.map(|component| (component.name.snake(), component.was.as_ref().map(|was| was.snake()))).collect()
    }

    pub fn fields(&self, owner: &str) -> Hints<'a> {
        let fields = self.fields.get(owner).into_iter().flatten();
        fields.map(|field| (field.name.snake(), field.was.as_ref().map(|was| was.snake()))).collect()
    }

    /// Former names of the values of an enum field.
    pub fn values(&self, owner: &str, field: &str) -> Hints<'a> {
        let choice = self.field(owner, field).and_then(|field| match &field.kind {
            FieldKind::Enum { choice, .. } => Some(choice),
            _ => None,
        });
        let values = choice.into_iter().flat_map(|choice| &choice.values);
        values.map(|value| (value.name.snake(), value.was.as_ref().map(|was| was.snake()))).collect()
    }

    pub fn is_dropped(&self, owner: &str, field: &str) -> bool {
        self.dropped.contains(&(owner, field))
    }

    pub fn default(&self, owner: &str, field: &str) -> Option<&'a Literal> {
        self.field(owner, field).and_then(|field| field.default.as_ref())
    }

    pub fn field(&self, owner: &str, name: &str) -> Option<&'a Field> {
        self.fields.get(owner).into_iter().flatten().find(|field| field.name.snake() == name).copied()
    }
}
