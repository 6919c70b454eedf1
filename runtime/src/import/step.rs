//! Steps of an expression: each takes a value and gives the next one. On a list, a step for text works on each item.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::Offset;
use regex::Regex;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value as Json, json};

use crate::content::SiteInfo;
use crate::import::expr::{Expr, Found, is_blank};
use crate::import::money::{self, Point};
use crate::import::path::{Scope, plain_text};
use crate::import::text;
use crate::store::write::slugify;

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
    Lowest,
    Highest,
    Sum,
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

/// A number in text, times a factor, rounded to as many digits.
#[derive(Debug)]
pub struct Number {
    pub point: Point,
    pub times: Option<Decimal>,
    pub round: Option<u32>,
}

/// What becomes of a value that a table does not have.
#[derive(Debug)]
pub enum Otherwise {
    Error,
    Keep,
    Missing,
    Value(Json),
}

#[derive(Debug)]
pub struct Money {
    /// Without it: the code in the text, else the site's currency.
    pub currency: Option<Expr>,
    pub point: Point,
    /// The number counts minor units.
    pub minor: bool,
    pub round: bool,
}

impl Step {
    pub fn apply<'a>(&self, value: Cow<'a, Json>, scope: &Scope<'_>, site: &SiteInfo) -> Found<'a> {
        match self {
            Self::Trim => texts(value, |text| Ok(text.trim().into())),
            Self::Lowercase => texts(value, |text| Ok(text.to_lowercase().into())),
            Self::Uppercase => texts(value, |text| Ok(text.to_uppercase().into())),
            Self::Slugify => texts(value, |text| Ok(slugify(text).into())),
            Self::HtmlToMarkdown => texts(value, |html| Ok(text::html_to_markdown(html)?.into())),
            Self::HtmlToText => texts(value, |html| Ok(text::html_to_text(html).into())),
            Self::Prefix(prefix) => texts(value, |text| Ok(format!("{prefix}{text}").into())),
            Self::Suffix(suffix) => texts(value, |text| Ok(format!("{text}{suffix}").into())),
            Self::Truncate(longest) => texts(value, |text| Ok(truncated(text, *longest).into())),
            Self::Replace { pattern, with } => texts(value, |text| Ok(pattern.replace_all(text, with).into())),
            Self::Map { values, otherwise } => texts(value, |text| mapped(values, otherwise, text)),
            Self::Date { formats, offset } => texts(value, |found| Ok(text::date(found, formats, *offset)?.into())),
            Self::Number(number) => texts(value, |text| number.apply(text)),
            Self::Boolean { yes, no } => texts(value, |text| boolean(yes, no, text)),
            Self::Split(by) => split(value, by),
            Self::Join(with) => join(&value, with),
            Self::First => Ok(pick(value, |items| items.first())),
            Self::Last => Ok(pick(value, |items| items.last())),
            Self::Lowest => fold(&value, |a, b| Some(a.min(b))),
            Self::Highest => fold(&value, |a, b| Some(a.max(b))),
            Self::Sum => fold(&value, Decimal::checked_add),
            Self::Limit(most) => Ok(limit(value, *most)),
            Self::Distinct => Ok(distinct(value)),
            Self::ToObject { key, value: of } => to_object(&value, key, of),
            Self::Pick(keys) => Ok(keep(value, |key| keys.iter().any(|known| known == key))),
            Self::Omit(keys) => Ok(keep(value, |key| !keys.iter().any(|known| known == key))),
            Self::ParseJson => texts(value, |text| {
                serde_json::from_str(text).map_err(|error| format!("this text is not JSON: {error}"))
            }),
            Self::Money(money) => money.apply(value, scope, site),
        }
    }
}

