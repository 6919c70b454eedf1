//! Values for existing rows, from `--set` or from the schema's default, as SQL for a column and as JSON for a component.

use serde_json::Value;

use super::money;
use crate::catalog::{Field, Store};
use crate::schema::{Scalar, SqlType, Unit};

/// What `--set` gives for a field, as the JSON that the API would take for it.
pub fn parse(field: &Field, text: &str) -> Value {
    let plain = || Value::String(text.to_owned());
    let Store::Scalar { scalar: yaml } = &field.store else {
        return serde_json::from_str(text).ok().filter(Value::is_array).unwrap_or_else(plain);
    };
    let Some(mapping) = Scalar::named(yaml).map(Scalar::mapping) else { return plain() };
    match (mapping.sql, mapping.unit) {
        (SqlType::Boolean | SqlType::Jsonb, _) => serde_json::from_str(text).unwrap_or_else(|_| plain()),
        (_, Unit::MinorUnits) => match text.split_once(' ') {
            Some((amount, currency)) => serde_json::json!({ "amount": amount, "currency": currency }),
            None => serde_json::json!({ "amount": text }),
        },
        _ => plain(),
    }
}

/// The values of the field's columns as SQL, in their order; the error says what the field takes.
pub fn sql(field: &Field, value: &Value, currency: &str) -> Result<Vec<String>, String> {
    match &field.store {
        Store::Scalar { scalar: yaml } => scalar_sql(yaml, value, currency),
        Store::Enum { values } => Ok(vec![quoted(enum_value(values, value)?)]),
        Store::Enums { values } => {
            let items = value.as_array().ok_or("it takes a list, such as [\"a\", \"b\"]")?;
            let items = items.iter().map(|item| enum_value(values, item).map(quoted)).collect::<Result<Vec<_>, _>>()?;
            Ok(vec![format!("array[{}]::text[]", items.join(", "))])
        }
        Store::One { to } if to.len() == 1 => {
            let id = value.as_str().filter(|id| is_uuid(id)).ok_or("it takes the UUID of an entry")?;
            Ok(vec![quoted(id)])
        }
        _ => Err("a field of this type takes no value for existing rows".to_owned()),
    }
}

/// The value as it is stored inside a component.
pub fn json(field: &Field, value: &Value, currency: &str) -> Result<Value, String> {
    match &field.store {
        Store::Enum { values } => enum_value(values, value).map(Value::from),
        Store::Scalar { scalar: yaml } => {
            let sql = scalar_sql(yaml, value, currency)?;
            let mapping = Scalar::named(yaml).map(Scalar::mapping).ok_or("this type is not known")?;
            let text = text_of(value);
            Ok(match (mapping.sql, mapping.unit) {
                (_, Unit::MinorUnits) => {
                    let currency = value.get("currency").and_then(Value::as_str).unwrap_or(currency);
                    serde_json::json!({ "amountMinor": sql[0], "currency": currency })
                }
                (SqlType::Boolean, _) | (SqlType::Jsonb, _) => value.clone(),
                _ if mapping.graphql == "Int" => text.parse::<i32>().map_or(Value::Null, Value::from),
                _ => Value::String(text),
            })
        }
        _ => Err("a field of this type takes no value for existing rows".to_owned()),
    }
}

fn scalar_sql(yaml: &str, value: &Value, site_currency: &str) -> Result<Vec<String>, String> {
    let mapping = Scalar::named(yaml).map(Scalar::mapping).ok_or("this type is not known")?;
    let text = text_of(value);
    let wrong = |example: &str| Err(format!("`{text}` is no {yaml}: write it as {example}"));
    if mapping.unit == Unit::MinorUnits {
        let currency = value.get("currency").and_then(Value::as_str).unwrap_or(site_currency);
        let minor = match (value.get("amountMinor"), value.get("amount")) {
            (Some(minor), _) => text_of(minor).parse().ok(),
            (None, Some(amount)) => money::minor_units(&text_of(amount), currency),
            (None, None) => None,
        };
        let code = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
        return match minor {
            Some(minor) if code => Ok(vec![minor.to_string(), quoted(currency)]),
            _ => wrong("12.50, or 12.50 EUR"),
        };
    }
    let sql = match mapping.sql {
        SqlType::Bigint if mapping.unit == Unit::Milliseconds => match milliseconds(&text) {
            Some(duration) => duration.to_string(),
            None => return wrong("PT1H30M"),
        },
        SqlType::Bigint => match text.parse::<i64>() {
            Ok(number) if mapping.check.is_none() || i32::try_from(number).is_ok() => number.to_string(),
            _ => return wrong("a whole number in its range"),
        },
        SqlType::Numeric if is_decimal(&text) => text.clone(),
        SqlType::Numeric => return wrong("12.50"),
        SqlType::Boolean if matches!(text.as_str(), "true" | "false") => text.clone(),
        SqlType::Boolean => return wrong("true or false"),
        SqlType::Date if has_shape(&text, "0000-00-00") => quoted(&text),
        SqlType::Date => return wrong("2026-01-31"),
        SqlType::Time if has_shape(&text, "00:00") || has_shape(&text, "00:00:00") => quoted(&text),
        SqlType::Time => return wrong("09:30:00"),
        SqlType::Timestamptz if has_shape(text.get(..19).unwrap_or(""), "0000-00-00T00:00:00") && text.len() > 19 => {
            quoted(&text)
        }
        SqlType::Timestamptz => return wrong("2026-01-31T09:30:00Z"),
        SqlType::Jsonb => quoted(&value.to_string()),
        _ => quoted(&text),
    };
    Ok(vec![sql])
}

