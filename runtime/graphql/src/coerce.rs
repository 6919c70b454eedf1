//! Coerces variables and arguments to JSON by the specification. Reports all problems at once, with paths and codes.
//!
//! Enum values and ids stay texts, defaults are filled in, and single items become lists. Custom scalars are passed on
//! unchanged: the storage layer, which all interfaces share, validates them.

use async_graphql::parser::types::{BaseType, Type, VariableDefinition};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{Name, Value as Literal};
use serde_json::{Map, Value as Json};

use super::types::{Declared, Input, Types};
use base::error::{Code, Problem, Step};
use model::{cut, number};

pub type Variables = Map<String, Json>;

/// Deeper input is rejected: hand-written input never needs it, and filters are compiled recursively.
pub const MAX_INPUT_DEPTH: usize = 24;

/// Keys of an input object that a message lists.
const MOST_KEYS: usize = 12;

/// Looks up the value of a variable in a literal.
pub trait Lookup {
    /// The coerced value, or `None` if the variable has no value.
    fn variable(&self, name: &Name, expected: &Expected<'_>, problems: &mut Vec<Problem>) -> Option<Json>;
}

/// The expected type at a place.
pub struct Expected<'a> {
    pub ty: &'a Type,
    pub has_default: bool,
    /// Whether the place is a key of a one-of input, which must not be null.
    pub one_of: bool,
}

/// A value from a client, in a document or in JSON.
#[derive(Clone, Copy)]
pub enum Raw<'a> {
    Literal(&'a Literal),
    Json(&'a Json),
}

pub struct Coercion<'a> {
    types: &'a Types,
    lookup: &'a dyn Lookup,
    longest_list: usize,
    path: Vec<Step>,
    pub problems: Vec<Problem>,
}

impl Lookup for Variables {
    fn variable(&self, name: &Name, _: &Expected<'_>, _: &mut Vec<Problem>) -> Option<Json> {
        self.get(name.as_str()).cloned()
    }
}

/// The coerced variables of an operation. Variables without value and default are absent.
pub fn variables(
    types: &Types,
    definitions: &[Positioned<VariableDefinition>],
    given: &Map<String, Json>,
    longest_list: usize,
) -> Result<Variables, Vec<(Problem, Pos)>> {
    let mut coerced = Variables::new();
    let mut problems = Vec::new();
    for Positioned { pos, node: definition } in definitions {
        let name = definition.name.node.as_str();
        let nothing = Variables::new();
        let mut coercion = Coercion::new(types, &nothing, longest_list).below([Step::from(name)]);
        let value = match (given.get(name), &definition.default_value) {
            (Some(value), _) => coercion.value(Raw::Json(value), &definition.var_type.node),
            (None, Some(default)) => {
                coercion.value(Raw::Literal(&default.node.clone().into_value()), &definition.var_type.node)
            }
            (None, None) if definition.var_type.node.nullable => None,
            (None, None) => coercion.problem(format!("`${name}` of type `{}` is required", definition.var_type.node)),
        };
        problems.extend(coercion.problems.into_iter().map(|problem| (problem, *pos)));
        if let Some(value) = value {
            coerced.insert(name.to_owned(), value);
        }
    }
    if problems.is_empty() { Ok(coerced) } else { Err(problems) }
}

impl<'a> Coercion<'a> {
    pub fn new(types: &'a Types, lookup: &'a dyn Lookup, longest_list: usize) -> Self {
        Self { types, lookup, longest_list, path: Vec::new(), problems: Vec::new() }
    }

    /// Adds a prefix to the paths of problems.
    pub fn below(mut self, path: impl IntoIterator<Item = Step>) -> Self {
        self.path.extend(path);
        self
    }

