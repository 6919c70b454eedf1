//! `Mapping`: one row of the table of scalar field types, column by column.

use model::Kind;

/// The unit of the stored number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// The value itself.
    Plain,
    Milliseconds,
    /// Minor units of the currency in a second column, `{field}_currency`.
    MinorUnits,
}

/// The SQL type of the stored value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SqlType {
    Text,
    TextArray,
    Bigint,
    Numeric,
    Boolean,
    Date,
    Time,
    Timestamptz,
    Jsonb,
    Uuid,
}

impl SqlType {
    pub fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::TextArray => "text[]",
            Self::Bigint => "bigint",
            Self::Numeric => "numeric",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::Timestamptz => "timestamptz",
            Self::Jsonb => "jsonb",
            Self::Uuid => "uuid",
        }
    }
}

/// The operators of a filter on the field; also names the GraphQL input: `StringFilter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilterFamily {
    /// `eq ne in notIn isNull`
    Equal,
    /// `Equal` and `lt lte gt gte`
    Ordered,
    /// `Ordered` and `contains startsWith`
    Text,
}

/// The options of a field type, beyond the common ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// `min` and `max` bound the value.
    pub range: bool,
    /// `min` and `max` count characters; `pattern` is a regular expression.
    pub text: bool,
    pub unique: bool,
    pub sortable: bool,
    pub filterable: bool,
    pub search: bool,
    /// `from` names the source field.
    pub from: bool,
    /// `schema` is a JSON Schema for the value.
    pub schema: bool,
    /// The value can be a constant in the schema.
    pub default: bool,
    /// The value is an account: in access rules `$user` stands for the actor.
    pub user: bool,
}

/// An API scalar that GraphQL does not define.
#[derive(Clone, Copy, Debug)]
pub struct GraphqlScalar {
    pub about: &'static str,
    /// URL of the specification of its text form, if there is one.
    pub specified_by: Option<&'static str>,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// `type:` in YAML; also the `runtime::Kind` variant in `snake_case`.
    pub yaml: &'static str,
    /// The Rust type of the value, as exported by `runtime::prelude`.
    pub rust: &'static str,
    pub sql: SqlType,
    pub unit: Unit,
    /// A CHECK on the column, with `{}` for its quoted name.
    pub check: Option<&'static str>,
    /// The GraphQL type of the output.
    pub graphql: &'static str,
    /// The scalar that this row adds to GraphQL's own.
    pub defines: Option<GraphqlScalar>,
    /// The GraphQL type of the input.
    pub input: &'static str,
    /// The filter's GraphQL input is `{filter_name}Filter`.
    pub filter_name: &'static str,
    pub filter: FilterFamily,
    pub takes: Takes,
    /// GraphQL type of a sum of values, which may be greater than any of them; `None` if there is no sum.
    pub sum: Option<&'static str>,
    /// The server's kind, whose parser and printer also process YAML values.
    pub kind: Kind,
    /// A value as written in YAML, for help and documentation.
    pub example: &'static str,
    /// One sentence for the language reference.
    pub about: &'static str,
}
