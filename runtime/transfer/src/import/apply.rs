//! Applies a mapping: turns a record into the input of the write path. No IO; the same records in the same order give the same entries.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::import::coerce;
use crate::import::expr::{self, Expr, Scope, is_blank, is_empty_list};
use crate::import::mapping::{Fill, Form, Group, Mapping, Missing, Part, Rule};
use crate::import::reference;
use crate::import::unread::Key;
use base::error::{Code, Problem, Step};
use model::content::{FieldInfo, SiteInfo};
use model::names::camel;

/// A record in the form of the write path.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `{"slug": "chair"}`.
    pub key: Json,
    /// The fields of an update input.
    pub data: Map<String, Json>,
    /// Fields that wait until all records are saved.
    pub later: Map<String, Json>,
    /// `(field, name of the relation's input)` of references that may be omitted if their target does not exist.
    pub optional: Vec<&'static str>,
    pub publish: bool,
    /// For an entry that was changed since it was published: the published content, which is saved first.
    pub live: Option<Map<String, Json>>,
}

pub enum Applied {
    Item(Box<Item>),
    /// The mapping skips the record.
    Skipped,
    Rejected(Vec<Problem>),
}

/// State kept between records: the keys and numbered values seen so far, as hashes.
pub struct Mapper {
    mapping: Mapping,
    site: &'static SiteInfo,
    lines: HashMap<u64, u64>,
    taken: Vec<HashMap<u64, u32>>,
}

/// The mapping of one record.
pub struct Run<'m> {
    pub site: &'static SiteInfo,
    taken: &'m mut [HashMap<u64, u32>],
    problems: Vec<Problem>,
    pub later: Map<String, Json>,
    pub optional: Vec<&'static str>,
    path: Vec<Step>,
}

/// The item is omitted or cannot be made; the reason has been noted.
pub struct Left;

impl Mapper {
    pub fn new(mapping: Mapping, site: &'static SiteInfo) -> Self {
        let taken = (0..mapping.numbered).map(|_| HashMap::new()).collect();
        Self { mapping, site, lines: HashMap::new(), taken }
    }

    pub fn apply(&mut self, line: u64, record: &Json) -> Applied {
        let Self { mapping, site, lines, taken } = self;
        let mut run =
            Run { site, taken, problems: Vec::new(), later: Map::new(), optional: Vec::new(), path: Vec::new() };
        let of_record = expr::Run::new(site, mapping.trim);
        let scope = Scope::root(record, &of_record);
        if let Some(only) = &mapping.only {
            match only.holds(&scope) {
                Ok(true) => {}
                Ok(false) => return Applied::Skipped,
                Err(message) => {
                    run.fault(Code::InvalidValue, format!("{message} (from `where` of the mapping)"));
                    return Applied::Rejected(run.problems);
                }
            }
        }
        let data = run.fields(&mapping.rules, &scope);
        let key = data.as_ref().ok().and_then(|data| data.get(mapping.key.name)).filter(|key| !key.is_null()).cloned();
        let name = mapping.key.name;
        if let Some(key) = &key
            && let Some(first) = lines.get(&hash(key))
        {
            let message = format!(
                "line {first} has the same {}, {key}: use `group_by` if the rows belong to one record",
                mapping.key.snake
            );
            run.problems.push(Problem::new(Code::Conflict, message).at([name.into()]));
        }
        if !run.problems.is_empty() {
            return Applied::Rejected(run.problems);
        }
        let Ok(data) = data else { return Applied::Skipped };
        let Some(key) = key else {
            let message = "is missing, but it is the key of the entries: see `key` of the mapping";
            return Applied::Rejected(vec![Problem::new(Code::InvalidValue, message).at([name.into()])]);
        };
        lines.insert(hash(&key), line);
        let key = json!({ name: key });
        let publish = match mapping.publish.as_ref().map_or(Ok(false), |publish| publish.holds(&scope)) {
            Ok(publish) => publish,
            Err(message) => {
                run.fault(Code::InvalidValue, format!("{message} (from `publish` of the mapping)"));
                return Applied::Rejected(run.problems);
            }
        };
        Applied::Item(Box::new(Item { key, data, later: run.later, optional: run.optional, publish, live: None }))
    }

