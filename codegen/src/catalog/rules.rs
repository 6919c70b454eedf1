//! Rules of fields, which are not part of the database's structure. The catalog records them to detect stricter rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::schema::{Field, FieldKind, Required, Schema};

/// The rules of each field that has any, by table or component. An owner without rules is still listed.
pub type AllRules = BTreeMap<String, BTreeMap<String, Rules>>;

/// The rules of one field, as written in the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// A list that must not be empty: no column constraint expresses that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub filled: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish: bool,
}

pub fn lower(schema: &Schema) -> AllRules {
    let mut all = AllRules::new();
    let mut add = |owner: &str, fields: &[Field]| {
        let rules = fields.iter().map(|field| (field.name.snake().to_owned(), of(field)));
        all.insert(owner.to_owned(), rules.filter(|(_, rules)| *rules != Rules::default()).collect());
    };
    for ty in &schema.types {
        add(ty.name.snake(), &ty.fields);
        for field in &ty.fields {
            if let FieldKind::Children(children) = &field.kind {
                add(children.name.snake(), &children.fields);
            }
        }
    }
    schema.components.iter().for_each(|component| add(component.name.snake(), &component.fields));
    all
}

fn of(field: &Field) -> Rules {
    let schema = match &field.kind {
        FieldKind::Scalar { json_schema, .. } => json_schema.as_ref().map(ToString::to_string),
        _ => None,
    };
    let list = match &field.kind {
        FieldKind::Enum { many, .. } | FieldKind::Component { many, .. } => *many,
        FieldKind::Relation(relation) => relation.many,
        FieldKind::Blocks { .. } | FieldKind::Children(_) => true,
        FieldKind::Scalar { .. } => false,
    };
    Rules {
        min: field.rules.min.clone(),
        max: field.rules.max.clone(),
        pattern: field.rules.pattern.clone(),
        schema,
        filled: list && field.required == Required::Save,
        publish: field.required == Required::Publish,
    }
}
