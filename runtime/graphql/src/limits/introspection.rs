//! The largest size of an introspection response, computed from the lengths of the lists in the type system.

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

use super::facts::Declarations;
use crate::types::Declared;

/// The type system has types of its own.
const OWN_TYPES: u64 = 16;
const DIRECTIVES: u64 = 8;
/// Wrapping types around a name: `[T!]!` has three.
const WRAPPED: u32 = 3;

/// The lengths of the lists.
#[derive(Default)]
pub struct Sizes {
    types: u64,
    fields: Lists,
    arguments: Lists,
    inputs: Lists,
    values: Lists,
}

/// The total and maximum length of all lists of one kind.
#[derive(Clone, Copy, Default)]
struct Lists {
    all: u64,
    longest: u64,
}

/// The number of objects that a selection is resolved for.
#[derive(Clone, Copy)]
struct Place {
    count: u64,
    /// Whether they are all objects of their kind, each once.
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

    /// The maximum number of response fields. The document passed [`super::check`].
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

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use crate::types::Types;

    const SDL: &str = "
        type Query { one(a: Int, b: Int, c: Int): Colour two: Colour three(a: Int): Colour }
        type Other { four: Colour }
        enum Colour { RED GREEN BLUE PINK }
        enum Size { S L }
        input Box { width: Int height: Int }
        input Case { inner: Box }";

    /// The types of the SDL, GraphQL's scalars, and the types of the type system itself.
    const TYPES: u64 = 25;

    fn fields(query: &str) -> u64 {
        let types = Types::parse(SDL).unwrap();
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        types.facts.sizes.fields(&document, &operation.node.selection_set.node)
    }

    #[test]
    fn an_answer_has_the_fields_of_its_lists() {
        let all = |list: &str| fields(&format!("{{ types {{ {list} {{ name }} }} }}"));
        // The list itself, one list for each type, and the items of all lists.
        assert_eq!(fields("{ name }"), 1);
        assert_eq!(fields("{ types { name } }"), 1 + TYPES);
        assert_eq!(all("fields"), 1 + TYPES + 4);
        assert_eq!(all("inputFields"), 1 + TYPES + 3);
        assert_eq!(all("enumValues"), 1 + TYPES + 6);
        assert_eq!(all("possibleTypes"), 1 + TYPES + TYPES);
        assert_eq!(all("interfaces"), 1 + TYPES + TYPES);
        assert_eq!(fields("{ types { fields { args { name } } } }"), 1 + TYPES + 4 + 4);
        assert_eq!(fields("{ directives { name args { name } } }"), 1 + 8 + 8 + 8 * 3);
    }

    #[test]
    fn below_what_is_not_all_each_list_may_be_the_longest() {
        let each = |list: &str| fields(&format!("{{ types {{ ofType {{ {list} {{ name }} }} }} }}"));
        assert_eq!(each("fields"), 1 + TYPES + TYPES + TYPES * 3);
        assert_eq!(each("inputFields"), 1 + TYPES + TYPES + TYPES * 2);
        assert_eq!(each("enumValues"), 1 + TYPES + TYPES + TYPES * 4);
        assert_eq!(each("interfaces"), 1 + TYPES + TYPES + TYPES);
        assert_eq!(each("possibleTypes"), 1 + TYPES + TYPES + TYPES * TYPES);
        assert_eq!(fields("{ types { fields { type { fields { name } } } } }"), 1 + TYPES + 4 + 4 + 4 * 3);
        assert_eq!(fields("{ types { ...F } } fragment F on __Type { fields { name } }"), 1 + TYPES + 4);
        assert_eq!(fields("{ ... on __Schema { types { types { name } } } }"), 1 + TYPES + TYPES * TYPES);
    }

    #[test]
    fn a_type_is_within_three_others_at_most() {
        assert_eq!(fields("{ type { ofType { ofType { ofType { name } } } } }"), 5);
        // Nothing is nested below the third level.
        assert_eq!(fields("{ type { ofType { ofType { ofType { ofType { name kind } } } } } }"), 5);
        // Another field starts at the outermost type again.
        assert_eq!(
            fields("{ type { ofType { ofType { ofType { fields { type { ofType { name } } } } } } } }"),
            5 + 3 * 3
        );
        assert_eq!(fields("{ type { ofType { ofType { ofType { itself { ofType { name } } } } } } }"), 7);
    }
}
