//! Checks nodes against the tables of the language, so that later passes can read values without checking their shape.

use super::language::{FieldOption, FieldType, Key, OPTIONS, Place, SYNONYMS, Shape};
use super::node::{Entry, Node, Value};
use super::suggest::nearest;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::Scalar;
use crate::source::{Span, Spanned};

/// Table and column names combine several names, and PostgreSQL keeps 63 bytes.
pub const LONGEST_NAME: usize = 48;

impl Shape {
    /// A description of the expected value, for messages.
    fn expected(self) -> String {
        match self {
            Self::Name => "a name".to_owned(),
            Self::Path => "the name of a field".to_owned(),
            Self::Condition => "a map of conditions".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Bool => "`true` or `false`".to_owned(),
            Self::Date => "a date such as `2026-01-31`".to_owned(),
            Self::Period => "a period such as `P1Y6M`".to_owned(),
            Self::Limit { .. } => "a whole number".to_owned(),
            Self::Value => "a number or text".to_owned(),
            Self::Any => "a value".to_owned(),
            Self::Word(words) => Self::words(words),
            Self::Either(shapes) => join(shapes.iter().map(|shape| shape.expected())),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) | Self::Record(_) | Self::Paths(..) | Self::Fields(_) => "a map".to_owned(),
            Self::ScalarType => "a scalar field type".to_owned(),
        }
    }

    fn words(words: &[&str]) -> String {
        join(words.iter().map(|word| format!("`{word}`")))
    }

    /// Whether the outer form of the value matches the shape.
    fn fits(self, node: &Node) -> bool {
        match (self, &node.value) {
            (Self::Any, _) | (_, Value::Broken) => true,
            (
                Self::Name | Self::Path | Self::Text | Self::Date | Self::Period | Self::Word(_) | Self::ScalarType,
                Value::Text(_),
            ) => true,
            (Self::Bool, Value::Bool(_)) | (Self::Limit { .. }, Value::Number(_)) => true,
            (Self::Value, Value::Number(_) | Value::Text(_)) => true,
            (Self::List(_), Value::List(_)) => true,
            (Self::Map(_) | Self::Record(_) | Self::Paths(..) | Self::Fields(_) | Self::Condition, Value::Map(_)) => {
                true
            }
            (Self::Either(shapes), _) => shapes.iter().any(|shape| shape.fits(node)),
            _ => false,
        }
    }

    fn takes_bool(self) -> bool {
        match self {
            Self::Bool => true,
            Self::Either(shapes) => shapes.iter().any(|shape| shape.takes_bool()),
            _ => false,
        }
    }

    /// Whether a name may have no value: `values: { red: , green: }`.
    pub fn optional(self) -> bool {
        match self {
            Self::Record(keys) => keys.iter().all(|key| !key.required),
            Self::Either(shapes) => shapes.iter().any(|shape| shape.optional()),
            _ => false,
        }
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<_> = parts.collect();
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}

/// Reports every deviation of `node` from the shape. `key` is the key of the value.
pub fn check(node: &Node, shape: Shape, key: &Spanned<String>, found: &mut Diagnostics) {
    if !shape.fits(node) {
        return found.push(wrong_shape(node, shape, key));
    }
    match shape {
        Shape::Name => check_name(node, found),
        Shape::Date => check_date(node, found),
        Shape::Period => check_period(node, found),
        Shape::Word(words) => check_word(node, words, key, found),
        Shape::ScalarType => check_scalar_type(node, found),
        Shape::Limit { min, max, unit, .. } => check_limit(node, (min, max, unit), key, found),
        Shape::Either(shapes) => {
            if let Some(shape) = shapes.iter().find(|shape| shape.fits(node)) {
                check(node, *shape, key, found);
            }
        }
        Shape::List(of) => node.items().iter().for_each(|item| check(item, *of, key, found)),
        Shape::Map(of) => {
            for entry in node.entries() {
                check_snake_case(&entry.key, found);
                if !(of.optional() && matches!(entry.node.value, Value::Null)) {
                    check(&entry.node, *of, &entry.key, found);
                }
            }
        }
        Shape::Record(keys) => check_record(node, keys, key, found),
        Shape::Paths(keys, of) => {
            for entry in node.entries() {
                let known = keys.iter().find(|known| known.name == entry.key.value);
                check(&entry.node, known.map_or(*of, |known| known.shape), &entry.key, found);
            }
        }
        Shape::Fields(place) => {
            for entry in node.entries() {
                check_snake_case(&entry.key, found);
                check_field(entry, place, found);
            }
        }
        Shape::Text | Shape::Path | Shape::Condition | Shape::Bool | Shape::Value | Shape::Any => {}
    }
}

