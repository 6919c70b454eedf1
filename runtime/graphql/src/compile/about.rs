//! Facts about an operation that are needed before planning: its name, its kind, and the variables of its conditions.

use std::sync::Arc;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql_value::{Name, Value as Literal};

use model::content::SchemaInfo;

/// For an operation without a name, the log shows this many fields; every name is truncated to this length.
const NAMED_FIELDS: usize = 3;
const LONGEST_NAME: usize = 64;

/// The operation's name in the log: its own, or else its fields.
pub fn name(document: &ExecutableDocument, operation: &OperationDefinition) -> Arc<str> {
    let is_it = |other: &OperationDefinition| other.selection_set.pos == operation.selection_set.pos;
    let named = document.operations.iter().find(|(_, other)| is_it(&other.node)).and_then(|(name, _)| name);
    let mut name = named.map_or_else(String::new, ToString::to_string);
    if named.is_none() {
        let fields = operation.selection_set.node.items.iter().filter_map(|selection| match &selection.node {
            Selection::Field(field) => Some(field.node.name.node.as_str()),
            _ => None,
        });
        name = fields.take(NAMED_FIELDS).collect::<Vec<_>>().join(",");
    }
    // Names are ASCII.
    name.truncate(LONGEST_NAME);
    name.into()
}

pub fn kind(ty: OperationType) -> &'static str {
    match ty {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// The name from the schema, so that the number of different names is bounded.
pub fn own(schema: &'static SchemaInfo, operation: &OperationDefinition) -> Option<&'static str> {
    let own = if operation.ty == OperationType::Mutation { schema.mutations } else { schema.queries };
    let mut fields = operation.selection_set.node.items.iter().filter_map(|selection| match &selection.node {
        Selection::Field(field) => Some(field.node.name.node.as_str()),
        _ => None,
    });
    fields.find_map(|field| own.iter().find(|operation| operation.name == field)).map(|operation| operation.name)
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits =
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)]));
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(digits);
    text
}

/// The variables in all `@skip` and `@include` directives of the document, sorted.
pub fn conditions(document: &ExecutableDocument, operation: &OperationDefinition) -> Vec<Name> {
    let mut found = Vec::new();
    of_selection(&operation.selection_set.node, &mut found);
    for fragment in document.fragments.values() {
        of_selection(&fragment.node.selection_set.node, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    // Fragments of other operations may use variables that this operation does not have.
    found.retain(|name| operation.variable_definitions.iter().any(|variable| variable.node.name.node == *name));
    found
}

fn of_selection(set: &SelectionSet, found: &mut Vec<Name>) {
    for selection in &set.items {
        found.extend(selection.node.directives().iter().filter_map(|directive| condition(&directive.node)).cloned());
        match &selection.node {
            Selection::Field(field) => of_selection(&field.node.selection_set.node, found),
            Selection::InlineFragment(fragment) => of_selection(&fragment.node.selection_set.node, found),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn condition(directive: &Directive) -> Option<&Name> {
    match directive.get_argument("if").map(|value| &value.node) {
        Some(Literal::Variable(name)) => Some(name),
        _ => None,
    }
}
