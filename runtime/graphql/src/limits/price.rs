//! The cost of argument values: filters are priced by the work of their SQL, all others by their size.

use std::collections::HashMap;

use async_graphql_value::{Name, Value as Literal};
use serde_json::Value as Json;

use super::facts::Facts;
use crate::coerce::{Raw, Variables};
use crate::types::{Declared, Types, named};

/// A relation in a filter is one pass over its rows. A nested one costs this times its depth.
pub const HOP: u64 = 1_000;
/// A relation to many rows is a pass over its links, of which each row has several.
const TO_MANY: u64 = 3;
/// One filter operator, evaluated on each row.
pub const CONDITION: u64 = 50;
/// `contains` and `startsWith`, which lower-case the text of each row.
pub const SEARCH: u64 = 500;
/// One sort key.
pub const ORDER: u64 = 250;
/// A field of a grouping; several cost the cube of their number.
pub const GROUP: u64 = 1_000;
/// One object in the input of a write.
pub const INPUT_OBJECT: u64 = 3;
/// How many bytes of values cost one unit.
pub const BYTES: u64 = 100;

/// The kind of value, which determines its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Filter,
    /// The operators of one field in a filter, or the type of a relation's target.
    Operators,
    /// The operand of an operator.
    Operand {
        search: bool,
    },
    Order,
    /// The fields by which entries are grouped.
    Groups,
    Input,
    Value,
}

/// The price of a value, except for its variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Price {
    /// The number of relations in filters, their weights, and the sum of weight times depth.
    hops: u64,
    weight: u64,
    depths: u64,
    conditions: u64,
    searches: u64,
    orders: u64,
    groups: u64,
    objects: u64,
    items: u64,
    bytes: u64,
}

/// A variable in an argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Placed {
    pub name: Name,
    pub ty: String,
    pub role: Role,
    /// The number of relations around it in the filter.
    pub depth: u64,
}

/// The price of an argument: the price of its literals, and its variables.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Argument {
    pub known: Price,
    pub variables: Vec<Placed>,
}

/// The prices of variables, computed once per request.
pub struct Prices<'a> {
    facts: &'a Facts,
    types: &'a Types,
    variables: &'a Variables,
    known: HashMap<(Name, String, Role), Price>,
}

struct Walk<'a> {
    facts: &'a Facts,
    types: &'a Types,
    found: Argument,
}

impl Price {
    /// The price of a filter, for each statement with it.
    pub fn of_filter(&self) -> u64 {
        let hops = HOP.saturating_mul(self.depths);
        let conditions = CONDITION.saturating_mul(self.conditions);
        hops.saturating_add(conditions).saturating_add(SEARCH.saturating_mul(self.searches))
    }

    pub fn of_order(&self) -> u64 {
        // Each of several values multiplies the rows.
        let groups = GROUP.saturating_mul(self.groups.saturating_pow(3));
        ORDER.saturating_mul(self.orders).saturating_add(groups)
    }

    /// The price of the values as input.
    pub fn of_values(&self) -> u64 {
        let objects = INPUT_OBJECT.saturating_mul(self.objects);
        objects.saturating_add(self.items).saturating_add(self.bytes / BYTES)
    }

    pub fn conditions(&self) -> u64 {
        self.conditions.saturating_add(self.searches).saturating_add(self.hops)
    }

    fn add(&mut self, other: Self, depth: u64) {
        let add = |own: &mut u64, other: u64| *own = own.saturating_add(other);
        add(&mut self.hops, other.hops);
        add(&mut self.weight, other.weight);
        add(&mut self.depths, other.depths.saturating_add(other.weight.saturating_mul(depth)));
        add(&mut self.conditions, other.conditions);
        add(&mut self.searches, other.searches);
        add(&mut self.orders, other.orders);
        add(&mut self.groups, other.groups);
        add(&mut self.objects, other.objects);
        add(&mut self.items, other.items);
        add(&mut self.bytes, other.bytes);
    }
}

impl Argument {
    pub fn of_literal(types: &Types, ty: &str, role: Role, literal: &Literal) -> Self {
        let mut walk = Walk { facts: &types.facts, types, found: Self::default() };
        walk.value(ty, role, Raw::Literal(literal), 0);
        walk.found
    }

    pub fn price(&self, prices: &mut Prices<'_>) -> Price {
        let mut price = self.known;
        for placed in &self.variables {
            price.add(prices.of(placed), placed.depth);
        }
        price
    }
}

impl<'a> Prices<'a> {
    pub fn new(types: &'a Types, variables: &'a Variables) -> Self {
        Self { facts: &types.facts, types, variables, known: HashMap::new() }
    }

