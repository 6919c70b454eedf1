//! Orders of lists, and the places in them that cursors name.
//!
//! Every order ends with the id, so that no two rows share a place. A page is found by comparing with the place where the
//! last one ended, never by counting rows.

use std::fmt::Write as _;

use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};
use uuid::Uuid;

use super::rows::Tables;
use super::sql::{Sql, quoted};
use crate::content::{ContentInfo, FieldInfo, Required, Shape, SiteInfo};
use crate::error::{Code, Problem, Step};
use crate::kind::Kind;
use crate::value::Value;

/// The order of a list that is given none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultOrder {
    /// Greatest id first: ids are made in order of time.
    Newest,
    /// As its owner has put it; the column is `position` of this alias.
    Position(&'static str),
}

#[derive(Clone, Debug)]
pub struct Order {
    keys: Vec<Key>,
    /// Tells cursors of one order from those of another.
    signature: String,
}

#[derive(Clone, Debug)]
struct Key {
    column: String,
    /// `None` for the id.
    kind: Option<Kind>,
    nullable: bool,
    descending: bool,
    nulls_first: bool,
}

/// The values of a row's keys, the id last.
pub type Place = Vec<Value>;

impl Key {
    fn new(column: String, kind: Option<Kind>, nullable: bool, descending: bool) -> Self {
        // As PostgreSQL's indexes have it.
        Self { column, kind, nullable, descending, nulls_first: descending }
    }

    fn id(descending: bool) -> Self {
        Self::new("t.id".into(), None, false, descending)
    }

    fn cast(&self) -> &'static str {
        self.kind.map_or("uuid", Kind::cast)
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
        format!("{}{direction}{nulls}", self.column)
    }
}

