//! The cost of an operation, computed before it runs: the possible size of its response, and the work of its statements,
//! filters and writes.
//!
//! The unit is one object of the response, which takes about 20 µs with a catalogue of 20,000 products. Everything else is
//! priced by its time on that catalogue. The formula is built once per document; each request fills in its variables.

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{Name, Value as Literal};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value as Json;

use super::exceeded;
use super::price::{Argument, Prices, Role};
use crate::coerce::Variables;
use crate::rules::{Broken, root};
use crate::types::{self, Types, is_list, named};
use base::error::{Code, Problem};
use model::content::Limits;

/// Entries of a list if the request gives no number.
pub const DEFAULT_PAGE: u32 = 20;
/// The maximum number of filter conditions of a request; each becomes SQL.
const MAX_CONDITIONS: u64 = 250;
/// The price of a statement.
const STATEMENT: u64 = 50;
/// A list that an entry owns, for each entry above it.
const LIST: u64 = 5;
/// A list of entries that point at an entry. All of them may be scanned.
const INVERSE_LIST: u64 = 50;
/// `totalCount`; in a list `COUNT_IN_LIST` for each entry above it.
const COUNT: u64 = 100;
const COUNT_IN_LIST: u64 = 25;
/// A computed field, for each entry: reads its record and each list that it needs.
const COMPUTED: u64 = 10;
/// A write, without its input.
const WRITE: u64 = 100;
/// `__schema` or `__type`, and how many response fields cost one unit.
const INTROSPECTION: u64 = 100;
const INTROSPECTED_FIELDS: u64 = 8;

/// The cost of an operation, except for its variables.
#[derive(Debug)]
pub struct Cost {
    pub(crate) fields: Vec<Node>,
    /// All `first` and `last` arguments, with their names for messages.
    pub(crate) pages: Vec<(&'static str, Number, Pos)>,
}

#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The `@skip` and `@include` variables, with the value that includes the field.
    pub(crate) when: Vec<Condition>,
    /// Whether the field adds objects; false if it only wraps those of the field above.
    pub(crate) counts: bool,
    pub(crate) times: Vec<Number>,
    /// The cost per request.
    pub(crate) fixed: Parts,
    /// The cost for each object of the field above.
    pub(crate) each: Parts,
    /// Whether to add the cost of `totalCount`.
    pub(crate) count: bool,
    /// Filters, orders and other values, and the number of statements that use them.
    pub(crate) arguments: Vec<Argument>,
    pub(crate) statements: u64,
    pub(crate) below: Vec<Node>,
}

pub(crate) type Condition = (Name, bool);

/// A number from a literal or a variable.
#[derive(Debug)]
pub(crate) enum Number {
    Known(u64),
    Variable { name: Name, otherwise: u64, of: Measured },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Measured {
    Value,
    Items,
}

/// The parts of a cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// The possible size of the response.
    #[serde(skip_serializing_if = "is_zero")]
    pub objects: u64,
    /// Statements, writes, introspection.
    #[serde(skip_serializing_if = "is_zero")]
    pub statements: u64,
    /// Lists of several owners, with their orders and counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub lists: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub filters: u64,
    /// Input values.
    #[serde(skip_serializing_if = "is_zero")]
    pub values: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub computed: u64,
}

struct Count<'a> {
    types: &'a Types,
    document: &'a ExecutableDocument,
    is_mutation: bool,
    pages: Vec<(&'static str, Number, Pos)>,
    /// Whether the current connection selects `totalCount`.
    total: bool,
    /// The facets of the current search.
    facets: u64,
}

impl Cost {
    /// The document passed [`super::check`], so expanding its fragments is bounded.
    pub fn of<'a>(types: &'a Types, document: &'a ExecutableDocument, operation: &'a OperationDefinition) -> Self {
        let is_mutation = operation.ty == OperationType::Mutation;
        let mut count = Count { types, document, is_mutation, pages: Vec::new(), total: false, facets: 0 };
        let fields = count.selection(&[(root(operation.ty), &operation.selection_set.node)], true);
        Self { fields, pages: count.pages }
    }

    /// The cost of a request whose plan has this many statements, or all limits that it exceeds.
    pub fn check(
        &self,
        types: &Types,
        variables: &Variables,
        statements: u64,
        limits: &Limits,
    ) -> Result<Parts, Vec<Broken>> {
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
        let mut sum = Sum { variables, prices: Prices::new(types, variables), conditions: 0, parts: Parts::default() };
        sum.nodes(&self.fields, 1);
        if sum.conditions > MAX_CONDITIONS {
            found.push(exceeded("conditions in filters", sum.conditions, MAX_CONDITIONS, top));
        }
        let mut parts = sum.parts;
        parts.statements = parts.statements.saturating_add(STATEMENT.saturating_mul(statements));
        let (cost, limit) = (parts.total(), u64::from(limits.cost));
        if cost > limit {
            found.push(Broken { problem: parts.exceeded(cost, limit), pos: top });
        }
        if found.is_empty() { Ok(parts) } else { Err(found) }
    }
}

