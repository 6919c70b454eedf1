//! Facets: the fields whose values are counted among what a search finds.

use super::{ContentType, Field, FieldKind, Relation, SqlType};

/// A field with what is counted.
pub struct Facet<'s> {
    pub field: &'s Field,
    pub of: FacetOf,
}

pub enum FacetOf {
    /// An enum or a boolean: its values.
    Values,
    /// A relation: the entries of this type.
    Entries { target: String },
    /// Numbers and money: how many are between bounds, of this input type.
    Ranges { input: &'static str },
}

impl Facet<'_> {
    /// The type of what is counted, as the API names it; empty for numbers.
    pub fn type_name(&self) -> String {
        match &self.of {
            FacetOf::Values => "FacetValue".to_owned(),
            FacetOf::Entries { target } => format!("{target}Facet"),
            FacetOf::Ranges { .. } => String::new(),
        }
    }
}

impl ContentType {
    /// The facets of a type that is searched: what can be filtered can be counted.
    pub fn facets(&self) -> Vec<Facet<'_>> {
        if self.search.is_none() {
            return Vec::new();
        }
        self.fields.iter().filter_map(|field| Some(Facet { field, of: of(field)? })).collect()
    }

    /// The API's name of the type that has its facets.
    pub fn facets_type(&self) -> String {
        format!("{}Facets", self.name.pascal())
    }
}

fn of(field: &Field) -> Option<FacetOf> {
    match &field.kind {
        FieldKind::Relation(Relation { to, .. }) => match &to[..] {
            [target] => Some(FacetOf::Entries { target: target.pascal() }),
            _ => None,
        },
        _ if !field.filterable => None,
        FieldKind::Enum { .. } => Some(FacetOf::Values),
        FieldKind::Scalar { scalar, .. } => {
            let row = scalar.mapping();
            match row.sql {
                SqlType::Boolean => Some(FacetOf::Values),
                SqlType::Bigint | SqlType::Numeric => Some(FacetOf::Ranges { input: row.input }),
                _ => None,
            }
        }
        _ => None,
    }
}