    /// The coerced arguments of a field or directive, with defaults.
    pub fn arguments<'v>(
        &mut self,
        given: impl Iterator<Item = (&'v Name, &'v Literal)> + Clone,
        declared: &indexmap::IndexMap<String, Input>,
    ) -> Variables {
        let mut coerced = Variables::new();
        for (name, input) in declared {
            let value = given.clone().find(|(given, _)| given.as_str() == name).map(|(_, value)| Raw::Literal(value));
            self.input(name, value, input, false, &mut coerced);
        }
        coerced
    }

    /// The value as JSON; `None` for a variable without value and after a problem.
    pub fn value(&mut self, raw: Raw<'_>, ty: &Type) -> Option<Json> {
        self.expected(raw, &Expected { ty, has_default: false, one_of: false })
    }

    fn expected(&mut self, raw: Raw<'_>, expected: &Expected<'_>) -> Option<Json> {
        if let Raw::Literal(Literal::Variable(name)) = raw {
            return self.variable(name, expected);
        }
        if raw.is_null() {
            if expected.ty.nullable && !expected.one_of {
                return Some(Json::Null);
            }
            return self.problem(format!("a value of type `{}` is required, not null", expected.ty));
        }
        match &expected.ty.base {
            BaseType::List(item) => self.list(raw, item),
            BaseType::Named(name) => self.named(raw, name),
        }
    }

    fn variable(&mut self, name: &Name, expected: &Expected<'_>) -> Option<Json> {
        let known = self.problems.len();
        let value = self.lookup.variable(name, expected, &mut self.problems);
        for problem in &mut self.problems[known..] {
            problem.path.clone_from(&self.path);
        }
        // A nullable variable is allowed where a default excludes null, except for an explicit null.
        if value.as_ref().is_some_and(Json::is_null) && (!expected.ty.nullable || expected.one_of) {
            return self.problem(format!("`${name}` is null where `{}` is required", expected.ty));
        }
        value
    }

    fn list(&mut self, raw: Raw<'_>, item: &Type) -> Option<Json> {
        let Some(items) = raw.items() else {
            return self
                .expected(raw, &Expected { ty: item, has_default: false, one_of: false })
                .map(|item| Json::Array(vec![item]));
        };
        if items.len() > self.longest_list {
            let message = format!("the list has {} items, the limit is {}", items.len(), self.longest_list);
            let details = serde_json::json!({"limit": self.longest_list, "requested": items.len()});
            self.problems
                .push(Problem::new(Code::LimitExceeded, message).at(self.path.iter().cloned()).details(details));
            return None;
        }
        if !self.descend() {
            return None;
        }
        let found = self.problems.len();
        let mut coerced = Vec::with_capacity(items.len());
        for (index, raw) in items.iter().enumerate() {
            self.path.push(index.into());
            // By the specification, an item whose variable has no value is null.
            let value = self.value(*raw, item);
            if value.is_none() && self.problems.len() == found && !item.nullable {
                self.problem(format!("a value of type `{item}` is required"));
            }
            coerced.push(value.unwrap_or(Json::Null));
            self.path.pop();
        }
        (self.problems.len() == found).then_some(Json::Array(coerced))
    }

    fn named(&mut self, raw: Raw<'_>, name: &Name) -> Option<Json> {
        let types = self.types;
        match types.get(name) {
            Some(Declared::Input { fields, one_of }) => self.object(raw, name, fields, *one_of),
            Some(Declared::Enum(values)) => self.choice(raw, name, values),
            Some(Declared::Scalar) => match scalar(raw, name, self.lookup) {
                Ok(value) => Some(value),
                Err(message) => self.problem(message),
            },
            Some(Declared::Fields { .. } | Declared::Union) | None => {
                self.problem(format!("`{name}` is not an input type"))
            }
        }
    }

    fn choice(&mut self, raw: Raw<'_>, name: &Name, values: &[String]) -> Option<Json> {
        let given = match raw {
            Raw::Literal(Literal::Enum(value)) => Some(value.as_str()),
            Raw::Json(Json::String(value)) => Some(value.as_str()),
            Raw::Literal(_) | Raw::Json(_) => None,
        };
        match given.filter(|given| values.iter().any(|value| value == given)) {
            Some(value) => Some(Json::from(value)),
            None => {
                self.problem(format!("{} is not a valid `{name}`: the values are {}", raw.show(), values.join(", ")))
            }
        }
    }

    fn object(
        &mut self,
        raw: Raw<'_>,
        name: &Name,
        fields: &indexmap::IndexMap<String, Input>,
        one_of: bool,
    ) -> Option<Json> {
        let Some(entries) = raw.entries() else {
            return self.problem(format!("{} is not a valid `{name}`: {}", raw.show(), wanted(fields, one_of)));
        };
        if !self.descend() {
            return None;
        }
        let found = self.problems.len();
        for (key, _) in &entries {
            if !fields.contains_key(*key) {
                self.path.push((*key).into());
                self.problem(format!("unknown field `{key}` on type `{name}`{}", similar(key, fields.keys())));
                self.path.pop();
            }
        }
        let mut coerced = Variables::new();
        for (key, input) in fields {
            let value = entries.iter().find(|(given, _)| given == key).map(|(_, value)| *value);
            self.input(key, value, input, one_of, &mut coerced);
        }
        if one_of && self.problems.len() == found && (entries.len() != 1 || coerced.len() != 1) {
            let keys = listed(fields);
            return self.problem(format!("`{name}` takes exactly one key, not {}: {keys}", entries.len()));
        }
        (self.problems.len() == found).then_some(Json::Object(coerced))
    }

    /// Coerces one key of an object, or one argument.
    fn input(&mut self, key: &str, raw: Option<Raw<'_>>, input: &Input, one_of: bool, into: &mut Variables) {
        let found = self.problems.len();
        self.path.push(key.into());
        let expected = Expected { ty: &input.ty, has_default: input.default.is_some(), one_of };
        let given = raw.and_then(|raw| self.expected(raw, &expected));
        let value = match (given, &input.default) {
            (None, Some(default)) if self.problems.len() == found => {
                self.value(Raw::Literal(&default.clone().into_value()), &input.ty)
            }
            (None, None) if self.problems.len() == found && !input.ty.nullable => {
                self.problem(format!("`{key}` of type `{}` is required", input.ty))
            }
            (given, _) => given,
        };
        self.path.pop();
        if let Some(value) = value {
            into.insert(key.to_owned(), value);
        }
    }

    fn descend(&mut self) -> bool {
        let fits = self.path.len() < MAX_INPUT_DEPTH;
        if !fits {
            let message = format!("the input is nested deeper than {MAX_INPUT_DEPTH} levels");
            self.problems.push(Problem::new(Code::LimitExceeded, message).at(self.path.iter().cloned()));
        }
        fits
    }

    fn problem(&mut self, message: String) -> Option<Json> {
        self.problems.push(Problem::new(Code::BadUserInput, message).at(self.path.iter().cloned()));
        None
    }
}