    /// The keys that records should have. The mapper no longer needs them.
    pub fn keys(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.mapping.keys)
    }

    /// How records are grouped before they are mapped.
    pub fn group(&self) -> Option<&Group> {
        self.mapping.group.as_ref()
    }

    /// The state of a record that has not been mapped.
    pub fn run(&self) -> Arc<expr::Run> {
        expr::Run::new(self.site, self.mapping.trim)
    }
}

impl Run<'_> {
    /// Notes a problem with the current field.
    pub fn fault(&mut self, code: Code, message: impl Into<String>) {
        let path = self.path.clone();
        self.problems.push(Problem::new(code, message).at(path));
    }

    pub fn at<T>(&mut self, step: impl Into<Step>, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let result = inside(self);
        self.path.pop();
        result
    }

    /// Whether the current field belongs to the entry itself.
    pub fn is_top(&self) -> bool {
        self.path.len() == 1
    }

    pub fn fields(&mut self, rules: &[Rule], scope: &Scope<'_>) -> Result<Map<String, Json>, Left> {
        let mut data = Map::with_capacity(rules.len());
        for rule in rules {
            let value = self.at(rule.field.name, |run| run.field(rule, scope))?;
            if let Some(value) = value {
                data.insert(rule.field.name.to_owned(), value);
            }
        }
        Ok(data)
    }

    fn field(&mut self, rule: &Rule, scope: &Scope<'_>) -> Result<Option<Json>, Left> {
        let known = self.problems.len();
        match self.fill(rule, scope)? {
            Some(value) => Ok(Some(value)),
            // The problem with the value has been noted.
            None if self.problems.len() > known => Ok(None),
            None => match rule.missing {
                Missing::Skip => Ok(None),
                Missing::SkipItem => Err(Left),
                Missing::Clear => Ok(Some(empty(&rule.fill))),
                Missing::Error => {
                    self.fault(
                        Code::InvalidValue,
                        format!("is missing: {} gives nothing{}", about(&rule.fill), meant(&rule.fill, scope)),
                    );
                    Ok(None)
                }
            },
        }
    }

    fn fill(&mut self, rule: &Rule, scope: &Scope<'_>) -> Result<Option<Json>, Left> {
        match &rule.fill {
            Fill::Scalar { kind, expr, numbered } => {
                let value = self.eval(expr, scope, |value, site| coerce::scalar(*kind, value, site));
                Ok(value.filter(|value| !is_blank(value)).map(|value| match numbered {
                    Some(slot) => self.numbered(*slot, value),
                    None => value,
                }))
            }
            Fill::Enum { info, expr } => {
                let one = |value: &Json| match value {
                    Json::Array(items) if items.len() == 1 => coerce::choice(info, &items[0]),
                    single => coerce::choice(info, single),
                };
                Ok(self.eval(expr, scope, |value, _| one(value)))
            }
            Fill::Enums { info, expr } => Ok(self
                .eval(expr, scope, |value, _| {
                    let items = match value {
                        Json::Array(items) => items.as_slice(),
                        single => std::slice::from_ref(single),
                    };
                    let mut names = Vec::with_capacity(items.len());
                    for item in items.iter().filter(|item| !is_blank(item)) {
                        let name = coerce::choice(info, item)?;
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                    let is_meant = !names.is_empty() || is_empty_list(value);
                    Ok(if is_meant { Json::Array(names) } else { Json::Null })
                })
                .filter(|names| !names.is_null())),
            Fill::References { of, many, keys, polymorphic } => Ok(reference::fill(
                self,
                rule.field,
                of,
                reference::Target { many: *many, keys: *keys, polymorphic: *polymorphic },
                scope,
            )),
            Fill::Parts { of, form } => self.parts(of, *form, scope),
        }
    }

    /// The expression's value in the form of the field; problems are noted.
    pub fn eval(
        &mut self,
        expr: &Expr,
        scope: &Scope<'_>,
        form: impl FnOnce(&Json, &SiteInfo) -> Result<Json, String>,
    ) -> Option<Json> {
        let formed = expr.eval(scope).and_then(|value| match value {
            Some(value) => form(&value, self.site).map(Some),
            None => Ok(None),
        });
        formed.unwrap_or_else(|message| {
            self.fault(Code::InvalidValue, format!("{message} (from {})", expr.about));
            None
        })
    }

    /// The value, with a suffix `-2`, `-3`, ... if an earlier record has it.
    fn numbered(&mut self, slot: usize, value: Json) -> Json {
        let Json::String(text) = &value else { return value };
        let taken = &mut self.taken[slot];
        let Some(mut count) = taken.insert(hash(text), 1) else { return value };
        let candidate = loop {
            count += 1;
            let candidate = format!("{text}-{count}");
            if !taken.contains_key(&hash(&candidate)) {
                break candidate;
            }
        };
        taken.insert(hash(text), count);
        taken.insert(hash(&candidate), 1);
        Json::String(candidate)
    }

    fn parts(&mut self, parts: &[Part], form: Form, scope: &Scope<'_>) -> Result<Option<Json>, Left> {
        let mut made = Vec::new();
        let mut is_meant = false;
        for part in parts {
            // Without `each` there is one item: the surrounding one.
            let found = match part.each.as_ref().map(|each| each.eval(scope).map_err(|message| (message, each))) {
                None => Some(Cow::Borrowed(scope.item)),
                Some(Ok(found)) => found,
                Some(Err((message, each))) => {
                    self.fault(Code::InvalidValue, format!("{message} (from {})", each.about));
                    continue;
                }
            };
            let items: &[Json] = match found.as_deref() {
                None => &[],
                Some(Json::Array(items)) if part.each.is_some() => items,
                Some(single) => std::slice::from_ref(single),
            };
            is_meant |= part.each.is_some() && found.as_deref().is_some_and(is_empty_list);
            for (index, item) in items.iter().enumerate() {
                let inside;
                let inner = match part.each {
                    Some(_) => {
                        inside = scope.inside(item, index);
                        &inside
                    }
                    None => scope,
                };
                let place = made.len();
                let kept = match &part.only {
                    Some(only) => self.at(place, |run| {
                        only.holds(inner).unwrap_or_else(|message| {
                            run.fault(Code::InvalidValue, format!("{message} (from `where` of the mapping)"));
                            false
                        })
                    }),
                    None => true,
                };
                if !kept {
                    continue;
                }
                let fields = match form {
                    Form::Component => self.fields(&part.rules, inner),
                    _ => self.at(place, |run| run.fields(&part.rules, inner)),
                };
                match (fields, part.block) {
                    (Err(Left), _) => {}
                    (Ok(fields), Some(block)) => made.push(object(&camel(block.tag), fields)),
                    (Ok(fields), None) => made.push(Json::Object(fields)),
                }
            }
        }
        Ok(match form {
            Form::Component => made
                .into_iter()
                .next()
                .filter(|component| component.as_object().is_some_and(|fields| !fields.is_empty())),
            // If no item is left, the value is undefined: only an empty list in the source empties the field.
            _ if made.is_empty() && !is_meant => None,
            Form::Children => Some(object("set", made)),
            Form::Components | Form::Blocks => Some(Json::Array(made)),
        })
    }
}

