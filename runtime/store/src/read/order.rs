//! Orders of lists, and the places in them that cursors encode.
//!
//! Every order ends with the id, so that no two rows have the same place. The next page is found by comparing with the
//! place where the last one ended, never by counting rows.

mod after;

use std::fmt::Write as _;

use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};
use uuid::Uuid;

use super::filter::system_moment;
use crate::Scope;
use crate::sql::{Sql, in_bytes, in_order, quoted};
use crate::value::Value;
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, EnumInfo, FieldInfo, Required, Shape, SiteInfo};
use model::kind::{Kind, Ordered};

/// The order of a list without `orderBy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultOrder {
    /// Greatest id first: ids are ordered by time.
    Newest,
    /// The owner's own order, by the column `position` of this alias.
    Position(&'static str),
}

#[derive(Clone, Debug, Default)]
pub struct Order {
    keys: Vec<Key>,
    /// Identifies the order in cursors.
    signature: String,
}

#[derive(Clone, Debug)]
struct Key {
    /// The column that cursors store.
    column: String,
    /// The expression over this column that is ordered.
    expression: String,
    holds: Holds,
    nullable: bool,
    descending: bool,
    nulls_first: bool,
}

/// The content of a key's column, which determines how its values are compared.
#[derive(Clone, Copy, Debug)]
enum Holds {
    Id,
    Value(Kind),
    /// A currency code.
    Code,
    Text,
    /// An enum value; values are ordered as in the schema.
    Choice(&'static EnumInfo),
}

/// The values of a row's keys, with the id last.
pub type Place = Vec<Value>;

impl Key {
    fn new(column: String, holds: Holds, nullable: bool, descending: bool) -> Self {
        let expression = column.clone();
        // The default of PostgreSQL and its indexes.
        Self { column, expression, holds, nullable, descending, nulls_first: descending }
    }

    fn id(descending: bool) -> Self {
        Self::new("t.id".into(), Holds::Id, false, descending)
    }

    fn of_moment(column: &str, descending: bool) -> Self {
        Self::new(format!("t.{column}"), Holds::Value(Kind::Datetime), column.ends_with("published_at"), descending)
    }

    /// The keys of a field. Amounts are grouped by currency.
    fn of_field(field: &FieldInfo, descending: bool) -> Vec<Self> {
        let column = |suffix: &str| format!("t.{}", quoted(&format!("{}{suffix}", field.snake)));
        let key = |column, holds| Self::new(column, holds, field.required != Required::Save, descending);
        let by = |expression: String, key: Self| Self { expression, ..key };
        match field.shape {
            Shape::Enum(of) => {
                let place = format!("array_position(ARRAY[{}]::text[], {})", of.listed(), column(""));
                vec![by(place, key(column(""), Holds::Choice(of)))]
            }
            Shape::Scalar(kind) => match kind.order() {
                Ordered::ByValue => vec![key(column(""), Holds::Value(kind))],
                Ordered::ByLanguage => {
                    vec![by(in_order(&column(""), field.collation), key(column(""), Holds::Text))]
                }
                Ordered::ByCurrency => {
                    let currency = column(kind.columns().last().map_or("", |part| part.suffix));
                    let amount = key(column(""), Holds::Value(Kind::Bigint));
                    vec![by(in_bytes(&currency), key(currency, Holds::Code)), amount]
                }
            },
            // No other shape is sortable in the schema.
            _ => Vec::new(),
        }
    }

    fn select(&self) -> String {
        match self.holds {
            Holds::Value(kind) => kind.select(&self.column),
            _ => self.column.clone(),
        }
    }

    fn push_value(&self, value: &Value, sql: &mut Sql) {
        match self.holds {
            Holds::Id => sql.value(value, 0, "uuid"),
            Holds::Value(kind) => sql.value(value, 0, kind.cast()),
            Holds::Code => sql.value(value, 0, "text"),
            Holds::Text => sql.text_in_order(value),
            Holds::Choice(_) => sql.value(value, 0, "int"),
        };
    }

    /// Appends a cursor value from PostgreSQL's binary format.
    fn write(&self, binary: &[u8], json: &mut Vec<u8>) {
        match self.holds {
            Holds::Id => {
                let id = Uuid::from_slice(binary).unwrap_or_default();
                let _ = std::io::Write::write_fmt(json, format_args!("\"{}\"", id.simple()));
            }
            Holds::Value(kind) => kind.write(binary, json),
            Holds::Code | Holds::Text | Holds::Choice(_) => model::json::write_string(binary, json),
        }
    }

