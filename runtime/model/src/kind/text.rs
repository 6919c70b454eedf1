//! Parses text and formatted text into normal form. Each message completes "name: ...".
//!
//! Every text is stored in Unicode's normal form C: the same word typed on another keyboard is the same value.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value as Json;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use url::Url;

use super::parse::{Parsed, not};
use crate::value::Value;

const LONGEST_ADDRESS: usize = 2048;

static SLUG: LazyLock<Regex> = LazyLock::new(|| regex("^[a-z0-9]+(-[a-z0-9]+)*$"));
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"^[^\s@\p{C}\x22(),:;<>\[\]\\]{1,64}@([\p{L}\p{N}]([\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}\p{N}-]{2,63}$")
});
static COLOR: LazyLock<Regex> = LazyLock::new(|| regex("^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"));
/// Blanks, control characters, invisible characters and direction overrides: none of them belongs in an address.
static INVISIBLE: LazyLock<Regex> = LazyLock::new(|| regex(r"[\s\p{Z}\p{C}]"));

static UNSEEN: LazyLock<Regex> = LazyLock::new(|| regex(r"^[\s\p{Z}\p{Cc}\p{Cf}\u{2800}\u{3164}]*$"));

pub fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| panic!("`{pattern}` is not a regular expression: {error}"))
}

/// Unicode's normal form C of a text.
pub fn nfc(text: &str) -> Cow<'_, str> {
    match text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.nfc().collect()),
    }
}

/// Whether a text shows nothing: only blanks and zero-width characters such as U+200B.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace()) || UNSEEN.is_match(text)
}

pub fn text(json: &Json) -> Parsed {
    plain(json, "text").map(|text| Value::Text(nfc(text).into_owned()))
}

/// One line: no ASCII control characters, and no Unicode line separators.
pub fn line(json: &Json) -> Parsed {
    match plain(json, "text")?
        .contains(|c: char| c.is_ascii_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))
    {
        true => Err(not("one line of text, without line breaks, tabs and control characters", json)),
        false => text(json),
    }
}

pub fn slug(json: &Json) -> Parsed {
    let text = plain(json, "a slug")?;
    if text.len() > 96 || !SLUG.is_match(text) {
        return Err(not("lower-case letters and digits in groups joined by `-`, at most 96 characters", json));
    }
    Ok(Value::Text(text.to_owned()))
}

/// Stored in lower case: spellings of one mailbox are one value.
pub fn email(json: &Json) -> Parsed {
    let wanted = "an email address such as `ann@example.org`";
    let address = nfc(plain(json, wanted)?).to_lowercase();
    match address.len() <= 254 && EMAIL.is_match(&address) {
        true => Ok(Value::Text(nfc(&address).into_owned())),
        false => Err(not(wanted, json)),
    }
}

pub fn color(json: &Json) -> Parsed {
    let wanted = "a colour as `#rrggbb` or `#rrggbbaa`";
    match plain(json, wanted)? {
        text if COLOR.is_match(text) => Ok(Value::Text(text.to_ascii_lowercase())),
        _ => Err(not(wanted, json)),
    }
}

/// Parsed and normalized per the WHATWG URL standard: the stored URL is the one that browsers would open.
pub fn url(json: &Json) -> Parsed {
    let wanted = "a URL that starts with `https://`, `http://` or `/`, without spaces and invisible characters";
    let text = plain(json, wanted)?;
    if text.len() > LONGEST_ADDRESS {
        return Err(format!("must have at most {LONGEST_ADDRESS} bytes, it has {}", text.len()));
    }
    if INVISIBLE.is_match(text) {
        return Err(not(wanted, json));
    }
    let address = match text.starts_with('/') {
        true => path(text),
        false => absolute(text).map_err(|reason| reason.map_or_else(|| not(wanted, json), str::to_owned))?,
    };
    address.filter(|address| address.len() <= LONGEST_ADDRESS).map(Value::Text).ok_or_else(|| not(wanted, json))
}

fn absolute(text: &str) -> Result<Option<String>, Option<&'static str>> {
    let has_scheme = |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    // The standard would repair `https:host` and `https:\\host`, which nobody writes on purpose.
    let host =
        ["https://", "http://"].into_iter().find(|scheme| has_scheme(scheme)).map(|scheme| &text[scheme.len()..]);
    if host.is_none_or(|host| host.starts_with(['/', '\\'])) {
        return Ok(None);
    }
    let Ok(url) = Url::parse(text) else { return Ok(None) };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Some("must not contain a user name or a password: everyone can see it"));
    }
    Ok(Some(url.into()))
}

/// A path from the site's root, which cannot lead to another site.
fn path(text: &str) -> Option<String> {
    const BASE: &str = "https://site.invalid";
    let url = Url::parse(BASE).ok()?.join(text).ok()?;
    let path = String::from(url);
    let path = path.strip_prefix(BASE)?;
    (path.starts_with('/') && !path.starts_with("//") && !text.starts_with("//") && !text.starts_with("/\\"))
        .then(|| path.to_owned())
}

pub fn plain<'a>(json: &'a Json, wanted: &str) -> Result<&'a str, String> {
    let text = json.as_str().ok_or_else(|| not(wanted, json))?;
    no_nul(text)?;
    Ok(text)
}

/// The only character that PostgreSQL cannot store.
pub fn no_nul(text: &str) -> Result<(), String> {
    match text.contains('\0') {
        true => Err("must not contain the character U+0000".to_owned()),
        false => Ok(()),
    }
}
