//! What an answer of introspection can come to, from the lengths of the lists in the type system.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::facts::Declarations;
use crate::types::Declared;

/// The type system brings types of its own along.
const OWN_TYPES: u64 = 16;
const DIRECTIVES: u64 = 8;
/// Types within one another: `[T!]!` has three around the name.
const WRAPPED: u32 = 3;

/// Lengths of lists.
#[derive(Default)]
pub struct Sizes {
    types: u64,
    fields: Lists,
    arguments: Lists,
    inputs: Lists,
    values: Lists,
}

/// All lists of one kind together, and the longest one.
#[derive(Clone, Copy, Default)]
struct Lists {
    all: u64,
    longest: u64,
}

/// How many objects a selection is answered for.
#[derive(Clone, Copy)]
struct Place {
    count: u64,
    /// They are all that there are, each once.
    is_all: bool,
    wrapped: u32,
}

impl Sizes {
    pub fn of(types: &Declarations) -> Self {
        let mut sizes = Self { types: types.len() as u64 + OWN_TYPES, ..Self::default() };
        for declared in types.values() {
            match declared {
                Declared::Fields { fields, .. } => {
                    sizes.fields.add(fields.len());
                    fields.values().for_each(|field| sizes.arguments.add(field.arguments.len()));
                }
                Declared::Input { fields, .. } => sizes.inputs.add(fields.len()),
                Declared::Enum(values) => sizes.values.add(values.len()),
                Declared::Scalar | Declared::Union => {}
            }
        }
        sizes
    }

    /// The fields that the answer has at most. The document is within the limits of [`super::check`].
    pub fn fields(&self, document: &ExecutableDocument, set: &SelectionSet) -> u64 {
        self.selection(document, set, Place { count: 1, is_all: false, wrapped: 0 })
    }

    fn selection(&self, document: &ExecutableDocument, set: &SelectionSet, place: Place) -> u64 {
        let each = set.items.iter().map(|selection| match &selection.node {
            Selection::Field(field) => {
                let below = self.below(field.node.name.node.as_str(), place);
                let inner = self.selection(document, &field.node.selection_set.node, below);
                inner.saturating_add(place.count)
            }
            Selection::InlineFragment(fragment) => self.selection(document, &fragment.node.selection_set.node, place),
            Selection::FragmentSpread(spread) => {
                let fragment = document.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0, |fragment| self.selection(document, &fragment.node.selection_set.node, place))
            }
        });
        each.fold(0, u64::saturating_add)
    }

    fn below(&self, name: &str, place: Place) -> Place {
        let lists = |lists: Lists| {
            let count = if place.is_all { lists.all } else { place.count.saturating_mul(lists.longest) };
            Place { count, is_all: place.is_all, wrapped: 0 }
        };
        match name {
            "types" => Place { count: place.count.saturating_mul(self.types), is_all: place.count == 1, wrapped: 0 },
            "fields" => lists(self.fields),
            "args" => lists(self.arguments),
            "inputFields" => lists(self.inputs),
            "enumValues" => lists(self.values),
            "possibleTypes" | "interfaces" => {
                lists(Lists { all: self.types, longest: if name == "interfaces" { 1 } else { self.types } })
            }
            "directives" => Place { count: place.count.saturating_mul(DIRECTIVES), is_all: false, wrapped: 0 },
            "ofType" if place.wrapped == WRAPPED => Place { count: 0, ..place },
            "ofType" => Place { is_all: false, wrapped: place.wrapped + 1, ..place },
            _ => Place { is_all: false, wrapped: 0, ..place },
        }
    }
}

impl Lists {
    fn add(&mut self, length: usize) {
        self.all += length as u64;
        self.longest = self.longest.max(length as u64);
    }
}
