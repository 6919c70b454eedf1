//! Steps of an expression: each takes a value and gives the next one. On a list, a step for text works on each item.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::Offset;
use regex::{Captures, Regex};
use serde_json::{Map, Value as Json};

use crate::import::amount::{Fold, Money, Number};
use crate::import::expr::{Found, How, is_blank};
use crate::import::mapping::Test;
use crate::import::path::{Scope, plain_text};
use crate::import::read::LONGEST;
use crate::import::{date, html};
use store::write::slugify;

#[derive(Debug)]
pub enum Step {
    Trim,
    Lowercase,
    Uppercase,
    Slugify,
    HtmlToMarkdown,
    HtmlToText,
    Prefix(String),
    Suffix(String),
    /// Characters at most; cut between words where there are some.
    Truncate(usize),
    Replace {
        pattern: Regex,
        with: String,
    },
    Map {
        values: BTreeMap<String, Json>,
        otherwise: Otherwise,
    },
    Date {
        formats: Vec<String>,
        offset: Offset,
    },
    Number(Number),
    Boolean {
        yes: BTreeSet<String>,
        no: BTreeSet<String>,
    },
    Split(String),
    Join(String),
    First,
    Last,
    /// Of a list of numbers or amounts.
    Fold(Fold),
    /// Those items of a list whose text passes; a text that does not is nothing.
    Filter {
        test: Test,
        negated: bool,
    },
    Limit(usize),
    /// The same value once only.
    Distinct,
    /// A list of objects becomes one object.
    ToObject {
        key: String,
        value: String,
    },
    Pick(Vec<String>),
    Omit(Vec<String>),
    ParseJson,
    Money(Box<Money>),
}

/// What becomes of a value that a table does not have.
#[derive(Debug)]
pub enum Otherwise {
    Error,
    Keep,
    Missing,
    Value(Json),
}

impl Step {
    pub fn apply<'a>(&self, value: Cow<'a, Json>, scope: &Scope<'_>, how: How<'_>) -> Found<'a> {
        let texts = |value: Cow<'a, Json>, change: &mut dyn FnMut(&str) -> Result<Json, String>| {
            each(value, how.aligned, &mut |item| match plain_text(item) {
                Some(text) => change(&text),
                None => Err("an object or a list of lists is no text: name a key of it in the path".to_owned()),
            })
        };
        match self {
            Self::Trim => texts(value, &mut |text| Ok(text.trim().into())),
            Self::Lowercase => texts(value, &mut |text| Ok(text.to_lowercase().into())),
            Self::Uppercase => texts(value, &mut |text| Ok(text.to_uppercase().into())),
            Self::Slugify => texts(value, &mut |text| Ok(slugify(text).into())),
            Self::HtmlToMarkdown => texts(value, &mut |text| Ok(html::to_markdown(text)?.into())),
            Self::HtmlToText => texts(value, &mut |text| Ok(html::to_text(text)?.into())),
            Self::Prefix(prefix) => texts(value, &mut |text| Ok(format!("{prefix}{text}").into())),
            Self::Suffix(suffix) => texts(value, &mut |text| Ok(format!("{text}{suffix}").into())),
            Self::Truncate(longest) => texts(value, &mut |text| Ok(truncated(text, *longest).into())),
            Self::Replace { pattern, with } => texts(value, &mut |text| replaced(text, pattern, with)),
            Self::Map { values, otherwise } => texts(value, &mut |text| mapped(values, otherwise, text)),
            Self::Date { formats, offset } => {
                texts(value, &mut |found| Ok(date::read(found, formats, *offset)?.into()))
            }
            Self::Number(number) => each(value, how.aligned, &mut |item| number.apply(item)),
            Self::Boolean { yes, no } => texts(value, &mut |text| boolean(yes, no, text)),
            Self::Split(by) => split(value, by, how.aligned),
            Self::Join(with) => join(&value, with),
            Self::First => Ok(pick(value, |items| items.first())),
            Self::Last => Ok(pick(value, |items| items.last())),
            Self::Fold(fold) => fold.apply(&value, how.site),
            Self::Filter { test, negated } => {
                let passes = |text: &str| test.passes(text) != *negated;
                each(value, how.aligned, &mut |item| {
                    Ok(if plain_text(item).is_some_and(|text| passes(&text)) { item.clone() } else { Json::Null })
                })
            }
            Self::Limit(most) => Ok(limit(value, *most)),
            Self::Distinct => Ok(distinct(value)),
            Self::ToObject { key, value: of } => to_object(&value, key, of),
            Self::Pick(keys) => Ok(keep(value, |key| keys.iter().any(|known| known == key))),
            Self::Omit(keys) => Ok(keep(value, |key| !keys.iter().any(|known| known == key))),
            Self::ParseJson => texts(value, &mut |text| {
                model::json::parse(text.as_bytes()).map_err(|error| format!("this text is not JSON: {error}"))
            }),
            Self::Money(money) => money.apply(value, scope, how),
        }
    }

    /// Whether an empty list that it gives stands in the record or the mapping.
    pub fn reads_lists(&self) -> bool {
        matches!(self, Self::ParseJson | Self::Map { .. })
    }
}

