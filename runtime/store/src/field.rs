//! Fields of content types as typed constants: `product::PRICE.lte(price)`, `product::NAME.set("Chair")`. The generator writes one for
//! each field. They produce filters, orders and inputs in the JSON of the API.

use std::marker::PhantomData;

use serde_json::{Map, Value as Json, json};

use crate::access::USER_PREFIX;
use crate::id::{self, Id};
use crate::input::{input_json, value_json};
use crate::record::{FieldType, Record};
use crate::value::Value;
use model::kind::Kind;

/// A field with one value: a scalar or a choice.
pub struct Scalar<T, V>(Named<T, V>);

/// A system field of each entry, such as `created_at`. It is compared and ordered by, but never set.
pub struct Kept<T, V>(Named<T, V>);

/// A relation to one entry of a single type.
pub struct Link<T, O>(Named<T, O>);

/// A relation to several entries of a single type.
pub struct Links<T, O>(Named<T, O>);

/// A children field.
pub struct Rows<T, C>(Named<T, C>);

/// A field that is set as a whole and not compared: components, blocks, lists of choices, relations to several types.
pub struct Whole<T, V>(Named<T, V>);

struct Named<T, V> {
    name: &'static str,
    of: PhantomData<fn() -> (T, V)>,
}

/// A condition on entries.
pub struct Condition<T> {
    json: Json,
    of: PhantomData<fn() -> T>,
}

/// A sort key of a list.
pub struct By<T> {
    pub(crate) name: &'static str,
    pub(crate) descending: bool,
    of: PhantomData<fn() -> T>,
}

/// A value for a field of an entry that is created or updated.
pub struct Set<T> {
    name: &'static str,
    json: Json,
    of: PhantomData<fn() -> T>,
}

/// A value for a field: the value itself, an `Option` of it, and for texts also `&str`.
pub trait Takes<V> {
    fn value(self) -> Option<V>;
}

impl<V: FieldType> Takes<V> for V {
    fn value(self) -> Option<V> {
        Some(self)
    }
}

impl<V: FieldType> Takes<V> for Option<V> {
    fn value(self) -> Option<V> {
        self
    }
}

impl Takes<String> for &str {
    fn value(self) -> Option<String> {
        Some(self.to_owned())
    }
}

macro_rules! named {
    ($($name:ident<T, $value:ident>),+) => {$(
        impl<T, $value> Clone for $name<T, $value> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T, $value> Copy for $name<T, $value> {}

        impl<T, $value> $name<T, $value> {
            /// `name` is the name in the API.
            pub const fn new(name: &'static str) -> Self {
                Self(Named { name, of: PhantomData })
            }
        }
    )+};
}

named!(Scalar<T, V>, Kept<T, V>, Link<T, O>, Links<T, O>, Rows<T, C>, Whole<T, V>);

impl<T, V> Clone for Named<T, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, V> Copy for Named<T, V> {}

