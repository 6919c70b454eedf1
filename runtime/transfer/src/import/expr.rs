//! Expressions of a mapping, in minijinja, evaluated for a record or an item of it. An expression that is only a path is looked up in the
//! JSON directly.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use minijinja::value::Object;
use minijinja::{Expression, Value};
use serde_json::Value as Json;

use crate::import::money::written_out;
use crate::import::near::nearest;
use crate::import::value;
use model::content::SiteInfo;

/// The work limit of a record, in minijinja's fuel: nested lists can multiply the work.
pub const MOST_WORK: i64 = 20_000_000;
/// The limit of one expression, which allows at most 128 MiB of text.
pub const FUEL: u64 = 2_000_000;
/// The cost of a value in the result.
const VALUE: usize = 10;
/// The most keys of an object that are searched for a misspelt one.
const MOST_KEYS: usize = 1_000;
/// The name of the run, which no mapping can contain.
pub const RUN: &str = "$run";

pub struct Expr {
    pub source: Source,
    /// The paths that it begins with: an empty list there is intended, and returned if all else is undefined.
    pub subjects: Vec<Path>,
    /// The text, for messages.
    pub about: String,
}

pub enum Source {
    Const(Json),
    Path(Path),
    Code(Code),
}

pub struct Code {
    pub code: Expression<'static, 'static>,
    /// The variables in it.
    pub names: Arc<[String]>,
}

/// `item.images[0].url`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub begin: Begin,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Begin {
    Item,
    Parent,
    Record,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Key(String),
    /// Negative: from the end.
    At(i64),
}

/// The state for one record.
pub struct Run {
    pub site: &'static SiteInfo,
    /// Whether texts are trimmed.
    trim: bool,
    work: AtomicI64,
}

/// The scope of an expression: an item, the items around it, and its index.
pub struct Scope<'a> {
    pub item: &'a Json,
    parent: Option<&'a Scope<'a>>,
    /// From 0, among the items of the nearest `each`.
    index: usize,
    run: &'a Arc<Run>,
    /// The item as an expression value, for expressions that need more than a text or a number.
    whole: OnceCell<Value>,
}

/// The variables of one expression, with their values.
#[derive(Debug)]
struct Frame {
    names: Arc<[String]>,
    values: Vec<Value>,
    run: Arc<Run>,
}

pub type Found<'a> = Result<Option<Cow<'a, Json>>, String>;

impl Run {
    pub fn new(site: &'static SiteInfo, trim: bool) -> Arc<Self> {
        Arc::new(Self { site, trim, work: AtomicI64::new(MOST_WORK) })
    }

    /// Fails once a record has used too much.
    pub fn spend(&self, work: u64) -> Result<(), String> {
        let work = i64::try_from(work).unwrap_or(i64::MAX);
        let left = self.work.load(Ordering::Relaxed).saturating_sub(work);
        self.work.store(left, Ordering::Relaxed);
        match left > 0 {
            true => Ok(()),
            false => {
                Err("the mapping does too much work for one record, which has nested lists or very long text".into())
            }
        }
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Run")
    }
}

impl Object for Run {}

impl Object for Frame {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            RUN => Some(Value::from_dyn_object(Arc::clone(&self.run))),
            name => self.names.iter().position(|known| known == name).map(|at| self.values[at].clone()),
        }
    }
}

impl<'a> Scope<'a> {
    pub fn root(item: &'a Json, run: &'a Arc<Run>) -> Self {
        Self { item, parent: None, index: 0, run, whole: OnceCell::new() }
    }

    pub fn inside(&'a self, item: &'a Json, index: usize) -> Self {
        Self { item, parent: Some(self), index, run: self.run, whole: OnceCell::new() }
    }

    fn frame(&self, names: &Arc<[String]>) -> Value {
        let values = names.iter().map(|name| self.variable(name)).collect();
        Value::from_object(Frame { names: Arc::clone(names), values, run: Arc::clone(self.run) })
    }

    fn variable(&self, name: &str) -> Value {
        match name {
            "item" => self.whole().clone(),
            "parent" => self.parent.map_or(Value::UNDEFINED, |around| around.whole().clone()),
            "record" => self.outermost().whole().clone(),
            "loop" => Value::from_pairs([("index", self.index + 1), ("index0", self.index)]),
            key => match self.item.get(key) {
                Some(Json::Array(_) | Json::Object(_)) => self.whole().get_attr(key).unwrap_or_default(),
                Some(single) => value::value(single, self.run.trim),
                None => Value::UNDEFINED,
            },
        }
    }

    fn whole(&self) -> &Value {
        self.whole.get_or_init(|| value::value(self.item, self.run.trim))
    }

    fn outermost(&self) -> &Scope<'a> {
        let mut scope = self;
        while let Some(around) = scope.parent {
            scope = around;
        }
        scope
    }
}