    fn of(&mut self, placed: &Placed) -> Price {
        let Some(value) = self.variables.get(placed.name.as_str()) else { return Price::default() };
        let key = (placed.name.clone(), placed.ty.clone(), placed.role);
        *self.known.entry(key).or_insert_with(|| {
            let mut walk = Walk { facts: self.facts, types: self.types, found: Argument::default() };
            walk.value(&placed.ty, placed.role, Raw::Json(value), 0);
            walk.found.known
        })
    }
}

impl Walk<'_> {
    fn value(&mut self, ty: &str, role: Role, raw: Raw<'_>, depth: u64) {
        if let Raw::Literal(Literal::Variable(name)) = raw {
            self.found.variables.push(Placed { name: name.clone(), ty: ty.to_owned(), role, depth });
            return;
        }
        match role {
            Role::Filter => self.filter(ty, raw, depth),
            Role::Operators => self.operators(ty, raw, depth),
            Role::Operand { search } => {
                let of = if search { &mut self.found.known.searches } else { &mut self.found.known.conditions };
                *of = of.saturating_add(1);
                self.leaves(raw, false);
            }
            Role::Order => {
                let keys = raw.items().map_or(1, |keys| keys.len() as u64);
                self.found.known.orders = self.found.known.orders.saturating_add(keys);
            }
            Role::Groups => {
                let fields = raw.items().map_or(1, |fields| fields.len() as u64);
                self.found.known.groups = self.found.known.groups.saturating_add(fields);
            }
            Role::Input => self.leaves(raw, true),
            Role::Value => self.leaves(raw, false),
        }
    }

    fn filter(&mut self, ty: &str, raw: Raw<'_>, depth: u64) {
        if let Some(items) = raw.items() {
            items.into_iter().for_each(|item| self.value(ty, Role::Filter, item, depth));
            return;
        }
        self.found.known.items += 1;
        let types = self.types;
        let Some(Declared::Input { fields, .. }) = types.get(ty) else { return };
        for (key, value) in raw.entries().unwrap_or_default() {
            let Some(input) = fields.get(key) else { continue };
            let inner = named(&input.ty).as_str();
            let role = if self.facts.is_filter(inner) { Role::Filter } else { Role::Operators };
            self.value(inner, role, value, depth);
        }
    }

    fn operators(&mut self, ty: &str, raw: Raw<'_>, depth: u64) {
        let types = self.types;
        let Some(Declared::Input { fields, .. }) = types.get(ty) else { return };
        for (key, value) in raw.entries().unwrap_or_default() {
            let Some(input) = fields.get(key) else { continue };
            let inner = named(&input.ty).as_str();
            if self.facts.is_filter(inner) {
                let weight = if matches!(key, "some" | "none" | "every") { TO_MANY } else { 1 };
                self.found.known.add(Price { hops: 1, weight, depths: weight, ..Price::default() }, depth);
                self.value(inner, Role::Filter, value, depth + 1);
            } else if matches!(types.get(inner), Some(Declared::Input { fields, .. }) if self.facts.holds_filters(fields))
            {
                self.value(inner, Role::Operators, value, depth);
            } else {
                let search = matches!(key, "contains" | "startsWith");
                self.value(inner, Role::Operand { search }, value, depth);
            }
        }
    }

    /// A value of any shape: its items, its bytes and, in a write, its objects.
    fn leaves(&mut self, raw: Raw<'_>, is_written: bool) {
        if let Raw::Literal(Literal::Variable(name)) = raw {
            let role = if is_written { Role::Input } else { Role::Value };
            self.found.variables.push(Placed { name: name.clone(), ty: String::new(), role, depth: 0 });
        } else if let Some(items) = raw.items() {
            self.found.known.items = self.found.known.items.saturating_add(items.len() as u64);
            items.into_iter().for_each(|item| self.leaves(item, is_written));
        } else if let Some(entries) = raw.entries() {
            let of = if is_written { &mut self.found.known.objects } else { &mut self.found.known.items };
            *of = of.saturating_add(1);
            for (key, value) in entries {
                self.found.known.bytes += key.len() as u64;
                self.leaves(value, is_written);
            }
        } else {
            let bytes = match raw {
                Raw::Literal(Literal::String(text)) | Raw::Json(Json::String(text)) => text.len() as u64,
                Raw::Literal(_) | Raw::Json(_) => 0,
            };
            self.found.known.bytes = self.found.known.bytes.saturating_add(bytes);
        }
    }
}
