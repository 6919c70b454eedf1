//! Converts dates in many formats to ISO 8601.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::Offset;
use jiff::{Timestamp, fmt::rfc2822};

/// Reads a date or timestamp as ISO 8601, in one of the formats (of `strptime`), or else in the usual machine formats.
pub fn read(text: &str, formats: &[String], offset: Offset) -> Result<String, String> {
    let text = text.trim();
    let found = match formats {
        [] => machine_date(text, offset),
        formats => formats.iter().find_map(|format| formatted_date(text, format, offset)),
    };
    found.ok_or_else(|| match formats {
        [] => format!("`{text}` is not a date in a usual format: give its format, such as `date(\"%d/%m/%Y\")`"),
        formats => format!("`{text}` is not a date in the format {}", formats.join(" or ")),
    })
}

fn formatted_date(text: &str, format: &str, offset: Offset) -> Option<String> {
    let unix = |divisor: i64| {
        let number = text.parse::<i64>().ok()?.checked_mul(divisor)?;
        Some(local(offset.to_datetime(Timestamp::from_millisecond(number).ok()?), offset))
    };
    match format {
        "unix" => return unix(1_000),
        "unix_ms" => return unix(1),
        "iso" => return machine_date(text, offset),
        _ => {}
    }
    let parsed = BrokenDownTime::parse(format, text).ok()?;
    if let Ok(moment) = parsed.to_timestamp() {
        let offset = parsed.offset().unwrap_or(offset);
        return Some(local(offset.to_datetime(moment), offset));
    }
    match parsed.to_datetime() {
        Ok(time) if parsed.hour().is_some() => Some(local(time, parsed.offset().unwrap_or(offset))),
        _ => parsed.to_date().ok().map(|date| date.to_string()),
    }
}

fn machine_date(text: &str, offset: Offset) -> Option<String> {
    if text.parse::<Timestamp>().is_ok() || text.parse::<model::Timestamp>().is_ok() {
        return written(text);
    }
    if text.len() <= 10 {
        return text.parse::<Date>().ok().map(|date| date.to_string());
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return Some(local(time, offset));
    }
    rfc2822::parse(text).ok().map(|zoned| local(zoned.datetime(), zoned.offset()))
}

/// A timestamp as written, with its own offset.
fn written(text: &str) -> Option<String> {
    let pieces = Pieces::parse(text).ok()?;
    let time = pieces.date().to_datetime(pieces.time()?);
    match pieces.offset()? {
        PiecesOffset::Numeric(offset) => Some(local(time, offset.offset())),
        _ => Some(local(time, Offset::UTC)),
    }
}

/// With its offset, not in UTC: a field of a date takes the day that the source means.
fn local(time: DateTime, offset: Offset) -> String {
    let seconds = offset.seconds();
    if seconds == 0 {
        return format!("{time}Z");
    }
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    format!("{time}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
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
        assert_eq!(read("Sat, 31 Jan 2026 09:30:00 +0100", &[]).unwrap(), "2026-01-31T09:30:00+01:00");
        assert_eq!(read("2024-03-10T23:30:00-05:00", &[]).unwrap(), "2024-03-10T23:30:00-05:00");
        assert_eq!(read("10/03/2024 00:30 +0530", &["%d/%m/%Y %H:%M %z"]).unwrap(), "2024-03-10T00:30:00+05:30");
        assert_eq!(read("31/01/2026", &["%Y-%m-%d", "%d/%m/%Y"]).unwrap(), "2026-01-31");
        assert_eq!(read("Jan 5, 2026", &["%b %d, %Y"]).unwrap(), "2026-01-05");
        assert_eq!(read("9999-12-31 23:59:59", &["%Y-%m-%d %H:%M:%S"]).unwrap(), "9999-12-31T23:59:59Z");
        assert_eq!(read("9999-12-31T23:59:59.999999Z", &[]).unwrap(), "9999-12-31T23:59:59.999999Z");
        assert_eq!(read("1769852000", &["unix"]).unwrap(), "2026-01-31T09:33:20Z");
        assert!(read("31/01/2026", &[]).unwrap_err().contains("give its form"));
        assert!(read("soon", &["%Y"]).unwrap_err().contains("%Y"));
        let berlin = offset("+01:00").unwrap();
        assert_eq!(super::read("2026-01-31T09:30", &[], berlin).unwrap(), "2026-01-31T09:30:00+01:00");
        assert_eq!(super::read("1769902200", &["unix".to_owned()], berlin).unwrap(), "2026-02-01T00:30:00+01:00");
        assert_eq!(offset("-0530").map(Offset::seconds), Some(-19_800));
        assert_eq!((offset("Berlin"), offset("+1:00"), offset("+01:75")), (None, None, None));
    }
}