impl Path {
    fn begin<'a>(&self, scope: &Scope<'a>) -> Option<&'a Json> {
        Some(match self.begin {
            Begin::Item => scope.item,
            Begin::Parent => scope.parent?.item,
            Begin::Record => scope.outermost().item,
        })
    }

    /// The existing key that a missing key of the path probably means.
    pub fn nearest<'a>(&self, scope: &Scope<'a>) -> Option<&'a str> {
        let mut value = self.begin(scope)?;
        for step in &self.steps {
            let (Step::Key(key), Json::Object(object)) = (step, value) else { return None };
            let Some(inner) = object.get(key) else {
                return nearest(key, object.keys().take(MOST_KEYS).map(String::as_str));
            };
            value = inner;
        }
        None
    }

    pub fn find<'a>(&self, scope: &Scope<'a>) -> Option<&'a Json> {
        let mut value = self.begin(scope)?;
        for step in &self.steps {
            value = match (step, value) {
                (Step::Key(key), Json::Object(object)) => object.get(key)?,
                (Step::At(at), Json::Array(items)) => {
                    let place = if *at < 0 { at.checked_add(i64::try_from(items.len()).ok()?)? } else { *at };
                    items.get(usize::try_from(place).ok()?)?
                }
                _ => return None,
            };
        }
        Some(value)
    }
}

impl Expr {
    /// The item itself.
    pub fn item(about: &str) -> Self {
        Self {
            source: Source::Path(Path { begin: Begin::Item, steps: Vec::new() }),
            subjects: Vec::new(),
            about: about.to_owned(),
        }
    }

    /// `None` if the value is undefined: a missing key, null, blank text, or a list of these. An empty list in the
    /// record is a value.
    pub fn eval<'a>(&'a self, scope: &Scope<'a>) -> Found<'a> {
        let found = match &self.source {
            Source::Const(constant) => Some(Cow::Borrowed(constant)),
            Source::Path(path) => match path.find(scope) {
                Some(found) => {
                    scope.run.spend(weight(found))?;
                    Some(cleaned(found, scope.run.trim))
                }
                None => None,
            },
            Source::Code(_) => {
                let run = scope.run;
                let given = self.given(scope)?;
                let mut weigh = |length: usize| run.spend((VALUE + length / 64) as u64);
                Some(Cow::Owned(value::json(&given, &mut weigh)?))
            }
        };
        Ok(match found {
            Some(value) if !is_blank(&value) && !is_empty_list(&value) => Some(value),
            found if self.subjects.iter().any(|path| path.find(scope).is_some_and(is_empty_list)) => {
                Some(found.filter(|value| is_empty_list(value)).unwrap_or(Cow::Owned(Json::Array(Vec::new()))))
            }
            _ => None,
        })
    }

    /// The result of minijinja.
    pub fn value(&self, scope: &Scope<'_>) -> Result<Value, minijinja::Error> {
        match &self.source {
            Source::Const(constant) => Ok(value::value(constant, false)),
            Source::Path(path) => {
                Ok(path.find(scope).map_or(Value::UNDEFINED, |found| value::value(found, scope.run.trim)))
            }
            Source::Code(Code { code, names }) => code.eval(scope.frame(names)),
        }
    }

    /// Whether the expression is true as a condition in minijinja.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, String> {
        match &self.source {
            Source::Path(path) => Ok(path.find(scope).is_some_and(is_true)),
            _ => self.given(scope).map(|value| value.is_true()),
        }
    }

    /// The filter at the end of the expression counts the cost.
    fn given(&self, scope: &Scope<'_>) -> Result<Value, String> {
        scope.run.spend(1)?;
        self.value(scope).map_err(|error| {
            let is_spent = error.kind() == minijinja::ErrorKind::OutOfFuel;
            match scope.run.spend(if is_spent { u64::MAX } else { FUEL / 100 }) {
                Err(message) if is_spent => message,
                _ => value::message(error),
            }
        })
    }
}

/// Removes blank items from lists.
fn cleaned(found: &Json, trim: bool) -> Cow<'_, Json> {
    match found {
        Json::String(text) if trim && text.trim().len() != text.len() => Cow::Owned(text.trim().into()),
        Json::Array(items)
            if items.iter().any(|item| is_blank(item) || matches!(cleaned(item, trim), Cow::Owned(_))) =>
        {
            Cow::Owned(
                items.iter().filter(|item| !is_blank(item)).map(|item| cleaned(item, trim).into_owned()).collect(),
            )
        }
        _ => Cow::Borrowed(found),
    }
}

/// The cost of a value that may be copied.
fn weight(json: &Json) -> u64 {
    let inside = match json {
        Json::String(text) => text.len() as u64 / 64,
        Json::Array(items) => items.iter().map(weight).sum(),
        Json::Object(object) => object.values().map(weight).sum(),
        _ => 0,
    };
    VALUE as u64 + inside
}

fn is_true(json: &Json) -> bool {
    match json {
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::Array(items) => !items.is_empty(),
        Json::Object(object) => !object.is_empty(),
        Json::Null | Json::String(_) => !is_blank(json),
    }
}

/// The text of a string, a number or a boolean.
pub fn plain_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(written_out(number.as_str())),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

pub fn is_empty_list(value: &Json) -> bool {
    matches!(value, Json::Array(items) if items.is_empty())
}

/// Null, or text without a visible character.
pub fn is_blank(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        _ => false,
    }
}
