//! Each schema that the generator accepts becomes an API that an independent parser reads, and that defines no name twice.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{FieldDefinition, TypeKind, TypeSystemDefinition};
use codegen::emit::sdl::document;

use super::history::source;
use super::random::Random;

/// Words of filters, orders, inputs, connections and GraphQL itself, and names that collide when combined.
const WORDS: [&str; 64] = [
    "and",
    "or",
    "not",
    "is",
    "is_not",
    "is_null",
    "some",
    "every",
    "none",
    "has",
    "eq",
    "in",
    "id",
    "node",
    "nodes",
    "edges",
    "edge",
    "cursor",
    "page_info",
    "total_count",
    "connection",
    "order",
    "order_field",
    "field",
    "direction",
    "nulls",
    "filter",
    "list_filter",
    "set",
    "add",
    "create",
    "connect",
    "disconnect",
    "update",
    "delete",
    "key",
    "data",
    "revision",
    "input",
    "patch",
    "first",
    "after",
    "stage",
    "status",
    "entry",
    "audit",
    "page",
    "info",
    "type",
    "query",
    "mutation",
    "subscription",
    "interface",
    "union",
    "fragment",
    "on",
    "true",
    "null",
    "me",
    "value",
    "a",
    "a_b",
    "b",
    "a_1",
];

fn field(random: &mut Random, types: &[&str]) -> String {
    let (to, other) = (random.pick(types), random.pick(types));
    let (word, inverse) = (random.pick(&WORDS), random.pick(&WORDS));
    match random.below(9) {
        0 => "{ type: string, unique: true, filterable: true, sortable: true }".to_owned(),
        1 => "{ type: money, filterable: true, sortable: true }".to_owned(),
        2 => format!("{{ type: enum, values: [{word}, {inverse}x], filterable: true, sortable: true }}"),
        3 => format!("{{ type: relation, to: {to} }}"),
        4 => format!("{{ type: relation, to: {to}, many: true, inverse: {inverse} }}"),
        5 => format!("{{ type: relation, to: [{to}, {other}], many: true, inverse: {inverse} }}"),
        6 => "{ type: blocks, of: [part] }".to_owned(),
        7 => {
            format!("{{ type: children, singular: {word}, fields: {{ {inverse}: {{ type: string, unique: true }} }} }}")
        }
        _ => "{ type: component, of: part }".to_owned(),
    }
}

/// The names of all definitions and of their members must be distinct; returns the first duplicate.
fn twice(sdl: &str) -> Option<String> {
    let parsed = parse_schema(sdl).unwrap_or_else(|error| panic!("{error}\n{sdl}"));
    let mut types = BTreeSet::new();
    for definition in parsed.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let of = definition.node.name.node.to_string();
        if !types.insert(of.clone()) {
            return Some(of);
        }
        let mut arguments: Vec<(String, Vec<String>)> = Vec::new();
        if let TypeKind::Object(object) = &definition.node.kind {
            let names = |field: &FieldDefinition| {
                field.arguments.iter().map(|argument| argument.node.name.node.to_string()).collect()
            };
            let fields = object.fields.iter().map(|field| (field.node.name.node.to_string(), names(&field.node)));
            arguments.extend(fields);
        }
        let members: Vec<String> = match definition.node.kind {
            TypeKind::Object(object) => object.fields.iter().map(|field| field.node.name.node.to_string()).collect(),
            TypeKind::InputObject(input) => input.fields.iter().map(|field| field.node.name.node.to_string()).collect(),
            TypeKind::Enum(choice) => choice.values.iter().map(|value| value.node.value.node.to_string()).collect(),
            TypeKind::Union(union) => union.members.iter().map(|member| member.node.to_string()).collect(),
            _ => Vec::new(),
        };
        let mut seen = BTreeSet::new();
        if let Some(again) = members.iter().find(|member| !seen.insert(*member) || member.starts_with("__")) {
            return Some(format!("{of}.{again}"));
        }
        for (field, arguments) in arguments {
            let mut seen = BTreeSet::new();
            if let Some(again) = arguments.iter().find(|argument| !seen.insert(*argument)) {
                return Some(format!("{of}.{field}({again}:)"));
            }
        }
    }
    None
}

/// `TYPECASE_SDL_FILES=folder` writes the files there, for other tools.
fn keep(seed: u64, sdl: &str) {
    if let Ok(folder) = std::env::var("TYPECASE_SDL_FILES") {
        std::fs::write(format!("{folder}/{seed:04}.graphql"), sdl).expect("the folder can be written");
    }
}

#[test]
fn every_schema_that_compiles_has_an_api_without_a_name_twice() {
    let (mut good, mut bad) = (0, 0);
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let types = [*random.pick(&WORDS), "plain"];
        let mut sources = vec![
            source("schema/cms.yaml", "site: { name: Words, currency: EUR, currencies: [EUR], locales: [en] }\n"),
            source(
                "schema/components/part.yaml",
                &format!("component: part\nfields: {{ {}: {{ type: string }} }}\n", random.pick(&WORDS)),
            ),
        ];
        for ty in types.into_iter().collect::<BTreeSet<_>>() {
            let names: BTreeSet<_> = (0..2).map(|_| *random.pick(&WORDS)).collect();
            let fields = names.iter().map(|name| format!("  {name}: {}\n", field(&mut random, &types)));
            let fields: String = fields.collect();
            let text = format!("type: {ty}\nplural: {ty}_all\naccess: {{ admin: {{ read: all }} }}\nfields:\n{fields}");
            sources.push(source(&format!("schema/{ty}.yaml"), &text));
        }
        match codegen::compile(&sources) {
            Ok(compiled) => {
                good += 1;
                let sdl = document(&compiled.schema).to_string();
                let texts: String = sources.iter().map(|source| source.text.as_str()).collect();
                assert_eq!(twice(&sdl), None, "seed {seed}\n{texts}");
                keep(seed, &sdl);
            }
            Err(_) => bad += 1,
        }
    }
    assert!(good > 40 && bad > 40, "{good} compiled and {bad} did not: the words prove little");
}
