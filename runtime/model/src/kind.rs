//! `Kind` and its one table: how a field type is read from PostgreSQL, written as JSON, parsed from input and bound.
//!
//! To add a field type, add a variant and its row here, and its row in `codegen/src/schema/field_kind.rs`. Nothing else
//! matches on the variants.

mod moment;
mod parse;
mod text;
mod write;

use serde_json::Value as Json;

use crate::currency::{Currencies, Every};
use crate::id::{self, USER_PREFIX};
use crate::value::Value;

pub use parse::not;
pub use text::{is_blank, nfc};

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
    User,
}

/// A column of a field, named by the field's `snake` and this suffix.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub suffix: &'static str,
    /// The SQL type; a text parameter is cast to it.
    pub cast: &'static str,
}

/// A kind that the API shows as an object.
#[derive(Debug)]
pub struct Parts {
    /// GraphQL type of the object.
    pub type_name: &'static str,
    pub fields: &'static [Part],
}

/// A field of such an object.
#[derive(Debug)]
pub struct Part {
    /// `amountMinor`.
    pub name: &'static str,
    /// The kind's columns that it is built from.
    pub columns: &'static [usize],
    /// Writes JSON from those columns in PostgreSQL's binary format.
    pub write: fn(&[&[u8]], &mut Vec<u8>),
    /// Writes JSON from the stored JSON of a component.
    pub project: fn(&[u8], &mut Vec<u8>),
}

/// The sort key of a kind's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    ByValue,
    /// As text of a language.
    ByLanguage,
    /// By currency code, which is the last column, then by amount.
    ByCurrency,
}

type FromStored = fn(&Json) -> Result<Value, String>;

/// One row of the table.
#[derive(Clone, Copy)]
struct Row {
    columns: &'static [Column],
    order: Ordered,
    /// The type that the first column is cast to on reading, if its own binary format is not suitable.
    select: Option<&'static str>,
    parse: fn(&Json, &dyn Currencies) -> Result<Value, String>,
    json: fn(&Value) -> Json,
    /// The reverse of `json`, where `parse` is stricter than what may be stored.
    stored: Option<FromStored>,
    /// Writes JSON from the first column's binary format.
    write: fn(&[u8], &mut Vec<u8>),
    parts: Option<&'static Parts>,
}

const TEXT: Row = Row {
    columns: &[Column { suffix: "", cast: "text" }],
    order: Ordered::ByLanguage,
    select: None,
    parse: |json, _| text::text(json),
    json: as_text,
    stored: None,
    write: crate::json::write_string,
    parts: None,
};

/// A text with a format. Values stored under an older rule can still be read.
const CHECKED_TEXT: Row = Row { stored: Some(text::text), ..TEXT };

const BIGINT: Row = Row {
    columns: &[Column { suffix: "", cast: "bigint" }],
    order: Ordered::ByValue,
    parse: |json, _| parse::bigint(json),
    json: as_text,
    write: write::bigint,
    ..TEXT
};

impl Kind {
    /// Whether this is an integer kind, such as page sizes have.
    pub fn is_integer(self) -> bool {
        self == Self::Integer
    }

    fn row(self) -> Row {
        match self {
            Self::Text | Self::Markdown => TEXT,
            Self::String => Row { parse: |json, _| text::line(json), ..CHECKED_TEXT },
            Self::Slug => Row { parse: |json, _| text::slug(json), ..CHECKED_TEXT },
            Self::Email => Row { parse: |json, _| text::email(json), ..CHECKED_TEXT },
            Self::Url => Row { parse: |json, _| text::url(json), ..CHECKED_TEXT },
            Self::Color => Row { parse: |json, _| text::color(json), ..CHECKED_TEXT },
            Self::Integer => {
                Row { parse: |json, _| parse::integer(json), json: as_number, write: write::integer, ..BIGINT }
            }
            Self::Bigint => BIGINT,
            Self::Decimal => Row {
                columns: &[Column { suffix: "", cast: "numeric" }],
                order: Ordered::ByValue,
                select: Some("text"),
                parse: |json, _| parse::decimal(json),
                ..TEXT
            },
            Self::Boolean => Row {
                columns: &[Column { suffix: "", cast: "boolean" }],
                order: Ordered::ByValue,
                parse: |json, _| parse::boolean(json),
                json: |value| Json::Bool(matches!(value, Value::Bool(true))),
                write: write::boolean,
                ..TEXT
            },
            Self::Date => Row {
                columns: &[Column { suffix: "", cast: "date" }],
                order: Ordered::ByValue,
                parse: |json, _| moment::date(json),
                write: write::date,
                ..TEXT
            },
            Self::Time => Row {
                columns: &[Column { suffix: "", cast: "time" }],
                order: Ordered::ByValue,
                parse: |json, _| moment::time(json),
                write: write::time,
                ..TEXT
            },
            Self::Datetime => Row {
                columns: &[Column { suffix: "", cast: "timestamptz" }],
                order: Ordered::ByValue,
                parse: |json, _| moment::datetime(json),
                write: write::datetime,
                ..TEXT
            },
            Self::Duration => {
                Row { parse: |json, _| moment::duration(json), json: as_duration, write: write::duration, ..BIGINT }
            }
            Self::Money => Row {
                columns: &[Column { suffix: "", cast: "bigint" }, Column { suffix: "_currency", cast: "text" }],
                order: Ordered::ByCurrency,
                parse: parse::money,
                json: as_money,
                stored: Some(parse::stored_money),
                parts: Some(&write::MONEY),
                ..BIGINT
            },
            Self::Json => Row {
                columns: &[Column { suffix: "", cast: "jsonb" }],
                order: Ordered::ByValue,
                parse: |json, _| parse::json(json),
                json: as_json,
                write: write::jsonb,
                ..TEXT
            },
            Self::User => Row {
                columns: &[Column { suffix: "", cast: "uuid" }],
                order: Ordered::ByValue,
                parse: |json, _| parse::user(json),
                json: as_user,
                write: write::user,
                ..TEXT
            },
        }
    }

