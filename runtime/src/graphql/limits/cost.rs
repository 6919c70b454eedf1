//! The cost of an operation: the sum over its fields of the objects they can return, known before it runs.
//!
//! The shape of the sum is made once for a document; a request fills in its variables.

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{Name, Value as Literal};
use serde_json::Value as Json;

use super::exceeded;
use crate::content::Limits;
use crate::error::{Code, Problem};
use crate::graphql::coerce::Variables;
use crate::graphql::rules::{Broken, root};
use crate::graphql::types::{self, Types, is_list, named};

/// Entries of a list when the request does not say how many.
pub const DEFAULT_PAGE: u32 = 20;
/// Conditions in the filters of one request; each becomes SQL.
const MAX_CONDITIONS: u64 = 250;

/// The cost of an operation, but for its variables.
pub struct Cost {
    fields: Vec<Node>,
    /// `first` and `last` anywhere, with their names for messages.
    pages: Vec<(&'static str, Number, Pos)>,
    conditions: Vec<Number>,
}

struct Node {
    /// Objects for each object of the field above; zero where they are the same objects, wrapped.
    counts: bool,
    times: Vec<Number>,
    below: Vec<Node>,
}

/// A figure that a literal or a variable holds.
enum Number {
    Known(u64),
    Variable { name: Name, otherwise: u64, of: Measured },
}

#[derive(Clone, Copy)]
enum Measured {
    Value,
    Items,
    Conditions,
}

struct Count<'a> {
    types: &'a Types,
    document: &'a ExecutableDocument,
    cost: Cost,
}

impl Cost {
    /// The document is within the limits of [`super::check`], so writing its fragments out is bounded.
    pub fn of(types: &Types, document: &ExecutableDocument, operation: &OperationDefinition) -> Self {
        let cost = Self { fields: Vec::new(), pages: Vec::new(), conditions: Vec::new() };
        let mut count = Count { types, document, cost };
        let fields = count.selection(root(operation.ty), &operation.selection_set.node, true);
        Self { fields, ..count.cost }
    }

    /// What the request asks for, or every limit that it breaks.
    pub fn check(&self, variables: &Variables, limits: &Limits) -> Result<u64, Vec<Broken>> {
        let mut found = Vec::new();
        for (name, number, pos) in &self.pages {
            let requested = number.value(variables);
            if requested > u64::from(limits.page) {
                let message = format!("`{name}` is {requested}, the limit is {}", limits.page);
                let details = serde_json::json!({"limit": limits.page, "requested": requested});
                let problem = Problem::new(Code::LimitExceeded, message).details(details);
                found.push(Broken { problem, pos: *pos });
            }
        }
        let top = Pos { line: 1, column: 1 };
        let conditions = self.conditions.iter().fold(0, |sum: u64, number| sum.saturating_add(number.value(variables)));
        if conditions > MAX_CONDITIONS {
            found.push(exceeded("conditions in filters", conditions, MAX_CONDITIONS, top));
        }
        let cost = self.total(variables);
        if cost > u64::from(limits.cost) {
            let message = format!("the request costs {cost}, the limit is {}", limits.cost);
            let details = serde_json::json!({"limit": limits.cost, "requested": cost});
            found.push(Broken { problem: Problem::new(Code::LimitExceeded, message).details(details), pos: top });
        }
        if found.is_empty() { Ok(cost) } else { Err(found) }
    }

    fn total(&self, variables: &Variables) -> u64 {
        sum(&self.fields, 1, variables)
    }
}

fn sum(nodes: &[Node], parents: u64, variables: &Variables) -> u64 {
    nodes.iter().fold(0, |total: u64, node| {
        let times = node.times.iter().map(|number| number.value(variables)).max().unwrap_or(1);
        let objects = parents.saturating_mul(times);
        let own = if node.counts { objects.max(1) } else { 0 };
        total.saturating_add(own).saturating_add(sum(&node.below, objects, variables))
    })
}

impl Number {
    fn value(&self, variables: &Variables) -> u64 {
        match self {
            Self::Known(number) => *number,
            Self::Variable { name, otherwise, of } => match (variables.get(name.as_str()), of) {
                (None | Some(Json::Null), _) => *otherwise,
                (Some(value), Measured::Value) => value.as_u64().unwrap_or(0),
                (Some(Json::Array(items)), Measured::Items) => items.len() as u64,
                (Some(_), Measured::Items) => 1,
                (Some(value), Measured::Conditions) => objects(value),
            },
        }
    }
}

