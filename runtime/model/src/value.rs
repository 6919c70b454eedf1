//! `Value`: one field's value between the API's input and SQL.

use std::borrow::Cow;
use std::cmp::Ordering;

use uuid::Uuid;

use crate::{Timestamp, json, number};

/// The result of [`crate::kind::Kind::parse`]. Numbers, dates and times that do not fit Rust's integers are kept as
/// text that PostgreSQL parses; the column's `cast` gives them their type.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    Uuid(Uuid),
    Money { amount: i64, currency: String },
    Json(serde_json::Value),
    List(Vec<Self>),
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of the value's column, to be cast to the column's type. Money has two: 0 is the amount, 1 the currency.
    pub fn text(&self, column: usize) -> Option<Cow<'_, str>> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Self::Int(value) => Some(Cow::Owned(value.to_string())),
            Self::Text(value) => Some(Cow::Borrowed(value)),
            Self::Uuid(value) => Some(Cow::Owned(value.to_string())),
            Self::Money { amount, .. } if column == 0 => Some(Cow::Owned(amount.to_string())),
            Self::Money { currency, .. } => Some(Cow::Borrowed(currency)),
            Self::Json(value) => Some(Cow::Owned(value.to_string())),
            Self::List(items) => Some(Cow::Owned(array_literal(items, column))),
        }
    }

    /// Compares two values of one kind as bounds do; money is compared by its amount.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) | (Self::Money { amount: a, .. }, Self::Money { amount: b, .. }) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => {
                let moments = (a.parse::<Timestamp>(), b.parse::<Timestamp>());
                match moments {
                    (Ok(a), Ok(b)) => a.cmp(&b),
                    // ISO 8601 dates and times of day sort as text.
                    _ => number::order(a, b).unwrap_or_else(|| a.cmp(b)),
                }
            }
            _ => Ordering::Equal,
        }
    }
}

/// JSON is compared as in PostgreSQL: the order of keys and the notation of numbers do not matter.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            (Self::Money { amount: a, currency: of_a }, Self::Money { amount: b, currency: of_b }) => {
                a == b && of_a == of_b
            }
            (Self::Json(a), Self::Json(b)) => json::same(a, b),
            (Self::List(a), Self::List(b)) => a == b,
            _ => false,
        }
    }
}

/// PostgreSQL's text form of an array: `{"a","b"}`.
fn array_literal(items: &[Value], column: usize) -> String {
    let mut literal = String::from("{");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            literal.push(',');
        }
        match item.text(column) {
            None => literal.push_str("NULL"),
            Some(text) => {
                literal.push('"');
                for character in text.chars() {
                    if matches!(character, '"' | '\\') {
                        literal.push('\\');
                    }
                    literal.push(character);
                }
                literal.push('"');
            }
        }
    }
    literal.push('}');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_an_array_literal_whatever_its_texts_hold() {
        let list = Value::List(vec![Value::Text(r#"a"b\c,{}"#.into()), Value::Null, Value::Int(3)]);
        assert_eq!(list.text(0).as_deref(), Some(r#"{"a\"b\\c,{}",NULL,"3"}"#));
    }

    #[test]
    fn money_is_two_texts() {
        let money = Value::Money { amount: 1234, currency: "EUR".into() };
        assert_eq!(money.text(0).as_deref(), Some("1234"));
        assert_eq!(money.text(1).as_deref(), Some("EUR"));
    }
}
