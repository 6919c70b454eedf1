//! `docs/schema-language.md`: the language reference, generated from the tables that the analyzer checks against.

use serde::Serialize;

use crate::diagnostic::Code;
use crate::schema::Role;
use crate::syntax::language::{FieldOption, FieldType, FileKind, Key, LIMITS, OPTIONS, Place, Shape};
use crate::template;

#[derive(Serialize)]
struct Reference {
    content_type: Vec<ShownKey>,
    component: Vec<ShownKey>,
    field_types: Vec<ShownType>,
    options: Vec<ShownOption>,
    places: Vec<ShownPlace>,
    parts: Vec<Part>,
    roles: String,
    access: Part,
    site: Vec<ShownKey>,
    site_parts: Vec<Part>,
    limits: Vec<Limit>,
    codes: Vec<ShownCode>,
}

#[derive(Serialize)]
struct ShownKey {
    name: &'static str,
    required: bool,
    takes: String,
    about: String,
}

#[derive(Serialize)]
struct ShownType {
    name: &'static str,
    about: String,
    graphql: String,
    example: String,
}

#[derive(Serialize)]
struct ShownOption {
    name: &'static str,
    takes: String,
    about: String,
    types: String,
}

/// What is not allowed in children or in components.
#[derive(Serialize)]
struct ShownPlace {
    name: &'static str,
    types: String,
    options: String,
}

/// A key, with the keys of its records.
#[derive(Serialize)]
struct Part {
    name: &'static str,
    about: &'static str,
    records: Vec<Vec<ShownKey>>,
}

#[derive(Serialize)]
struct Limit {
    name: &'static str,
    about: &'static str,
    unit: &'static str,
    min: u32,
    max: u32,
    default: u32,
}

#[derive(Serialize)]
struct ShownCode {
    name: String,
    about: String,
}

/// The text of the file.
pub fn reference() -> String {
    let parts = |names: &[&str], keys| names.iter().map(|name| part(name, keys)).collect();
    let roles = Role::shipped();
    let codes = Code::ALL.iter().map(|code| ShownCode { name: code.to_string(), about: cell(code.about()) });
    let reference = Reference {
        content_type: keys(FileKind::Type.keys()),
        component: keys(FileKind::Component.keys()),
        field_types: FieldType::all().map(field_type).collect(),
        options: OPTIONS.iter().map(option).collect(),
        places: vec![place(Place::Children, "children"), place(Place::Component, "components")],
        parts: parts(&["lifecycle", "computed", "indexes"], FileKind::Type.keys()),
        roles: list(roles.iter().map(|role| role.name.snake())),
        access: part("access", FileKind::Type.keys()),
        site: keys(FileKind::Site.keys()),
        site_parts: parts(&["site", "roles", "queries"], FileKind::Site.keys()),
        limits: LIMITS.iter().filter_map(limit).collect(),
        codes: codes.collect(),
    };
    template::render("schema-language.md.j2", reference)
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Escapes pipes, which would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn keys(keys: &[Key]) -> Vec<ShownKey> {
    let shown = |key: &Key| ShownKey {
        name: key.name,
        required: key.required,
        takes: takes(key.shape),
        about: cell(key.about),
    };
    keys.iter().map(shown).collect()
}

fn part(name: &str, keys: &[Key]) -> Part {
    let key = keys.iter().find(|key| key.name == name);
    let key = key.unwrap_or_else(|| panic!("codegen bug: the language has no key `{name}`"));
    let mut records = Vec::new();
    collect_records(key.shape, &mut records);
    Part { name: key.name, about: key.about, records: records.into_iter().map(self::keys).collect() }
}

fn collect_records(shape: Shape, records: &mut Vec<&'static [Key]>) {
    match shape {
        Shape::Record(keys) if !records.iter().any(|seen| std::ptr::eq(*seen, keys)) => {
            records.push(keys);
            keys.iter().for_each(|key| collect_records(key.shape, records));
        }
        Shape::Paths(keys, _) => collect_records(Shape::Record(keys), records),
        Shape::List(of) | Shape::Map(of) => collect_records(*of, records),
        Shape::Either(shapes) => shapes.iter().for_each(|of| collect_records(*of, records)),
        _ => {}
    }
}

/// The values that a key accepts, for the table.
fn takes(shape: Shape) -> String {
    match shape {
        Shape::Name => "a name".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Path => "the name of a field".to_owned(),
        Shape::Condition => "a condition".to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Date => "a date".to_owned(),
        Shape::Period => "a period such as `P1Y6M` or `P30D`".to_owned(),
        Shape::Limit { min, max, unit, .. } => format!("{min} to {max} {unit}"),
        Shape::Value => "a value".to_owned(),
        Shape::Any => "any value".to_owned(),
        Shape::Word(words) => list(words.iter().copied()),
        Shape::Either(shapes) => shapes.iter().map(|of| takes(*of)).collect::<Vec<_>>().join(", or "),
        Shape::List(of) => format!("a list of: {}", takes(*of)),
        Shape::Map(of) => format!("a map from names to: {}", takes(*of)),
        Shape::Paths(keys, of) => {
            format!("a map with {}, and from paths of fields to: {}", list(keys.iter().map(|key| key.name)), takes(*of))
        }
        Shape::Record(keys) => format!("a map with {}", list(keys.iter().map(|key| key.name))),
        Shape::ScalarType => "a scalar field type".to_owned(),
        Shape::Fields(_) => "a map of fields".to_owned(),
    }
}

fn field_type(field_type: FieldType) -> ShownType {
    let (graphql, example) = match field_type {
        FieldType::Scalar(scalar) => {
            (format!("`{}`", scalar.mapping().graphql), format!("`{}`", scalar.mapping().example))
        }
        FieldType::Structure(_) => (String::new(), String::new()),
    };
    ShownType { name: field_type.yaml(), about: cell(field_type.about()), graphql, example }
}

fn option(option: &FieldOption) -> ShownOption {
    let taken: Vec<_> = FieldType::all().filter(|ty| option.taken_by(*ty, Place::Type)).map(FieldType::yaml).collect();
    let types = match taken.len() == FieldType::all().count() {
        true => "all".to_owned(),
        false => list(taken.into_iter()),
    };
    let key = &option.key;
    ShownOption { name: key.name, takes: takes(key.shape), about: cell(key.about), types }
}

fn place(place: Place, name: &'static str) -> ShownPlace {
    let types = list(FieldType::all().filter(|ty| !ty.stands_in(place)).map(FieldType::yaml));
    let refused = OPTIONS.iter().filter(|option| {
        let taken = |place| FieldType::all().any(|ty| ty.stands_in(place) && option.taken_by(ty, place));
        !taken(place) && taken(Place::Type)
    });
    ShownPlace { name, types, options: list(refused.map(|option| option.key.name)) }
}

fn limit(key: &Key) -> Option<Limit> {
    let Shape::Limit { min, max, default, unit } = key.shape else { return None };
    Some(Limit { name: key.name, about: key.about, unit, min, max, default })
}