impl Count<'_> {
    fn selection(&mut self, parent: &str, set: &SelectionSet, at_root: bool) -> Vec<Node> {
        let mut nodes = Vec::new();
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => nodes.extend(self.field(parent, field, at_root)),
                Selection::InlineFragment(fragment) => {
                    let on = fragment
                        .node
                        .type_condition
                        .as_ref()
                        .map_or(parent, |condition| condition.node.on.node.as_str());
                    nodes.extend(self.selection(on, &fragment.node.selection_set.node, at_root));
                }
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        nodes.extend(self.selection(on, &fragment.node.selection_set.node, at_root));
                    }
                }
            }
        }
        nodes
    }

    fn field(&mut self, parent: &str, field: &Positioned<Field>, at_root: bool) -> Option<Node> {
        let declared = self.types.field(parent, &field.node.name.node)?;
        let set = &field.node.selection_set.node;
        if set.items.is_empty() && !at_root && field.node.name.node != "totalCount" {
            return None;
        }
        let mut times = Vec::new();
        for (name, argument) in &declared.arguments {
            let given = field.node.get_argument(name).map(|value| &value.node);
            match name.as_str() {
                "first" | "last" => times.extend(self.page(name, given, argument, field.pos)),
                "filter" => self.conditions(given),
                _ if at_root && is_list(&argument.ty) && is_list(&declared.ty) => times.extend(given.map(items)),
                _ => {}
            }
        }
        if times.is_empty() && (declared.arguments.contains_key("first") || at_root && is_list(&declared.ty)) {
            times.push(Number::Known(u64::from(DEFAULT_PAGE)));
        }
        let below = self.selection(named(&declared.ty), set, false);
        Some(Node { counts: !is_wrapper(parent), times, below })
    }

    fn page(&mut self, name: &str, given: Option<&Literal>, argument: &types::Input, pos: Pos) -> Option<Number> {
        let name = if name == "first" { "first" } else { "last" };
        let default = argument.default.as_ref().map(|default| default.clone().into_value());
        let number = |number: Option<&Literal>| match number {
            Some(Literal::Number(number)) => number.as_u64(),
            _ => None,
        };
        let otherwise = number(default.as_ref());
        let make = || match given {
            Some(Literal::Variable(variable)) => {
                let otherwise = otherwise.unwrap_or(u64::from(DEFAULT_PAGE));
                Some(Number::Variable { name: variable.clone(), otherwise, of: Measured::Value })
            }
            given => number(given).or(otherwise).map(Number::Known),
        };
        self.cost.pages.extend(make().map(|number| (name, number, pos)));
        make()
    }

    fn conditions(&mut self, given: Option<&Literal>) {
        let mut known = 0;
        let Some(given) = given else { return };
        literal_conditions(given, &mut known, &mut self.cost.conditions);
        self.cost.conditions.push(Number::Known(known));
    }
}

/// Edges, nodes and pages of a connection are the objects that the connection's field has counted.
fn is_wrapper(parent: &str) -> bool {
    parent.ends_with("Connection") || parent.ends_with("Edge")
}

fn items(given: &Literal) -> Number {
    match given {
        Literal::Variable(name) => Number::Variable { name: name.clone(), otherwise: 0, of: Measured::Items },
        Literal::List(items) => Number::Known(items.len() as u64),
        _ => Number::Known(1),
    }
}

fn literal_conditions(literal: &Literal, known: &mut u64, variables: &mut Vec<Number>) {
    match literal {
        Literal::Variable(name) => {
            variables.push(Number::Variable { name: name.clone(), otherwise: 0, of: Measured::Conditions });
        }
        Literal::List(items) => items.iter().for_each(|item| literal_conditions(item, known, variables)),
        Literal::Object(entries) => {
            *known += 1;
            entries.values().for_each(|value| literal_conditions(value, known, variables));
        }
        _ => {}
    }
}

fn objects(value: &Json) -> u64 {
    match value {
        Json::Array(items) => items.iter().map(objects).sum(),
        Json::Object(entries) => 1 + entries.values().map(objects).sum::<u64>(),
        _ => 0,
    }
}
