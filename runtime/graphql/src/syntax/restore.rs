//! Restores the places and values of the document in the syntax tree of the plain text.

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::parser::{Pos, Positioned};
use async_graphql_value::{Name, Value as Literal};

use super::grammar::Plain;

pub fn document(plain: &mut Plain, document: &mut ExecutableDocument) {
    match &mut document.operations {
        DocumentOperations::Single(operation) => plain.operation(operation),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|operation| plain.operation(operation));
        }
    }
    for fragment in document.fragments.values_mut() {
        plain.place(&mut fragment.pos);
        let fragment = &mut fragment.node;
        plain.place(&mut fragment.type_condition.pos);
        plain.place(&mut fragment.type_condition.node.on.pos);
        plain.directives(&mut fragment.directives);
        plain.set(&mut fragment.selection_set);
    }
}

impl Plain {
    /// Maps a place in the plain text to its place in the document.
    pub fn place(&self, pos: &mut Pos) {
        if let Some(place) = pos.line.checked_sub(1).and_then(|line| self.lines.get(line)) {
            *pos = *place;
        }
    }

    fn operation(&mut self, operation: &mut Positioned<OperationDefinition>) {
        self.place(&mut operation.pos);
        let operation = &mut operation.node;
        for variable in &mut operation.variable_definitions {
            self.place(&mut variable.pos);
            let variable = &mut variable.node;
            self.place(&mut variable.name.pos);
            self.place(&mut variable.var_type.pos);
            self.directives(&mut variable.directives);
            if let Some(default) = &mut variable.default_value {
                self.place(&mut default.pos);
                let mut value = std::mem::take(&mut default.node).into_value();
                self.value(&mut value);
                // The literal was a constant before its parts were restored.
                default.node = value.into_const().unwrap_or_default();
            }
        }
        self.directives(&mut operation.directives);
        self.set(&mut operation.selection_set);
    }

    fn set(&mut self, set: &mut Positioned<SelectionSet>) {
        self.place(&mut set.pos);
        for Positioned { pos, node } in &mut set.node.items {
            self.place(pos);
            match node {
                Selection::Field(field) => {
                    self.place(&mut field.pos);
                    let field = &mut field.node;
                    field.alias.iter_mut().for_each(|alias| self.place(&mut alias.pos));
                    self.place(&mut field.name.pos);
                    self.arguments(&mut field.arguments);
                    self.directives(&mut field.directives);
                    self.set(&mut field.selection_set);
                }
                Selection::FragmentSpread(spread) => {
                    self.place(&mut spread.pos);
                    self.place(&mut spread.node.fragment_name.pos);
                    self.directives(&mut spread.node.directives);
                }
                Selection::InlineFragment(fragment) => {
                    self.place(&mut fragment.pos);
                    if let Some(condition) = &mut fragment.node.type_condition {
                        self.place(&mut condition.pos);
                        self.place(&mut condition.node.on.pos);
                    }
                    self.directives(&mut fragment.node.directives);
                    self.set(&mut fragment.node.selection_set);
                }
            }
        }
    }

    fn directives(&mut self, directives: &mut [Positioned<Directive>]) {
        for directive in directives {
            self.place(&mut directive.pos);
            self.place(&mut directive.node.name.pos);
            self.arguments(&mut directive.node.arguments);
        }
    }

    fn arguments(&mut self, arguments: &mut [(Positioned<Name>, Positioned<Literal>)]) {
        for (name, value) in arguments {
            self.place(&mut name.pos);
            self.place(&mut value.pos);
            self.value(&mut value.node);
        }
    }

    fn value(&mut self, value: &mut Literal) {
        let number = match value {
            Literal::List(items) => return items.iter_mut().for_each(|item| self.value(item)),
            Literal::Object(entries) => return entries.values_mut().for_each(|entry| self.value(entry)),
            Literal::String(number) => number.parse().ok(),
            Literal::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
            Literal::Enum(name) => name.strip_prefix('E').and_then(|number| number.parse().ok()),
            Literal::Variable(_) | Literal::Null | Literal::Boolean(_) | Literal::Binary(_) => return,
        };
        // Each value occurs once in the text.
        if let Some(original) = number.and_then(|number: usize| self.values.get_mut(number)) {
            *value = std::mem::take(original);
        }
    }
}
