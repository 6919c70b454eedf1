//! Checks option values: defaults, bounds, patterns, enum values, JSON Schemas.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::Value as Parsable;
use model::currency::{Currencies, is_known};
use regex::RegexBuilder;

use super::build;
use super::declared::{Declared, FieldDecl};
use super::relations::written_twice;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::literal::{self, Parsed, Written};
use crate::schema::{Enum, EnumValue, FieldKind, Scalar};
use crate::source::{Span, Spanned};
use crate::syntax::language::{FieldType, Structure};
use crate::syntax::node::{Node, Value};

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    let site = build::site(declared.site);
    // An unknown site currency has been reported.
    let site: &dyn Currencies = if is_known(&site.currency) { &site } else { &literal::ANY };
    for field in declared.owners().flat_map(|owner| owner.all_fields()).filter(|field| !field.dropped) {
        check_values(field, found);
        check_pattern(field, found);
        check_bounds(field, found);
        check_default(field, site, found);
        check_json_schema(field, found);
        check_not_yet(field, found);
    }
    for owner in declared.types.values() {
        let lifecycle = owner.node.get("lifecycle").and_then(|lifecycle| lifecycle.entry("drafts"));
        if let Some(drafts) = lifecycle.filter(|drafts| drafts.node.bool() == Some(false)) {
            owner.all_fields().for_each(|field| check_publish(field, drafts.key.span, found));
        }
    }
}

fn check_publish(field: &FieldDecl<'_>, drafts: Span, found: &mut Diagnostics) {
    if let Some(required) = field.node.get("required").filter(|required| required.text() == Some("publish")) {
        let message = "without drafts, saving an entry publishes it";
        let diagnostic = Diagnostic::error(Code::PublishWithoutDrafts, required.span, message);
        found.push(diagnostic.also(drafts, "no drafts").help("write `required: true`"));
    }
}

/// The compiled pattern, anchored to match the whole text.
fn pattern(text: &str) -> Result<regex::Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{text})$")).size_limit(1 << 20).build()
}

fn check_pattern(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let Some(node) = field.node.get("pattern").filter(|_| field.may(field.takes().text)) else { return };
    // Parsed alone first, so that the pattern cannot close the group that is put around it.
    let error = node.text().and_then(|text| regex_syntax(text).err().or_else(|| pattern(text).err()));
    if let Some(error) = error {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
        let message = format!("the pattern is not a regular expression: {reason}");
        found.push(Diagnostic::error(Code::BadPattern, node.span, message));
    }
}

fn regex_syntax(text: &str) -> Result<regex::Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(1 << 20).build()
}

fn check_bounds(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let bound = |key: &str| Some((key.to_owned(), field.node.get(key)?));
    let bounds: Vec<_> = [bound("min"), bound("max")].into_iter().flatten().collect();
    let mut ranks = Vec::new();
    for (key, node) in &bounds {
        // Other shapes have been reported.
        if matches!(node.value, Value::Number(_) | Value::Text(_)) {
            match rank(field, node) {
                Some(Ok(rank)) => ranks.push((rank, node.span)),
                Some(Err(expected)) => found.push(bad_bound(node, key, &expected)),
                None => {}
            }
        }
    }
    if let [(min, min_span), (max, max_span)] = ranks.as_slice()
        && min.order(max) == Ordering::Greater
    {
        let diagnostic = Diagnostic::error(Code::BoundsCrossed, *min_span, "`min` is above `max`");
        found.push(diagnostic.also(*max_span, "`max`").help("exchange them"));
    }
}

fn bad_bound(node: &Node, key: &str, expected: &str) -> Diagnostic {
    Diagnostic::error(Code::BadBound, node.span, format!("`{key}` must be {expected}"))
}

