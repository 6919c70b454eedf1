//! Filters for texts: HTML, slugs, dates, numbers, money, lookup tables. On a list, each applies to every item.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use jiff::tz::Offset;
use minijinja::value::{Kwargs, Rest, Value};
use minijinja::{Error, State};
use regex::{Captures, Regex, RegexBuilder};

use super::{Language, each, refused, wrong};
use crate::import::amount::{Money, Number};
use crate::import::expr::{RUN, Run};
use crate::import::number::Point;
use crate::import::read::LONGEST;
use crate::import::value::{message, text_of, value as from_json};
use crate::import::{date, html};
use model::content::SiteInfo;
use store::write::slugify;

/// Bytes of a compiled regular expression. Matching takes linear time for every pattern.
const LARGEST_PATTERN: usize = 1 << 20;
/// Bytes of the pattern's text, as for an expression.
const LONGEST_PATTERN: usize = 2_000;
/// Compiled patterns in the cache.
const MOST_PATTERNS: usize = 100;

pub fn add(language: &mut Language) {
    text(language, "trim", |text| Ok(text.trim().to_owned()));
    text(language, "lower", |text| Ok(text.to_lowercase()));
    text(language, "upper", |text| Ok(text.to_uppercase()));
    text(language, "string", |text| Ok(text.to_owned()));
    text(language, "slug", |text| Ok(slugify(text)));
    text(language, "markdown", html::to_markdown);
    text(language, "striptags", html::to_text);
    language.filter("from_json", |state: &State, value: &Value| {
        texts(state, value, &mut |text| {
            let json =
                model::json::parse(text.as_bytes()).map_err(|error| format!("this text is not JSON: {error}"))?;
            Ok(from_json(&json, false))
        })
    });
    language.filter("prefix", |state: &State, value: &Value, before: String| {
        texts(state, value, &mut |text| Ok(format!("{before}{text}").into()))
    });
    language.filter("suffix", |state: &State, value: &Value, after: String| {
        texts(state, value, &mut |text| Ok(format!("{text}{after}").into()))
    });
    language.filter("truncate", |state: &State, value: &Value, longest: usize| {
        texts(state, value, &mut |text| Ok(truncated(text, longest).into()))
    });
    language.filter("replace", |state: &State, value: &Value, find: &str, with: &str| {
        if find.is_empty() {
            return Err(wrong("the text that `replace` looks for is empty".into()));
        }
        texts(state, value, &mut |text| {
            let longer = text.matches(find).count().saturating_mul(with.len().saturating_sub(find.len()));
            too_long(text.len().saturating_add(longer))?;
            Ok(text.replace(find, with).into())
        })
    });
    language.filter("regex_replace", |state: &State, value: &Value, find: &str, with: &str| {
        let pattern = pattern(find)?;
        texts(state, value, &mut |text| replaced(text, &pattern, with))
    });
    language.filter("choose", choose);
    language.filter("boolean", boolean);
    language.filter("date", dates);
    language.filter("number", number);
    language.filter("money", money);
}

fn text(language: &mut Language, name: &'static str, change: fn(&str) -> Result<String, String>) {
    language.filter(name, move |state: &State, value: &Value| {
        texts(state, value, &mut |text| change(text).map(Value::from))
    });
}

fn texts(state: &State, value: &Value, change: &mut dyn FnMut(&str) -> Result<Value, String>) -> Result<Value, Error> {
    each(state, value, &mut |item| match item.as_str() {
        Some(text) => change(text),
        None => change(&text_of(item).ok_or("an object or a list of lists is not text: name one of its keys")?),
    })
}

fn truncated(text: &str, longest: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(longest) else { return text };
    let cut = &text[..end];
    let between = text[end..].starts_with(char::is_whitespace);
    match cut.rfind(char::is_whitespace).filter(|at| !between && *at > end / 2) {
        Some(at) => cut[..at].trim_end(),
        None => cut.trim_end(),
    }
}

fn too_long(length: usize) -> Result<(), String> {
    match length > LONGEST {
        true => Err(format!("`replace` makes more than {} MiB of text", LONGEST >> 20)),
        false => Ok(()),
    }
}

/// Limited, because a replacement can be longer than the match, and repeated replacements grow further.
fn replaced(text: &str, pattern: &Regex, with: &str) -> Result<Value, String> {
    let mut made = 0;
    let replaced = pattern.replace_all(text, |found: &Captures<'_>| {
        let mut new = String::new();
        if made <= LONGEST {
            found.expand(with, &mut new);
            made += new.len();
        }
        new
    });
    too_long(made)?;
    Ok(Value::from(&*replaced))
}

pub fn is_matching(value: &Value, find: &str) -> Result<bool, Error> {
    let pattern = pattern(find)?;
    Ok(text_of(value).is_some_and(|text| pattern.is_match(&text)))
}

