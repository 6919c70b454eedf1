//! `Scalar` and its one table: what a field type is in YAML, Rust, SQL, GraphQL, filters and search.
//!
//! To add a field type, add a variant and its row here, and its row in `runtime/model/src/kind.rs`. Nothing else
//! matches on the variants; a test checks that.

use model::Kind;

use super::mapping::{FilterFamily, GraphqlScalar, Mapping, SqlType, Takes, Unit};

/// A field type whose value is one column (money: two).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    String,
    Text,
    Markdown,
    Slug,
    Integer,
    Bigint,
    Decimal,
    Boolean,
    Date,
    Time,
    Datetime,
    Duration,
    Money,
    Email,
    Url,
    Color,
    Json,
    User,
}

const NOTHING: Takes = Takes {
    range: false,
    text: false,
    unique: false,
    sortable: false,
    filterable: false,
    search: false,
    from: false,
    schema: false,
    default: true,
    user: false,
};
const TEXT: Takes = Takes { text: true, unique: true, sortable: true, filterable: true, search: true, ..NOTHING };
const LONG_TEXT: Takes = Takes { text: true, search: true, ..NOTHING };
const NUMBER: Takes = Takes { range: true, unique: true, sortable: true, filterable: true, ..NOTHING };
const MOMENT: Takes = Takes { range: true, sortable: true, filterable: true, ..NOTHING };
const BIGINT: Mapping = Mapping {
    yaml: "bigint",
    rust: "i64",
    sql: SqlType::Bigint,
    unit: Unit::Plain,
    check: None,
    graphql: "BigInt",
    defines: Some(GraphqlScalar {
        about: "A 64-bit integer. Returned as a string; accepted as a string or a number.",
        specified_by: None,
    }),
    input: "BigInt",
    filter_name: "BigInt",
    filter: FilterFamily::Ordered,
    takes: NUMBER,
    sum: Some("Decimal"),
    kind: Kind::Bigint,
    example: "9000000000",
    about: "A 64-bit integer; a string in JSON, because JavaScript numbers are exact only up to 2^53.",
};
const STRING: Mapping = Mapping {
    yaml: "string",
    rust: "String",
    sql: SqlType::Text,
    unit: Unit::Plain,
    check: None,
    graphql: "String",
    defines: None,
    input: "String",
    filter_name: "String",
    filter: FilterFamily::Text,
    takes: TEXT,
    sum: None,
    kind: Kind::String,
    example: "Two words",
    about: "One line of text, without tabs and control characters.",
};

impl Scalar {
    pub const ALL: [Self; 18] = [
        Self::String,
        Self::Text,
        Self::Markdown,
        Self::Slug,
        Self::Integer,
        Self::Bigint,
        Self::Decimal,
        Self::Boolean,
        Self::Date,
        Self::Time,
        Self::Datetime,
        Self::Duration,
        Self::Money,
        Self::Email,
        Self::Url,
        Self::Color,
        Self::Json,
        Self::User,
    ];

