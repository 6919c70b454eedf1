//! Rules of the specification that async-graphql does not validate, or only in part.
//!
//! Argument values and their variables (5.6, 5.8.5) are checked here, fields with the same key (5.3.2) in
//! `rules/overlap.rs`.

pub mod before;
mod overlap;
mod subscription;

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet, Type,
    VariableDefinition,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{ConstValue, Name, Value as Literal};
use indexmap::IndexMap;
use serde_json::Value as Json;

use super::coerce::{Coercion, Expected, Lookup, Variables};
use super::types::{Input, Types, named};
use base::error::{Code, Problem};

/// A broken rule and its place in the document.
#[derive(Debug)]
pub struct Broken {
    pub problem: Problem,
    pub pos: Pos,
}

/// Returns the errors that async-graphql does not find. The document has no fragment cycles and only known fields.
pub fn check(types: &Types, document: &ExecutableDocument, longest_list: usize) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (_, operation) in document.operations.iter() {
        let mut values = Values::new(types, document, &operation.node, longest_list);
        values.operation(&operation.node);
        broken.append(&mut values.broken);
        overlap::check(types, document, &operation.node, &mut broken);
        subscription::check(document, operation, &mut broken);
    }
    broken
}

/// The root type of an operation.
pub fn root(operation: OperationType) -> &'static str {
    match operation {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

pub(super) fn broken(message: String, pos: Pos) -> Broken {
    Broken { problem: Problem::new(Code::GraphqlValidationFailed, message), pos }
}

/// Walks the arguments of an operation, visiting each fragment once.
struct Values<'a> {
    types: &'a Types,
    document: &'a ExecutableDocument,
    longest_list: usize,
    positions: Positions<'a>,
    seen: HashSet<&'a Name>,
    conditions: IndexMap<String, Input>,
    broken: Vec<Broken>,
}

impl<'a> Values<'a> {
    fn new(
        types: &'a Types,
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        longest_list: usize,
    ) -> Self {
        let variables =
            operation.variable_definitions.iter().map(|variable| (&variable.node.name.node, &variable.node));
        let condition = Type { base: BaseType::Named(Name::new("Boolean")), nullable: false };
        Self {
            types,
            document,
            longest_list,
            positions: Positions { variables: variables.collect() },
            seen: HashSet::new(),
            conditions: IndexMap::from([("if".to_owned(), Input { ty: condition, default: None })]),
            broken: Vec::new(),
        }
    }

    fn operation(&mut self, operation: &'a OperationDefinition) {
        for Positioned { pos, node: variable } in &operation.variable_definitions {
            let Some(default) = &variable.default_value else { continue };
            let nothing = Variables::new();
            let mut coercion = Coercion::new(self.types, &nothing, self.longest_list);
            coercion.value(super::coerce::Raw::Literal(&default.node.clone().into_value()), &variable.var_type.node);
            self.blame(coercion.problems, *pos);
        }
        self.selections(root(operation.ty), &operation.selection_set.node);
    }

    fn selections(&mut self, parent: &'a str, set: &'a SelectionSet) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    // The arguments of introspection fields are constants that async-graphql checks.
                    let Some(declared) = self.types.field(parent, &field.node.name.node) else { continue };
                    self.arguments(&field.node.arguments, &declared.arguments, field.pos);
                    self.selections(named(&declared.ty), &field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment
                        .node
                        .type_condition
                        .as_ref()
                        .map_or(parent, |condition| condition.node.on.node.as_str());
                    self.selections(on, &fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    let Some((name, fragment)) = document.fragments.get_key_value(&spread.node.fragment_name.node)
                    else {
                        continue;
                    };
                    if self.seen.insert(name) {
                        self.selections(&fragment.node.type_condition.node.on.node, &fragment.node.selection_set.node);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        let conditions = std::mem::take(&mut self.conditions);
        for directive in directives {
            self.arguments(&directive.node.arguments, &conditions, directive.pos);
        }
        self.conditions = conditions;
    }

    fn arguments(
        &mut self,
        given: &'a [(Positioned<Name>, Positioned<Literal>)],
        declared: &IndexMap<String, Input>,
        pos: Pos,
    ) {
        let mut coercion = Coercion::new(self.types, &self.positions, self.longest_list);
        coercion.arguments(given.iter().map(|(name, value)| (&name.node, &value.node)), declared);
        let problems = coercion.problems;
        self.blame(problems, pos);
    }

    fn blame(&mut self, problems: Vec<Problem>, pos: Pos) {
        self.broken.extend(problems.into_iter().map(|problem| {
            // A limit keeps its own code.
            let is_limit = problem.code == Code::LimitExceeded;
            let code = if is_limit { problem.code } else { Code::GraphqlValidationFailed };
            Broken { problem: Problem { code, ..problem }, pos }
        }));
    }
}

/// Checks the positions of variables (5.8.5); their values are not known yet.
struct Positions<'a> {
    variables: HashMap<&'a Name, &'a VariableDefinition>,
}

impl Lookup for Positions<'_> {
    fn variable(&self, name: &Name, expected: &Expected<'_>, problems: &mut Vec<Problem>) -> Option<Json> {
        let variable = self.variables.get(name)?;
        let given = &variable.var_type.node;
        let never_null = !given.nullable;
        let has_value = variable.default_value.as_ref().is_some_and(|default| default.node != ConstValue::Null);
        let null_fits = expected.ty.nullable && !expected.one_of
            || never_null
            || (has_value || expected.has_default) && !expected.one_of;
        if !null_fits || !base_fits(given, expected.ty) {
            // A key of a one-of input is never null, although its type is nullable.
            let mark = if expected.one_of && expected.ty.nullable { "!" } else { "" };
            let message = format!("`${name}` of type `{given}` is used where `{}{mark}` is expected", expected.ty);
            problems.push(Problem::new(Code::GraphqlValidationFailed, message));
        }
        // A placeholder for any value that fits.
        Some(Json::from("variable"))
    }
}

/// Whether the types match, ignoring null at the outermost level.
fn base_fits(given: &Type, expected: &Type) -> bool {
    match (&given.base, &expected.base) {
        (BaseType::Named(given), BaseType::Named(expected)) => given == expected,
        (BaseType::List(given), BaseType::List(expected)) => {
            (expected.nullable || !given.nullable) && base_fits(given, expected)
        }
        (BaseType::Named(_), BaseType::List(_)) | (BaseType::List(_), BaseType::Named(_)) => false,
    }
}
