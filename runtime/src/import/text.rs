//! What happens to text on its way: HTML becomes Markdown or plain text, dates take their ISO form.

use std::sync::LazyLock;

use htmd::HtmlToMarkdown;
use htmd::options::{BulletListMarker, Options};
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, fmt::rfc2822};
use regex::{Captures, Regex};

static MARKDOWN: LazyLock<HtmlToMarkdown> = LazyLock::new(|| {
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    HtmlToMarkdown::builder()
        .options(options)
        .skip_tags(vec!["script", "style", "head", "noscript", "template"])
        .build()
});

static INVISIBLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->").ok());
static BREAK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)<\s*(br|/p|/div|/li|/tr|/h[1-6])\b[^>]*>").ok());
static TAG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)</?[a-zA-Z!][^>]*>").ok());
static ENTITY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});").ok());

const ENTITIES: [(&str, &str); 34] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", "\u{a0}"),
    ("reg", "®"),
    ("copy", "©"),
    ("trade", "™"),
    ("bull", "•"),
    ("middot", "·"),
    ("hellip", "…"),
    ("ndash", "–"),
    ("mdash", "—"),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("laquo", "«"),
    ("raquo", "»"),
    ("euro", "€"),
    ("pound", "£"),
    ("deg", "°"),
    ("times", "×"),
    ("frac", "½"),
    ("auml", "ä"),
    ("ouml", "ö"),
    ("uuml", "ü"),
    ("szlig", "ß"),
    ("eacute", "é"),
    ("egrave", "è"),
    ("agrave", "à"),
    ("ccedil", "ç"),
    ("shy", ""),
];

pub fn html_to_markdown(html: &str) -> Result<String, String> {
    if !html.contains(['<', '&']) {
        return Ok(html.trim().to_owned());
    }
    let markdown = MARKDOWN.convert(html).map_err(|error| format!("this HTML cannot be read: {error}"))?;
    Ok(markdown.trim().to_owned())
}

/// Tags go, entities become characters, blanks are single; what ends a line in HTML ends one in the text.
pub fn html_to_text(html: &str) -> String {
    let mut text = html.split_whitespace().collect::<Vec<_>>().join(" ");
    for (pattern, with) in [(&INVISIBLE, " "), (&BREAK, "\n"), (&TAG, "")] {
        if let Some(pattern) = pattern.as_ref() {
            text = pattern.replace_all(&text, with).into_owned();
        }
    }
    if let Some(entity) = ENTITY.as_ref() {
        text = entity.replace_all(&text, decode).into_owned();
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

fn decode(found: &Captures<'_>) -> String {
    let name = &found[1];
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => digits.parse().ok(),
        },
        None => None,
    };
    let named = || ENTITIES.iter().find(|(entity, _)| *entity == name).map(|(_, text)| (*text).to_owned());
    match number {
        Some(number) => char::from_u32(number).map_or_else(String::new, String::from),
        None => named().unwrap_or_else(|| found[0].to_owned()),
    }
}

/// A date or moment in ISO 8601, from one of the formats (of `strptime`); without formats from the usual machine forms.
pub fn date(text: &str, formats: &[String], offset: Offset) -> Result<String, String> {
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
    if text.len() <= 10 {
        return text.parse::<Date>().ok().map(|date| date.to_string());
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return moment(local, offset);
    }
    rfc2822::parse(text).ok().map(|zoned| zoned.timestamp().to_string())
}

fn moment(local: DateTime, offset: Offset) -> Option<String> {
    local.to_zoned(TimeZone::fixed(offset)).ok().map(|zoned| zoned.timestamp().to_string())
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
    fn html_becomes_markdown() {
        for (html, markdown) in [
            ("plain text ", "plain text"),
            ("<p>One <b>two</b></p><p>three</p>", "One **two**\n\nthree"),
            ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
            ("<ol><li>a</li></ol>", "1. a"),
            ("Tom &amp; Jerry&trade;<script>alert(1)</script><style>p{}</style>", "Tom & Jerry™"),
            ("<table><tr><th>Size</th></tr><tr><td>L</td></tr></table>", "| Size |\n| ---- |\n| L    |"),
            ("<a href='/x'>y</a>", "[y](/x)"),
        ] {
            assert_eq!(html_to_markdown(html).unwrap(), markdown, "{html}");
        }
    }

    #[test]
    fn html_becomes_text() {
        let html = "<p>Cocona&reg; <b>performance</b>&nbsp;fabric</p>\n<!-- x --><ul><li>a &lt; b</li><li>&#8364; &#x41; &unknown;</li></ul>";
        assert_eq!(html_to_text(html), "Cocona® performance\u{a0}fabric\na < b\n€ A &unknown;");
    }

    #[test]
    fn dates_take_their_iso_form() {
        let utc = Offset::UTC;
        let read = |text, formats: &[&str]| date(text, &formats.iter().map(|&f| f.to_owned()).collect::<Vec<_>>(), utc);
        assert_eq!(read("2026-01-31", &[]).unwrap(), "2026-01-31");
        assert_eq!(read("2022-05-12T22:07:58.327Z", &[]).unwrap(), "2022-05-12T22:07:58.327Z");
        assert_eq!(read("2026-01-31 09:30:00", &[]).unwrap(), "2026-01-31T09:30:00Z");
        assert_eq!(read("Sat, 31 Jan 2026 09:30:00 +0100", &[]).unwrap(), "2026-01-31T08:30:00Z");
        assert_eq!(read("31/01/2026", &["%Y-%m-%d", "%d/%m/%Y"]).unwrap(), "2026-01-31");
        assert_eq!(read("Jan 5, 2026", &["%b %d, %Y"]).unwrap(), "2026-01-05");
        assert_eq!(read("1769852000", &["unix"]).unwrap(), "2026-01-31T09:33:20Z");
        assert!(read("31/01/2026", &[]).unwrap_err().contains("formats"));
        assert!(read("soon", &["%Y"]).unwrap_err().contains("%Y"));
        let berlin = offset("+01:00").unwrap();
        assert_eq!(date("2026-01-31T09:30", &[], berlin).unwrap(), "2026-01-31T08:30:00Z");
        assert_eq!(offset("-0530").map(Offset::seconds), Some(-19_800));
        assert_eq!((offset("Berlin"), offset("+1:00"), offset("+01:75")), (None, None, None));
    }
}
