//! Values written in the schema (defaults, bounds, conditions): YAML to API JSON, which the server's own parser checks.

use model::currency::{Currencies, Every};
use model::{Kind, Value as Parsable};
use serde_json::{Map, Value, json};

use super::{Mapping, SqlType, Unit};

/// Used where the site's currency is not known: the currency with the most decimals.
pub const ANY: Every<'static> = Every("CLF");

/// A value as written in YAML; numbers as digits, so that nothing is rounded.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Written>),
    Map(Vec<(String, Written)>),
}

/// A value that a field type accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// As API JSON.
    pub json: Value,
    /// The value that bounds are compared with; for money, its amount.
    pub rank: Parsable,
}

impl Written {
    /// The JSON of a value of any shape.
    pub fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(digits) => {
                serde_json::from_str(digits.trim_start_matches('+')).unwrap_or_else(|_| json!(digits))
            }
            Self::Text(text) => json!(text),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), value.json())).collect::<Map<_, _>>().into()
            }
        }
    }

    /// One line of YAML in flow style: `{ status: [draft, changed] }`.
    pub fn flow(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(digits) => digits.clone(),
            Self::Text(text) if is_plain(text) => text.clone(),
            Self::Text(text) => json!(text).to_string(),
            Self::List(items) => format!("[{}]", joined(items.iter().map(Self::flow).collect())),
            Self::Map(entries) => {
                let pairs = entries.iter().map(|(key, value)| format!("{key}: {}", value.flow()));
                format!("{{ {} }}", joined(pairs.collect()))
            }
        }
    }

    fn digits(&self) -> Option<&str> {
        match self {
            Self::Number(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Whether the text needs no quotes in YAML.
fn is_plain(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off"];
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
        && text[1..].chars().all(inner)
        && !words.contains(&text)
}

/// The value as the server would parse it. The error completes "the default ...".
pub fn parse(of: Mapping, written: &Written, site: &dyn Currencies) -> Result<Parsed, String> {
    if *written == Written::Null && of.sql != SqlType::Jsonb {
        return Err("must not be null".to_owned());
    }
    let json = if of.unit == Unit::MinorUnits { money(written) } else { written.json() };
    let value = of.kind.parse(&json, site)?;
    Ok(match value {
        Parsable::Money { .. } => {
            let rank = Kind::Decimal.parse(&json["amount"], site)?;
            Parsed { json, rank }
        }
        value => Parsed { json: of.kind.json(&value), rank: value },
    })
}

/// Without a plus sign, which is not shown.
fn unsigned(digits: &str) -> &str {
    digits.strip_prefix('+').filter(|rest| !rest.starts_with(['+', '-'])).unwrap_or(digits)
}

/// `12.50`, `"12.50 EUR"`, or `{ amount: "12.50", currency: EUR }` as in the API, with the amount as text.
fn money(written: &Written) -> Value {
    let amount = |written: &Written| written.digits().map_or_else(|| written.json(), |digits| json!(unsigned(digits)));
    match written {
        Written::Map(entries) => {
            let member = |(key, value): &(String, Written)| {
                (key.clone(), if key == "amount" { amount(value) } else { value.json() })
            };
            entries.iter().map(member).collect::<Map<_, _>>().into()
        }
        other => match other.digits().and_then(|text| text.split_once(' ')) {
            Some((amount, currency)) => json!({ "amount": amount, "currency": currency }),
            None => json!({ "amount": amount(other) }),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use model::currency::Every;

    use super::*;
    use crate::schema::Scalar;

    fn text(of: Scalar, text: &str) -> Result<Parsed, String> {
        parse(of.mapping(), &Written::Text(text.into()), &Every("EUR"))
    }

    #[test]
    fn bounds_are_ordered() {
        for (kind, low, high) in [
            (Scalar::Bigint, "9", "10"),
            (Scalar::Decimal, "-10.5", "9.99"),
            (Scalar::Decimal, "0.1", "0.25"),
            (Scalar::Date, "1969-12-31", "2026-02-28"),
            (Scalar::Time, "09:30:00", "17:00:00"),
            (Scalar::Datetime, "2026-01-31T09:30:00+02:00", "2026-01-31T09:30:00Z"),
            (Scalar::Datetime, "2026-01-31T09:30:00Z", "2026-01-31T09:30:00.5Z"),
            (Scalar::Duration, "PT90M", "P1D"),
            (Scalar::Money, "9.99", "10 EUR"),
            (Scalar::Money, "-2", "-1 JPY"),
        ] {
            let (low, high) = (text(kind, low).unwrap(), text(kind, high).unwrap());
            assert_eq!(low.rank.order(&high.rank), Ordering::Less, "{low:?} < {high:?}");
        }
    }

    #[test]
    fn values_are_those_that_the_server_takes() {
        for (kind, wrong) in [
            (Scalar::String, "two\nlines"),
            (Scalar::Date, "2026-02-30"),
            (Scalar::Time, "25:00:00"),
            (Scalar::Time, "24:00"),
            (Scalar::Duration, "P1Y"),
            (Scalar::String, "two\u{2028}lines"),
            (Scalar::Decimal, "1e5"),
            (Scalar::Decimal, "1_000"),
            (Scalar::Bigint, "1_000"),
            (Scalar::Money, "1_000"),
            (Scalar::Money, "1_000 EUR"),
            (Scalar::Money, "++5"),
            (Scalar::Money, "+-5 EUR"),
            (Scalar::Money, "10 EURO"),
            (Scalar::Money, "10.005"),
            (Scalar::Slug, "Two Words"),
            (Scalar::Url, "javascript:alert(1)"),
            (Scalar::Url, "https://user:pw@example.org/"),
            (Scalar::Color, "red"),
            (Scalar::Email, "nobody"),
            (Scalar::Email, "a@b"),
            (Scalar::User, "user_8zzzzzzzzzzzzzzzzzzzzzzzzz"),
            (Scalar::User, "product_01h455vb4pex5vsknk084sn02q"),
        ] {
            assert!(text(kind, wrong).is_err(), "{wrong:?}");
        }
        assert!(parse(Scalar::Text.mapping(), &Written::Null, &Every("EUR")).is_err());
        for (kind, written, shown) in [
            (Scalar::Color, "#FFCC00", "#ffcc00"),
            (Scalar::Email, "Ada@Example.org", "ada@example.org"),
            (Scalar::Url, "HTTPS://example.org", "https://example.org/"),
            (Scalar::String, "Cafe\u{301}", "Caf\u{e9}"),
            (Scalar::Datetime, "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(text(kind, written).unwrap().json, json!(shown));
        }
        let digits = Written::Number("12345678901234567.89".into());
        assert_eq!(
            parse(Scalar::Decimal.mapping(), &digits, &Every("EUR")).unwrap().json,
            json!("12345678901234567.89")
        );
        assert_eq!(
            parse(Scalar::Money.mapping(), &digits, &Every("EUR")).unwrap().json,
            json!({ "amount": "12345678901234567.89" })
        );
    }
}
