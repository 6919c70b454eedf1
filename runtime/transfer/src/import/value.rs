//! Converts the JSON of a record to values of expressions, and back. Null and blank values are undefined in expressions, and are omitted on
//! the way back.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, ValueKind};
use minijinja::{ErrorKind, Value};
use rust_decimal::Decimal;
use serde_json::{Map, Number, Value as Json};

use crate::import::money::written_out;

/// Lists nested deeper than in any record.
const DEEPEST: usize = 256;

/// A number that would not be exact as a float.
#[derive(Debug)]
struct Digits(Number);

impl Object for Digits {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// `trim`: texts are trimmed.
pub fn value(json: &Json, trim: bool) -> Value {
    match json {
        Json::Null => Value::UNDEFINED,
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => number_value(number),
        Json::String(text) => match text.trim() {
            "" => Value::UNDEFINED,
            inner => Value::from(if trim { inner } else { text }),
        },
        Json::Array(items) => items.iter().map(|item| value(item, trim)).collect(),
        Json::Object(object) => Value::from_pairs(object.iter().map(|(key, item)| (key.as_str(), value(item, trim)))),
    }
}

/// Whole numbers are exact. A fraction becomes a float if that is the same number; otherwise it keeps its digits and
/// cannot be used in arithmetic.
fn number_value(number: &Number) -> Value {
    if let Some(whole) = number.as_i64() {
        return Value::from(whole);
    }
    if let Ok(whole) = number.as_str().parse::<i128>() {
        return Value::from(whole);
    }
    let exact = |text: &str| Decimal::from_str_exact(&written_out(text)).ok().map(|number| number.normalize());
    match number.as_f64().filter(|float| float.is_finite()) {
        Some(float) if exact(number.as_str()).is_some_and(|wanted| exact(&float.to_string()) == Some(wanted)) => {
            Value::from(float)
        }
        _ => Value::from_object(Digits(number.clone())),
    }
}

pub fn is_number(value: &Value) -> bool {
    value.is_number() || value.downcast_object_ref::<Digits>().is_some()
}

/// The text of a string, a number or a boolean.
pub fn text_of(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::String => value.as_str().map(str::to_owned),
        ValueKind::Bool => Some(value.is_true().to_string()),
        // Infinity and NaN end in a letter.
        ValueKind::Number => Some(value.to_string()).filter(|text| text.ends_with(|end: char| end.is_ascii_digit())),
        _ => value.downcast_object_ref::<Digits>().map(|digits| written_out(digits.0.as_str())),
    }
}

fn number_of(value: &Value) -> Option<Number> {
    match value.downcast_object_ref::<Digits>() {
        Some(digits) => Some(digits.0.clone()),
        None => value.to_string().parse().ok().filter(|_| value.is_number()),
    }
}

pub fn is_nothing(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Calls `weigh` with the cost of each piece, and stops if that fails. Undefined items and keys are omitted.
pub fn json(value: &Value, weigh: &mut dyn FnMut(usize) -> Result<(), String>) -> Result<Json, String> {
    deep(value, DEEPEST, weigh)
}

fn deep(value: &Value, depth: usize, weigh: &mut dyn FnMut(usize) -> Result<(), String>) -> Result<Json, String> {
    let depth =
        depth.checked_sub(1).ok_or_else(|| format!("the value has lists nested more than {DEEPEST} levels deep"))?;
    let text = value.as_str();
    weigh(text.map_or(0, str::len))?;
    if is_nothing(value) {
        return Ok(Json::Null);
    }
    Ok(match value.kind() {
        ValueKind::Bool => Json::Bool(value.is_true()),
        ValueKind::String => Json::from(text.unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::new();
            for item in value.try_iter().map_err(message)?.checked() {
                items.push(deep(&item.map_err(message)?, depth, weigh)?);
            }
            items.retain(|item| !item.is_null());
            Json::Array(items)
        }
        ValueKind::Map => {
            let pairs = value.as_object().and_then(|object| object.try_iter_pairs());
            let mut object = Map::new();
            for (key, item) in pairs.into_iter().flatten() {
                let item = deep(&item, depth, weigh)?;
                if let Some(key) = text_of(&key).filter(|key| !key.trim().is_empty() && !item.is_null()) {
                    object.insert(key, item);
                }
            }
            Json::Object(object)
        }
        kind => match number_of(value) {
            Some(number) => Json::Number(number),
            None => return Err(format!("expected a value, but the expression gives a {kind} (`{value}`)")),
        },
    })
}

/// minijinja's message, without the position in a template.
pub fn message(error: minijinja::Error) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        Some(detail) if matches!(error.kind(), ErrorKind::InvalidOperation | ErrorKind::SyntaxError) => {
            detail.to_owned()
        }
        Some(detail) => format!("{kind}: {detail}"),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn back(value: &Value) -> Json {
        super::json(value, &mut |_| Ok(())).unwrap()
    }

    #[test]
    fn numbers_keep_their_digits() {
        for text in [
            "0",
            "-7",
            "99999999999999.99",
            "12345678901234567890123456789012345678",
            "0.1",
            "123456789012345678901234567890.5",
            "1e300",
            "0.30000000000000001",
        ] {
            let number: Json = serde_json::from_str(text).unwrap();
            assert_eq!(back(&value(&number, false)).to_string(), number.to_string(), "{text}");
            assert_eq!(text_of(&value(&number, false)), crate::import::expr::plain_text(&number), "{text}");
        }
        assert!(value(&serde_json::from_str("10.10").unwrap(), false).is_number());
        assert!(!value(&serde_json::from_str("99999999999999.99").unwrap(), false).is_number());
    }

    #[test]
    fn what_is_blank_is_nothing() {
        let record = json!({"a": null, "b": " ", "c": [null, " x ", ""], "d": {"e": " "}});
        assert_eq!(back(&value(&record, false)), json!({"c": [" x "], "d": {}}));
        assert_eq!(back(&value(&record, true)), json!({"c": ["x"], "d": {}}));
    }

    proptest! {
        #[test]
        fn no_number_changes(whole in any::<i64>(), fraction in "[0-9]{1,24}") {
            let number: Json = serde_json::from_str(&format!("{whole}.{fraction}")).unwrap();
            let before = Decimal::from_str_exact(&number.to_string());
            let after = text_of(&value(&number, false)).unwrap();
            prop_assert!(before.is_err() || before == Decimal::from_str_exact(&after), "{number} became {after}");
        }
    }
}
