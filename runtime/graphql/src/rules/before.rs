//! Checks before async-graphql's validation, for cases in which it panics or accepts errors.

use async_graphql::parser::Positioned;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, InlineFragment, Selection, SelectionSet,
};

use super::{Broken, broken};
use crate::types::{Declared, Types, named};

/// Checks the types of variables, and `__typename`, which async-graphql accepts with any arguments and selection.
pub fn check(types: &Types, document: &ExecutableDocument) -> Vec<Broken> {
    let mut found = Vec::new();
    for (_, operation) in document.operations.iter() {
        for Positioned { pos, node: variable } in &operation.node.variable_definitions {
            let name = named(&variable.var_type.node);
            match types.get(name) {
                Some(Declared::Scalar | Declared::Enum(_) | Declared::Input { .. }) => {}
                Some(Declared::Fields { .. } | Declared::Union) => {
                    let message =
                        format!("`${}` cannot be of type `{name}`, which is not an input type", variable.name.node);
                    found.push(broken(message, *pos));
                }
                None => found.push(broken(format!("unknown type `{name}`"), variable.var_type.pos)),
            }
            // The library does not know this location of directives, and no directive of the API is allowed there.
            found.extend(variable.directives.iter().map(|directive| {
                broken(format!("`@{}` is not allowed on a variable", directive.node.name.node), directive.pos)
            }));
        }
        typename_is_plain(&operation.node.selection_set.node, &mut found);
    }
    for fragment in document.fragments.values() {
        typename_is_plain(&fragment.node.selection_set.node, &mut found);
    }
    found
}

fn typename_is_plain(set: &SelectionSet, found: &mut Vec<Broken>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(Positioned { pos, node: field }) if is_typename(field) => {
                if let Some((name, _)) = field.arguments.first() {
                    found.push(broken(format!("`__typename` has no argument `{}`", name.node), name.pos));
                }
                if !field.selection_set.node.items.is_empty() {
                    found.push(broken("`__typename` is a string: it has no fields".to_owned(), *pos));
                }
            }
            Selection::Field(field) => typename_is_plain(&field.node.selection_set.node, found),
            Selection::InlineFragment(fragment) => typename_is_plain(&fragment.node.selection_set.node, found),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_typename(field: &Field) -> bool {
    field.name.node == "__typename"
}

/// Moves the directives of each `__typename` to a fragment around it, where async-graphql sees them.
pub fn for_library(document: &ExecutableDocument) -> ExecutableDocument {
    let mut document = document.clone();
    match &mut document.operations {
        DocumentOperations::Single(operation) => wrap_typename(&mut operation.node.selection_set.node),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|operation| wrap_typename(&mut operation.node.selection_set.node));
        }
    }
    document.fragments.values_mut().for_each(|fragment| wrap_typename(&mut fragment.node.selection_set.node));
    document
}

fn wrap_typename(set: &mut SelectionSet) {
    for selection in &mut set.items {
        let pos = selection.pos;
        let wrapped = match &mut selection.node {
            Selection::Field(field) if is_typename(&field.node) && !field.node.directives.is_empty() => {
                let directives = std::mem::take(&mut field.node.directives);
                wrap(Selection::Field(field.clone()), directives, pos)
            }
            Selection::Field(field) => {
                wrap_typename(&mut field.node.selection_set.node);
                continue;
            }
            Selection::InlineFragment(fragment) => {
                wrap_typename(&mut fragment.node.selection_set.node);
                continue;
            }
            Selection::FragmentSpread(_) => continue,
        };
        selection.node = wrapped;
    }
}

fn wrap(selection: Selection, directives: Vec<Positioned<Directive>>, pos: async_graphql::Pos) -> Selection {
    let items = vec![Positioned::new(selection, pos)];
    let selection_set = Positioned::new(SelectionSet { items }, pos);
    Selection::InlineFragment(Positioned::new(InlineFragment { type_condition: None, directives, selection_set }, pos))
}
