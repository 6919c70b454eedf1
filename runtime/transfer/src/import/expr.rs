//! Expressions of a mapping: where a value comes from and what is done with it on the way.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::import::path::{Path, Scope, plain_text};
use crate::import::step::Step;
use model::content::SiteInfo;

/// A source and the steps that its value takes, in the order in which they are written.
#[derive(Debug)]
pub struct Expr {
    pub source: Source,
    /// Blanks around texts go.
    pub trim: bool,
    pub steps: Vec<Step>,
    pub default: Option<Json>,
    /// The source as written, for messages.
    pub about: String,
}

#[derive(Debug)]
pub enum Source {
    Path(Path),
    Const(Json),
    /// The first that gives something.
    FirstOf(Vec<Expr>),
    Template(Template),
    Object(Vec<(String, Expr)>),
    /// What each gives, lists opened.
    List(Vec<Expr>),
    /// Lists side by side: an object for each place.
    Zip(Vec<(String, Column)>),
}

/// One of the lists of a [`Source::Zip`].
#[derive(Debug)]
pub enum Column {
    List(Expr),
    /// One value each.
    Items(Vec<Expr>),
}

/// What holds for all of an expression.
#[derive(Clone, Copy)]
pub struct How<'s> {
    pub site: &'s SiteInfo,
    /// Blanks keep their place in lists, as null.
    pub aligned: bool,
}

/// `{slug}-{@number}`.
#[derive(Debug)]
pub struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Path(Path),
}

pub type Found<'a> = Result<Option<Cow<'a, Json>>, String>;

impl Expr {
    /// The expression that a path alone is.
    pub fn path(path: Path, about: &str, trim: bool) -> Self {
        Self { source: Source::Path(path), trim, steps: Vec::new(), default: None, about: about.to_owned() }
    }

    /// `None` when there is nothing: no such key, null, or blank text, and lists of them. An empty list is a value where the record or
    /// the mapping has one.
    pub fn eval<'a>(&'a self, scope: &Scope<'a>, site: &SiteInfo) -> Found<'a> {
        self.evaluate(scope, How { site, aligned: false })
    }

    fn evaluate<'a>(&'a self, scope: &Scope<'a>, how: How<'_>) -> Found<'a> {
        let mut value = self.source.eval(scope, how)?;
        scope.check()?;
        if self.trim {
            value = value.map(|value| trimmed(value, how.aligned));
        }
        let mut is_meant = value.as_deref().is_some_and(is_empty_list);
        for step in &self.steps {
            value = match value {
                Some(value) => step.apply(value, scope, how)?,
                None => break,
            };
            is_meant |= step.reads_lists() && value.as_deref().is_some_and(is_empty_list);
        }
        let value = value.filter(|value| !is_blank(value) && (is_meant || !is_empty_list(value)));
        Ok(value.or_else(|| self.default.as_ref().map(Cow::Borrowed)))
    }
}

impl Source {
    fn eval<'a>(&'a self, scope: &Scope<'a>, how: How<'_>) -> Found<'a> {
        match self {
            Self::Path(path) if how.aligned => Ok(path.aligned(scope).map(Cow::Owned)),
            Self::Path(path) => Ok(path.value(scope)),
            Self::Const(value) => Ok(Some(Cow::Borrowed(value))),
            Self::FirstOf(choices) => {
                let mut empty = None;
                for choice in choices {
                    match choice.evaluate(scope, how)? {
                        Some(value) if !is_empty(&value) => return Ok(Some(value)),
                        Some(value) => empty = Some(value),
                        None => {}
                    }
                }
                Ok(empty)
            }
            Self::Template(template) => Ok(template.fill(scope).map(|text| Cow::Owned(Json::String(text)))),
            Self::Object(entries) => {
                let mut object = Map::new();
                for (key, expr) in entries {
                    if let Some(value) = expr.evaluate(scope, how)? {
                        object.insert(key.clone(), value.into_owned());
                    }
                }
                Ok((!object.is_empty()).then_some(Cow::Owned(Json::Object(object))))
            }
            Self::List(items) => {
                let mut list = Vec::new();
                let mut is_meant = false;
                for item in items {
                    match item.evaluate(scope, how)?.map(Cow::into_owned) {
                        Some(Json::Array(values)) => {
                            is_meant |= values.is_empty();
                            list.extend(values);
                        }
                        Some(value) => list.push(value),
                        None => {}
                    }
                }
                Ok((is_meant || !list.is_empty()).then_some(Cow::Owned(Json::Array(list))))
            }
            Self::Zip(columns) => zip(columns, scope, how),
        }
    }
}

