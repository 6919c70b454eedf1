//! Expressions of a mapping: where a value comes from and what is done with it on the way.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::content::SiteInfo;
use crate::import::path::{Path, Scope, plain_text};
use crate::import::step::Step;

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

    /// `None` when there is nothing: no such key, null, or blank text. An empty list is a value.
    pub fn eval<'a>(&'a self, scope: &Scope<'a>, site: &SiteInfo) -> Found<'a> {
        let mut value = self.source.eval(scope, site)?;
        if self.trim {
            value = value.map(trimmed);
        }
        for step in &self.steps {
            value = match value {
                Some(value) => step.apply(value, scope, site)?,
                None => break,
            };
        }
        let value = value.filter(|value| !is_blank(value));
        Ok(value.or_else(|| self.default.as_ref().map(Cow::Borrowed)))
    }
}

impl Source {
    fn eval<'a>(&'a self, scope: &Scope<'a>, site: &SiteInfo) -> Found<'a> {
        match self {
            Self::Path(path) => Ok(path.value(scope)),
            Self::Const(value) => Ok(Some(Cow::Borrowed(value))),
            Self::FirstOf(choices) => {
                let mut empty = None;
                for choice in choices {
                    match choice.eval(scope, site)? {
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
                    if let Some(value) = expr.eval(scope, site)? {
                        object.insert(key.clone(), value.into_owned());
                    }
                }
                Ok((!object.is_empty()).then_some(Cow::Owned(Json::Object(object))))
            }
            Self::List(items) => {
                let mut list = Vec::new();
                for item in items {
                    match item.eval(scope, site)?.map(Cow::into_owned) {
                        Some(Json::Array(values)) => list.extend(values),
                        Some(value) => list.push(value),
                        None => {}
                    }
                }
                Ok(Some(Cow::Owned(Json::Array(list))))
            }
        }
    }
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

fn trimmed(value: Cow<'_, Json>) -> Cow<'_, Json> {
    let trims = |value: &Json| matches!(value, Json::String(text) if text.trim().len() != text.len());
    match &*value {
        Json::Array(items) if items.iter().any(trims) => {
            let items = items.iter().map(|item| trimmed(Cow::Borrowed(item)).into_owned());
            Cow::Owned(items.collect())
        }
        Json::String(text) if trims(&value) => Cow::Owned(Json::String(text.trim().to_owned())),
        _ => value,
    }
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