/// Comparisons and orders of fields with one value.
macro_rules! compared {
    ($($name:ident),+) => {$(
        impl<T: Record, V: FieldType> $name<T, V> {
            pub fn is(self, value: impl Takes<V>) -> Condition<T> {
                match value.value() {
                    Some(value) => self.by("eq", &value),
                    None => self.is_null(),
                }
            }

            pub fn is_not(self, value: impl Takes<V>) -> Condition<T> {
                self.is(value).negated()
            }

            pub fn one_of(self, values: impl IntoIterator<Item = impl Takes<V>>) -> Condition<T> {
                let values = values.into_iter().filter_map(Takes::value);
                Condition::on(self.0.name, "in", values.map(|value| operand::<T, V>(self.0.name, &value)).collect())
            }

            pub fn lt(self, value: impl Takes<V>) -> Condition<T> {
                self.bound("lt", value)
            }

            pub fn lte(self, value: impl Takes<V>) -> Condition<T> {
                self.bound("lte", value)
            }

            pub fn gt(self, value: impl Takes<V>) -> Condition<T> {
                self.bound("gt", value)
            }

            pub fn gte(self, value: impl Takes<V>) -> Condition<T> {
                self.bound("gte", value)
            }

            pub fn is_null(self) -> Condition<T> {
                Condition::on(self.0.name, "isNull", true.into())
            }

            pub fn is_not_null(self) -> Condition<T> {
                Condition::on(self.0.name, "isNull", false.into())
            }

            pub fn asc(self) -> By<T> {
                By { name: self.0.name, descending: false, of: PhantomData }
            }

            pub fn desc(self) -> By<T> {
                By { name: self.0.name, descending: true, of: PhantomData }
            }

            /// A missing value is neither less nor more than any other.
            fn bound(self, operator: &str, value: impl Takes<V>) -> Condition<T> {
                value.value().map_or_else(Condition::never, |value| self.by(operator, &value))
            }

            fn by(self, operator: &str, value: &V) -> Condition<T> {
                Condition::on(self.0.name, operator, operand::<T, V>(self.0.name, value))
            }
        }
    )+};
}

compared!(Scalar, Kept);

impl<T: Record> Scalar<T, String> {
    /// Case-insensitive.
    pub fn contains(self, part: &str) -> Condition<T> {
        Condition::on(self.0.name, "contains", part.into())
    }

    pub fn starts_with(self, part: &str) -> Condition<T> {
        Condition::on(self.0.name, "startsWith", part.into())
    }
}

impl<T: Record, V: FieldType> Scalar<T, V> {
    /// `None` clears the field.
    pub fn set(self, value: impl Takes<V>) -> Set<T> {
        Set::to(self.0.name, value.value().as_ref())
    }
}

impl<T: Record, V: FieldType> Whole<T, V> {
    /// `None` clears the field.
    pub fn set(self, value: impl Takes<V>) -> Set<T> {
        Set::to(self.0.name, value.value().as_ref())
    }
}

impl<T: Record, O: Record> Link<T, O> {
    pub fn is(self, entry: Id<O>) -> Condition<T> {
        self.to(id_is(entry))
    }

    pub fn one_of(self, entries: impl IntoIterator<Item = Id<O>>) -> Condition<T> {
        self.to(Condition::on("id", "in", entries.into_iter().map(written).collect()))
    }

    pub fn is_null(self) -> Condition<T> {
        Condition::on(self.0.name, "isNull", true.into())
    }

    pub fn is_not_null(self) -> Condition<T> {
        Condition::on(self.0.name, "isNull", false.into())
    }

    /// The target matches the condition.
    pub fn to(self, condition: Condition<O>) -> Condition<T> {
        Condition::on(self.0.name, "is", condition.json)
    }

    /// `None` clears the relation.
    pub fn set(self, entry: impl Takes<Id<O>>) -> Set<T> {
        Set::to(self.0.name, entry.value().as_ref())
    }
}

impl<T: Record, O: Record> Links<T, O> {
    pub fn has(self, entry: Id<O>) -> Condition<T> {
        self.some(id_is(entry))
    }

    pub fn some(self, condition: Condition<O>) -> Condition<T> {
        Condition::on(self.0.name, "some", condition.json)
    }

    pub fn every(self, condition: Condition<O>) -> Condition<T> {
        Condition::on(self.0.name, "every", condition.json)
    }

    pub fn none(self, condition: Condition<O>) -> Condition<T> {
        Condition::on(self.0.name, "none", condition.json)
    }

    /// Sets the whole list.
    pub fn set(self, entries: impl IntoIterator<Item = Id<O>>) -> Set<T> {
        Set::to(self.0.name, Some(&entries.into_iter().collect::<Vec<_>>()))
    }

    /// Appends the entries that are not in the list yet.
    pub fn connect(self, entries: impl IntoIterator<Item = Id<O>>) -> Set<T> {
        Set::part(self.0.name, "connect", entries)
    }