fn wrong_shape(node: &Node, shape: Shape, key: &Spanned<String>) -> Diagnostic {
    let span = if node.span.start == node.span.end { key.span } else { node.span };
    let message = format!("`{}` takes {}, and this is {}", key.value, shape.expected(), node.what());
    let diagnostic = Diagnostic::error(Code::WrongShape, span, message);
    match (shape, &node.value) {
        (Shape::Text | Shape::Name, Value::Number(text)) => diagnostic.help(format!("put it in quotes: \"{text}\"")),
        (Shape::Text | Shape::Name, Value::Bool(value)) => diagnostic.help(format!("put it in quotes: \"{value}\"")),
        (_, Value::Text(text)) if shape.takes_bool() => match text.as_str() {
            "yes" | "on" => diagnostic.help("write `true`"),
            "no" | "off" => diagnostic.help("write `false`"),
            _ => diagnostic,
        },
        _ => diagnostic,
    }
}

/// Checks the keys of a map with fixed keys.
pub fn check_record(node: &Node, keys: &[Key], owner: &Spanned<String>, found: &mut Diagnostics) {
    for entry in node.entries() {
        match keys.iter().find(|key| key.name == entry.key.value) {
            Some(key) => check(&entry.node, key.shape, &entry.key, found),
            None => found.push(unknown_key(entry, &owner.value, keys.iter().map(|key| key.name))),
        }
    }
    for key in keys.iter().filter(|key| key.required && node.get(key.name).is_none()) {
        found.push(missing_key(owner, key.name));
    }
}

fn unknown_key<'a>(entry: &Entry, owner: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let key = &entry.key;
    if key.value.contains(' ') && matches!(entry.node.value, Value::Null) {
        let message = format!("`{}` has no key", key.value);
        let help = "inside `{ }` a comma ends a value: put text that has commas in quotes";
        return Diagnostic::error(Code::UnknownKey, key.span, message).help(help);
    }
    let diagnostic = Diagnostic::error(Code::UnknownKey, key.span, format!("unknown key `{}` in `{owner}`", key.value));
    suggest(diagnostic, &key.value, known)
}

/// Adds the nearest known word as the label, or all of them as help if none is near.
pub fn suggest<'a>(diagnostic: Diagnostic, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    match nearest(word, known.clone()) {
        Some(nearest) => diagnostic.label(format!("did you mean `{nearest}`?")),
        None => {
            let known: Vec<_> = known.map(|word| format!("`{word}`")).collect();
            match known.is_empty() {
                true => diagnostic,
                false => diagnostic.help(format!("use one of {}", known.join(", "))),
            }
        }
    }
}

fn missing_key(owner: &Spanned<String>, key: &str) -> Diagnostic {
    Diagnostic::error(Code::MissingKey, owner.span, format!("`{}` needs the key `{key}`", owner.value))
}

fn check_field(field: &Entry, place: Place, found: &mut Diagnostics) {
    let (name, node) = (&field.key, &field.node);
    match &node.value {
        Value::Map(_) => {}
        Value::Broken => return,
        Value::Text(text) if FieldType::named(text).is_some() => {
            let message = format!("the field `{}` must be a map of options", name.value);
            let help = format!("write `{}: {{ type: {text} }}`", name.value);
            return found.push(Diagnostic::error(Code::WrongShape, node.span, message).help(help));
        }
        _ => return found.push(wrong_shape(node, Shape::Fields(place), name)),
    }
    let field_type = check_field_type(name, node, place, found);
    for entry in node.entries() {
        let Some(option) = FieldOption::named(&entry.key.value) else {
            let taken = |option: &&FieldOption| field_type.is_none_or(|ty| option.taken_by(ty, place));
            let known = OPTIONS.iter().filter(taken).map(|option| option.key.name);
            found.push(unknown_key(entry, &name.value, known));
            continue;
        };
        match field_type {
            Some(ty) if !option.taken_by(ty, place) => found.push(not_taken(&entry.key, ty, place)),
            _ => check(&entry.node, option.key.shape, &entry.key, found),
        }
    }
    if let Some(needed) = field_type.and_then(FieldType::needs).filter(|needed| node.get(needed).is_none()) {
        found.push(missing_key(name, needed));
    }
}

/// The field's type; `None` if it is unknown, which has been reported.
fn check_field_type(name: &Spanned<String>, node: &Node, place: Place, found: &mut Diagnostics) -> Option<FieldType> {
    let Some(type_node) = node.get("type") else {
        if !node.flag("drop") {
            let help = "every field needs a type: `type: string`";
            found.push(missing_key(name, "type").help(help));
        }
        return None;
    };
    let word = type_node.text()?;
    let Some(field_type) = FieldType::named(word) else {
        found.push(unknown_field_type(word, type_node.span, FieldType::all().map(FieldType::yaml)));
        return None;
    };
    if !field_type.stands_in(place) {
        let place = if place == Place::Component { "a component" } else { "children" };
        let message = format!("a field of {place} cannot be of type `{word}`");
        found.push(Diagnostic::error(Code::NotAllowedHere, type_node.span, message));
    }
    Some(field_type)
}