/// The bound in the order of the field's values, or a description of a valid one. `None` if the option does not apply.
fn rank(field: &FieldDecl<'_>, node: &Node) -> Option<Result<Parsable, String>> {
    let count = || match &node.value {
        Value::Number(digits) => digits.parse::<u32>().ok().map(|count| Parsable::Int(count.into())),
        _ => None,
    };
    match field.ty? {
        // A bound applies to every currency.
        FieldType::Scalar(scalar) if scalar.has_currency() && node.text().is_some_and(|text| text.contains(' ')) => {
            Some(Err("an amount without a currency, as in `9.99`".to_owned()))
        }
        FieldType::Scalar(scalar) if scalar.mapping().takes.range => {
            let parsed = literal::parse(scalar.mapping(), &node.written(), &literal::ANY);
            Some(parsed.map(|parsed| parsed.rank).map_err(|_| {
                format!("a value of type `{}`, as in `{}`", scalar.mapping().yaml, scalar.mapping().example)
            }))
        }
        FieldType::Scalar(scalar) if scalar.mapping().takes.text => {
            Some(count().ok_or_else(|| "a number of characters".to_owned()))
        }
        FieldType::Scalar(_) => None,
        FieldType::Structure(_) if field.is_list() => Some(count().ok_or_else(|| "a number of items".to_owned())),
        FieldType::Structure(_) => Some(Err("omitted: only lists have a number of items; add `many: true`".to_owned())),
    }
}

fn check_default(field: &FieldDecl<'_>, site: &dyn Currencies, found: &mut Diagnostics) {
    let Some(entry) = field.node.entry("default") else { return };
    let node = &entry.node;
    if matches!(node.value, Value::Broken) {
        return;
    }
    if field.node.get("unique").is_some_and(|unique| unique.bool() == Some(true)) {
        let message = "a unique field cannot have a default: only one entry could have it";
        return found.push(Diagnostic::error(Code::BadDefault, entry.key.span, message).help("remove the default"));
    }
    match field.ty {
        Some(FieldType::Scalar(scalar)) => check_scalar_default(field, scalar, node, site, found),
        Some(FieldType::Structure(Structure::Enum)) => check_enum_default(field, node, found),
        _ => {}
    }
}

fn check_scalar_default(
    field: &FieldDecl<'_>,
    scalar: Scalar,
    node: &Node,
    site: &dyn Currencies,
    found: &mut Diagnostics,
) {
    let parsed = match literal::parse(scalar.mapping(), &node.written(), site) {
        Ok(parsed) => parsed,
        Err(reason) => return found.push(bad_default(scalar, &reason, node.span)),
    };
    if field.required() && parsed.json.as_str().is_some_and(model::kind::is_blank) {
        let message = "the default is blank, but the field is required";
        return found.push(Diagnostic::error(Code::BadDefault, node.span, message).help("remove the default"));
    }
    if let Some(broken) = broken_rule(field, &parsed) {
        let message = format!("the default breaks the field's own rule: {broken}");
        found.push(Diagnostic::error(Code::BadDefault, node.span, message));
    }
}

/// The error for a value that does not fit the type, with an example of one that does.
pub fn bad_default(scalar: Scalar, reason: &str, span: Span) -> Diagnostic {
    let row = scalar.mapping();
    let message = format!("the default is not a value of type `{}`: {reason}", row.yaml);
    Diagnostic::error(Code::BadDefault, span, message).help(format!("write it as in `default: {}`", row.example))
}

/// The rule of the field that this value breaks, if any.
pub fn broken_rule(field: &FieldDecl<'_>, value: &Parsed) -> Option<String> {
    let text = value.json.as_str().filter(|_| field.takes().text);
    let size = text.map_or_else(|| value.rank.clone(), |text| Parsable::Int(text.chars().count() as i64));
    let bound = |key: &str| rank(field, field.node.get(key)?)?.ok();
    if bound("min").is_some_and(|min| size.order(&min) == Ordering::Less) {
        return Some("`min`".to_owned());
    }
    if bound("max").is_some_and(|max| size.order(&max) == Ordering::Greater) {
        return Some("`max`".to_owned());
    }
    let pattern = pattern(field.node.text_of("pattern")?).ok()?;
    (!pattern.is_match(text?)).then(|| "`pattern`".to_owned())
}