impl<'a> Raw<'a> {
    fn is_null(self) -> bool {
        matches!(self, Self::Literal(Literal::Null) | Self::Json(Json::Null))
    }

    pub fn items(self) -> Option<Vec<Self>> {
        match self {
            Self::Literal(Literal::List(items)) => Some(items.iter().map(Raw::Literal).collect()),
            Self::Json(Json::Array(items)) => Some(items.iter().map(Raw::Json).collect()),
            Self::Literal(_) | Self::Json(_) => None,
        }
    }

    pub fn entries(self) -> Option<Vec<(&'a str, Self)>> {
        match self {
            Self::Literal(Literal::Object(entries)) => {
                Some(entries.iter().map(|(key, value)| (key.as_str(), Raw::Literal(value))).collect())
            }
            Self::Json(Json::Object(entries)) => {
                Some(entries.iter().map(|(key, value)| (key.as_str(), Raw::Json(value))).collect())
            }
            Self::Literal(_) | Self::Json(_) => None,
        }
    }

    /// The value for a message, truncated to a readable length.
    fn show(self) -> String {
        let text = match self {
            Self::Literal(literal) => literal.to_string(),
            Self::Json(json) => json.to_string(),
        };
        format!("`{}`", cut(&text))
    }
}

fn scalar(raw: Raw<'_>, name: &Name, lookup: &dyn Lookup) -> Result<Json, String> {
    let value = match raw {
        Raw::Json(json) => json.clone(),
        Raw::Literal(Literal::Enum(_)) if is_built_in(name) => Json::Null,
        Raw::Literal(literal) => plain(literal, lookup),
    };
    let fits = match (name.as_str(), &value) {
        ("Int", Json::Number(number)) => match whole(number, matches!(raw, Raw::Json(_))) {
            Some(number) => {
                return i32::try_from(number)
                    .map(Json::from)
                    .map_err(|_| format!("{number} does not fit into an `Int` of 32 bits"));
            }
            None => false,
        },
        ("ID", Json::Number(number)) => match whole(number, matches!(raw, Raw::Json(_))) {
            Some(number) => return Ok(Json::from(number.to_string())),
            // An id has no maximum.
            None if is_whole(&number.to_string()) => return Ok(Json::from(number.to_string())),
            None => false,
        },
        // PostgreSQL can store every character except this one, and the site's own code may pass the text on unchanged.
        ("String" | "ID", Json::String(text)) if text.contains('\0') => {
            return Err("a string must not contain the character U+0000".to_owned());
        }
        ("String" | "ID", Json::String(_)) | ("Boolean", Json::Bool(_)) | ("Float", Json::Number(_)) => true,
        _ => !is_built_in(name),
    };
    if fits { Ok(value) } else { Err(format!("{} is not a valid `{name}`", raw.show())) }
}

