//! Parses numbers, money, users and JSON from the API's JSON into normal form. Each message completes "price: ...".

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::text::no_nul;
use crate::currency::{self, Currencies};
use crate::cut;
use crate::id::{self, USER_PREFIX};
use crate::json::RESERVED_KEY;
use crate::number::{self, MAX_DIGITS};
use crate::value::Value;

/// Maximum nesting of JSON, below the limits of its parsers.
const MAX_DEPTH: usize = 64;

pub type Parsed = Result<Value, String>;

pub fn user(json: &Json) -> Parsed {
    let wanted = "the id of a user such as `user_01h455vb4pex5vsknk084sn02q`";
    let user = json.as_str().and_then(|id| id::decode_as(USER_PREFIX, id));
    user.map(Value::Uuid).ok_or_else(|| not(wanted, json))
}

pub fn integer(json: &Json) -> Parsed {
    let number = json.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(|number| Value::Int(number.into())).ok_or_else(|| not("a 32-bit integer", json))
}

pub fn bigint(json: &Json) -> Parsed {
    let number = match json {
        Json::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    number.map(Value::Int).ok_or_else(|| not("a 64-bit integer, as a string or a number", json))
}

pub fn decimal(json: &Json) -> Parsed {
    exact(json).map(|number| Value::Text(number.to_string()))
}

pub fn boolean(json: &Json) -> Parsed {
    json.as_bool().map(Value::Bool).ok_or_else(|| not("true or false", json))
}

pub fn money(json: &Json, site: &dyn Currencies) -> Parsed {
    let wanted = "money such as {amount: \"12.34\", currency: \"EUR\"}";
    let object = json.as_object().ok_or_else(|| not(wanted, json))?;
    if let Some(key) = object.keys().find(|key| !matches!(key.as_str(), "amountMinor" | "amount" | "currency")) {
        return Err(format!("unknown field `{key}` on money"));
    }
    let given = |key| object.get(key).filter(|value: &&Json| !value.is_null());
    let currency = match given("currency") {
        None => site.usual(),
        Some(Json::String(currency)) => currency,
        Some(other) => return Err(not("a three-letter currency code", other)),
    };
    if !site.takes(currency) {
        return Err(format!("the currency must be one of {}, not `{currency}`", site.list()));
    }
    let amount = match (given("amountMinor"), given("amount")) {
        (Some(minor), None) => match bigint(minor)? {
            Value::Int(minor) => minor,
            _ => return Err(not(wanted, json)),
        },
        (None, Some(amount)) => currency::minor_units(exact(amount)?, currency)?,
        _ => return Err("give exactly one of `amountMinor` and `amount`".to_owned()),
    };
    Ok(Value::Money { amount, currency: currency.to_owned() })
}

/// Money as stored, even if the site no longer accepts its currency.
pub fn stored_money(json: &Json) -> Parsed {
    let minor = json.get("amountMinor").map(bigint).transpose()?;
    match (minor, json.get("currency").and_then(Json::as_str)) {
        (Some(Value::Int(amount)), Some(currency)) => Ok(Value::Money { amount, currency: currency.to_owned() }),
        _ => Err(not("stored money", json)),
    }
}

pub fn json(json: &Json) -> Parsed {
    check_json(json, 0)?;
    Ok(Value::Json(json.clone()))
}

fn check_json(json: &Json, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("JSON may be nested at most {MAX_DEPTH} levels deep"));
    }
    match json {
        Json::String(text) => no_nul(text),
        Json::Number(number) if !number::is_short(number) => {
            Err(format!("a number may have at most {MAX_DIGITS} digits: write a longer one as a string"))
        }
        Json::Array(items) => items.iter().try_for_each(|item| check_json(item, depth + 1)),
        Json::Object(members) => members.iter().try_for_each(|(key, value)| {
            if key.starts_with(RESERVED_KEY) {
                return Err(format!("keys that start with `{RESERVED_KEY}` are reserved"));
            }
            no_nul(key)?;
            check_json(value, depth + 1)
        }),
        _ => Ok(()),
    }
}

/// A decimal number with exactly the digits written.
fn exact(json: &Json) -> Result<Decimal, String> {
    let text = match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => number::plain(number),
        _ => None,
    };
    let number = text.and_then(|text| number::decimal(&text));
    let mut number = number.ok_or_else(|| not("a decimal number of at most 28 digits such as `\"12.34\"`", json))?;
    if number.is_zero() {
        number.set_sign_positive(true);
    }
    Ok(number)
}

pub fn not(wanted: &str, json: &Json) -> String {
    format!("must be {wanted}, not {}", cut(&json.to_string()))
}