    pub fn disconnect(self, entries: impl IntoIterator<Item = Id<O>>) -> Set<T> {
        Set::part(self.0.name, "disconnect", entries)
    }
}

impl<T: Record, C: Record + FieldType> Rows<T, C> {
    pub fn some(self, condition: Condition<C>) -> Condition<T> {
        Condition::on(self.0.name, "some", condition.json)
    }

    pub fn every(self, condition: Condition<C>) -> Condition<T> {
        Condition::on(self.0.name, "every", condition.json)
    }

    pub fn none(self, condition: Condition<C>) -> Condition<T> {
        Condition::on(self.0.name, "none", condition.json)
    }

    /// Sets the whole list: rows with a known id are updated, others are added, and missing ones are deleted.
    pub fn set(self, rows: impl IntoIterator<Item = C>) -> Set<T> {
        Set::to(self.0.name, Some(&rows.into_iter().collect::<Vec<_>>()))
    }
}

impl<T: Record> Condition<T> {
    fn on(field: &str, operator: &str, value: Json) -> Self {
        Self { json: json!({ field: { operator: value } }), of: PhantomData }
    }

    pub fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::joined("and", conditions)
    }

    pub fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::joined("or", conditions)
    }

    /// Matches no entry.
    pub fn never() -> Self {
        Self::any([])
    }

    pub fn and(self, other: Self) -> Self {
        Self::all([self, other])
    }

    pub fn or(self, other: Self) -> Self {
        Self::any([self, other])
    }

    pub fn negated(self) -> Self {
        Self { json: json!({ "not": self.json }), of: PhantomData }
    }

    pub(crate) fn into_json(self) -> Json {
        self.json
    }

    fn joined(word: &str, conditions: impl IntoIterator<Item = Self>) -> Self {
        let conditions: Vec<_> = conditions.into_iter().map(|condition| condition.json).collect();
        Self { json: json!({ word: conditions }), of: PhantomData }
    }
}

impl<T: Record> Set<T> {
    fn to<V: FieldType>(name: &'static str, value: Option<&V>) -> Self {
        let value = value.map(FieldType::to_value);
        let json = match (value, T::INFO.field(name)) {
            (Some(value), Some(field)) => input_json(&field.shape, &value),
            _ => Json::Null,
        };
        Self { name, json, of: PhantomData }
    }

    fn part<O: Record>(name: &'static str, part: &str, entries: impl IntoIterator<Item = Id<O>>) -> Self {
        let keys: Vec<_> = entries.into_iter().map(|entry| json!({ "id": written(entry) })).collect();
        Self { name, json: json!({ part: keys }), of: PhantomData }
    }

    /// The API input. If a field is set twice, the last value wins.
    pub(crate) fn input(values: impl IntoIterator<Item = Self>) -> Map<String, Json> {
        values.into_iter().map(|set| (set.name.to_owned(), set.json)).collect()
    }

    pub(crate) fn key(self) -> Json {
        json!({ self.name: self.json })
    }
}

fn id_is<O: Record>(entry: Id<O>) -> Condition<O> {
    Condition::on("id", "eq", written(entry).into())
}

fn written<O: Record>(entry: Id<O>) -> String {
    id::encode(O::INFO.table, entry.uuid())
}

/// The value in the form that filters take.
fn operand<T: Record, V: FieldType>(name: &str, value: &V) -> Json {
    match (T::INFO.field(name), value.to_value()) {
        (Some(field), value) => value_json(&field.shape, &value),
        // System fields: the id, users and timestamps.
        (None, Value::Uuid(uuid)) if name == "id" => id::encode(T::INFO.table, uuid).into(),
        (None, Value::Uuid(uuid)) => id::encode(USER_PREFIX, uuid).into(),
        (None, moment) => Kind::Datetime.json(&moment),
    }
}