fn empty(fill: &Fill) -> Json {
    match fill {
        Fill::Enums { .. } | Fill::Parts { form: Form::Components | Form::Blocks, .. } => json!([]),
        Fill::References { many: true, keys: true, .. } => json!([]),
        Fill::References { many: true, .. } | Fill::Parts { form: Form::Children, .. } => json!({ "set": [] }),
        _ => Json::Null,
    }
}

fn about(fill: &Fill) -> Cow<'_, str> {
    match fill {
        Fill::Scalar { expr, .. } | Fill::Enum { expr, .. } | Fill::Enums { expr, .. } => Cow::Borrowed(&expr.about),
        Fill::References { of, .. } => {
            of.first().map_or(Cow::Borrowed("the source"), |first| Cow::Borrowed(&first.expr.about))
        }
        Fill::Parts { .. } => Cow::Borrowed("the source"),
    }
}

/// `; did you mean ...?`, if a key has almost the same name.
fn meant(fill: &Fill, scope: &Scope<'_>) -> String {
    let expr = match fill {
        Fill::Scalar { expr, .. } | Fill::Enum { expr, .. } | Fill::Enums { expr, .. } => Some(expr),
        Fill::References { of, .. } => of.first().map(|first| &first.expr),
        Fill::Parts { .. } => None,
    };
    let near = expr.and_then(|expr| expr.subjects.iter().find_map(|path| path.nearest(scope)));
    near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// An object with one key. `json!` would copy the value.
pub fn object(key: &str, value: impl Into<Json>) -> Json {
    Json::Object(Map::from_iter([(key.to_owned(), value.into())]))
}

pub fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Whether this is the field's name in one of the spellings that authors may use.
pub fn is_named(field: &FieldInfo, name: &str) -> bool {
    field.snake == name || field.name == name
}
