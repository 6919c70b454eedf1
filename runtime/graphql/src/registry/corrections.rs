//! Corrects introspection responses that differ from the specification in async-graphql: `interfaces` of an interface
//! must be a list instead of null, and the `description` of a schema without one must be null instead of the library's
//! text.

use async_graphql::parser::Positioned;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql_value::Name;
use serde_json::{Map, Value as Json};

/// Response keys that no client can use, since they are not valid names.
const KIND: &str = "kind of the type";
const INTERFACES: &str = "interfaces: ";
const DESCRIPTION: &str = "description of the schema: ";

/// Marks the fields by their keys, and requests the kind of each type whose `interfaces` are selected.
pub fn mark(document: &mut ExecutableDocument) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => mark_in(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|operation| mark_in(&mut operation.node.selection_set.node));
        }
    }
    for fragment in document.fragments.values_mut() {
        mark_in(&mut fragment.node.selection_set.node);
        if fragment.node.type_condition.node.on.node == "__Schema" {
            mark_schema(&mut fragment.node.selection_set.node);
        }
    }
}

/// Marks fields in a selection on the schema itself.
fn mark_schema(set: &mut SelectionSet) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "description" => rename(&mut field.node, DESCRIPTION),
            Selection::InlineFragment(fragment) => mark_schema(&mut fragment.node.selection_set.node),
            Selection::Field(_) | Selection::FragmentSpread(_) => {}
        }
    }
}

fn rename(field: &mut Field, mark: &str) {
    let key = Name::new(format!("{mark}{}", field.response_key().node));
    field.alias = Some(Positioned::new(key, field.name.pos));
}

fn mark_in(set: &mut SelectionSet) {
    let mut marked = None;
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) => {
                let field = &mut field.node;
                if field.name.node == "interfaces" {
                    rename(field, INTERFACES);
                    marked = Some(field.name.pos);
                }
                if field.name.node == "__schema" {
                    mark_schema(&mut field.selection_set.node);
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

/// Corrects the response and removes what [`mark`] has added.
pub fn unmark(answer: Json) -> Json {
    match answer {
        Json::Array(items) => items.into_iter().map(unmark).collect(),
        Json::Object(members) => {
            let is_interface = members.get(KIND).is_some_and(|kind| kind == "INTERFACE");
            let shown = members.into_iter().filter(|(key, _)| key != KIND).map(|(key, value)| {
                if let Some(key) = key.strip_prefix(DESCRIPTION) {
                    return (key.to_owned(), Json::Null);
                }
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