/// Works on a text (or a number or boolean as text) or on each of a list; what becomes blank leaves the list.
fn texts(value: Cow<'_, Json>, mut change: impl FnMut(&str) -> Result<Json, String>) -> Found<'_> {
    let mut one = |value: &Json| match plain_text(value) {
        Some(text) => change(&text).map(Some),
        None if value.is_null() => Ok(None),
        None => Err("an object or a list of lists is no text: name a key of it in the path".to_owned()),
    };
    match &*value {
        Json::Array(items) => {
            let mut changed = Vec::with_capacity(items.len());
            for item in items {
                changed.extend(one(item)?.filter(|value| !is_blank(value)));
            }
            Ok(Some(Cow::Owned(Json::Array(changed))))
        }
        single => Ok(one(single)?.map(Cow::Owned)),
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

impl Number {
    fn apply(&self, text: &str) -> Result<Json, String> {
        let plain = money::number(text, self.point).ok_or_else(|| format!("must be a number, not `{text}`"))?;
        let mut number = Decimal::from_str_exact(&plain).map_err(|_| format!("`{text}` has too many digits"))?;
        if let Some(times) = self.times {
            number = number.checked_mul(times).ok_or_else(|| format!("`{text}` is too large"))?.normalize();
        }
        if let Some(digits) = self.round {
            number = number.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        }
        Ok(numeric(number))
    }
}

/// A JSON number where that is exact, so that whole numbers fit integers; all others as text.
fn numeric(number: Decimal) -> Json {
    let whole = number.is_integer().then(|| i64::try_from(number).ok()).flatten();
    whole.map_or_else(|| Json::String(number.to_string()), Json::from)
}

/// Of the numbers of a list, those that are there.
fn fold<'a>(value: &Json, pick: impl Fn(Decimal, Decimal) -> Option<Decimal>) -> Found<'a> {
    let items = match value {
        Json::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut result: Option<Decimal> = None;
    for item in items.iter().filter(|item| !is_blank(item)) {
        let text = plain_text(item).ok_or("a list of numbers is expected, and it has objects")?;
        let number = money::parse(&text, Point::Guess)?.number;
        result = match result {
            Some(before) => Some(pick(before, number).ok_or("the numbers are too large")?),
            None => Some(number),
        };
    }
    Ok(result.map(|number| Cow::Owned(numeric(number))))
}

fn boolean(yes: &BTreeSet<String>, no: &BTreeSet<String>, text: &str) -> Result<Json, String> {
    let word = text.trim().to_lowercase();
    match (yes.contains(&word), no.contains(&word)) {
        (true, _) => Ok(true.into()),
        (_, true) => Ok(false.into()),
        _ => Err(format!("`{text}` is neither yes nor no: name it under `boolean`")),
    }
}

fn split<'a>(value: Cow<'a, Json>, by: &str) -> Found<'a> {
    let parts = |text: &str| text.split(by).map(str::trim).filter(|part| !part.is_empty()).map(Json::from).collect();
    let lists = texts(value, |text| Ok(Json::Array(parts(text))))?;
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

impl Money {
    fn apply<'a>(&self, value: Cow<'a, Json>, scope: &Scope<'_>, site: &SiteInfo) -> Found<'a> {
        let value = match &*value {
            Json::Array(items) if items.len() == 1 => &items[0],
            Json::Array(items) if items.is_empty() => return Ok(None),
            single => single,
        };
        let Some(text) = plain_text(value) else {
            return Err("an object or a list is no amount of money: name the amount in the path".into());
        };
        if text.trim().is_empty() {
            return Ok(None);
        }
        let given = match &self.currency {
            Some(currency) => currency.eval(scope, site)?.and_then(|value| plain_text(&value)),
            None => None,
        };
        money_json(&text, self, given.as_deref(), site).map(|money| Some(Cow::Owned(money)))
    }
}

fn money_json(text: &str, money: &Money, given: Option<&str>, site: &SiteInfo) -> Result<Json, String> {
    let amount = money::parse(text, money.point)?;
    let given = given.map(|currency| currency.trim().to_uppercase());
    let currency = match (given, amount.currency) {
        (Some(given), Some(found)) if given != found => {
            return Err(format!("`{text}` is in {found}, but its currency is given as {given}"));
        }
        (Some(currency), _) | (None, Some(currency)) => currency,
        (None, None) => site.currency.to_owned(),
    };
    let minor = match money.minor {
        true => whole(amount.number).ok_or_else(|| format!("`{text}` is no whole number of minor units"))?,
        false => money::minor_units(amount.number, &currency, money.round)?,
    };
    Ok(json!({ "amountMinor": minor.to_string(), "currency": currency }))
}

fn whole(number: Decimal) -> Option<i64> {
    number.is_integer().then(|| i64::try_from(number).ok()).flatten()
}

/// Money as text without a step for it: in the currency that the text names, else in the site's.
pub fn plain_money(text: &str, site: &SiteInfo) -> Result<Json, String> {
    let money = Money { currency: None, point: Point::Guess, minor: false, round: false };
    money_json(text, &money, None, site)
}