/// Rejects an operation of a batch once the batch has reached the cost limit of a single operation.
pub fn check_batch(before: u64, cost: u64, limits: &Limits) -> Result<(), Problem> {
    let (together, limit) = (before.saturating_add(cost), u64::from(limits.cost));
    if before == 0 || together <= limit {
        return Ok(());
    }
    let message = format!("the operations of the batch cost {together} up to this one, the limit is {limit}");
    let details = serde_json::json!({"limit": limit, "requested": together});
    Err(Problem::new(Code::LimitExceeded, message).details(details))
}

impl Parts {
    pub fn total(&self) -> u64 {
        let Self { objects, statements, lists, filters, values, computed } = *self;
        [objects, statements, lists, filters, values, computed].into_iter().fold(0, u64::saturating_add)
    }

    fn exceeded(&self, cost: u64, limit: u64) -> Problem {
        let named = [
            (self.objects, "objects"),
            (self.statements, "statements"),
            (self.lists, "lists"),
            (self.filters, "filters"),
            (self.values, "values"),
            (self.computed, "computed fields"),
        ];
        let most = named.into_iter().max_by_key(|(part, _)| *part).map_or("", |(_, name)| name);
        let message = format!("the request costs {cost}, most of it for {most}, the limit is {limit}");
        let details = serde_json::json!({"limit": limit, "requested": cost, "parts": self});
        Problem::new(Code::LimitExceeded, message).details(details)
    }

    fn add(&mut self, other: Self, times: u64) {
        let add = |own: &mut u64, other: u64| *own = own.saturating_add(other.saturating_mul(times));
        add(&mut self.objects, other.objects);
        add(&mut self.statements, other.statements);
        add(&mut self.lists, other.lists);
        add(&mut self.filters, other.filters);
        add(&mut self.values, other.values);
        add(&mut self.computed, other.computed);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(part: &u64) -> bool {
    *part == 0
}

/// Adds up the cost of one request.
struct Sum<'a> {
    variables: &'a Variables,
    prices: Prices<'a>,
    conditions: u64,
    parts: Parts,
}

impl Sum<'_> {
    fn nodes(&mut self, nodes: &[Node], parents: u64) {
        for node in nodes {
            self.node(node, parents);
        }
    }

    fn node(&mut self, node: &Node, parents: u64) {
        let is_left_out = |(name, wanted): &Condition| self.variables.get(name.as_str()) == Some(&Json::Bool(!wanted));
        if node.when.iter().any(is_left_out) {
            return;
        }
        let times = node.times.iter().map(|number| number.value(self.variables)).max().unwrap_or(1);
        let objects = parents.saturating_mul(times);
        if node.counts {
            self.parts.add(Parts { objects: objects.max(1), ..Parts::default() }, 1);
        }
        self.parts.add(node.fixed, 1);
        self.parts.add(node.each, parents);
        if node.count {
            let lists = COUNT_IN_LIST.saturating_mul(parents).max(COUNT);
            self.parts.add(Parts { lists, ..Parts::default() }, 1);
        }
        for argument in &node.arguments {
            let price = argument.price(&mut self.prices);
            self.conditions = self.conditions.saturating_add(price.conditions());
            let of_statement = Parts { filters: price.of_filter(), values: price.of_values(), ..Parts::default() };
            self.parts.add(of_statement, node.statements.max(1));
            self.parts.add(Parts { lists: price.of_order(), ..Parts::default() }, 1);
        }
        self.nodes(&node.below, objects);
    }
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
            },
        }
    }
}

/// Fields that are one field of the response: same type, same key, same conditions.
type Groups<'a> = IndexMap<(&'a str, &'a str, Vec<Condition>), Vec<&'a Positioned<Field>>>;

impl<'a> Count<'a> {
    fn selection(&mut self, sets: &[(&'a str, &'a SelectionSet)], at_root: bool) -> Vec<Node> {
        let mut groups = Groups::new();
        for (parent, set) in sets {
            self.collect(parent, set, &[], &mut groups);
        }
        let node = |((parent, _, when), fields): (_, Vec<_>)| {
            self.field(parent, &fields, at_root).map(|node| Node { when, ..node })
        };
        groups.into_iter().filter_map(node).collect()
    }

