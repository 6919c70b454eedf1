//! What a document that is kept ready holds: its parsed text where it is still needed, its price and its plan.

use async_graphql::parser::types::{
    BaseType, Directive, Field, FragmentDefinition, Selection, SelectionSet, Type, VariableDefinition,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::Name;

use super::compile::{Call, Compiled, Fragments, RootField, What};
use super::limits::cost::{Cost, Node, Number};
use super::limits::price::{Argument, Placed};
use super::site::{Shape, Shown};
use crate::weigh::{Scales, Weigh};

impl<T: Weigh> Weigh for Positioned<T> {
    fn weigh(&self, scales: &mut Scales) {
        self.node.weigh(scales);
    }
}

impl Weigh for SelectionSet {
    fn weigh(&self, scales: &mut Scales) {
        self.items.weigh(scales);
    }
}

impl Weigh for Selection {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Field(field) => field.weigh(scales),
            Self::FragmentSpread(spread) => {
                spread.node.fragment_name.weigh(scales);
                spread.node.directives.weigh(scales);
            }
            Self::InlineFragment(fragment) => {
                if let Some(condition) = &fragment.node.type_condition {
                    condition.node.on.weigh(scales);
                }
                fragment.node.directives.weigh(scales);
                fragment.node.selection_set.weigh(scales);
            }
        }
    }
}

impl Weigh for Field {
    fn weigh(&self, scales: &mut Scales) {
        self.alias.weigh(scales);
        self.name.weigh(scales);
        self.arguments.weigh(scales);
        self.directives.weigh(scales);
        self.selection_set.weigh(scales);
    }
}

impl Weigh for Directive {
    fn weigh(&self, scales: &mut Scales) {
        self.name.weigh(scales);
        self.arguments.weigh(scales);
    }
}

impl Weigh for FragmentDefinition {
    fn weigh(&self, scales: &mut Scales) {
        self.type_condition.node.on.weigh(scales);
        self.directives.weigh(scales);
        self.selection_set.weigh(scales);
    }
}

impl Weigh for VariableDefinition {
    fn weigh(&self, scales: &mut Scales) {
        self.name.weigh(scales);
        self.var_type.weigh(scales);
        self.directives.weigh(scales);
        self.default_value.weigh(scales);
    }
}

impl Weigh for Type {
    fn weigh(&self, scales: &mut Scales) {
        match &self.base {
            BaseType::Named(name) => name.weigh(scales),
            BaseType::List(item) => {
                scales.block(size_of::<Self>());
                item.weigh(scales);
            }
        }
    }
}

impl Weigh for Fragments {
    fn weigh(&self, scales: &mut Scales) {
        scales.table::<(Name, Positioned<FragmentDefinition>)>(self.0.capacity());
        for (name, fragment) in &self.0 {
            name.weigh(scales);
            fragment.weigh(scales);
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
        self.when.weigh(scales);
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
        self.given.weigh(scales);
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