fn unknown_field_type<'a>(word: &str, span: Span, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::UnknownFieldType, span, format!("unknown field type `{word}`"));
    match SYNONYMS.iter().find(|(synonym, _)| *synonym == word.to_lowercase()) {
        Some((_, meant)) => diagnostic.label(format!("did you mean `{meant}`?")),
        None => suggest(diagnostic, word, known),
    }
}

fn not_taken(key: &Spanned<String>, ty: FieldType, place: Place) -> Diagnostic {
    let elsewhere = FieldOption::named(&key.value).is_some_and(|option| option.taken_by(ty, Place::Type));
    let message = match (elsewhere, place) {
        (true, Place::Component) => format!("a field of a component does not take `{}`", key.value),
        (true, _) => format!("a field of children does not take `{}`", key.value),
        (false, _) => format!("a field of type `{}` does not take `{}`", ty.yaml(), key.value),
    };
    Diagnostic::error(Code::OptionNotTaken, key.span, message).help("remove the option")
}

fn check_scalar_type(node: &Node, found: &mut Diagnostics) {
    let Some(word) = node.text() else { return };
    let known = Scalar::ALL.into_iter().map(|scalar| scalar.mapping().yaml);
    if !known.clone().any(|known| known == word) {
        found.push(unknown_field_type(word, node.span, known));
    }
}

fn check_word(node: &Node, words: &[&str], key: &Spanned<String>, found: &mut Diagnostics) {
    let Some(word) = node.text().filter(|word| !words.contains(word)) else { return };
    let message = format!("`{}` must be {}, not `{word}`", key.value, Shape::words(words));
    let diagnostic = Diagnostic::error(Code::UnknownValue, node.span, message);
    found.push(match nearest(word, words.iter().copied()) {
        Some(nearest) => diagnostic.label(format!("did you mean `{nearest}`?")),
        None => diagnostic,
    });
}

fn check_limit(node: &Node, (min, max, unit): (u32, u32, &str), key: &Spanned<String>, found: &mut Diagnostics) {
    let Value::Number(digits) = &node.value else { return };
    if !digits.parse().is_ok_and(|number: u32| (min..=max).contains(&number)) {
        let message = format!("`{}` must be from {min} to {max} {unit}", key.value);
        found.push(Diagnostic::error(Code::OutOfRange, node.span, message));
    }
}

fn check_date(node: &Node, found: &mut Diagnostics) {
    let Some(text) = node.text() else { return };
    if model::timestamp::date(text).is_none() {
        let message = format!("`{text}` is not a date");
        found.push(Diagnostic::error(Code::BadDate, node.span, message).help("write it as in `2026-01-31`"));
    }
}

fn check_period(node: &Node, found: &mut Diagnostics) {
    let Some(text) = node.text() else { return };
    if !model::content::is_period(text) {
        let message = format!("`{text}` is not a period of years, months, weeks and days");
        found.push(Diagnostic::error(Code::BadDate, node.span, message).help("write it as in `P1Y6M` or `P30D`"));
    }
}

fn check_name(node: &Node, found: &mut Diagnostics) {
    if let Some(name) = node.spanned_text() {
        check_snake_case(&name, found);
    }
}

pub fn is_snake_case(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('_').all(word)
}

fn check_snake_case(name: &Spanned<String>, found: &mut Diagnostics) {
    let text = &name.value;
    if !is_snake_case(text) {
        let message = format!("the name `{text}` is not in `snake_case`");
        let diagnostic = Diagnostic::error(Code::NotSnakeCase, name.span, message);
        let better = snake_case(text);
        found.push(match is_snake_case(&better) {
            true => diagnostic.label(format!("write `{better}`")),
            false => diagnostic
                .help("a name begins with a letter and has lower-case letters, digits, and single `_` between words"),
        });
    } else if text.len() > LONGEST_NAME {
        let message = format!("the name has {} characters, the most is {LONGEST_NAME}", text.len());
        found.push(Diagnostic::error(Code::NameTooLong, name.span, message));
    }
}

/// The probable intended name: `compareAtPrice` becomes `compare_at_price`. It may not be a valid name.
fn snake_case(text: &str) -> String {
    let mut words = String::new();
    let mut after_lower = false;
    for c in text.chars().take(LONGEST_NAME) {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && after_lower {
                words.push('_');
            }
            words.push(c.to_ascii_lowercase());
        } else if !c.is_ascii() {
            return String::new();
        } else if !words.is_empty() && !words.ends_with('_') {
            words.push('_');
        }
        after_lower = c.is_ascii_lowercase();
    }
    words.trim_end_matches('_').to_owned()
}
