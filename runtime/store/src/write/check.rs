//! Checks the rules of the schema on whole rows: required, bounds, patterns, JSON Schema.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::Validator;
use regex::Regex;
use serde_json::Value as Json;

use crate::record::from_stored;
use crate::value::Value;
use crate::write::row::{At, Faults, Row};
use crate::write::unique::rules;
use base::error::Code;
use model::content::{ComponentInfo, ContentInfo, FieldInfo, Required, Shape, SiteInfo};
use model::kind::{Kind, is_blank};
use model::names::camel;

/// The maximum UTF-8 length of a value in an index. PostgreSQL's own limit is 2704 bytes with overhead.
pub const LONGEST_INDEXED: usize = 2_500;

/// Checks the values that a write changes, or a whole row that is about to be published.
pub struct Checker<'a> {
    pub site: &'a SiteInfo,
    pub faults: &'a mut Faults,
    pub root: usize,
    pub publishing: bool,
}

impl Checker<'_> {
    /// Skips unchanged values unless the row is published, so that a new rule does not block other changes.
    pub fn row(&mut self, info: &'static ContentInfo, row: &Row, old: Option<&Row>, at: At<'_>) {
        for (index, field) in info.fields.iter().enumerate() {
            if row.invalid.contains(&index) {
                continue;
            }
            let at = At::Key(&at, field.name);
            if let Shape::Children(child) = field.shape {
                self.children(child, field, row.children(index), old.map(|old| old.children(index)), at);
                continue;
            }
            let value = &row.values[index];
            if self.publishing || old.is_none_or(|old| old.values[index] != *value) {
                self.field(field, value, at);
                self.indexed(info, index, row, at);
            }
        }
    }

    /// Indexed values must fit into the index: a single text, and all texts of one unique index together.
    fn indexed(&mut self, info: &'static ContentInfo, index: usize, row: &Row, at: At<'_>) {
        let size = |&index: &usize| match &row.values[index] {
            Value::Text(text) => text.len(),
            _ => 0,
        };
        let field = &info.fields[index];
        if size(&index) <= LONGEST_INDEXED / 8 {
            return;
        }
        let alone = if field.filterable || field.sortable { size(&index) } else { 0 };
        let together = rules(info).into_iter().filter(|rule| rule.on.contains(&index));
        let bytes = together.map(|rule| rule.on.iter().map(size).sum()).max().unwrap_or(0).max(alone);
        if bytes > LONGEST_INDEXED {
            let message = format!("has {bytes} bytes, but its index takes at most {LONGEST_INDEXED}: shorten it");
            self.fault(message, at);
        }
    }

    fn children(
        &mut self,
        info: &'static ContentInfo,
        field: &FieldInfo,
        rows: &[Row],
        old: Option<&[Row]>,
        at: At<'_>,
    ) {
        if self.publishing || old.is_none_or(|old| old.len() != rows.len()) {
            self.required(field, rows.is_empty(), at);
            self.count(field, rows.len(), at);
        }
        for (index, row) in rows.iter().enumerate() {
            let before = old.and_then(|old| old.iter().find(|old| old.id == row.id));
            match row.path.as_slice() {
                [] => self.row(info, row, before, At::Index(&at, index)),
                path => self.row(info, row, before, At::Steps(path)),
            }
        }
    }

    fn field(&mut self, field: &FieldInfo, value: &Value, at: At<'_>) {
        let missing = match value {
            Value::Null => true,
            Value::Text(text) => is_blank(text),
            Value::List(items) => items.is_empty() && !matches!(field.shape, Shape::One(_)),
            _ => false,
        };
        self.required(field, missing, at);
        match (&field.shape, value) {
            (_, Value::Null) => {}
            (Shape::Scalar(kind), value) => self.scalar(*kind, field, value, at),
            (Shape::Component(info), Value::Json(json)) => self.component(info, json, at),
            (Shape::Components(info), Value::List(items)) => {
                self.count(field, items.len(), at);
                self.each(items, at, |checker, json, at| checker.component(info, json, at));
            }
            (Shape::Blocks(info), Value::List(items)) => {
                self.count(field, items.len(), at);
                self.each(items, at, |checker, json, at| {
                    let tag = json.get("_type").and_then(Json::as_str).unwrap_or_default();
                    if let Some(info) = info.of.iter().find(|component| component.tag == tag) {
                        checker.component(info, json, At::Key(&at, &camel(tag)));
                    }
                });
            }
            (Shape::Enums(_) | Shape::Many(_), Value::List(items)) => self.count(field, items.len(), at),
            _ => {}
        }
    }

    fn each(&mut self, items: &[Value], at: At<'_>, mut check: impl FnMut(&mut Self, &Json, At<'_>)) {
        for (index, item) in items.iter().enumerate() {
            if let Value::Json(json) = item {
                check(self, json, At::Index(&at, index));
            }
        }
    }

    fn component(&mut self, info: &ComponentInfo, stored: &Json, at: At<'_>) {
        for field in info.fields {
            let json = stored.get(field.snake).unwrap_or(&Json::Null);
            let at = At::Key(&at, field.name);
            match from_stored(&field.shape, json) {
                Ok(value) => self.field(field, &value, at),
                Err(message) => self.fault(message, at),
            }
        }
    }

    fn required(&mut self, field: &FieldInfo, missing: bool, at: At<'_>) {
        match field.required {
            Required::Save if missing => self.fault("is required".into(), at),
            Required::Publish if missing && self.publishing => self.fault("is required to publish".into(), at),
            _ => {}
        }
    }

    fn count(&mut self, field: &FieldInfo, items: usize, at: At<'_>) {
        // An optional list may be empty regardless of `min`.
        if items > 0 && number(field.rules.min).is_some_and(|min| items < min) {
            self.fault(format!("must have at least {} items, not {items}", field.rules.min.unwrap_or_default()), at);
        }
        if number(field.rules.max).is_some_and(|max| items > max) {
            self.fault(format!("must have at most {} items, not {items}", field.rules.max.unwrap_or_default()), at);
        }
    }

    fn scalar(&mut self, kind: Kind, field: &FieldInfo, value: &Value, at: At<'_>) {
        let rules = &field.rules;
        match value {
            Value::Text(text) if kind.cast() == "text" => {
                if rules.min.is_some() || rules.max.is_some() {
                    let length = text.chars().count();
                    if number(rules.min).is_some_and(|min| length < min) {
                        self.fault(
                            format!("must have at least {} characters, not {length}", rules.min.unwrap_or_default()),
                            at,
                        );
                    }
                    if number(rules.max).is_some_and(|max| length > max) {
                        self.fault(
                            format!("must have at most {} characters, not {length}", rules.max.unwrap_or_default()),
                            at,
                        );
                    }
                }
                if let Some(pattern) = rules.pattern
                    && compiled(&PATTERNS, pattern, whole).is_none_or(|regex| !regex.is_match(text))
                {
                    self.fault(format!("must match `{pattern}`"), at);
                }
            }
            Value::Json(json) => {
                let validator = rules.schema.and_then(|schema| compiled(&SCHEMAS, schema, validator));
                let mut errors: Vec<_> = validator.iter().flat_map(|validator| validator.iter_errors(json)).collect();
                errors.truncate(20);
                for error in errors {
                    self.fault(format!("does not fit its schema at `{}`: {error}", error.instance_path()), at);
                }
            }
            value => {
                let below = bound(kind, rules.min, value, self.site).filter(|min| value.order(min) == Ordering::Less);
                if below.is_some() {
                    self.fault(format!("must be at least {}", rules.min.unwrap_or_default()), at);
                }
                let above =
                    bound(kind, rules.max, value, self.site).filter(|max| value.order(max) == Ordering::Greater);
                if above.is_some() {
                    self.fault(format!("must be at most {}", rules.max.unwrap_or_default()), at);
                }
            }
        }
    }

    fn fault(&mut self, message: String, at: At<'_>) {
        self.faults.add(self.root, Code::InvalidValue, message, at);
    }
}