    /// Its columns; each is null exactly when the value is.
    pub fn columns(self) -> &'static [Column] {
        self.row().columns
    }

    pub fn order(self) -> Ordered {
        self.row().order
    }

    /// The SQL type that a value's text is cast to: see [`Value::text`].
    pub fn cast(self) -> &'static str {
        self.row().columns[0].cast
    }

    /// The expression whose binary form [`Kind::write`] takes; `column` must already be quoted.
    pub fn select(self, column: &str) -> String {
        match self.row().select {
            Some(cast) => format!("{column}::{cast}"),
            None => column.to_owned(),
        }
    }

    /// Parses API input into normal form; null is `Value::Null`. The error completes "price: ...".
    pub fn parse(self, json: &Json, site: &dyn Currencies) -> Result<Value, String> {
        match json {
            Json::Null => Ok(Value::Null),
            json => (self.row().parse)(json, site),
        }
    }

    /// The JSON for the API, which components also store.
    pub fn json(self, value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            value => (self.row().json)(value),
        }
    }

    /// Parses the output of [`Kind::json`].
    pub fn from_stored(self, json: &Json) -> Result<Value, String> {
        match (json, self.row().stored) {
            (Json::Null, _) => Ok(Value::Null),
            (json, Some(stored)) => stored(json),
            (json, None) => (self.row().parse)(json, &Every("")),
        }
    }

    /// Reads the value from its columns in PostgreSQL's binary format, the first one as selected by [`Kind::select`].
    pub fn read(self, columns: &[Option<&[u8]>]) -> Result<Value, String> {
        let Some(columns) = columns.iter().copied().collect::<Option<Vec<_>>>() else { return Ok(Value::Null) };
        let mut json = Vec::new();
        match self.parts() {
            None => self.write(columns[0], &mut json),
            Some(parts) => {
                for part in parts.fields {
                    json.push(if json.is_empty() { b'{' } else { b',' });
                    crate::json::write_string(part.name.as_bytes(), &mut json);
                    json.push(b':');
                    let of: Vec<_> = part.columns.iter().map(|&column| columns[column]).collect();
                    (part.write)(&of, &mut json);
                }
                json.push(b'}');
            }
        }
        let json = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
        self.from_stored(&json)
    }

    /// Appends the JSON of a value in the binary format of [`Kind::select`].
    pub fn write(self, binary: &[u8], out: &mut Vec<u8>) {
        (self.row().write)(binary, out);
    }

    /// The object shown in the API; `None` for a scalar.
    pub fn parts(self) -> Option<&'static Parts> {
        self.row().parts
    }
}

fn as_text(value: &Value) -> Json {
    value.text(0).map_or(Json::Null, |text| Json::String(text.into_owned()))
}

fn as_number(value: &Value) -> Json {
    match value {
        Value::Int(number) => Json::from(*number),
        _ => Json::Null,
    }
}

fn as_duration(value: &Value) -> Json {
    match value {
        Value::Int(milliseconds) => Json::String(write::iso_duration(*milliseconds)),
        _ => Json::Null,
    }
}

fn as_money(value: &Value) -> Json {
    match value {
        Value::Money { amount, currency } => {
            serde_json::json!({"amountMinor": amount.to_string(), "currency": currency})
        }
        _ => Json::Null,
    }
}

fn as_json(value: &Value) -> Json {
    match value {
        Value::Json(json) => json.clone(),
        _ => Json::Null,
    }
}

fn as_user(value: &Value) -> Json {
    match value {
        Value::Uuid(user) => Json::String(id::encode(USER_PREFIX, *user)),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests;
