//! Converts values of a source to the field's kind: `"100"` to a number, `Yes` to true, `52` to an amount of money.

use serde_json::Value as Json;

use crate::import::amount::plain_money;
use crate::import::expr::plain_text;
use crate::import::money;
use crate::import::number::Point;

use model::content::{EnumInfo, SiteInfo};
use model::kind::Kind;

/// The value as the API accepts it: unchanged if the kind accepts it, or else in the nearest accepted form. The error
/// is about the unchanged value.
pub fn scalar(kind: Kind, value: &Json, site: &SiteInfo) -> Result<Json, String> {
    let refused = match kind.parse(value, site) {
        Ok(_) => return Ok(value.clone()),
        Err(refused) => refused,
    };
    if let Json::Array(items) = value {
        return match items.as_slice() {
            [] => Ok(Json::Null),
            [first, rest @ ..] if rest.iter().all(|item| item == first) => scalar(kind, first, site),
            _ => Err(format!(
                "expected one value, but the source gives {}: use `first`, `join` or a path to one",
                items.len()
            )),
        };
    }
    let Some(text) = plain_text(value) else { return Err(refused) };
    let text = text.trim();
    let takes = |candidate: &Json| kind.parse(candidate, site).is_ok();
    forms(text, site).find(takes).ok_or(refused)
}

/// Other spellings of a text, the nearest first.
fn forms<'a>(text: &'a str, site: &'a SiteInfo) -> impl Iterator<Item = Json> + 'a {
    let plain = move || Some(Json::from(text));
    let number = move || {
        let number = money::number(text, Point::Guess)?;
        Some(number.parse::<i64>().map_or_else(|_| Json::from(number), Json::from))
    };
    // `100.0` is a whole number.
    let whole = move || {
        let number = money::number(text, Point::Guess)?;
        number
            .split_once('.')
            .filter(|(_, zeros)| zeros.bytes().all(|zero| zero == b'0'))?
            .0
            .parse::<i64>()
            .ok()
            .map(Json::from)
    };
    let boolean = move || match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "on" => Some(Json::Bool(true)),
        "false" | "no" | "n" | "0" | "off" => Some(Json::Bool(false)),
        _ => None,
    };
    let money = move || plain_money(text, site).ok();
    // A timestamp for a date, and a date for a timestamp.
    let date = move || {
        text.get(..10)
            .filter(|_| text.as_bytes().get(10).is_some_and(|mark| matches!(mark, b'T' | b' ')))
            .map(Json::from)
    };
    let moment = move || (text.len() == 10).then(|| Json::from(format!("{text}T00:00:00Z")));
    let local = move || crate::import::date::read(text, &[], jiff::tz::Offset::UTC).ok().map(Json::from);
    let choices: [Box<dyn Fn() -> Option<Json> + 'a>; 8] = [
        Box::new(plain),
        Box::new(number),
        Box::new(whole),
        Box::new(boolean),
        Box::new(money),
        Box::new(date),
        Box::new(moment),
        Box::new(local),
    ];
    choices.into_iter().filter_map(|form| form())
}

/// The API's name, whatever the case and separators of the source.
pub fn choice(info: &EnumInfo, value: &Json) -> Result<Json, String> {
    let text = plain_text(value).ok_or_else(|| "expected one name: use `first` or `join`".to_owned())?;
    let plain = |name: &str| {
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect::<String>()
    };
    let wanted = plain(&text);
    let found = info.values.iter().find(|(stored, _)| *stored == text || plain(stored) == wanted);
    found.map(|(_, shown)| Json::from(*shown)).ok_or_else(|| {
        let known: Vec<_> = info.values.iter().map(|(stored, _)| *stored).collect();
        format!("must be one of {}, not `{text}`: use `choose` to map other texts", known.join(", "))
    })
}
