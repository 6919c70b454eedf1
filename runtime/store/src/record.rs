//! `Record`: a content type as a Rust struct, and the conversion of its fields to [`Value`]s and back.
//!
//! A generated struct lists its fields once, in the order of its `INFO`. All code that reads or writes records loops over them.

use std::fmt;

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::id::Id;
use crate::value::Value;
use model::content::{ComponentInfo, ContentInfo, Shape};
use model::currency;

mod macros;
mod stored;
mod system;
mod to_many;

pub use model::Timestamp;
pub use stored::{from_stored, to_stored};
pub use system::{EntryStatus, System};
pub use to_many::ToMany;

pub type Date = jiff::civil::Date;
pub type Time = jiff::civil::Time;
pub type Duration = jiff::SignedDuration;
pub type Json = serde_json::Value;

/// An amount in the minor units of its currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Money {
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
}

/// The human-readable form: `19.99 EUR`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", currency::format_amount(self.amount_minor, &self.currency), self.currency)
    }
}

/// An entry of one of several types: the target of a polymorphic relation.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyId {
    pub table: String,
    pub uuid: Uuid,
}

/// A content type or children type. To-one relations are `Option<Id<Brand>>`, to-many ones `ToMany<Id<Tag>>`, with `AnyId` in place of
/// `Id` for several targets; children are `ToMany<ProductVariant>`.
pub trait Record: Clone + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    const INFO: &'static ContentInfo;

    fn id(&self) -> Id<Self>;

    fn set_id(&mut self, id: Id<Self>);

    /// Children have no system fields.
    fn set_system(&mut self, system: System) {
        let _ = system;
    }

    /// In the order of `INFO.fields`.
    fn fields(&mut self) -> Vec<&mut dyn FieldValue>;
}

/// A content type whose records are entries, not children.
pub trait Content: Record {
    fn revision(&self) -> i64;
}

/// An entry without its type: its id and a row of values.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Uuid,
    /// `None` for children.
    pub system: Option<System>,
    pub row: Vec<Value>,
}

/// A group of fields kept in its owner's column.
pub trait Component: Clone + Default + fmt::Debug + Send + Sync + 'static {
    const INFO: &'static ComponentInfo;

    /// In the order of `INFO.fields`.
    fn fields(&mut self) -> Vec<&mut dyn FieldValue>;
}

/// A Rust type for a field.
pub trait FieldType: Sized + Send + Sync {
    /// The error says what was found instead; the caller adds the field.
    fn from_value(value: Value) -> Result<Self, String>;

    fn to_value(&self) -> Value;
}

/// A field of a record, of any type.
pub trait FieldValue: Send + Sync {
    fn get(&self) -> Value;

    fn set(&mut self, value: Value) -> Result<(), String>;
}

impl<T: FieldType> FieldValue for T {
    fn get(&self) -> Value {
        self.to_value()
    }

    fn set(&mut self, value: Value) -> Result<(), String> {
        *self = T::from_value(value)?;
        Ok(())
    }
}

/// The values of an entry in the order of its `INFO.fields`. To-one: `Uuid`; to-many: a `List` of them (for several targets each is
/// `[Text(table), Uuid]`); component: `Json`; components and blocks: a `List` of `Json`; children: a `List` of `[Uuid, fields...]`. A list
/// that was not loaded is null.
pub fn to_row<T: Record>(record: &T) -> Vec<Value> {
    record.clone().fields().into_iter().map(|field| field.get()).collect()
}

/// Like [`from_row`], with the system fields.
pub fn from_entry<T: Record>(entry: Entry) -> Result<T, String> {
    let mut record: T = from_row(entry.id, entry.row)?;
    if let Some(system) = entry.system {
        record.set_system(system);
    }
    Ok(record)
}

/// Null in a field that cannot be null leaves the type's default.
pub fn from_row<T: Record>(id: Uuid, row: Vec<Value>) -> Result<T, String> {
    let mut record = T::default();
    record.set_id(Id::new(id));
    for ((field, info), value) in record.fields().into_iter().zip(T::INFO.fields).zip(row) {
        let is_list = matches!(info.shape, Shape::Many(_) | Shape::Children(_));
        if !value.is_null() || is_list || field.get().is_null() {
            field.set(value).map_err(|problem| format!("`{}`: {problem}", info.snake))?;
        }
    }
    Ok(record)
}

pub fn child_from_value<T: Record>(value: Value) -> Result<T, String> {
    let Value::List(mut row) = value else { return Err(unexpected("a row", &value)) };
    if row.is_empty() {
        return Err("expected a row, found an empty list".into());
    }
    let fields = row.split_off(1);
    from_row(Uuid::from_value(row.remove(0))?, fields)
}

