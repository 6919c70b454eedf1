//! Collects the selected fields of a document by the specification's `CollectFields` and `MergeSelectionSets`.

use std::collections::HashMap;

use async_graphql::Pos;
use async_graphql::parser::Positioned;
use async_graphql::parser::types::{Directive, Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql_value::{Name, Value as Literal};
use indexmap::IndexMap;

use crate::routes::Routes;
use model::content::{SchemaInfo, Shape};

/// What `resolve` returns: an entry of a type with paths, or this.
const RESOLVED: &str = "Resolved";
pub const REDIRECTION: &str = "Redirection";

/// A document and the values of its conditions.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    pub schema: &'static SchemaInfo,
    pub routes: &'a Routes,
    pub fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// The value of a variable of `@skip` or `@include`.
    pub condition: &'a dyn Fn(&str) -> bool,
    /// Whether a field, by type and name, is nullable and thus stops an error from spreading.
    pub nullable: &'a dyn Fn(&str, &str) -> bool,
}

/// Fields with the same response key, merged into one.
#[derive(Clone, Debug)]
pub struct Selected<'a> {
    pub key: &'a str,
    /// The first field; all have the same arguments.
    pub field: &'a Field,
    pub pos: Pos,
    pub sets: Vec<&'a SelectionSet>,
}

impl<'a> Selected<'a> {
    pub fn name(&self) -> &'a str {
        self.field.name.node.as_str()
    }
}

impl<'a> Document<'a> {
    /// The fields that the sets select on an object of type `ty`, in order.
    pub fn fields(&self, ty: &str, sets: &[&'a SelectionSet]) -> Vec<Selected<'a>> {
        let mut fields = IndexMap::new();
        let mut visited = Vec::new();
        for set in sets {
            self.collect(ty, set, &mut fields, &mut visited);
        }
        fields.into_values().collect()
    }

    fn collect(
        &self,
        ty: &str,
        set: &'a SelectionSet,
        fields: &mut IndexMap<&'a str, Selected<'a>>,
        visited: &mut Vec<&'a str>,
    ) {
        for Positioned { pos, node } in &set.items {
            match node {
                Selection::Field(field) if self.included(&field.node.directives) => {
                    let key = field.node.response_key().node.as_str();
                    let selected = Selected { key, field: &field.node, pos: *pos, sets: Vec::new() };
                    fields.entry(key).or_insert(selected).sets.push(&field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) if self.included(&fragment.node.directives) => {
                    let condition =
                        fragment.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    if condition.is_none_or(|condition| self.applies(ty, condition)) {
                        self.collect(ty, &fragment.node.selection_set.node, fields, visited);
                    }
                }
                Selection::FragmentSpread(spread) if self.included(&spread.node.directives) => {
                    let name = spread.node.fragment_name.node.as_str();
                    if visited.contains(&name) {
                        continue;
                    }
                    visited.push(name);
                    let Some(fragment) = self.fragments.get(name) else { continue };
                    if self.applies(ty, fragment.node.type_condition.node.on.node.as_str()) {
                        self.collect(ty, &fragment.node.selection_set.node, fields, visited);
                    }
                }
                _ => {}
            }
        }
    }

    fn included(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| match directive.node.name.node.as_str() {
            "skip" => !self.holds(&directive.node),
            "include" => self.holds(&directive.node),
            _ => true,
        })
    }

    fn holds(&self, directive: &Directive) -> bool {
        match directive.get_argument("if").map(|value| &value.node) {
            Some(Literal::Boolean(value)) => *value,
            Some(Literal::Variable(name)) => (self.condition)(name),
            _ => false,
        }
    }

    /// Whether a fragment's type condition includes `ty`: the type itself, or an interface or union with it.
    fn applies(&self, ty: &str, condition: &str) -> bool {
        if ty == condition {
            return true;
        }
        if condition == "Node" {
            return self.schema.content(ty).is_some();
        }
        if condition == RESOLVED {
            return ty == REDIRECTION || self.schema.content(ty).is_some_and(|info| !info.path.is_empty());
        }
        self.schema.fields().any(|field| match field.shape {
            Shape::Blocks(blocks) => blocks.name == condition && blocks.of.iter().any(|of| of.name == ty),
            Shape::One(relation) | Shape::Many(relation) => {
                relation.to.len() > 1 && relation.type_name == condition && relation.to.iter().any(|of| of.name == ty)
            }
            _ => false,
        })
    }
}
