//! `Kind` and its one table: how a field type is read from PostgreSQL, written as JSON, taken from input and bound.

/// A field type whose value is one column (money: two).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
}
