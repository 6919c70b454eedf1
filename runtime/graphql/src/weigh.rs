//! The memory of a cached document: its parsed text while that is needed, its price and its plan.

use std::sync::Arc;

use async_graphql::parser::types::{
    BaseType, Directive, Field, FragmentDefinition, Selection, SelectionSet, Type, VariableDefinition,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{ConstValue, Name, Value as Literal};

use super::compile::{Call, Compiled, Fragments, RootField, What};
use super::limits::cost::{Cost, Node, Number};
use super::limits::price::{Argument, Placed};
use super::site::{Shape, Shown};
use base::weigh::{Scales, Weigh};

/// [`Weigh`] for the parser's types, which belong to another crate.
pub trait Held {
    fn held(&self, scales: &mut Scales);
}

impl Held for Name {
    /// Names may share one block, which cannot be detected here, so it is counted for each.
    fn held(&self, scales: &mut Scales) {
        scales.block(self.as_str().len() + 2 * size_of::<usize>());
    }
}

impl Held for bool {
    fn held(&self, _: &mut Scales) {}
}

impl Held for Literal {
    fn held(&self, scales: &mut Scales) {
        match self {
            Self::Null | Self::Boolean(_) => {}
            // Numbers may be stored as digits.
            Self::Number(number) => scales.block(number.to_string().len()),
            Self::Variable(name) | Self::Enum(name) => name.held(scales),
            Self::String(text) => text.weigh(scales),
            Self::Binary(bytes) => scales.block(bytes.len()),
            Self::List(items) => items.held(scales),
            Self::Object(entries) => {
                scales.block(entries.capacity() * (size_of::<(usize, Name, Self)>()));
                scales.table::<usize>(entries.capacity());
                for (key, value) in entries {
                    key.held(scales);
                    value.held(scales);
                }
            }
        }
    }
}

impl Held for ConstValue {
    fn held(&self, scales: &mut Scales) {
        self.clone().into_value().held(scales);
    }
}

impl<T: Held> Held for Vec<T> {
    fn held(&self, scales: &mut Scales) {
        scales.block(self.capacity() * size_of::<T>());
        self.iter().for_each(|item| item.held(scales));
    }
}

impl<T: Held> Held for Option<T> {
    fn held(&self, scales: &mut Scales) {
        self.iter().for_each(|value| value.held(scales));
    }
}

impl<T: Held> Held for Arc<[T]> {
    fn held(&self, scales: &mut Scales) {
        if scales.shared(self) {
            self.iter().for_each(|item| item.held(scales));
        }
    }
}

impl<A: Held, B: Held> Held for (A, B) {
    fn held(&self, scales: &mut Scales) {
        self.0.held(scales);
        self.1.held(scales);
    }
}

impl<T: Held> Held for Positioned<T> {
    fn held(&self, scales: &mut Scales) {
        self.node.held(scales);
    }
}

impl Held for SelectionSet {
    fn held(&self, scales: &mut Scales) {
        self.items.held(scales);
    }
}

impl Held for Selection {
    fn held(&self, scales: &mut Scales) {
        match self {
            Self::Field(field) => field.held(scales),
            Self::FragmentSpread(spread) => {
                spread.node.fragment_name.held(scales);
                spread.node.directives.held(scales);
            }
            Self::InlineFragment(fragment) => {
                if let Some(condition) = &fragment.node.type_condition {
                    condition.node.on.held(scales);
                }
                fragment.node.directives.held(scales);
                fragment.node.selection_set.held(scales);
            }
        }
    }
}

impl Held for Field {
    fn held(&self, scales: &mut Scales) {
        self.alias.held(scales);
        self.name.held(scales);
        self.arguments.held(scales);
        self.directives.held(scales);
        self.selection_set.held(scales);
    }
}

impl Held for Directive {
    fn held(&self, scales: &mut Scales) {
        self.name.held(scales);
        self.arguments.held(scales);
    }
}

impl Held for FragmentDefinition {
    fn held(&self, scales: &mut Scales) {
        self.type_condition.node.on.held(scales);
        self.directives.held(scales);
        self.selection_set.held(scales);
    }
}

impl Held for VariableDefinition {
    fn held(&self, scales: &mut Scales) {
        self.name.held(scales);
        self.var_type.held(scales);
        self.directives.held(scales);
        self.default_value.held(scales);
    }
}

impl Held for Type {
    fn held(&self, scales: &mut Scales) {
        match &self.base {
            BaseType::Named(name) => name.held(scales),
            BaseType::List(item) => {
                scales.block(size_of::<Self>());
                item.held(scales);
            }
        }
    }
}

impl Weigh for Fragments {
    fn weigh(&self, scales: &mut Scales) {
        scales.table::<(Name, Positioned<FragmentDefinition>)>(self.0.capacity());
        for (name, fragment) in &self.0 {
            name.held(scales);
            fragment.held(scales);
        }
    }
}

impl Weigh for Cost {
    fn weigh(&self, scales: &mut Scales) {
        self.fields.weigh(scales);
        scales.block(self.pages.capacity() * size_of::<(&'static str, Number, Pos)>());
        self.pages.iter().for_each(|(_, number, _)| number.weigh(scales));
    }
}

impl Weigh for Node {
    fn weigh(&self, scales: &mut Scales) {
        self.when.held(scales);
        self.times.weigh(scales);
        self.arguments.weigh(scales);
        self.below.weigh(scales);
    }
}

impl Weigh for Number {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Variable { name, .. } = self {
            name.weigh(scales);
        }
    }
}

impl Weigh for Argument {
    fn weigh(&self, scales: &mut Scales) {
        self.variables.weigh(scales);
    }
}

impl Weigh for Placed {
    fn weigh(&self, scales: &mut Scales) {
        self.name.weigh(scales);
        self.ty.weigh(scales);
    }
}

impl Weigh for Compiled {
    fn weigh(&self, scales: &mut Scales) {
        self.fields.weigh(scales);
    }
}

impl Weigh for RootField {
    fn weigh(&self, scales: &mut Scales) {
        self.key.weigh(scales);
        match &self.what {
            What::Typename(_) => {}
            What::Introspection(introspected) => introspected.weigh(scales),
            What::Read(root) => root.weigh(scales),
            What::Revision { call, entry, .. } => {
                call.weigh(scales);
                entry.weigh(scales);
            }
            What::Changes(changes) => changes.weigh(scales),
            What::Site { call, shape, .. } => {
                call.weigh(scales);
                shape.weigh(scales);
            }
            What::Write { call, entries, .. } | What::Own { call, entries, .. } => {
                call.weigh(scales);
                entries.weigh(scales);
            }
        }
    }
}

impl Weigh for Call {
    fn weigh(&self, scales: &mut Scales) {
        self.field.weigh(scales);
        self.given.held(scales);
    }
}

impl Weigh for Shape {
    fn weigh(&self, scales: &mut Scales) {
        self.of.weigh(scales);
        self.fields.weigh(scales);
    }
}

impl Weigh for Shown {
    fn weigh(&self, scales: &mut Scales) {
        self.key.weigh(scales);
        self.name.weigh(scales);
        self.inner.weigh(scales);
    }
}
