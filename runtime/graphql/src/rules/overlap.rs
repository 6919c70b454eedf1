//! Fields with the same response name must be mergeable (5.3.2): same field and arguments, or types of the same shape.
//!
//! Whole groups of fields are compared at once, so the work grows with the number of fields in the expanded document
//! instead of their pairs. Limits bound that expansion before validation.

use async_graphql::parser::Positioned;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
};
use indexmap::IndexMap;

use super::{Broken, broken, root};
use crate::types::{Declared, Types, named};

/// A field with its parent type, and its own type if the SDL has it.
#[derive(Clone, Copy)]
struct Selected<'a> {
    parent: &'a str,
    field: &'a Positioned<Field>,
    ty: Option<&'a Type>,
}

type Groups<'a> = IndexMap<&'a str, Vec<Selected<'a>>>;

struct Overlap<'a, 'b> {
    types: &'a Types,
    document: &'a ExecutableDocument,
    found: &'b mut Vec<Broken>,
}

pub fn check(types: &Types, document: &ExecutableDocument, operation: &OperationDefinition, found: &mut Vec<Broken>) {
    let mut overlap = Overlap { types, document, found };
    let known = overlap.found.len();
    let mut groups = Groups::new();
    overlap.collect(root(operation.ty), &operation.selection_set.node, &mut groups);
    overlap.same_shape(&groups);
    if overlap.found.len() == known {
        overlap.same_field(&groups);
    }
}

impl<'a> Overlap<'a, '_> {
    fn collect(&self, parent: &'a str, set: &'a SelectionSet, groups: &mut Groups<'a>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let ty = self.types.field(parent, &field.node.name.node).map(|declared| &declared.ty);
                    groups.entry(field.node.response_key().node.as_str()).or_default().push(Selected {
                        parent,
                        field,
                        ty,
                    });
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment
                        .node
                        .type_condition
                        .as_ref()
                        .map_or(parent, |condition| condition.node.on.node.as_str());
                    self.collect(on, &fragment.node.selection_set.node, groups);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        self.collect(
                            &fragment.node.type_condition.node.on.node,
                            &fragment.node.selection_set.node,
                            groups,
                        );
                    }
                }
            }
        }
    }

    fn below(&self, fields: &[Selected<'a>]) -> Groups<'a> {
        let mut groups = Groups::new();
        for selected in fields {
            let parent = selected.ty.map_or("", |ty| named(ty).as_str());
            self.collect(parent, &selected.field.node.selection_set.node, &mut groups);
        }
        groups
    }

    /// A key must have one shape, whatever the type of the object.
    fn same_shape(&mut self, groups: &Groups<'a>) {
        for (key, fields) in groups {
            let Some((first, others)) = fields.split_first() else { continue };
            let other = others.iter().find(|other| !self.alike(first.ty, other.ty));
            if let Some(other) = other {
                let message =
                    format!("fields with the response name `{key}` have conflicting types: give one an alias");
                self.found.push(broken(message, other.field.pos));
            } else if fields.iter().any(|selected| !selected.field.node.selection_set.node.items.is_empty()) {
                self.same_shape(&self.below(fields));
            }
        }
    }

    /// Fields that can be on the same object must be the same field with the same arguments.
    fn same_field(&mut self, groups: &Groups<'a>) {
        for (key, fields) in groups {
            for group in self.by_parent(fields) {
                let Some((first, others)) = group.split_first() else { continue };
                let other = others.iter().find(|other| !same_call(&first.field.node, &other.field.node));
                if let Some(other) = other {
                    let message =
                        format!("fields with the response name `{key}` differ in name or arguments: give one an alias");
                    self.found.push(broken(message, other.field.pos));
                } else if group.iter().any(|selected| !selected.field.node.selection_set.node.items.is_empty()) {
                    self.same_field(&self.below(&group));
                }
            }
        }
    }

    /// One group per object type; each includes the fields of interfaces and unions.
    fn by_parent(&self, fields: &[Selected<'a>]) -> Vec<Vec<Selected<'a>>> {
        let (objects, abstracts): (Vec<Selected<'a>>, Vec<_>) =
            fields.iter().partition(|selected| self.types.is_object(selected.parent));
        let mut groups = IndexMap::<&str, Vec<_>>::new();
        for selected in objects {
            groups.entry(selected.parent).or_insert_with(|| abstracts.clone()).push(selected);
        }
        if groups.is_empty() { vec![abstracts] } else { groups.into_values().collect() }
    }

    fn alike(&self, one: Option<&Type>, other: Option<&Type>) -> bool {
        // Introspection fields have no type here; async-graphql has validated them.
        let (Some(one), Some(other)) = (one, other) else { return one.is_none() && other.is_none() };
        one.nullable == other.nullable
            && match (&one.base, &other.base) {
                (BaseType::List(one), BaseType::List(other)) => self.alike(Some(one), Some(other)),
                (BaseType::Named(one), BaseType::Named(other)) => {
                    one == other || !self.is_leaf(one) && !self.is_leaf(other)
                }
                (BaseType::List(_), BaseType::Named(_)) | (BaseType::Named(_), BaseType::List(_)) => false,
            }
    }

    fn is_leaf(&self, name: &str) -> bool {
        matches!(self.types.get(name), Some(Declared::Scalar | Declared::Enum(_)))
    }
}

fn same_call(one: &Field, other: &Field) -> bool {
    one.name.node == other.name.node
        && one.arguments.len() == other.arguments.len()
        && one
            .arguments
            .iter()
            .all(|(name, value)| other.get_argument(&name.node).is_some_and(|other| other.node == value.node))
}
