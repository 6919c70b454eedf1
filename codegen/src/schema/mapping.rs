//! `Mapping`: what the table of the scalar field types says of each, column by column.

use model::Kind;

/// What the number that is stored for a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// The value itself.
    Plain,
    Milliseconds,
    /// Minor units of the currency that stands in a second column, `{field}_currency`.
    MinorUnits,
}

/// What PostgreSQL stores for a value.
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

/// The family of operators that a filter on the field has; also the name of the GraphQL input: `StringFilter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FilterFamily {
    /// `eq ne in notIn isNull`
    Equal,
    /// `Equal` and `lt lte gt gte`
    Ordered,
    /// `Ordered` and `contains startsWith`
    Text,
}

/// Which options beyond the common ones a field of the type takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    /// `min` and `max` are bounds of the value.
    pub range: bool,
    /// `min` and `max` count characters; `pattern` is a regular expression.
    pub text: bool,
    pub unique: bool,
    pub sortable: bool,
    pub filterable: bool,
    pub search: bool,
    /// `from` names the field it is made from.
    pub from: bool,
    /// `schema` is a JSON Schema of the value.
    pub schema: bool,
    /// A value can be known when the schema is written.
    pub default: bool,
    /// The value is an account: in rules of access `$user` stands for the one that asks.
    pub user: bool,
}

/// A scalar of the API that GraphQL itself does not have.
#[derive(Clone, Copy, Debug)]
pub struct GraphqlScalar {
    pub about: &'static str,
    /// Address of what specifies its text, where there is one.
    pub specified_by: Option<&'static str>,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Mapping {
    /// `type:` in YAML, also the name of the variant of `runtime::Kind` in `snake_case`.
    pub yaml: &'static str,
    /// The Rust type of the value, as found in `runtime::prelude`.
    pub rust: &'static str,
    pub sql: SqlType,
    pub unit: Unit,
    /// A CHECK on the column, with `{}` for its quoted name.
    pub check: Option<&'static str>,
    /// The GraphQL type of the output.
    pub graphql: &'static str,
    /// The scalar that the row adds to GraphQL's own.
    pub defines: Option<GraphqlScalar>,
    /// The GraphQL type of the input.
    pub input: &'static str,
    /// The filter's GraphQL input is `{filter_name}Filter`.
    pub filter_name: &'static str,
    pub filter: FilterFamily,
    pub takes: Takes,
    /// The kind whose parser and printer the server has: values in YAML go through it too.
    pub kind: Kind,
    /// A value as written in YAML, for help and documentation.
    pub example: &'static str,
    /// One sentence for the language reference.
    pub about: &'static str,
}