fn check_enum_default(field: &FieldDecl<'_>, node: &Node, found: &mut Diagnostics) {
    let Some(values) = field.node.get("values").map(build::enum_values) else { return };
    let known: Vec<_> = values.iter().map(|value| format!("`{}`", value.name.snake())).collect();
    let kind = FieldKind::Enum { choice: Enum { type_name: String::new(), values }, many: field.many() };
    if build::default(node, &kind).is_none() {
        let message = if field.many() {
            "the default is not a list of the values"
        } else {
            "the default is not one of the values"
        };
        let help = format!("the values are {}", known.join(", "));
        found.push(Diagnostic::error(Code::BadDefault, node.span, message).help(help));
    }
}

fn check_values(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let Some(node) = field.node.get("values").filter(|_| field.is(Structure::Enum)) else { return };
    let values = build::enum_values(node);
    if values.is_empty() && matches!(node.value, Value::List(_) | Value::Map(_)) {
        found.push(Diagnostic::error(Code::BadValues, node.span, "an enum needs at least one value"));
    }
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for name in value_names(node) {
        // `size_1` and `size1` are the same name in Rust.
        if let Some(first) = seen.insert(name.value.replace('_', ""), name.span) {
            found.push(written_twice(&name.value, name.span, first).code(Code::BadValues));
        }
    }
    check_value_renames(node, &values, found);
}

fn value_names(node: &Node) -> Vec<Spanned<String>> {
    let listed =
        node.items().iter().filter_map(|item| item.spanned_text().or_else(|| item.get("name")?.spanned_text()));
    listed.chain(node.entries().iter().map(|entry| entry.key.clone())).collect()
}

fn check_value_renames(node: &Node, values: &[EnumValue], found: &mut Diagnostics) {
    let options = node.items().iter().chain(node.entries().iter().map(|entry| &entry.node));
    for was in options.filter_map(|options| options.get("was")?.spanned_text()) {
        if values.iter().any(|value| value.name.snake() == was.value) {
            let message = format!("the value `{}` still exists, so it was not renamed", was.value);
            found.push(Diagnostic::error(Code::BadRemoval, was.span, message).help("remove one of the two"));
        }
    }
}

fn check_json_schema(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let Some(node) = field.node.get("schema").filter(|_| field.may(field.takes().schema)) else { return };
    let schema = node.written();
    let reason = match schema {
        Written::Map(_) | Written::Bool(_) => match jsonschema::draft202012::new(&schema.json()) {
            Ok(validator) => return check_json_default(field, &validator, found),
            Err(error) => Some(error.to_string()),
        },
        _ => Some("it must be a map, or `true` or `false`".to_owned()),
    };
    if let Some(reason) = reason {
        let message = format!("the JSON Schema is not valid: {reason}");
        found.push(Diagnostic::error(Code::BadJsonSchema, node.span, message));
    }
}

fn check_json_default(field: &FieldDecl<'_>, validator: &jsonschema::Validator, found: &mut Diagnostics) {
    let Some(default) = field.node.get("default") else { return };
    if let Err(error) = validator.validate(&default.written().json()) {
        let message = format!("the default does not fit the field's JSON Schema: {error}");
        found.push(Diagnostic::error(Code::BadDefault, default.span, message));
    }
}

/// Warns about options that are accepted but have no effect yet.
fn check_not_yet(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let mut warn = |key: &str, given: fn(&Node) -> bool, about: &str| {
        if let Some(entry) = field.node.entry(key).filter(|entry| given(&entry.node)) {
            let message = format!("`{key}` has no effect yet: {about}");
            found.push(Diagnostic::warning(Code::NotYetInForce, entry.key.span, message));
        }
    };
    warn("localized", |node| node.bool() == Some(true), "the field has one value for all locales");
}
