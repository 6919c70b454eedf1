//! Dates of all kinds take their ISO form.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, fmt::rfc2822};

/// A date or moment in ISO 8601, from one of the formats (of `strptime`); without formats from the usual machine forms.
pub fn read(text: &str, formats: &[String], offset: Offset) -> Result<String, String> {
    let text = text.trim();
    let found = match formats {
        [] => machine_date(text, offset),
        formats => formats.iter().find_map(|format| formatted_date(text, format, offset)),
    };
    found.ok_or_else(|| match formats {
        [] => format!("`{text}` is no date of a usual form: give its `formats`, such as [\"%d/%m/%Y\"]"),
        formats => format!("`{text}` is no date of the form {}", formats.join(" or ")),
    })
}

fn formatted_date(text: &str, format: &str, offset: Offset) -> Option<String> {
    let unix = |divisor: i64| {
        text.parse::<i64>().ok().and_then(|number| Timestamp::from_millisecond(number.checked_mul(divisor)?).ok())
    };
    match format {
        "unix" => return unix(1_000).map(|moment| moment.to_string()),
        "unix_ms" => return unix(1).map(|moment| moment.to_string()),
        "iso" => return machine_date(text, offset),
        _ => {}
    }
    let parsed = BrokenDownTime::parse(format, text).ok()?;
    if let Ok(moment) = parsed.to_timestamp() {
        return Some(moment.to_string());
    }
    match parsed.to_datetime() {
        Ok(local) if parsed.hour().is_some() => moment(local, offset),
        _ => parsed.to_date().ok().map(|date| date.to_string()),
    }
}

fn machine_date(text: &str, offset: Offset) -> Option<String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.to_string());
    }
    if let Ok(moment) = text.parse::<model::Timestamp>() {
        return Some(moment.to_string());
    }
    if text.len() <= 10 {
        return text.parse::<Date>().ok().map(|date| date.to_string());
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return moment(local, offset);
    }
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().to_string())
}

fn moment(local: DateTime, offset: Offset) -> Option<String> {
    if let Ok(zoned) = local.to_zoned(TimeZone::fixed(offset)) {
        return Some(zoned.timestamp().to_string());
    }
    // The last day of the year 9999 is beyond jiff's moments.
    format!("{local}{offset}").parse::<model::Timestamp>().ok().map(|moment| moment.to_string())
}

/// `Z`, `UTC`, `+02:00`, `-0530`.
pub fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "Z" | "UTC") {
        return Some(Offset::UTC);
    }
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['+', '-'])?.replace(':', "");
    if digits.len() != 4 {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    let seconds = (hours * 60 + minutes) * 60;
    Offset::from_seconds(if negative { -seconds } else { seconds }).ok().filter(|_| minutes < 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_take_their_iso_form() {
        let utc = Offset::UTC;
        let read =
            |text, formats: &[&str]| super::read(text, &formats.iter().map(|&f| f.to_owned()).collect::<Vec<_>>(), utc);
        assert_eq!(read("2026-01-31", &[]).unwrap(), "2026-01-31");
        assert_eq!(read("2022-05-12T22:07:58.327Z", &[]).unwrap(), "2022-05-12T22:07:58.327Z");
        assert_eq!(read("2026-01-31 09:30:00", &[]).unwrap(), "2026-01-31T09:30:00Z");
        assert_eq!(read("Sat, 31 Jan 2026 09:30:00 +0100", &[]).unwrap(), "2026-01-31T08:30:00Z");
        assert_eq!(read("31/01/2026", &["%Y-%m-%d", "%d/%m/%Y"]).unwrap(), "2026-01-31");
        assert_eq!(read("Jan 5, 2026", &["%b %d, %Y"]).unwrap(), "2026-01-05");
        assert_eq!(read("9999-12-31 23:59:59", &["%Y-%m-%d %H:%M:%S"]).unwrap(), "9999-12-31T23:59:59Z");
        assert_eq!(read("9999-12-31T23:59:59.999999Z", &[]).unwrap(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(read("1769852000", &["unix"]).unwrap(), "2026-01-31T09:33:20Z");
        assert!(read("31/01/2026", &[]).unwrap_err().contains("formats"));
        assert!(read("soon", &["%Y"]).unwrap_err().contains("%Y"));
        let berlin = offset("+01:00").unwrap();
        assert_eq!(super::read("2026-01-31T09:30", &[], berlin).unwrap(), "2026-01-31T08:30:00Z");
        assert_eq!(offset("-0530").map(Offset::seconds), Some(-19_800));
        assert_eq!((offset("Berlin"), offset("+1:00"), offset("+01:75")), (None, None, None));
    }
}
