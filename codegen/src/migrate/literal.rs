//! Values for existing rows, from `--set` or from the schema's default, as SQL for columns and as JSON for components.

use std::cmp::Ordering;

use model::currency::Every;
use model::id::decode_as;
use model::kind::is_blank;
use model::{Kind, Value as Parsed};
use serde_json::Value;

use crate::catalog::rules::Rules;
use crate::catalog::{Field, Store};
use crate::schema::literal::{self, Written};
use crate::schema::{Mapping, Scalar, SqlType, Unit};

/// The value of `--set` for a field, as API JSON; the error says what the field accepts.
pub fn parse(field: &Field, text: &str) -> Result<Value, String> {
    match &field.store {
        Store::Scalar { scalar } => {
            let mapping = mapping(scalar)?;
            let written = match (mapping.sql, mapping.unit) {
                (SqlType::Jsonb, _) => return serde_json::from_str(text).map_err(|error| format!("not JSON: {error}")),
                (SqlType::Boolean, _) => match text {
                    "true" => Written::Bool(true),
                    "false" => Written::Bool(false),
                    _ => Written::Text(text.to_owned()),
                },
                (SqlType::Bigint | SqlType::Numeric, Unit::Plain) => Written::Number(text.to_owned()),
                _ => Written::Text(text.to_owned()),
            };
            let parsed = literal::parse(mapping, &written, &literal::ANY).map(|parsed| parsed.json);
            parsed.map_err(|reason| {
                format!("`{text}` is not a valid {scalar}: {reason}; write it as {}", mapping.example)
            })
        }
        Store::Enums { .. } => Ok(text.split(',').filter(|item| !item.is_empty()).collect()),
        _ => Ok(Value::from(text)),
    }
}

/// The rule of the field that the value (from [`parse`]) breaks: no row gets a value that no entry could be saved with.
pub fn broken(field: &Field, rules: &Rules, value: &Value) -> Option<String> {
    let scalar = match &field.store {
        Store::Scalar { scalar } => Some(mapping(scalar).ok()?),
        Store::Enums { .. } => None,
        _ => return None,
    };
    let text = value.as_str().filter(|_| scalar.is_some_and(|mapping| mapping.takes.text));
    if field.required && text.is_some_and(is_blank) {
        return Some("it is blank, but the field is required".to_owned());
    }
    let counts = text.is_some() || scalar.is_none();
    let size = match (text, scalar) {
        (Some(text), _) => Parsed::Int(i64::try_from(text.chars().count()).ok()?),
        (None, Some(mapping)) => rank(mapping, value)?,
        (None, None) => Parsed::Int(i64::try_from(value.as_array()?.len()).ok()?),
    };
    let bound = |bound: &String| match scalar {
        Some(mapping) if !counts => {
            literal::parse(mapping, &Written::Number(bound.clone()), &literal::ANY).ok().map(|parsed| parsed.rank)
        }
        _ => bound.parse().ok().map(Parsed::Int),
    };
    let is_beyond =
        |limit: &Option<String>, side| limit.as_ref().and_then(bound).is_some_and(|limit| size.order(&limit) == side);
    if is_beyond(&rules.min, Ordering::Less) {
        return Some(format!("it breaks the field's own rule `min: {}`", rules.min.as_deref().unwrap_or_default()));
    }
    if is_beyond(&rules.max, Ordering::Greater) {
        return Some(format!("it breaks the field's own rule `max: {}`", rules.max.as_deref().unwrap_or_default()));
    }
    if rules.filled && value.as_array().is_some_and(Vec::is_empty) {
        return Some("it is empty, but the field must not be".to_owned());
    }
    let pattern = rules.pattern.as_deref().zip(text);
    if let Some((pattern, _)) = pattern.filter(|(pattern, text)| matches(pattern, text) == Some(false)) {
        return Some(format!("it breaks the field's own rule `pattern: {pattern}`"));
    }
    let schema = rules.schema.as_deref().and_then(|schema| serde_json::from_str(schema).ok());
    let validator = schema.and_then(|schema: Value| jsonschema::draft202012::new(&schema).ok());
    validator?.validate(value).err().map(|error| format!("it does not fit the field's JSON Schema: {error}"))
}

fn matches(pattern: &str, text: &str) -> Option<bool> {
    regex::Regex::new(&format!("^(?:{pattern})$")).ok().map(|pattern| pattern.is_match(text))
}

/// The value that bounds are compared with; for money, its amount.
fn rank(mapping: Mapping, value: &Value) -> Option<Parsed> {
    match mapping.unit {
        Unit::MinorUnits => Kind::Decimal.parse(&value["amount"], &literal::ANY).ok(),
        _ => mapping.kind.parse(value, &literal::ANY).ok(),
    }
}

