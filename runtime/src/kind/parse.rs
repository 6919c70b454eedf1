//! From the API's JSON to values in normal form. Each message completes "price: ...".

use std::str::FromStr;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil;
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::Value as Json;

use crate::access::USER_PREFIX;
use crate::content::SiteInfo;
use crate::currency;
use crate::id;
use crate::value::Value;

/// As deep as JSON may be nested; below what its parsers take.
const MAX_DEPTH: usize = 64;
/// serde reads this key as an order to copy the text behind it, unchecked, into the answer.
const RAW_VALUE_KEY: &str = "$serde_json::private::RawValue";

type Parsed = Result<Value, String>;

static SLUG: LazyLock<Regex> = LazyLock::new(|| regex("^[a-z0-9]+(-[a-z0-9]+)*$"));
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^[^\s@\x00-\x1f\x22(),:;<>\[\]\\]{1,64}@([\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$")
});
static COLOR: LazyLock<Regex> = LazyLock::new(|| regex("^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(r#"^(https?://([^\s/?#@\\<>"]+@)?([\p{L}\p{N}._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?([/?#]|$)|/([^/\\]|$))"#)
});
static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^([+-]?)P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:[.,]([0-9]{1,3})[0-9]*)?S)?)?$",
    )
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("`{pattern}` is no regular expression: {error}"))
}

pub fn text(json: &Json) -> Parsed {
    plain(json, "text").map(|text| Value::Text(text.to_owned()))
}

pub fn slug(json: &Json) -> Parsed {
    let text = plain(json, "a slug")?;
    if text.len() > 96 || !SLUG.is_match(text) {
        let rule = "must be lower-case letters and digits in groups joined by `-`, at most 96 characters";
        return Err(format!("{rule}, not {json}"));
    }
    Ok(Value::Text(text.to_owned()))
}

pub fn email(json: &Json) -> Parsed {
    matching(json, &EMAIL, 254, "an address of electronic mail such as `ann@example.org`")
}

pub fn url(json: &Json) -> Parsed {
    let wanted = "an address that starts with `https://`, `http://` or `/`, without spaces";
    let value = matching(json, &ADDRESS, 2048, wanted)?;
    match &value {
        Value::Text(url) if url.contains(|c: char| c.is_whitespace() || c.is_control()) => Err(not(wanted, json)),
        _ => Ok(value),
    }
}

pub fn color(json: &Json) -> Parsed {
    let value = matching(json, &COLOR, 9, "a colour as `#rrggbb` or `#rrggbbaa`")?;
    Ok(match value {
        Value::Text(color) => Value::Text(color.to_ascii_lowercase()),
        other => other,
    })
}

pub fn user(json: &Json) -> Parsed {
    let wanted = "the id of a user such as `user_01h455vb4pex5vsknk084sn02q`";
    let user = json.as_str().and_then(|id| id::decode_as(USER_PREFIX, id));
    user.map(Value::Uuid).ok_or_else(|| not(wanted, json))
}

pub fn integer(json: &Json) -> Parsed {
    let number = json.as_i64().and_then(|number| i32::try_from(number).ok());
    number.map(|number| Value::Int(number.into())).ok_or_else(|| not("a whole number of 32 bits", json))
}