    /// The field type of this name in YAML.
    pub fn named(yaml: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scalar| scalar.mapping().yaml == yaml)
    }

    /// Whether a second column, `{field}_currency`, gives the currency of the number in the first.
    pub fn has_currency(self) -> bool {
        self.mapping().unit == Unit::MinorUnits
    }

    /// The variant of `runtime::Kind`, as generated code names it.
    pub fn kind(self) -> String {
        format!("Kind::{:?}", self.mapping().kind)
    }

    /// The row of this field type.
    pub fn mapping(self) -> Mapping {
        match self {
            Self::String => STRING,
            Self::Text => Mapping {
                yaml: "text",
                takes: LONG_TEXT,
                kind: Kind::Text,
                about: "Plain text of several lines.",
                ..STRING
            },
            Self::Markdown => Mapping {
                yaml: "markdown",
                takes: LONG_TEXT,
                kind: Kind::Markdown,
                example: "Some *emphasis*",
                about: "CommonMark text.",
                ..STRING
            },
            Self::Slug => Mapping {
                yaml: "slug",
                takes: Takes { from: true, ..TEXT },
                kind: Kind::Slug,
                example: "two-words",
                about: "The part of a URL that identifies the entry: `[a-z0-9]+(-[a-z0-9]+)*`, at most 96 characters; made from another field if not given.",
                ..STRING
            },
            Self::Email => Mapping {
                yaml: "email",
                kind: Kind::Email,
                example: "someone@example.com",
                about: "An email address, stored in lower case, so that all spellings of a mailbox are the same value.",
                ..STRING
            },
            Self::Url => Mapping {
                yaml: "url",
                kind: Kind::Url,
                example: "https://example.com/page",
                about: "An absolute http or https address, or a path from the site's root, stored as the URL standard (WHATWG) writes it; user names, passwords, spaces and invisible characters are refused.",
                ..STRING
            },
            Self::Color => Mapping {
                yaml: "color",
                kind: Kind::Color,
                example: "#2f6f4f",
                about: "An sRGB colour as `#rrggbb` or `#rrggbbaa`.",
                ..STRING
            },
            Self::Integer => Mapping {
                yaml: "integer",
                rust: "i32",
                check: Some("{} between -2147483648 and 2147483647"),
                graphql: "Int",
                defines: None,
                input: "Int",
                filter_name: "Int",
                sum: Some("BigInt"),
                kind: Kind::Integer,
                example: "10",
                about: "A 32-bit integer.",
                ..BIGINT
            },
            Self::Bigint => BIGINT,
            Self::Decimal => Mapping {
                yaml: "decimal",
                rust: "Decimal",
                sql: SqlType::Numeric,
                graphql: "Decimal",
                defines: Some(GraphqlScalar {
                    about: "An exact decimal number. Returned as a string; accepted as a string or a number.",
                    specified_by: None,
                }),
                input: "Decimal",
                filter_name: "Decimal",
                kind: Kind::Decimal,
                example: "12.50",
                about: "An exact decimal number of up to 28 digits; a string in JSON.",
                ..BIGINT
            },
            Self::Boolean => Mapping {
                yaml: "boolean",
                rust: "bool",
                sql: SqlType::Boolean,
                graphql: "Boolean",
                defines: None,
                input: "Boolean",
                filter_name: "Boolean",
                sum: None,
                kind: Kind::Boolean,
                example: "true",
                filter: FilterFamily::Equal,
                takes: Takes { filterable: true, sortable: true, ..NOTHING },
                about: "True or false.",
                ..BIGINT
            },
            Self::Date => Mapping {
                yaml: "date",
                rust: "Date",
                sql: SqlType::Date,
                graphql: "Date",
                defines: Some(GraphqlScalar {
                    about: "A calendar date: `2026-01-31`.",
                    specified_by: Some("https://www.rfc-editor.org/rfc/rfc3339#section-5.6"),
                }),
                input: "Date",
                filter_name: "Date",
                sum: None,
                kind: Kind::Date,
                example: "2026-01-31",
                takes: MOMENT,
                about: "A calendar date, `2026-01-31` (ISO 8601).",
                ..BIGINT
            },
            Self::Time => Mapping {
                yaml: "time",
                rust: "Time",
                sql: SqlType::Time,
                graphql: "Time",
                defines: Some(GraphqlScalar {
                    about: "A time of day without a time zone: `09:30:00`.",
                    specified_by: Some("https://www.rfc-editor.org/rfc/rfc3339#section-5.6"),
                }),
                input: "Time",
                filter_name: "Time",
                sum: None,
                kind: Kind::Time,
                example: "09:30:00",
                takes: MOMENT,
                about: "A time of day without a time zone, `09:30:00` (ISO 8601); the end of a day is `00:00`.",
                ..BIGINT
            },
            Self::Datetime => Mapping {
                yaml: "datetime",
                rust: "Timestamp",
                sql: SqlType::Timestamptz,
                graphql: "DateTime",
                defines: Some(GraphqlScalar {
                    about: "A timestamp: `2026-01-31T09:30:00Z`. Returned in UTC; accepted with any offset.",
                    specified_by: Some("https://www.rfc-editor.org/rfc/rfc3339#section-5.6"),
                }),
                input: "DateTime",
                filter_name: "DateTime",
                sum: None,
                kind: Kind::Datetime,
                example: "2026-01-31T09:30:00Z",
                takes: MOMENT,
                about: "A timestamp, `2026-01-31T09:30:00Z` (RFC 3339), from the year 1 to 9999; returned in UTC, accepted with an offset of up to 18 hours, stored to the microsecond.",
                ..BIGINT
            },
            Self::Duration => Mapping {
                yaml: "duration",
                rust: "Duration",
                unit: Unit::Milliseconds,
                graphql: "Duration",
                defines: Some(GraphqlScalar {
                    about: "A duration: `PT1H30M`.",
                    specified_by: Some("https://www.rfc-editor.org/rfc/rfc3339#appendix-A"),
                }),
                input: "Duration",
                filter_name: "Duration",
                sum: Some("Duration"),
                kind: Kind::Duration,
                example: "PT1H30M",
                takes: MOMENT,
                about: "A duration, `PT1H30M` (ISO 8601: weeks, days of 24 hours, hours, minutes, seconds), stored to the millisecond.",
                ..BIGINT
            },
            Self::Money => Mapping {
                yaml: "money",
                rust: "Money",
                unit: Unit::MinorUnits,
                graphql: "Money",
                defines: None,
                input: "MoneyInput",
                filter_name: "Money",
                sum: Some("Money"),
                kind: Kind::Money,
                example: "12.50",
                takes: MOMENT,
                about: "An amount in minor units with its currency (ISO 4217); two columns, the second named `{field}_currency`.",
                ..BIGINT
            },
            Self::Json => Mapping {
                yaml: "json",
                rust: "Json",
                sql: SqlType::Jsonb,
                graphql: "JSON",
                defines: Some(GraphqlScalar {
                    about: "Any JSON value.",
                    specified_by: Some("https://www.rfc-editor.org/rfc/rfc8259"),
                }),
                input: "JSON",
                filter_name: "JSON",
                sum: None,
                kind: Kind::Json,
                example: "{ any: value }",
                filter: FilterFamily::Equal,
                takes: Takes { schema: true, ..NOTHING },
                about: "Any JSON value, validated against `schema:` (JSON Schema 2020-12) if given; numbers keep their digits, keys do not keep their order (use components if order matters).",
                ..BIGINT
            },
            Self::User => Mapping {
                yaml: "user",
                rust: "Id<User>",
                sql: SqlType::Uuid,
                graphql: "ID",
                defines: None,
                input: "ID",
                filter_name: "User",
                sum: None,
                kind: Kind::User,
                example: "user_01h455vb4pex5vsknk084sn02q",
                filter: FilterFamily::Equal,
                takes: Takes { unique: true, filterable: true, default: false, user: true, ..NOTHING },
                about: "A user account, by its id; access rules compare it with `$user`.",
                ..BIGINT
            },
        }
    }
}
