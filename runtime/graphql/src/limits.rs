//! The limits of a request, checked before validation and execution. No fragment is expanded twice.

pub mod cost;
pub mod facts;
mod introspection;
pub(super) mod price;

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::Name;

use super::rules::{Broken, broken};
use base::error::{Code, Problem};
use model::content::Limits;

/// The number of fields with all fragments expanded, which determines the size of a plan.
const MAX_FIELDS: u64 = 2_000;
/// The number of directives, with all fragments expanded.
const MAX_DIRECTIVES: u64 = 100;
const MAX_OPERATIONS: usize = 20;
const MAX_FRAGMENTS: usize = 100;
const MAX_VARIABLES: usize = 200;
/// The depth of an introspection. Common clients nest `ofType` so that their queries are 13 to 16 levels deep.
const MAX_INTROSPECTION_DEPTH: u64 = 20;
/// How many introspection lists may be nested; each multiplies the response by the size of the schema.
const MAX_INTROSPECTION_LISTS: u64 = 2;

/// The size of a selection with expanded fragments. Saturating, so that it cannot overflow.
#[derive(Clone, Copy, Default)]
struct Size {
    fields: u64,
    aliases: u64,
    directives: u64,
    depth: u64,
    introspection_depth: u64,
    introspection_lists: u64,
}

struct Measure<'a> {
    document: &'a ExecutableDocument,
    /// Measured fragments; `None` while one is being measured, which detects cycles.
    fragments: HashMap<&'a Name, Option<Size>>,
}

/// Returns all limits that the document exceeds, for the operation to run.
pub fn check(document: &ExecutableDocument, operation: &OperationDefinition, limits: &Limits) -> Vec<Broken> {
    let counts = [
        ("operations", document.operations.iter().len(), MAX_OPERATIONS),
        ("fragments", document.fragments.len(), MAX_FRAGMENTS),
        ("variables", operation.variable_definitions.len(), MAX_VARIABLES),
    ];
    let top = Pos { line: 1, column: 1 };
    let mut found: Vec<_> = counts
        .into_iter()
        .filter(|(_, count, limit)| count > limit)
        .map(|(what, count, limit)| exceeded(what, count as u64, limit as u64, top))
        .collect();
    if !found.is_empty() {
        return found;
    }
    let mut measure = Measure { document, fragments: HashMap::new() };
    let mut size = Size::default();
    // Other operations are validated as well, so their size counts; aliases count only in the one that runs.
    for (_, other) in document.operations.iter() {
        match measure.selection(&other.node.selection_set.node, false) {
            Ok(other_size) if std::ptr::eq(&other.node, operation) => size = size.wider(other_size),
            Ok(other_size) => size = size.wider(Size { aliases: 0, ..other_size }),
            Err(cycle) => return vec![cycle],
        }
    }
    // An unused fragment is an error, but some validation rules visit it before that is noticed.
    for (name, fragment) in &document.fragments {
        if let Err(cycle) = measure.fragment(name, fragment.pos) {
            return vec![cycle];
        }
    }
    let pos = operation.selection_set.pos;
    let checks = [
        ("levels of fields", size.depth, u64::from(limits.depth)),
        ("aliases", size.aliases, u64::from(limits.aliases)),
        ("fields with fragments expanded", size.fields, MAX_FIELDS),
        ("directives", size.directives, MAX_DIRECTIVES),
        ("levels of introspection", size.introspection_depth, MAX_INTROSPECTION_DEPTH),
        ("nested lists of introspection", size.introspection_lists, MAX_INTROSPECTION_LISTS),
    ];
    found.extend(
        checks
            .into_iter()
            .filter(|(_, requested, limit)| requested > limit)
            .map(|(what, requested, limit)| exceeded(what, requested, limit, pos)),
    );
    found
}

pub(super) fn exceeded(what: &str, requested: u64, limit: u64, pos: Pos) -> Broken {
    let message = format!("the request has {requested} {what}, the limit is {limit}");
    let details = serde_json::json!({"limit": limit, "requested": requested});
    Broken { problem: Problem::new(Code::LimitExceeded, message).details(details), pos }
}

impl<'a> Measure<'a> {
    fn selection(&mut self, set: &'a SelectionSet, introspects: bool) -> Result<Size, Broken> {
        let mut size = Size::default();
        for selection in &set.items {
            let directives = selection.node.directives().len() as u64;
            let inner = match &selection.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let introspects = introspects || matches!(name, "__schema" | "__type");
                    let below = self.selection(&field.node.selection_set.node, introspects)?;
                    below.under(name, introspects, field.node.alias.is_some())
                }
                Selection::InlineFragment(fragment) => {
                    self.selection(&fragment.node.selection_set.node, introspects)?
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, spread.pos)?,
            };
            size = size.beside(Size { directives: inner.directives.saturating_add(directives), ..inner });
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &Name, pos: Pos) -> Result<Size, Broken> {
        // Validation reports unknown fragments.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else { return Ok(Size::default()) };
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(broken(format!("the fragment `{name}` spreads itself"), pos)),
            None => {}
        }
        self.fragments.insert(name, None);
        let Positioned { node: fragment, .. } = fragment;
        let introspects = fragment.type_condition.node.on.node.starts_with("__");
        let size = self.selection(&fragment.selection_set.node, introspects)?;
        self.fragments.insert(name, Some(size));
        Ok(size)
    }
}

impl Size {
    /// The size of a field with this selection.
    fn under(self, name: &str, introspects: bool, aliased: bool) -> Self {
        let lists = u64::from(matches!(name, "fields" | "interfaces" | "possibleTypes" | "inputFields"));
        Self {
            fields: self.fields.saturating_add(1),
            aliases: self.aliases.saturating_add(u64::from(aliased)),
            directives: self.directives,
            depth: if introspects { 0 } else { self.depth.saturating_add(1) },
            introspection_depth: if introspects {
                self.introspection_depth.saturating_add(1)
            } else {
                self.introspection_depth
            },
            introspection_lists: if introspects {
                self.introspection_lists.saturating_add(lists)
            } else {
                self.introspection_lists
            },
        }
    }

    fn beside(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            ..self.deeper(other)
        }
    }

    fn wider(self, other: Self) -> Self {
        Self {
            fields: self.fields.max(other.fields),
            aliases: self.aliases.max(other.aliases),
            directives: self.directives.max(other.directives),
            ..self.deeper(other)
        }
    }

    fn deeper(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            ..self
        }
    }
}
