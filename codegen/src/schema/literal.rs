//! Values written in the schema (defaults and bounds), turned into the JSON that the API would take.
//!
//! The functions are columns of the field types' table: see [`super::Mapping::literal`].

use serde_json::{Map, Value, json};

/// A value as written in YAML; numbers by their digits, so that nothing is rounded.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Written>),
    Map(Vec<(String, Written)>),
}

/// A value that a field type takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub json: Value,
    /// Its place among the values of its type, for types with bounds.
    pub rank: Option<i128>,
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

    /// One line of YAML: `{ status: [draft, changed] }`.
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

    fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn digits(&self) -> Option<&str> {
        match self {
            Self::Number(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The text needs no quotes in YAML.
fn is_plain(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off"];
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
        && text[1..].chars().all(inner)
        && !words.contains(&text)
}

fn unranked(json: Value) -> Option<Parsed> {
    Some(Parsed { json, rank: None })
}

fn ranked(json: Value, rank: impl Into<i128>) -> Option<Parsed> {
    Some(Parsed { json, rank: Some(rank.into()) })
}

pub fn any(value: &Written) -> Option<Parsed> {
    unranked(value.json())
}

pub fn text(value: &Written) -> Option<Parsed> {
    unranked(json!(value.as_text()?))
}

pub fn line(value: &Written) -> Option<Parsed> {
    text(value).filter(|_| value.as_text().is_some_and(|text| !text.contains(['\n', '\r'])))
}

pub fn slug(value: &Written) -> Option<Parsed> {
    let word =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text(value).filter(|_| value.as_text().is_some_and(|text| text.len() <= 96 && text.split('-').all(word)))
}

pub fn email(value: &Written) -> Option<Parsed> {
    let (local, domain) = value.as_text()?.split_once('@')?;
    let fine = |part: &str| !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace());
    text(value).filter(|_| fine(local) && fine(domain))
}

pub fn url(value: &Written) -> Option<Parsed> {
    let address = value.as_text()?;
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    let absolute = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let path = address.starts_with('/') && !address.starts_with("//");
    text(value).filter(|_| (absolute || path) && !address.contains(char::is_whitespace))
}

pub fn color(value: &Written) -> Option<Parsed> {
    let digits = value.as_text()?.strip_prefix('#')?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    text(value).filter(|_| hexadecimal && (digits.len() == 6 || digits.len() == 8))
}

/// The TypeID of an account.
pub fn user(value: &Written) -> Option<Parsed> {
    text(value).filter(|_| value.as_text().is_some_and(|id| uuid_of("user", id).is_some()))
}

/// The UUID of the prefix, `_` and 26 characters of Crockford's base32, as the TypeID specification 0.3 has it.
pub fn uuid_of(prefix: &str, id: &str) -> Option<String> {
    let suffix = id.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    let suffix = suffix.filter(|suffix| suffix.len() == 26 && suffix.as_bytes()[0] <= b'7')?;
    let digit = |byte: u8| b"0123456789abcdefghjkmnpqrstvwxyz".iter().position(|letter| *letter == byte);
    let bits = suffix.bytes().try_fold(0_u128, |bits, byte| Some(bits << 5 | digit(byte)? as u128))?;
    let hex = format!("{bits:032x}");
    Some([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

pub fn boolean(value: &Written) -> Option<Parsed> {
    match value {
        Written::Bool(value) => unranked(json!(value)),
        _ => None,
    }
}

pub fn integer(value: &Written) -> Option<Parsed> {
    let Written::Number(digits) = value else { return None };
    let number: i32 = digits.parse().ok()?;
    ranked(json!(number), number)
}

pub fn bigint(value: &Written) -> Option<Parsed> {
    let number: i64 = value.digits()?.parse().ok()?;
    ranked(json!(number.to_string()), number)
}

pub fn decimal(value: &Written) -> Option<Parsed> {
    let digits = value.digits()?;
    ranked(json!(digits.trim_start_matches('+')), scaled(digits)?)
}

/// The number in units of 10^-10; at most 28 digits fit.
fn scaled(digits: &str) -> Option<i128> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !number(whole) || !number(fraction) || whole.len() + fraction.len() > 28 + 1 {
        return None;
    }
    let fraction: String = fraction.chars().chain(std::iter::repeat('0')).take(10).collect();
    let value: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some(if negative { -value } else { value })
}

pub fn date(value: &Written) -> Option<Parsed> {
    let date: jiff::civil::Date = strict(value.as_text()?, 10)?.parse().ok()?;
    ranked(json!(date.to_string()), jiff::civil::DateTime::from(date).since(EPOCH).ok()?.get_days())
}

const EPOCH: jiff::civil::DateTime = jiff::civil::datetime(1970, 1, 1, 0, 0, 0, 0);

pub fn time(value: &Written) -> Option<Parsed> {
    let text = value.as_text()?;
    let time: jiff::civil::Time = text.parse().ok().filter(|_| text.len() >= 5 && text.as_bytes()[2] == b':')?;
    let rank = time.since(jiff::civil::Time::midnight()).ok()?.total(jiff::Unit::Microsecond).ok()?;
    ranked(json!(time.to_string()), rank as i64)
}

pub fn datetime(value: &Written) -> Option<Parsed> {
    let moment: jiff::Timestamp = value.as_text()?.parse().ok()?;
    ranked(json!(moment.to_string()), moment.as_microsecond())
}

/// Weeks and days of 24 hours, hours, minutes, seconds.
pub fn duration(value: &Written) -> Option<Parsed> {
    let text = value.as_text()?;
    let span: jiff::Span = text.parse().ok().filter(|_| text.contains('P'))?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let hours = (i64::from(span.get_weeks()) * 7 + i64::from(span.get_days())) * 24 + i64::from(span.get_hours());
    let seconds = (hours * 60 + span.get_minutes()) * 60 + span.get_seconds();
    ranked(json!(text), seconds * 1000 + span.get_milliseconds())
}

/// `12.50`, `"12.50 EUR"`, or `{ amount: "12.50", currency: EUR }`.
pub fn money(value: &Written) -> Option<Parsed> {
    let (amount, currency) = match value {
        Written::Map(entries) => {
            let get = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
            if entries.iter().any(|(key, _)| key != "amount" && key != "currency") {
                return None;
            }
            (get("amount")?.digits()?, get("currency").map(|code| code.as_text().unwrap_or_default()))
        }
        _ => match value.digits()?.split_once(' ') {
            Some((amount, currency)) => (amount, Some(currency)),
            None => (value.digits()?, None),
        },
    };
    let rank = scaled(amount)?;
    match currency {
        None => ranked(json!({ "amount": amount }), rank),
        Some(code) if super::currency::exponent(code).is_some() => {
            ranked(json!({ "amount": amount, "currency": code }), rank)
        }
        Some(_) => None,
    }
}

fn strict(text: &str, length: usize) -> Option<&str> {
    (text.len() == length).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(parse: fn(&Written) -> Option<Parsed>, low: &str, high: &str) {
        let rank = |text: &str| parse(&Written::Text(text.into())).and_then(|parsed| parsed.rank);
        assert!(rank(low).is_some() && rank(low) < rank(high), "{low} < {high}");
    }

    #[test]
    fn bounds_are_ordered() {
        ranks(bigint, "9", "10");
        ranks(decimal, "-10.5", "9.99");
        ranks(decimal, "0.1", "0.25");
        ranks(date, "1969-12-31", "2026-02-28");
        ranks(time, "09:30:00", "17:00:00");
        ranks(datetime, "2026-01-31T09:30:00+02:00", "2026-01-31T09:30:00Z");
        ranks(duration, "PT90M", "P1D");
        ranks(money, "9.99", "10 EUR");
    }

    #[test]
    fn other_values_are_refused() {
        let refused = |parse: fn(&Written) -> Option<Parsed>, text: &str| {
            assert_eq!(parse(&Written::Text(text.into())), None, "{text}");
        };
        refused(date, "2026-02-30");
        refused(time, "25:00:00");
        refused(duration, "P1Y");
        refused(decimal, "1e5");
        refused(money, "10 EURO");
        refused(slug, "Two Words");
        refused(url, "javascript:alert(1)");
        refused(color, "red");
        refused(email, "nobody");
        let uuid = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(uuid_of("user", "user_01h455vb4pex5vsknk084sn02q").as_deref(), Some(uuid));
        refused(user, "user_8zzzzzzzzzzzzzzzzzzzzzzzzz");
        refused(user, "product_01h455vb4pex5vsknk084sn02q");
    }
}
