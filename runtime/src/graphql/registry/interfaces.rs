//! `interfaces` of an interface: a list, says the specification, where async-graphql answers null.

use async_graphql::parser::Positioned;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql_value::Name;
use serde_json::{Map, Value as Json};

/// Response keys that no client can have chosen: they are no names.
const KIND: &str = "kind of the type";
const INTERFACES: &str = "interfaces: ";

/// Asks for the kind of each type whose `interfaces` are asked for.
pub fn mark(document: &mut ExecutableDocument) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => mark_in(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|operation| mark_in(&mut operation.node.selection_set.node));
        }
    }
    document.fragments.values_mut().for_each(|fragment| mark_in(&mut fragment.node.selection_set.node));
}

fn mark_in(set: &mut SelectionSet) {
    let mut marked = None;
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let field = &mut field.node;
                if field.name.node == "interfaces" {
                    let key = Name::new(format!("{INTERFACES}{}", field.response_key().node));
                    field.alias = Some(Positioned::new(key, field.name.pos));
                    marked = Some(field.name.pos);
                }
                mark_in(&mut field.selection_set.node);
            }
            Selection::InlineFragment(fragment) => mark_in(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
    set.items.extend(marked.map(|pos| {
        let kind = Field {
            alias: Some(Positioned::new(Name::new(KIND), pos)),
            name: Positioned::new(Name::new("kind"), pos),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::new(SelectionSet::default(), pos),
        };
        Positioned::new(Selection::Field(Positioned::new(kind, pos)), pos)
    }));
}

/// The answer with what [`mark`] asked for used and taken out.
pub fn unmark(answer: Json) -> Json {
    match answer {
        Json::Array(items) => items.into_iter().map(unmark).collect(),
        Json::Object(members) => {
            let is_interface = members.get(KIND).is_some_and(|kind| kind == "INTERFACE");
            let shown = members.into_iter().filter(|(key, _)| key != KIND).map(|(key, value)| {
                match key.strip_prefix(INTERFACES) {
                    Some(key) if value.is_null() && is_interface => (key.to_owned(), Json::Array(Vec::new())),
                    Some(key) => (key.to_owned(), unmark(value)),
                    None => (key, unmark(value)),
                }
            });
            Json::Object(shown.collect::<Map<_, _>>())
        }
        other => other,
    }
}
