//! A subscription has one root field, which is not one of introspection, whatever `@skip` and `@include` leave out (5.2.4.1).

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql::parser::{Pos, Positioned};

use super::{Broken, broken};

pub fn check(document: &ExecutableDocument, operation: &Positioned<OperationDefinition>, found: &mut Vec<Broken>) {
    if operation.node.ty != OperationType::Subscription {
        return;
    }
    let mut fields = Fields { document, found: Vec::new(), visited: HashSet::new(), conditional: None };
    fields.collect(&operation.node.selection_set.node);
    if let Some(pos) = fields.conditional {
        found
            .push(broken("`@skip` and `@include` are not allowed on the root field of a subscription".to_owned(), pos));
    }
    let introspection = fields.found.iter().find(|(_, name, _)| name.starts_with("__"));
    if let Some((_, name, pos)) = introspection {
        found.push(broken(format!("`{name}` is not allowed as the root field of a subscription"), *pos));
    }
    let (first, _, _) = fields.found.first().copied().unwrap_or(("", "", operation.pos));
    if let Some((_, _, pos)) = fields.found.iter().find(|(key, ..)| *key != first) {
        found.push(broken("a subscription must have exactly one root field".to_owned(), *pos));
    }
}

struct Fields<'a> {
    document: &'a ExecutableDocument,
    /// `(response key, name, place)`
    found: Vec<(&'a str, &'a str, Pos)>,
    visited: HashSet<&'a str>,
    conditional: Option<Pos>,
}

impl<'a> Fields<'a> {
    fn collect(&mut self, set: &'a SelectionSet) {
        for Positioned { pos, node } in &set.items {
            let is_condition = |name: &str| matches!(name, "skip" | "include");
            if node.directives().iter().any(|directive| is_condition(&directive.node.name.node)) {
                self.conditional.get_or_insert(*pos);
            }
            match node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    self.found.push((key, field.node.name.node.as_str(), *pos));
                }
                Selection::InlineFragment(fragment) => self.collect(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    let name = spread.node.fragment_name.node.as_str();
                    if let Some(fragment) = document.fragments.get(name).filter(|_| self.visited.insert(name)) {
                        self.collect(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
}