/// The values of the field's columns as SQL, in their order.
pub fn sql(field: &Field, value: &Value, currency: &str) -> Result<Vec<String>, String> {
    match &field.store {
        Store::Scalar { scalar } => scalar_sql(mapping(scalar)?.kind, value, currency),
        Store::Enum { values } => Ok(vec![quoted(enum_value(values, value)?)]),
        Store::Enums { values } => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let items = items.iter().map(|item| enum_value(values, item).map(quoted)).collect::<Result<Vec<_>, _>>()?;
            Ok(vec![format!("array[{}]::text[]", items.join(", "))])
        }
        Store::One { to } if to.len() == 1 => Ok(vec![quoted(one(to, value)?)]),
        _ => Err("a field of this type takes no value for existing rows".to_owned()),
    }
}

/// The value as it is stored inside a component.
pub fn json(field: &Field, value: &Value, currency: &str) -> Result<Value, String> {
    match &field.store {
        Store::Enum { values } => enum_value(values, value).map(Value::from),
        Store::Scalar { scalar } => {
            let kind = mapping(scalar)?.kind;
            Ok(kind.json(&kind.parse(value, &Every(currency))?))
        }
        Store::One { to } => one(to, value).map(Value::from),
        Store::Enums { values } => {
            let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().map(|item| enum_value(values, item).map(Value::from)).collect()
        }
        _ => Err("a field of this type takes no value for existing rows".to_owned()),
    }
}

/// The UUID of an entry of the one type that the relation points at.
fn one(to: &[String], value: &Value) -> Result<String, String> {
    let given = value.as_str().unwrap_or_default();
    let uuid = to.first().and_then(|to| decode_as(to, given)).map(|uuid| uuid.to_string());
    let uuid = uuid.or_else(|| is_uuid(given).then(|| given.to_owned()));
    uuid.ok_or_else(|| format!("it must be the id of an entry: `{}_` and 26 characters", to.join(" or ")))
}

/// The columns of a value in API JSON, as SQL.
pub fn scalar_sql(kind: Kind, value: &Value, site_currency: &str) -> Result<Vec<String>, String> {
    let value = kind.parse(value, &Every(site_currency))?;
    let cell = |(part, column): (usize, &model::kind::Column)| {
        let text = value.text(part).unwrap_or_default();
        if matches!(column.cast, "bigint" | "numeric" | "boolean") { text.into_owned() } else { quoted(text) }
    };
    Ok(kind.columns().iter().enumerate().map(cell).collect())
}

/// Text as an SQL string literal.
pub fn quoted(text: impl AsRef<str>) -> String {
    format!("'{}'", text.as_ref().replace('\'', "''"))
}

fn mapping(scalar: &str) -> Result<Mapping, String> {
    Scalar::named(scalar).map(Scalar::mapping).ok_or_else(|| format!("unknown field type `{scalar}`"))
}

fn enum_value<'a>(values: &'a [String], value: &Value) -> Result<&'a str, String> {
    let text = text_of(value).to_ascii_lowercase();
    let known = values.iter().find(|known| **known == text);
    known.map(String::as_str).ok_or_else(|| format!("`{text}` is not one of its values: {}", values.join(", ")))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match dashes.contains(&index) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(yaml: &str, text: &str, expected: Option<&[&str]>) {
        let field = Field { name: "x".into(), store: Store::Scalar { scalar: yaml.into() }, required: true };
        let values = parse(&field, text).and_then(|value| sql(&field, &value, "EUR")).ok();
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
        check("boolean", "yes", None);
        check("money", "12.50 USD", Some(&["1250", "'USD'"]));
        check("money", "12.50", Some(&["1250", "'EUR'"]));
        check("money", "0.001", None);
        check("duration", "PT1H30M", Some(&["5400000"]));
        check("duration", "P1M", None);
        check("date", "2026-01-31", Some(&["'2026-01-31'"]));
        check("date", "2026-02-30", None);
        let brand = Field { name: "x".into(), store: Store::One { to: vec!["brand".into()] }, required: true };
        let uuid = "01890a5d-ac96-774b-bcce-b302099a8057";
        for (text, expected) in [
            ("brand_01h455vb4pex5vsknk084sn02q", Some(uuid)),
            (uuid, Some(uuid)),
            ("product_01h455vb4pex5vsknk084sn02q", None),
            ("brand_...", None),
        ] {
            let found = parse(&brand, text).and_then(|value| sql(&brand, &value, "EUR")).ok();
            assert_eq!(found, expected.map(|uuid| vec![quoted(uuid)]), "{text}");
        }
        check("json", "{\"a\": 1}", Some(&["'{\"a\":1}'"]));
    }
}