/// Compiled once and cached.
pub fn pattern(text: &str) -> Result<Regex, Error> {
    if text.len() > LONGEST_PATTERN {
        return Err(wrong(format!(
            "a regular expression may have at most {LONGEST_PATTERN} bytes, this one has {}",
            text.len()
        )));
    }
    static PATTERNS: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pattern) = patterns.get(text) {
        return Ok(pattern.clone());
    }
    let made = RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build();
    let made = made.map_err(|error| wrong(format!("this is not a regular expression: {error}")))?;
    if patterns.len() >= MOST_PATTERNS {
        patterns.clear();
    }
    patterns.insert(text.to_owned(), made.clone());
    Ok(made)
}

/// `stock | choose({"0": "out_of_stock"}, "in_stock")`.
fn choose(state: &State, value: &Value, table: &Value, other: Rest<Value>) -> Result<Value, Error> {
    if other.len() > 1 {
        return Err(minijinja::ErrorKind::TooManyArguments.into());
    }
    texts(state, value, &mut |text| {
        let mut known = Vec::new();
        if let Some(found) = table.get_attr(text).ok().filter(|found| !found.is_undefined()) {
            return Ok(found);
        }
        // A key may be a number.
        for key in table.try_iter().map_err(message)? {
            match text_of(&key).unwrap_or_default() {
                name if name == text => return table.get_item(&key).map_err(message),
                name => known.push(name),
            }
        }
        known.truncate(12);
        let error = || format!("`{text}` is not in the table of `choose`, which has {}", known.join(", "));
        other.first().cloned().ok_or_else(error)
    })
}

fn boolean(state: &State, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let words = |name: &str, usual: &[&str]| -> Result<Vec<String>, Error> {
        let given: Option<Vec<String>> = options.get(name)?;
        let given = given.unwrap_or_else(|| usual.iter().map(|&word| word.to_owned()).collect());
        Ok(given.iter().map(|word| word.to_lowercase()).collect())
    };
    let yes = words("yes", &["true", "yes", "y", "1", "on"])?;
    let no = words("no", &["false", "no", "n", "0", "off"])?;
    options.assert_all_used()?;
    texts(state, value, &mut |text| {
        let word = text.trim().to_lowercase();
        match (yes.contains(&word), no.contains(&word)) {
            (true, _) => Ok(true.into()),
            (_, true) => Ok(false.into()),
            _ => Err(format!("`{text}` is neither true nor false: list it in `boolean`")),
        }
    })
}

fn dates(state: &State, value: &Value, formats: Rest<String>, options: Kwargs) -> Result<Value, Error> {
    let offset: Option<String> = options.get("offset")?;
    options.assert_all_used()?;
    let offset = match offset {
        Some(given) => date::offset(&given).ok_or_else(|| {
            wrong(format!("`{given}` is not an offset from UTC: write one such as \"+02:00\" or \"UTC\""))
        })?,
        None => Offset::UTC,
    };
    texts(state, value, &mut |text| Ok(date::read(text, &formats, offset)?.into()))
}

fn number(state: &State, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let times: Option<Value> = options.get("times")?;
    let round: Option<u32> = options.get("round")?;
    let times = match times {
        Some(times) => {
            let factor = text_of(&times).and_then(|text| model::number::decimal(&text));
            Some(factor.ok_or_else(|| wrong(format!("`times` must be a number, not `{times}`")))?)
        }
        None => None,
    };
    let number = Number { point: decimal(&options)?, times, round: round.map(|digits| digits.min(28)) };
    options.assert_all_used()?;
    each(state, value, &mut |item| number.apply(item))
}

/// `price | money("EUR", decimal=",")`.
fn money(state: &State, value: &Value, currency: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let flag = |name: &str| options.get::<Option<bool>>(name).map(Option::unwrap_or_default);
    let money = Money {
        currency: currency.as_ref().and_then(text_of).map(|code| code.trim().to_uppercase()),
        point: decimal(&options)?,
        minor: flag("minor")?,
        round: flag("round")?,
    };
    options.assert_all_used()?;
    let site = site(state)?;
    each(state, value, &mut |item| money.apply(item, site))
}

/// The decimal separator.
pub fn decimal(options: &Kwargs) -> Result<Point, Error> {
    match options.get::<Option<&str>>("decimal")? {
        None => Ok(Point::Guess),
        Some(".") => Ok(Point::Dot),
        Some(",") => Ok(Point::Comma),
        Some(other) => Err(wrong(format!("`decimal` must be \".\" or \",\", not `{other}`"))),
    }
}

pub fn site(state: &State) -> Result<&'static SiteInfo, Error> {
    let run = state.lookup(RUN);
    let handle = run.as_ref().and_then(Value::downcast_object_ref::<Run>);
    handle.map(|handle| handle.site).ok_or_else(|| refused("`money` can be used only where there is a record".into()))
}