    fn collect(&self, parent: &'a str, set: &'a SelectionSet, when: &[Condition], groups: &mut Groups<'a>) {
        for selection in &set.items {
            let Some(own) = conditions(selection.node.directives()) else { continue };
            let when = [when, &own].concat();
            match &selection.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.as_str();
                    groups.entry((parent, key, when)).or_default().push(field);
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    let on = on.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.collect(on, &fragment.node.selection_set.node, &when, groups);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.collect(on, &fragment.node.selection_set.node, &when, groups);
                    }
                }
            }
        }
    }

    /// Merged fields have the same arguments.
    fn field(&mut self, parent: &'a str, fields: &[&'a Positioned<Field>], at_root: bool) -> Option<Node> {
        let types = self.types;
        let field = *fields.first()?;
        let name = field.node.name.node.as_str();
        let sets = || fields.iter().map(|field| &field.node.selection_set.node);
        let Some(declared) = types.field(parent, name) else {
            // The document is valid, so this is `__schema` or `__type`.
            return (name != "__typename").then(|| {
                let fields = sets().map(|set| types.facts.sizes.fields(self.document, set));
                let answered = fields.fold(0, u64::saturating_add);
                let statements = INTROSPECTION.saturating_add(answered / INTROSPECTED_FIELDS);
                Node { fixed: Parts { statements, ..Parts::default() }, ..Node::default() }
            });
        };
        let is_wrapped = types.facts.is_wrapper(parent);
        if is_wrapped && name == "totalCount" {
            self.total = true;
            return None;
        }
        // Each looks for all that is found.
        self.facets += u64::from(types.facts.is_facets(parent));
        let computed = types.facts.computed(parent, name);
        if sets().all(|set| set.items.is_empty()) && !at_root && computed.is_none() {
            return None;
        }
        let mut node = Node { counts: !is_wrapped && computed.is_none(), ..Node::default() };
        node.each.computed = computed.map_or(0, |lists| COMPUTED * (1 + lists));
        if at_root && self.is_mutation {
            node.fixed.statements = WRITE;
        }
        self.arguments(&mut node, field, declared, at_root);
        if !at_root && !is_wrapped && declared.arguments.contains_key("first") {
            node.each.lists = if types.facts.is_inverse(parent, name) { INVERSE_LIST } else { LIST };
        }
        let outer = std::mem::take(&mut self.total);
        let facets_outside = if at_root { std::mem::take(&mut self.facets) } else { 0 };
        let inner: Vec<_> = sets().map(|set| (named(&declared.ty).as_str(), set)).collect();
        node.below = self.selection(&inner, false);
        node.count = std::mem::replace(&mut self.total, outer);
        // One statement for the rows, and another with the same filter for their number.
        node.statements = if node.count && !node.below.is_empty() { 2 } else { 1 };
        if at_root {
            node.statements += std::mem::replace(&mut self.facets, facets_outside);
        }
        Some(node)
    }

    fn arguments(&mut self, node: &mut Node, field: &Positioned<Field>, declared: &types::Field, at_root: bool) {
        let types = self.types;
        let is_paged = is_list(&declared.ty) || types.facts.is_wrapper(named(&declared.ty));
        for (name, argument) in &declared.arguments {
            let given = field.node.get_argument(name).map(|value| &value.node);
            if is_paged && matches!(name.as_str(), "first" | "last") && named(&argument.ty) == "Int" {
                node.times.extend(self.page(name, given, argument, field.pos));
                continue;
            }
            if at_root && is_list(&argument.ty) && is_list(&declared.ty) {
                node.times.extend(given.map(items));
            }
            let ty = named(&argument.ty).as_str();
            let role = match ty {
                ty if types.facts.is_filter(ty) => Role::Filter,
                ty if types.facts.is_order(ty) => Role::Order,
                // The rows are sorted into groups.
                _ if name == "groupBy" => Role::Groups,
                _ if at_root && self.is_mutation => Role::Input,
                _ => Role::Value,
            };
            if let Some(given) = given {
                let priced = Argument::of_literal(types, ty, role, given);
                if priced != Argument::default() {
                    node.arguments.push(priced);
                }
            }
        }
        if node.times.is_empty()
            && (is_paged && declared.arguments.contains_key("first") || at_root && is_list(&declared.ty))
        {
            node.times.push(Number::Known(u64::from(DEFAULT_PAGE)));
        }
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
        self.pages.extend(make().map(|number| (name, number, pos)));
        make()
    }
}

/// The conditions of `@skip` and `@include`; `None` if they always exclude the selection.
fn conditions(directives: &[Positioned<Directive>]) -> Option<Vec<Condition>> {
    let mut found = Vec::new();
    for directive in directives {
        let wanted = match directive.node.name.node.as_str() {
            "skip" => false,
            "include" => true,
            _ => continue,
        };
        match directive.node.get_argument("if").map(|value| &value.node) {
            Some(Literal::Boolean(given)) if *given != wanted => return None,
            Some(Literal::Variable(name)) => found.push((name.clone(), wanted)),
            _ => {}
        }
    }
    Some(found)
}

fn items(given: &Literal) -> Number {
    match given {
        Literal::Variable(name) => Number::Variable { name: name.clone(), otherwise: 0, of: Measured::Items },
        Literal::List(items) => Number::Known(items.len() as u64),
        _ => Number::Known(1),
    }
}