fn is_built_in(name: &str) -> bool {
    matches!(name, "Int" | "ID" | "String" | "Boolean" | "Float")
}

/// The integer; `1.0` counts in JSON, where numbers have one type.
fn whole(number: &serde_json::Number, from_json: bool) -> Option<i64> {
    number.as_i64().or_else(|| {
        let plain = number::plain(number).filter(|_| from_json)?;
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        if fraction.bytes().all(|digit| digit == b'0') { whole.parse().ok() } else { None }
    })
}

fn is_whole(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A literal of a custom scalar as JSON.
fn plain(literal: &Literal, lookup: &dyn Lookup) -> Json {
    match literal {
        Literal::Variable(name) => known(name, lookup).unwrap_or(Json::Null),
        Literal::Null | Literal::Binary(_) => Json::Null,
        Literal::Number(number) => Json::Number(number.clone()),
        Literal::String(text) => Json::from(text.as_str()),
        Literal::Boolean(value) => Json::from(*value),
        Literal::Enum(name) => Json::from(name.as_str()),
        Literal::List(items) => Json::Array(items.iter().map(|item| plain(item, lookup)).collect()),
        Literal::Object(entries) => {
            // A key whose variable has no value counts as missing, as in an input object.
            let entry = |(key, value): (&Name, &Literal)| match value {
                Literal::Variable(name) => Some((key.to_string(), known(name, lookup)?)),
                value => Some((key.to_string(), plain(value, lookup))),
            };
            Json::Object(entries.iter().filter_map(entry).collect())
        }
    }
}

/// The value of a variable that may be of any type.
fn known(name: &Name, lookup: &dyn Lookup) -> Option<Json> {
    let anything = Type { base: BaseType::Named(Name::new("JSON")), nullable: true };
    let expected = Expected { ty: &anything, has_default: false, one_of: false };
    lookup.variable(name, &expected, &mut Vec::new())
}

/// What an input object looks like, for those who have given something else.
fn wanted(fields: &indexmap::IndexMap<String, Input>, one_of: bool) -> String {
    match one_of {
        true => format!("expected an object with exactly one key: {}", listed(fields)),
        false => format!("expected an object with the keys {}", listed(fields)),
    }
}

/// The keys of an input object, or the first ones of many.
fn listed(fields: &indexmap::IndexMap<String, Input>) -> String {
    let shown: Vec<String> = fields.keys().take(MOST_KEYS).map(|key| format!("`{key}`")).collect();
    let more = if fields.len() > MOST_KEYS { ", …" } else { "" };
    shown.join(", ") + more
}

/// `: did you mean ...?` if a known key differs only by case or by its last letters.
fn similar<'k>(key: &str, mut known: impl Iterator<Item = &'k String>) -> String {
    let key = key.to_lowercase();
    let close = |known: &&String| {
        let known = known.to_lowercase();
        known.len().abs_diff(key.len()) <= 2 && (known.starts_with(&key) || key.starts_with(&known))
    };
    known.find(close).map(|known| format!(": did you mean `{known}`?")).unwrap_or_default()
}