/// Text as an SQL literal.
pub fn quoted(text: impl AsRef<str>) -> String {
    format!("'{}'", text.as_ref().replace('\'', "''"))
}

fn enum_value<'a>(values: &'a [String], value: &Value) -> Result<&'a str, String> {
    let text = text_of(value).to_ascii_lowercase();
    let known = values.iter().find(|known| **known == text);
    known.map(String::as_str).ok_or_else(|| format!("`{text}` is none of its values: {}", values.join(", ")))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_decimal(text: &str) -> bool {
    let plain = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = plain.split_once('.').unwrap_or((plain, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match dashes.contains(&index) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
}

/// The same length, with digits where the shape has zeros.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

/// `P1DT2H30M` in milliseconds; weeks, days of 24 hours, hours, minutes and seconds.
fn milliseconds(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix('P').filter(|rest| !rest.is_empty() && !rest.ends_with('T'))?;
    let (mut total, mut time) = (0_i64, false);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (rest, time) = (after, true);
            continue;
        }
        let end = rest.find(|char: char| char.is_ascii_alphabetic())?;
        let unit = match (time, rest.as_bytes()[end]) {
            (false, b'W') => 604_800_000,
            (false, b'D') => 86_400_000,
            (true, b'H') => 3_600_000,
            (true, b'M') => 60_000,
            (true, b'S') => 1_000,
            _ => return None,
        };
        let (whole, fraction) = rest[..end].split_once('.').unwrap_or((&rest[..end], ""));
        let fraction: i64 = match fraction {
            "" => 0,
            digits if unit == 1_000 && digits.len() <= 3 => format!("{digits:0<3}").parse().ok()?,
            _ => return None,
        };
        total = total.checked_add(whole.parse::<i64>().ok()?.checked_mul(unit)?)?.checked_add(fraction)?;
        rest = &rest[end + 1..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(yaml: &str) -> Field {
        Field { name: "x".to_owned(), store: Store::Scalar { scalar: yaml.to_owned() }, required: true }
    }

    #[track_caller]
    fn check(yaml: &str, text: &str, expected: Option<&[&str]>) {
        let field = field(yaml);
        let values = sql(&field, &parse(&field, text), "EUR").ok();
        assert_eq!(values, expected.map(|values| values.iter().map(|&value| value.to_owned()).collect()));
    }

    #[test]
    fn values_are_checked_against_their_field() {
        check("string", "O'Hara", Some(&["'O''Hara'"]));
        check("integer", "2147483648", None);
        check("bigint", "2147483648", Some(&["2147483648"]));
        check("decimal", "1.50", Some(&["1.50"]));
        check("decimal", "1; drop table x", None);
        check("boolean", "true", Some(&["true"]));
        check("money", "12.50 USD", Some(&["1250", "'USD'"]));
        check("money", "12.50", Some(&["1250", "'EUR'"]));
        check("duration", "PT1H30M", Some(&["5400000"]));
        check("duration", "P1M", None);
        check("date", "2026-01-31", Some(&["'2026-01-31'"]));
        check("datetime", "2026-01-31T09:30:00Z", Some(&["'2026-01-31T09:30:00Z'"]));
        check("json", "{\"a\": 1}", Some(&["'{\"a\":1}'"]));
    }
}