impl Column {
    /// A place for each item, null where there is nothing.
    fn items(&self, scope: &Scope<'_>, how: How<'_>) -> Result<Vec<Json>, String> {
        let how = How { aligned: true, ..how };
        match self {
            Self::List(expr) => Ok(match expr.evaluate(scope, how)?.map(Cow::into_owned) {
                Some(Json::Array(items)) => items,
                Some(single) => vec![single],
                None => Vec::new(),
            }),
            Self::Items(items) => {
                let one = |item: &Expr| {
                    Ok(match item.evaluate(scope, how)?.map(Cow::into_owned) {
                        Some(Json::Array(mut items)) if items.len() == 1 => items.remove(0),
                        value => value.unwrap_or(Json::Null),
                    })
                };
                items.iter().map(one).collect()
            }
        }
    }
}

/// Places without anything are left out. Lists that differ in length do not belong together.
fn zip<'a>(columns: &[(String, Column)], scope: &Scope<'a>, how: How<'_>) -> Found<'a> {
    let mut lists = Vec::with_capacity(columns.len());
    for (name, column) in columns {
        lists.push((name, column.items(scope, how)?));
    }
    lists.retain(|(_, items)| !items.is_empty());
    let Some(length) = lists.first().map(|(_, items)| items.len()) else { return Ok(None) };
    if lists.iter().any(|(_, items)| items.len() != length) {
        let lengths: Vec<_> = lists.iter().map(|(name, items)| format!("`{name}` has {}", items.len())).collect();
        return Err(format!("the lists of `zip` differ in length: {}", lengths.join(", ")));
    }
    let mut rows = vec![Map::new(); length];
    for (name, items) in lists {
        for (row, item) in rows.iter_mut().zip(items).filter(|(_, item)| !is_blank(item)) {
            row.insert(name.clone(), item);
        }
    }
    let rows: Vec<Json> = rows.into_iter().filter(|row| !row.is_empty()).map(Json::Object).collect();
    Ok((!rows.is_empty()).then_some(Cow::Owned(Json::Array(rows))))
}

impl Template {
    /// `{{` and `}}` stand for braces.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let Some((path, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(format!(
                    "a brace is alone in the template `{text}`: write `{{{{` or `}}}}` for the brace itself"
                ));
            };
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Path(Path::parse(path)?));
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }

    /// Nothing when one of its paths finds nothing.
    fn fill(&self, scope: &Scope<'_>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Path(path) => {
                    let value = path.value(scope)?;
                    let value = plain_text(&value)?;
                    match value.trim() {
                        "" => return None,
                        value => text.push_str(value),
                    }
                }
            }
        }
        Some(text)
    }
}

/// What becomes blank leaves a list.
fn trimmed(value: Cow<'_, Json>, aligned: bool) -> Cow<'_, Json> {
    let trims =
        |value: &Json| matches!(value, Json::String(text) if text.trim().len() != text.len() || text.is_empty());
    match &*value {
        Json::Array(items) if items.iter().any(trims) => {
            let kept = items.iter().filter(|item| aligned || !is_blank(item));
            Cow::Owned(kept.map(|item| trimmed(Cow::Borrowed(item), aligned).into_owned()).collect())
        }
        Json::String(text) if trims(&value) => Cow::Owned(Json::String(text.trim().to_owned())),
        _ => value,
    }
}

pub fn is_empty_list(value: &Json) -> bool {
    matches!(value, Json::Array(items) if items.is_empty())
}

/// Null, or text without a character to see.
pub fn is_blank(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Blank, or a list or object with nothing in it.
pub fn is_empty(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().all(is_blank),
        Json::Object(object) => object.is_empty(),
        _ => is_blank(value),
    }
}