    /// Parses a cursor value.
    fn read(&self, json: &Json, site: &'static SiteInfo) -> Option<Value> {
        match self.holds {
            Holds::Id => Uuid::try_parse(json.as_str()?).ok().map(Value::Uuid),
            _ if json.is_null() => self.nullable.then_some(Value::Null),
            Holds::Value(kind) => kind.parse(json, site).ok(),
            // The stored text without validation: current rules may reject older values.
            Holds::Code | Holds::Text => {
                json.as_str().filter(|text| !text.contains('\0')).map(|text| Value::Text(text.to_owned()))
            }
            Holds::Choice(of) => {
                let place = of.values.iter().position(|(stored, _)| Some(*stored) == json.as_str())?;
                i64::try_from(place + 1).ok().map(Value::Int)
            }
        }
    }

    fn reversed(&self) -> Self {
        Self { descending: !self.descending, nulls_first: !self.nulls_first, ..self.clone() }
    }

    fn sql(&self) -> String {
        let direction = if self.descending { " DESC" } else { "" };
        let nulls = match (self.nullable && self.nulls_first != self.descending, self.nulls_first) {
            (false, _) => "",
            (true, true) => " NULLS FIRST",
            (true, false) => " NULLS LAST",
        };
        format!("{}{direction}{nulls}", self.expression)
    }
}

impl Order {
    /// Parses the coerced `orderBy`, for the rows `t`.
    pub fn new(
        scope: Scope<'_>,
        info: &'static ContentInfo,
        order_by: Option<&Json>,
        default: DefaultOrder,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let given = match order_by {
            None | Some(Json::Null) => &[],
            Some(Json::Array(keys)) => keys.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let mut keys: Vec<Key> = Vec::new();
        for (index, json) in given.iter().enumerate() {
            match keys_of(scope, info, json) {
                Ok(new) if keys.iter().any(|known| new.iter().any(|key| known.column == key.column)) => {}
                Ok(new) => keys.extend(new),
                Err(problem) => problems.push(problem.at([Step::from("orderBy"), Step::from(index)])),
            }
        }
        Self::of(info, keys, default)
    }

    fn of(info: &ContentInfo, mut keys: Vec<Key>, default: DefaultOrder) -> Self {
        match (keys.last(), default) {
            (Some(last), _) => keys.push(Key::id(last.descending)),
            (None, DefaultOrder::Newest) => keys.push(Key::id(true)),
            (None, DefaultOrder::Position(alias)) => {
                keys.push(Key::new(format!("{alias}.position"), Holds::Value(Kind::Bigint), false, false));
                keys.push(Key::id(false));
            }
        }
        let signature = signature(info, &keys);
        Self { keys, signature }
    }

    /// An order by fields or system fields, even if the API cannot order by them.
    pub fn by(info: &'static ContentInfo, by: &[(&'static str, bool)], default: DefaultOrder) -> Result<Self, Problem> {
        let mut keys: Vec<Key> = Vec::new();
        for (name, descending) in by {
            let new = match system_moment(info, name) {
                Some(column) => vec![Key::of_moment(column, *descending)],
                None => info.field(name).map(|field| Key::of_field(field, *descending)).unwrap_or_default(),
            };
            if new.is_empty() {
                let message = format!("`{}` cannot be ordered by `{name}`", info.name);
                return Err(Problem::new(Code::BadUserInput, message));
            }
            keys.extend(new.into_iter().filter(|key| !by_column(&keys, key)).collect::<Vec<_>>());
        }
        Ok(Self::of(info, keys, default))
    }

    /// The order with its keys on copies of their columns, which are asked for by name; `None` if the first has none.
    pub fn over(&self, copy: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let over = |key: &Key| {
            let name = key.column.strip_prefix("t.")?.trim_matches('"');
            let column = copy(name)?;
            Some(Key { expression: key.expression.replacen(&key.column, &column, 1), column, ..key.clone() })
        };
        let first = self.keys.first().and_then(over)?;
        let others = self.keys[1..].iter().map(|key| over(key).unwrap_or_else(|| key.clone()));
        Some(Self { keys: [first].into_iter().chain(others).collect(), signature: self.signature.clone() })
    }

    pub fn reversed(&self) -> Self {
        Self { keys: self.keys.iter().map(Key::reversed).collect(), signature: self.signature.clone() }
    }

