//! Aggregates: the fields by which entries are grouped, and those of which the least, the greatest and the sum are computed.

use super::{ContentType, Field, FieldKind, FilterFamily, Relation, SqlType};

/// The API's names of the types that aggregates of a content type have.
pub struct Aggregates {
    pub of: String,
    /// The values that the entries of a group share, and the enum that names them; only if there are any.
    pub group: String,
    pub group_by: String,
    pub extremes: String,
    /// Only if something can be added up.
    pub sums: String,
}

impl ContentType {
    pub fn aggregates(&self) -> Aggregates {
        let name = self.name.pascal();
        Aggregates {
            of: format!("{name}Aggregate"),
            group: format!("{name}Group"),
            group_by: format!("{name}GroupBy"),
            extremes: format!("{name}Extremes"),
            sums: format!("{name}Sums"),
        }
    }

    /// The fields by which entries are grouped: choices, and relations to entries of one type.
    pub fn grouped(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| match &field.kind {
            FieldKind::Relation(Relation { to, .. }) => to.len() == 1,
            FieldKind::Enum { .. } => field.filterable,
            FieldKind::Scalar { scalar, .. } => field.filterable && scalar.mapping().sql == SqlType::Boolean,
            _ => false,
        })
    }

    /// The fields that have a least and a greatest value: numbers, money and moments.
    pub fn measured(&self) -> impl Iterator<Item = &Field> {
        let is_ordered =
            |field: &&Field| scalar(field).is_some_and(|scalar| scalar.mapping().filter == FilterFamily::Ordered);
        self.fields.iter().filter(|field| field.filterable).filter(is_ordered)
    }

    /// Those of them that can be added up.
    pub fn summed(&self) -> impl Iterator<Item = &Field> {
        self.measured().filter(|field| scalar(field).is_some_and(|scalar| scalar.mapping().sum.is_some()))
    }
}

/// The field's type, if it is one value.
pub fn scalar(field: &Field) -> Option<super::Scalar> {
    match &field.kind {
        FieldKind::Scalar { scalar, .. } => Some(*scalar),
        _ => None,
    }
}
