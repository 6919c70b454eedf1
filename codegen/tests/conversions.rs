//! Conversions from every field type to every other, in a column and in a stored component: `conversions/*.txt` has the
//! hazard that is raised and the SQL that converts the values.
//!
//! Accept changes with `UPDATE_EXPECT=1`, and review the diff: a wrong line means that somebody loses a value.

use std::fmt::Write;
use std::path::Path;

use codegen::SourceFile;
use codegen::catalog::{Catalog, lower};
use codegen::migrate::{Answers, Migration, hazard, plan};
use codegen::schema::Schema;

/// Each field type, with its options.
const TYPES: [(&str, &str); 27] = [
    ("string", "{ type: string }"),
    ("text", "{ type: text }"),
    ("markdown", "{ type: markdown }"),
    ("slug", "{ type: slug }"),
    ("email", "{ type: email }"),
    ("url", "{ type: url }"),
    ("color", "{ type: color }"),
    ("integer", "{ type: integer }"),
    ("bigint", "{ type: bigint }"),
    ("decimal", "{ type: decimal }"),
    ("boolean", "{ type: boolean }"),
    ("date", "{ type: date }"),
    ("time", "{ type: time }"),
    ("datetime", "{ type: datetime }"),
    ("duration", "{ type: duration }"),
    ("money", "{ type: money }"),
    ("json", "{ type: json }"),
    ("user", "{ type: user }"),
    ("enum", "{ type: enum, values: [a, b] }"),
    ("enum (many)", "{ type: enum, values: [a, b], many: true }"),
    ("relation", "{ type: relation, to: other }"),
    ("relation (many)", "{ type: relation, to: other, many: true }"),
    ("component", "{ type: component, of: one }"),
    ("component (many)", "{ type: component, of: one, many: true }"),
    ("blocks", "{ type: blocks, of: [one] }"),
    ("another relation", "{ type: relation, to: item }"),
    ("another component", "{ type: component, of: two }"),
];

/// A component owns no rows, and blocks cannot be nested.
const NOT_INSIDE: [&str; 1] = ["blocks"];

fn schema(field: &str, inside: bool) -> Schema {
    let site = "site: { name: C, currency: EUR, currencies: [EUR], locales: [en] }\n";
    let access = "access: { admin: { read: all } }\n";
    let component = |name: &str| format!("component: {name}\nfields: {{ a: {{ type: string }} }}\n");
    let mut files = vec![
        ("cms", site.to_owned()),
        ("other", format!("type: other\n{access}fields: {{ a: {{ type: string }} }}\n")),
        ("components/one", component("one")),
        ("components/two", component("two")),
    ];
    let item = |field: &str| format!("type: item\n{access}fields:\n  name: {{ type: string }}\n  x: {field}\n");
    if inside {
        files.push(("item", item("{ type: component, of: part }")));
        files
            .push(("components/part", format!("component: part\nfields:\n  name: {{ type: string }}\n  x: {field}\n")));
    } else {
        files.push(("item", item(field)));
    }
    let sources = files.into_iter().map(|(name, text)| SourceFile { path: format!("schema/{name}.yaml"), text });
    let sources: Vec<_> = sources.collect();
    codegen::compile(&sources).unwrap_or_else(|found| panic!("{}", found.render(&sources))).schema
}

fn migration(before: &Catalog, after: &Schema) -> Option<Migration> {
    let codes: Vec<_> = hazard::CODES.iter().map(|(code, _)| (*code).to_owned()).collect();
    let answers = Answers::parse(&codes, false, &[]).expect("codes");
    let plan = plan(before, after, &answers).expect("everything is allowed");
    (!plan.is_empty()).then(|| plan.migration(2, "cargo xtask generate"))
}

/// The hazard, and the statements that change values in the stage `draft` (those in `live` are the same). Statements
/// that only make room for values, such as new tables, references and indexes, are omitted.
fn outcome(before: &Catalog, after: &Schema) -> String {
    let Some(migration) = migration(before, after) else { return ": nothing to do\n".to_owned() };
    let beside = ["create ", "drop index ", "validate constraint ", "foreign key "];
    let mut codes = Vec::new();
    let mut told = String::new();
    for line in migration.sql.lines() {
        if let Some((code, _)) = line.strip_prefix("-- hazard ").and_then(|line| line.split_once(':')) {
            codes.push(code);
        } else if line.contains("draft.") && !beside.iter().any(|what| line.contains(what)) {
            writeln!(told, "    {line}").expect("text");
        }
    }
    match (codes.as_slice(), told.as_str()) {
        // Nothing is carried over; the new column is an ordinary one.
        (["M102" | "M103" | "M108"], _) => format!(": {}, lost\n", codes[0]),
        ([], "") => ": nothing to do\n".to_owned(),
        ([], told) => format!(":\n{told}"),
        (codes, told) => format!(": {}\n{told}", codes.join(", ")),
    }
}

/// Groups types with the same outcome.
fn grouped<'a>(outcomes: impl Iterator<Item = (&'a str, String)>) -> Vec<(Vec<&'a str>, String)> {
    let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
    for (name, outcome) in outcomes {
        match groups.iter_mut().find(|(_, known)| *known == outcome) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], outcome)),
        }
    }
    groups
}

fn table(inside: bool) -> String {
    let types = TYPES.iter().filter(|(name, _)| !inside || !NOT_INSIDE.contains(name));
    let schemas: Vec<_> = types.map(|(name, field)| (*name, schema(field, inside))).collect();
    let from = |before: &Schema| {
        let before = lower(before);
        let to = grouped(schemas.iter().map(|(name, after)| (*name, outcome(&before, after))));
        to.iter().map(|(names, outcome)| format!("to {}{outcome}", names.join(", "))).collect::<String>()
    };
    let tables = grouped(schemas.iter().map(|(name, before)| (*name, from(before))));
    tables.iter().map(|(names, table)| format!("==== from {}\n{table}", names.join(", "))).collect()
}

#[track_caller]
fn check(file: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversions").join(file);
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if found != expected && std::env::var_os("UPDATE_EXPECT").is_some() {
        return std::fs::write(&path, found).expect("the file can be written");
    }
    let difference = similar::TextDiff::from_lines(expected.as_str(), found).unified_diff().to_string();
    assert!(found == expected, "{file}\n{difference}\nrun with UPDATE_EXPECT=1 to accept");
}

#[test]
fn columns_become_columns_of_every_other_type() {
    check("columns.txt", &table(false));
}

#[test]
fn members_of_components_become_members_of_every_other_type() {
    check("components.txt", &table(true));
}