pub fn child_to_value<T: Record>(record: &T) -> Value {
    let mut row = vec![Value::Uuid(record.id().uuid())];
    row.extend(to_row(record));
    Value::List(row)
}

pub fn component_from_value<T: Component>(value: Value) -> Result<T, String> {
    let Value::Json(Json::Object(stored)) = value else { return Err(unexpected("a component", &value)) };
    let mut component = T::default();
    for (field, info) in component.fields().into_iter().zip(T::INFO.fields) {
        let value = stored.get(info.snake).map_or(Ok(Value::Null), |json| from_stored(&info.shape, json));
        let value = value.map_err(|problem| format!("`{}`: {problem}", info.snake))?;
        if !value.is_null() {
            field.set(value).map_err(|problem| format!("`{}`: {problem}", info.snake))?;
        }
    }
    Ok(component)
}

pub fn component_to_value<T: Component>(component: &T) -> Value {
    let mut stored = serde_json::Map::new();
    stored.insert("_type".into(), T::INFO.tag.into());
    for (field, info) in component.clone().fields().into_iter().zip(T::INFO.fields) {
        let value = field.get();
        if !value.is_null() {
            stored.insert(info.snake.into(), to_stored(&info.shape, &value));
        }
    }
    Value::Json(Json::Object(stored))
}

/// The tag of a block's component, for the macro `blocks`.
pub fn tag(value: &Value) -> Option<&str> {
    match value {
        Value::Json(stored) => stored.get("_type")?.as_str(),
        _ => None,
    }
}

pub fn unexpected(expected: &str, found: &Value) -> String {
    format!("expected {expected}, found {found:?}")
}

/// Types that correspond to one variant of `Value`.
macro_rules! plain {
    ($($name:ty, $variant:ident, $expected:literal);+ $(;)?) => {$(
        impl FieldType for $name {
            fn from_value(value: Value) -> Result<Self, String> {
                match value {
                    Value::$variant(value) => Ok(value),
                    other => Err(unexpected($expected, &other)),
                }
            }

            fn to_value(&self) -> Value {
                Value::$variant(self.clone())
            }
        }
    )+};
}

plain! {
    String, Text, "a text";
    i64, Int, "a whole number";
    bool, Bool, "true or false";
    Uuid, Uuid, "an id";
    Json, Json, "JSON";
}

/// Types that `Value` holds as text.
macro_rules! textual {
    ($($name:ty, $expected:literal);+ $(;)?) => {$(
        impl FieldType for $name {
            fn from_value(value: Value) -> Result<Self, String> {
                match &value {
                    Value::Text(text) => text.parse().map_err(|_| unexpected($expected, &value)),
                    _ => Err(unexpected($expected, &value)),
                }
            }

            fn to_value(&self) -> Value {
                Value::Text(self.to_string())
            }
        }
    )+};
}

textual! {
    Decimal, "a decimal number";
    Date, "a date";
    Time, "a time";
    Timestamp, "a moment";
}

impl FieldType for i32 {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Int(wide) => Self::try_from(wide).map_err(|_| unexpected("32 bits", &value)),
            _ => Err(unexpected("a whole number", &value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }
}

impl FieldType for Duration {
    fn from_value(value: Value) -> Result<Self, String> {
        i64::from_value(value).map(Self::from_millis)
    }

    fn to_value(&self) -> Value {
        // Durations are stored in milliseconds, so any value that was read fits into 64 bits.
        Value::Int(i64::try_from(self.as_millis()).unwrap_or(i64::MAX))
    }
}

impl FieldType for Money {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Money { amount, currency } => Ok(Self { amount_minor: amount, currency }),
            other => Err(unexpected("money", &other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::Money { amount: self.amount_minor, currency: self.currency.clone() }
    }
}

impl<T> FieldType for Id<T> {
    fn from_value(value: Value) -> Result<Self, String> {
        Uuid::from_value(value).map(Self::new)
    }

    fn to_value(&self) -> Value {
        Value::Uuid(self.uuid())
    }
}

impl FieldType for AnyId {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::List(parts) => match parts.as_slice() {
                [Value::Text(table), Value::Uuid(uuid)] => Ok(Self { table: table.clone(), uuid: *uuid }),
                _ => Err("expected a table and an id".into()),
            },
            other => Err(unexpected("a table and an id", &other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::List(vec![Value::Text(self.table.clone()), Value::Uuid(self.uuid)])
    }
}

impl<T: FieldType> FieldType for Option<T> {
    fn from_value(value: Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, FieldType::to_value)
    }
}

impl<T: FieldType> FieldType for Vec<T> {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::List(items) => items.into_iter().map(T::from_value).collect(),
            Value::Json(Json::Array(items)) => items.into_iter().map(|item| T::from_value(Value::Json(item))).collect(),
            other => Err(unexpected("a list", &other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(FieldType::to_value).collect())
    }
}