pub fn bigint(json: &Json) -> Parsed {
    let number = match json {
        Json::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    number.map(Value::Int).ok_or_else(|| not("a whole number of 64 bits, as text or number", json))
}

pub fn decimal(json: &Json) -> Parsed {
    exact(json).map(|number| Value::Text(number.to_string()))
}

pub fn boolean(json: &Json) -> Parsed {
    json.as_bool().map(Value::Bool).ok_or_else(|| not("true or false", json))
}

pub fn date(json: &Json) -> Parsed {
    let wanted = "a date such as `2026-01-31`";
    let text = plain(json, wanted)?;
    let date = civil::Date::from_str(text).ok().filter(|date| text.len() == 10 && date.year() >= 1);
    date.map(|date| Value::Text(date.to_string())).ok_or_else(|| not(wanted, json))
}

pub fn time(json: &Json) -> Parsed {
    let wanted = "a time of day such as `09:30:00`";
    let text = plain(json, wanted)?;
    let looks = text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
    let time = civil::Time::from_str(text).ok().filter(|_| looks);
    let time = time.ok_or_else(|| not(wanted, json))?;
    // A leap second has no place in a time of day.
    let micros = time.subsec_nanosecond() / 1_000;
    let whole = format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    Ok(Value::Text(if micros == 0 { whole } else { format!("{whole}.{micros:06}") }))
}

pub fn datetime(json: &Json) -> Parsed {
    let wanted = "a moment with its offset such as `2026-01-31T09:30:00Z`, from the year 1 to 9999";
    let text = plain(json, wanted)?;
    // Year 1 begins here: PostgreSQL writes earlier years in another way.
    let moment = Timestamp::from_str(text).ok().filter(|moment| moment.as_second() >= -62_135_596_800);
    let moment = moment.filter(|_| !text.contains('[')).ok_or_else(|| not(wanted, json))?;
    let micros = moment.as_microsecond();
    let moment = Timestamp::from_microsecond(micros).map_err(|_| not(wanted, json))?;
    Ok(Value::Text(if micros % 1_000_000 == 0 { format!("{moment}") } else { format!("{moment:.6}") }))
}

pub fn duration(json: &Json) -> Parsed {
    let wanted = "a length of time such as `PT1H30M`: weeks, days, hours, minutes, seconds";
    let text = plain(json, wanted)?;
    let captures = DURATION.captures(text).filter(|_| !text.ends_with(['P', 'T'])).ok_or_else(|| not(wanted, json))?;
    let units = [(2, 604_800_000), (3, 86_400_000), (4, 3_600_000), (5, 60_000), (6, 1_000)];
    let mut total = 0_i64;
    for (group, milliseconds) in units {
        if let Some(number) = captures.get(group) {
            let part = number.as_str().parse::<i64>().ok().and_then(|number| number.checked_mul(milliseconds));
            total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| format!("{json} is too long"))?;
        }
    }
    if let Some(fraction) = captures.get(7) {
        let milliseconds = format!("{:0<3}", fraction.as_str()).parse::<i64>().unwrap_or(0);
        total = total.checked_add(milliseconds).ok_or_else(|| format!("{json} is too long"))?;
    }
    Ok(Value::Int(if &captures[1] == "-" { -total } else { total }))
}

pub fn money(json: &Json, site: &SiteInfo) -> Parsed {
    let wanted = "money such as {amount: \"12.34\", currency: \"EUR\"}";
    let object = json.as_object().ok_or_else(|| not(wanted, json))?;
    if let Some(key) = object.keys().find(|key| !matches!(key.as_str(), "amountMinor" | "amount" | "currency")) {
        return Err(format!("`{key}` is no part of money"));
    }
    let given = |key| object.get(key).filter(|value: &&Json| !value.is_null());
    let currency = match given("currency") {
        None => site.currency,
        Some(Json::String(currency)) => currency,
        Some(other) => return Err(not("a currency's code of three letters", other)),
    };
    if !site.currencies.contains(&currency) {
        return Err(format!("the currency must be one of {}, not `{currency}`", site.currencies.join(", ")));
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

/// What was money when it was stored, even if the site no longer takes its currency.
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
        return Err(format!("JSON may be nested {MAX_DEPTH} levels deep"));
    }
    match json {
        Json::String(text) => no_nul(text),
        Json::Array(items) => items.iter().try_for_each(|item| check_json(item, depth + 1)),
        Json::Object(members) => members.iter().try_for_each(|(key, value)| {
            if key == RAW_VALUE_KEY {
                return Err(format!("the key `{RAW_VALUE_KEY}` is reserved"));
            }
            no_nul(key)?;
            check_json(value, depth + 1)
        }),
        _ => Ok(()),
    }
}

/// A decimal number, exactly as written.
fn exact(json: &Json) -> Result<Decimal, String> {
    let text = match json {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Decimal::from_str_exact(&text).map_err(|_| not("a decimal number of at most 28 digits such as `\"12.34\"`", json))
}

fn matching(json: &Json, pattern: &Regex, max: usize, wanted: &str) -> Parsed {
    let text = plain(json, wanted)?;
    if text.len() > max || !pattern.is_match(text) {
        return Err(not(wanted, json));
    }
    Ok(Value::Text(text.to_owned()))
}

fn plain<'a>(json: &'a Json, wanted: &str) -> Result<&'a str, String> {
    let text = json.as_str().ok_or_else(|| not(wanted, json))?;
    no_nul(text)?;
    Ok(text)
}

/// PostgreSQL keeps every character but this one.
fn no_nul(text: &str) -> Result<(), String> {
    match text.contains('\0') {
        true => Err("must not hold the character U+0000".to_owned()),
        false => Ok(()),
    }
}

fn not(wanted: &str, json: &Json) -> String {
    let mut found = json.to_string();
    if let Some((end, _)) = found.char_indices().nth(60) {
        found.truncate(end);
        found.push('…');
    }
    format!("must be {wanted}, not {found}")
}