impl Order {
    /// From the coerced `orderBy`, over the rows `t`.
    pub fn new(
        tables: Tables<'_>,
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
            match key(tables, info, json) {
                Ok(key) if keys.iter().any(|known| known.column == key.column) => {}
                Ok(key) => keys.push(key),
                Err(problem) => problems.push(problem.at([Step::from("orderBy"), Step::from(index)])),
            }
        }
        match (keys.last(), default) {
            (Some(last), _) => keys.push(Key::id(last.descending)),
            (None, DefaultOrder::Newest) => keys.push(Key::id(true)),
            (None, DefaultOrder::Position(alias)) => {
                keys.push(Key::new(format!("{alias}.position"), Some(Kind::Bigint), false, false));
                keys.push(Key::id(false));
            }
        }
        let signature = signature(info, &keys);
        Self { keys, signature }
    }

    pub fn reversed(&self) -> Self {
        Self { keys: self.keys.iter().map(Key::reversed).collect(), signature: self.signature.clone() }
    }

    /// What comes after `ORDER BY`.
    pub fn push_keys(&self, text: &mut String) {
        let keys: Vec<_> = self.keys.iter().map(Key::sql).collect();
        text.push_str(&keys.join(", "));
    }

    /// `, column, ..` for [`Order::write_cursor`].
    pub fn push_columns(&self, text: &mut String) {
        for key in &self.keys {
            let _ = write!(text, ", {}", key.kind.map_or_else(|| key.column.clone(), |kind| kind.select(&key.column)));
        }
    }

    pub fn columns(&self) -> usize {
        self.keys.len()
    }

    /// A condition: the row comes after the place.
    pub fn push_after(&self, place: &Place, sql: &mut Sql) {
        let one_direction = self.keys.iter().all(|key| !key.nullable && key.descending == self.keys[0].descending);
        if one_direction {
            self.push_row_comparison(place, sql);
            return;
        }
        sql.push("(");
        for (index, key) in self.keys.iter().enumerate() {
            if index > 0 {
                sql.push(" OR ");
            }
            sql.push("(");
            for (same, value) in self.keys[..index].iter().zip(place) {
                match value {
                    Value::Null => sql.push(&format!("{} IS NULL", same.column)),
                    value => sql.push(&format!("{} = ", same.column)).value(value, 0, same.cast()),
                };
                sql.push(" AND ");
            }
            push_key_after(key, &place[index], sql);
            sql.push(")");
        }
        sql.push(")");
    }

    /// `(a, id) > ($1, $2)`, which an index answers.
    fn push_row_comparison(&self, place: &Place, sql: &mut Sql) {
        let columns: Vec<_> = self.keys.iter().map(|key| key.column.as_str()).collect();
        let operator = if self.keys[0].descending { "<" } else { ">" };
        sql.push(&format!("({}) {operator} (", columns.join(", ")));
        for (index, (key, value)) in self.keys.iter().zip(place).enumerate() {
            if index > 0 {
                sql.push(", ");
            }
            sql.value(value, 0, key.cast());
        }
        sql.push(")");
    }

    /// Appends the cursor of a row whose columns from `first` on are [`Order::push_columns`].
    pub fn write_cursor(&self, row: &PgRow, first: usize, out: &mut Vec<u8>) {
        let mut json = Vec::with_capacity(80);
        json.extend_from_slice(b"[\"");
        json.extend_from_slice(self.signature.as_bytes());
        json.push(b'"');
        for (index, key) in self.keys.iter().enumerate() {
            json.push(b',');
            let value = row.try_get_raw(first + index).ok().filter(|value| !value.is_null());
            match (value.as_ref().and_then(|value| value.as_bytes().ok()), key.kind) {
                (None, _) => json.extend_from_slice(b"null"),
                (Some(binary), Some(kind)) => kind.write(binary, &mut json),
                (Some(binary), None) => {
                    let id = Uuid::from_slice(binary).unwrap_or_default();
                    let _ = std::io::Write::write_fmt(&mut json, format_args!("\"{}\"", id.simple()));
                }
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
        let value = |(key, json): (&Key, &Json)| match key.kind {
            None => Uuid::try_parse(json.as_str()?).ok().map(Value::Uuid),
            Some(_) if json.is_null() => key.nullable.then_some(Value::Null),
            Some(kind) => kind.parse(json, site).ok(),
        };
        self.keys.iter().zip(values).map(value).collect()
    }
}

const ENGINE: base64::engine::GeneralPurpose = base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The key itself comes after the value, nulls where they are put.
fn push_key_after(key: &Key, value: &Value, sql: &mut Sql) {
    match (value.is_null(), key.nulls_first) {
        (true, true) => {
            sql.push(&format!("{} IS NOT NULL", key.column));
        }
        (true, false) => {
            sql.push("false");
        }
        (false, nulls_first) => {
            let operator = if key.descending { "<" } else { ">" };
            let or_null = key.nullable && !nulls_first;
            sql.push(&format!("{}{} {operator} ", if or_null { "(" } else { "" }, key.column));
            sql.value(value, 0, key.cast());
            if or_null {
                sql.push(&format!(" OR {} IS NULL)", key.column));
            }
        }
    }
}

fn key(tables: Tables<'_>, info: &'static ContentInfo, json: &Json) -> Result<Key, Problem> {
    let text = |key| json.get(key).and_then(Json::as_str);
    let wrong = |message: String| Problem::new(Code::BadUserInput, message);
    let name = text("field").ok_or_else(|| wrong("`field` is required".into()))?;
    let descending = match text("direction") {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(other) => return Err(wrong(format!("the direction is ASC or DESC, not `{other}`"))),
    };
    let mut key = match name {
        "CREATED_AT" | "UPDATED_AT" | "PUBLISHED_AT" if info.owner.is_none() => {
            let column = name.to_ascii_lowercase();
            Key::new(format!("t.{column}"), Some(Kind::Datetime), name == "PUBLISHED_AT", descending)
        }
        "POSITION" if info.owner.is_some() => Key::new("t.position".into(), Some(Kind::Bigint), false, descending),
        name => {
            let field = info.fields.iter().find(|field| field.sortable && field.snake.eq_ignore_ascii_case(name));
            let field = field.ok_or_else(|| wrong(format!("`{}` cannot be sorted by `{name}`", info.name)))?;
            tables.store.access.must_read(info, field.snake, tables.stage)?;
            Key::new(format!("t.{}", quoted(field.snake)), Some(sort_kind(field)), is_nullable(field), descending)
        }
    };
    match text("nulls") {
        None => {}
        Some("FIRST") => key.nulls_first = true,
        Some("LAST") => key.nulls_first = false,
        Some(other) => return Err(wrong(format!("nulls go FIRST or LAST, not `{other}`"))),
    }
    Ok(key)
}

/// An enum is sorted by its stored name.
fn sort_kind(field: &FieldInfo) -> Kind {
    match field.shape {
        Shape::Scalar(kind) => kind.key(),
        _ => Kind::Text,
    }
}

fn is_nullable(field: &FieldInfo) -> bool {
    field.required != Required::Save
}

/// FNV-1a of all that makes the order: 32 bits tell a mistake, and are no secret.
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