/// Works on a value or on each of a list; what becomes blank leaves the list, or is null in one that is aligned.
pub fn each<'a>(
    value: Cow<'a, Json>,
    aligned: bool,
    change: &mut dyn FnMut(&Json) -> Result<Json, String>,
) -> Found<'a> {
    let mut one = |item: &Json| if item.is_null() { Ok(Json::Null) } else { change(item) };
    match &*value {
        Json::Array(items) => {
            let mut changed = Vec::with_capacity(items.len());
            for item in items {
                match one(item)? {
                    blank if is_blank(&blank) => changed.extend(aligned.then_some(Json::Null)),
                    value => changed.push(value),
                }
            }
            Ok(Some(Cow::Owned(Json::Array(changed))))
        }
        single => Ok(Some(one(single)?).filter(|value| !value.is_null()).map(Cow::Owned)),
    }
}

/// A replacement can be longer than what it replaces, and the next one longer again.
fn replaced(text: &str, pattern: &Regex, with: &str) -> Result<Json, String> {
    let mut made = 0;
    let replaced = pattern.replace_all(text, |found: &Captures<'_>| {
        let mut new = String::new();
        if made <= LONGEST {
            found.expand(with, &mut new);
            made += new.len();
        }
        new
    });
    match made > LONGEST {
        true => Err(format!("`replace` makes more than {} MiB of text", LONGEST >> 20)),
        false => Ok(replaced.into()),
    }
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

fn mapped(values: &BTreeMap<String, Json>, otherwise: &Otherwise, text: &str) -> Result<Json, String> {
    match (values.get(text), otherwise) {
        (Some(value), _) | (None, Otherwise::Value(value)) => Ok(value.clone()),
        (None, Otherwise::Keep) => Ok(text.into()),
        (None, Otherwise::Missing) => Ok(Json::Null),
        (None, Otherwise::Error) => {
            let known: Vec<_> = values.keys().take(12).map(String::as_str).collect();
            Err(format!("`{text}` is not in the table of `map`, which has {}", known.join(", ")))
        }
    }
}

fn boolean(yes: &BTreeSet<String>, no: &BTreeSet<String>, text: &str) -> Result<Json, String> {
    let word = text.trim().to_lowercase();
    match (yes.contains(&word), no.contains(&word)) {
        (true, _) => Ok(true.into()),
        (_, true) => Ok(false.into()),
        _ => Err(format!("`{text}` is neither yes nor no: name it under `boolean`")),
    }
}

/// Separators alone have no parts.
fn split<'a>(value: Cow<'a, Json>, by: &str, aligned: bool) -> Found<'a> {
    let part = |part: &str| if part.is_empty() { Json::Null } else { Json::from(part) };
    let parts =
        |text: &str| text.split(by).map(str::trim).filter(|part| aligned || !part.is_empty()).map(part).collect();
    if is_blank(&value) {
        return Ok(None);
    }
    let lists = each(value, aligned, &mut |item| match plain_text(item) {
        Some(text) => Ok(Json::Array(parts(&text))),
        None => Err("an object or a list of lists cannot be split: name a key of it in the path".to_owned()),
    })?;
    let mut flat = Vec::new();
    match lists.map(Cow::into_owned) {
        Some(Json::Array(items)) => {
            for item in items {
                match item {
                    Json::Array(inner) => flat.extend(inner),
                    other => flat.push(other),
                }
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(Cow::Owned(Json::Array(flat))))
}

fn join<'a>(value: &Json, with: &str) -> Found<'a> {
    let texts: Vec<String> = match value {
        Json::Array(items) => items.iter().filter_map(plain_text).filter(|text| !text.trim().is_empty()).collect(),
        single => plain_text(single).into_iter().collect(),
    };
    Ok((!texts.is_empty()).then(|| Cow::Owned(Json::String(texts.join(with)))))
}

fn pick<'a>(value: Cow<'a, Json>, which: impl Fn(&[Json]) -> Option<&Json>) -> Option<Cow<'a, Json>> {
    match &*value {
        Json::Array(items) => which(items).cloned().map(Cow::Owned),
        _ => Some(value),
    }
}

fn limit(value: Cow<'_, Json>, most: usize) -> Option<Cow<'_, Json>> {
    match &*value {
        Json::Array(items) if items.len() > most => Some(Cow::Owned(Json::Array(items[..most].to_vec()))),
        _ => Some(value),
    }
}

fn distinct(value: Cow<'_, Json>) -> Option<Cow<'_, Json>> {
    match &*value {
        Json::Array(items) => {
            let mut seen = BTreeSet::new();
            let items = items.iter().filter(|item| seen.insert(item.to_string())).cloned();
            Some(Cow::Owned(items.collect()))
        }
        _ => Some(value),
    }
}

fn to_object<'a>(value: &Json, key: &str, of: &str) -> Found<'a> {
    let Json::Array(items) = value else { return Err("`to_object` needs a list of objects".into()) };
    let mut object = Map::new();
    for item in items {
        let name =
            item.get(key).and_then(plain_text).ok_or_else(|| format!("an item of `to_object` has no `{key}`"))?;
        if let Some(value) = item.get(of).filter(|value| !is_blank(value)) {
            object.insert(name, value.clone());
        }
    }
    Ok(Some(Cow::Owned(Json::Object(object))))
}

fn keep(value: Cow<'_, Json>, which: impl Fn(&str) -> bool) -> Option<Cow<'_, Json>> {
    match &*value {
        Json::Object(object) => {
            let kept = object.iter().filter(|(key, _)| which(key)).map(|(key, value)| (key.clone(), value.clone()));
            Some(Cow::Owned(Json::Object(kept.collect())))
        }
        _ => Some(value),
    }
}
