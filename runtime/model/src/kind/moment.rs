//! Parses dates, times of day, moments and durations from the API's JSON. Each message completes "opens: ...".

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;

use super::parse::{Parsed, not};
use super::text::{plain, regex};
use crate::timestamp::{self, Timestamp, WrongClock};
use crate::value::Value;

static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^([+-]?)P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:[.,]([0-9]{1,3})[0-9]*)?S)?)?$",
    )
});

pub fn date(json: &Json) -> Parsed {
    let wanted = "a date such as `2026-01-31`";
    let date = timestamp::date(plain(json, wanted)?);
    date.map(|date| Value::Text(date.to_string())).ok_or_else(|| not(wanted, json))
}

pub fn time(json: &Json) -> Parsed {
    let wanted = "a time of day such as `09:30:00`";
    let micros = timestamp::clock(plain(json, wanted)?).map_err(|wrong| match wrong {
        WrongClock::EndOfDay => not("a time of day before `24:00`: write `00:00` for the end of the day", json),
        WrongClock::LeapSecond => not("a time of day without leap seconds: write `23:59:59`", json),
        WrongClock::Form => not(wanted, json),
    })?;
    let mut text = Vec::new();
    crate::civil::clock(micros, &mut text);
    Ok(Value::Text(String::from_utf8_lossy(&text).into_owned()))
}

pub fn datetime(json: &Json) -> Parsed {
    let text = plain(json, "a timestamp such as `2026-01-31T09:30:00Z`, with its offset")?;
    let moment = text.parse::<Timestamp>().map_err(|reason| not(&format!("a moment {reason}"), json))?;
    Ok(Value::Text(moment.to_string()))
}

pub fn duration(json: &Json) -> Parsed {
    let wanted = "a duration such as `PT1H30M`: weeks, days, hours, minutes, seconds";
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