    /// Appends the keys after `ORDER BY`.
    pub fn push_keys(&self, text: &mut String) {
        let keys: Vec<_> = self.keys.iter().map(Key::sql).collect();
        text.push_str(&keys.join(", "));
    }

    /// `, column, ..` for [`Order::write_cursor`].
    pub fn push_columns(&self, text: &mut String) {
        for key in &self.keys {
            let _ = write!(text, ", {}", key.select());
        }
    }

    pub fn columns(&self) -> usize {
        self.keys.len()
    }

    /// Appends the cursor of a row whose columns from `first` on were selected with [`Order::push_columns`].
    pub fn write_cursor(&self, row: &PgRow, first: usize, out: &mut Vec<u8>) {
        let mut json = Vec::with_capacity(80);
        json.extend_from_slice(b"[\"");
        json.extend_from_slice(self.signature.as_bytes());
        json.push(b'"');
        for (index, key) in self.keys.iter().enumerate() {
            json.push(b',');
            let value = row.try_get_raw(first + index).ok().filter(|value| !value.is_null());
            match value.as_ref().and_then(|value| value.as_bytes().ok()) {
                None => json.extend_from_slice(b"null"),
                Some(binary) => key.write(binary, &mut json),
            }
        }
        json.push(b']');
        out.push(b'"');
        out.extend_from_slice(base64::Engine::encode(&ENGINE, json).as_bytes());
        out.push(b'"');
    }

    pub fn read_cursor(&self, cursor: &str, site: &'static SiteInfo) -> Option<Place> {
        let bytes = base64::Engine::decode(&ENGINE, cursor).ok()?;
        let values: Vec<Json> = serde_json::from_slice(&bytes).ok()?;
        let (signature, values) = values.split_first()?;
        if *signature != self.signature || values.len() != self.keys.len() {
            return None;
        }
        self.keys.iter().zip(values).map(|(key, json)| key.read(json, site)).collect()
    }
}

/// Whether a key with the same column exists.
fn by_column(keys: &[Key], key: &Key) -> bool {
    keys.iter().any(|known| known.column == key.column)
}

const ENGINE: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The keys of one item in `orderBy`.
fn keys_of(scope: Scope<'_>, info: &'static ContentInfo, json: &Json) -> Result<Vec<Key>, Problem> {
    let text = |key| json.get(key).and_then(Json::as_str);
    let wrong = |message: String| Problem::new(Code::BadUserInput, message);
    let name = text("field").ok_or_else(|| wrong("`field` is required".into()))?;
    let descending = match text("direction") {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(other) => return Err(wrong(format!("the direction must be ASC or DESC, not `{other}`"))),
    };
    let mut keys = match name {
        "CREATED_AT" | "UPDATED_AT" | "PUBLISHED_AT" | "FIRST_PUBLISHED_AT" if info.owner.is_none() => {
            vec![Key::of_moment(&name.to_ascii_lowercase(), descending)]
        }
        "POSITION" if info.owner.is_some() => {
            vec![Key::new("t.position".into(), Holds::Value(Kind::Bigint), false, descending)]
        }
        name => {
            let field = info.fields.iter().find(|field| field.sortable && field.snake.eq_ignore_ascii_case(name));
            let field = field.ok_or_else(|| wrong(format!("`{}` cannot be sorted by `{name}`", info.name)))?;
            scope.must_read(info, field.snake)?;
            Key::of_field(field, descending)
        }
    };
    match text("nulls") {
        None => {}
        Some("FIRST") => keys.iter_mut().for_each(|key| key.nulls_first = true),
        Some("LAST") => keys.iter_mut().for_each(|key| key.nulls_first = false),
        Some(other) => return Err(wrong(format!("`nulls` must be FIRST or LAST, not `{other}`"))),
    }
    Ok(keys)
}

/// FNV-1a of everything that defines the order. 32 bits suffice to detect mistakes; no secrecy is needed.
fn signature(info: &ContentInfo, keys: &[Key]) -> String {
    let mut hash = 0x811c_9dc5_u32;
    let mut add = |text: &str| {
        for byte in text.bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
    };
    add(info.table);
    for key in keys {
        add(&key.column);
        add(if key.descending { " desc" } else { " asc" });
        add(if key.nulls_first { " first" } else { " last" });
    }
    format!("{hash:08x}")
}

#[cfg(test)]
pub(crate) mod tests;