/// Compiled once per process, by their text in the schema.
type Cache<T> = LazyLock<Mutex<BTreeMap<&'static str, Option<Arc<T>>>>>;
static PATTERNS: Cache<Regex> = LazyLock::new(Mutex::default);
static SCHEMAS: Cache<Validator> = LazyLock::new(Mutex::default);

fn compiled<T>(cache: &Cache<T>, text: &'static str, compile: fn(&str) -> Option<T>) -> Option<Arc<T>> {
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    cache.entry(text).or_insert_with(|| compile(text).map(Arc::new)).clone()
}

fn whole(pattern: &str) -> Option<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).ok()
}

fn validator(schema: &str) -> Option<Validator> {
    jsonschema::validator_for(&serde_json::from_str(schema).ok()?).ok()
}

fn number(rule: Option<&str>) -> Option<usize> {
    rule?.parse().ok()
}

/// A bound as a value of the kind; for money in the currency of the compared value.
fn bound(kind: Kind, text: Option<&str>, value: &Value, site: &SiteInfo) -> Option<Value> {
    let text = text?;
    if let Value::Money { currency, .. } = value {
        return kind.parse(&serde_json::json!({ "amount": text, "currency": currency }), site).ok();
    }
    let as_text = kind.parse(&Json::String(text.to_owned()), site);
    as_text.ok().or_else(|| kind.parse(&serde_json::from_str(text).ok()?, site).ok())
}
