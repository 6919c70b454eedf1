//! The facts that determine the price of a field, read once from the SDL and the content types without parsing names.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::BaseType;
use indexmap::IndexMap;

use super::introspection::Sizes;
use crate::types::{Declared, Field, Input, named};
use model::content::SchemaInfo;

const FACETS: &str = "SearchFacets";
/// The filters of a search, by type.
const SEARCH_FILTER: &str = "SearchFilter";
/// What is suggested is counted at `suggest`.
const SUGGESTIONS: &str = "Suggestions";

pub(super) type Declarations = HashMap<String, Declared>;

#[derive(Default)]
pub struct Facts {
    /// Connections and their edges. Their objects are counted at the field that returns the connection.
    wrappers: HashSet<String>,
    /// Facets of a type.
    facets: HashSet<String>,
    /// Filters on entries, which may contain further ones.
    filters: HashSet<String>,
    /// Sort orders of lists.
    orders: HashSet<String>,
    /// `(type, field)` of lists that an entry does not own, so that their length is unbounded.
    inverses: HashSet<(&'static str, &'static str)>,
    /// The number of lists that a computed field reads, by type and field.
    computed: HashMap<(&'static str, &'static str), u64>,
    pub(super) sizes: Sizes,
}

impl Facts {
    pub fn of_sdl(types: &Declarations) -> Self {
        let mut facts = Self { sizes: Sizes::of(types), ..Self::default() };
        for (name, declared) in types {
            match declared {
                Declared::Fields { fields, .. } if name == FACETS => {
                    facts.facets.extend(fields.values().map(|field| named(&field.ty).to_string()));
                }
                Declared::Fields { fields, .. } => facts.wrappers.extend(wrappers(name, fields).into_iter().flatten()),
                Declared::Input { fields, .. } if name == SEARCH_FILTER || is_filter(name, fields) => {
                    _ = facts.filters.insert(name.clone())
                }
                Declared::Input { fields, .. } if is_order(fields) => _ = facts.orders.insert(name.clone()),
                Declared::Input { .. } | Declared::Scalar | Declared::Union | Declared::Enum(_) => {}
            }
        }
        facts
    }

    pub fn and_of_content(mut self, schema: &SchemaInfo) -> Self {
        for info in schema.contents() {
            self.inverses.extend(info.inverses.iter().map(|inverse| (info.name, inverse.name)));
            let computed = info.computed.iter();
            self.computed.extend(computed.map(|field| ((info.name, field.name), field.with.len() as u64)));
        }
        for of_type in schema.resolvers.iter().copied().flatten() {
            let of = of_type.of;
            let inverses = of_type.pages.iter().filter(|(_, list)| of.inverses.iter().any(|known| known.name == *list));
            self.inverses.extend(inverses.map(|(pages, _)| (of.name, *pages)));
        }
        self
    }

    pub fn is_wrapper(&self, ty: &str) -> bool {
        self.wrappers.contains(ty)
    }

    pub fn is_facets(&self, ty: &str) -> bool {
        self.facets.contains(ty)
    }

    pub fn is_filter(&self, ty: &str) -> bool {
        self.filters.contains(ty)
    }

    pub fn is_order(&self, ty: &str) -> bool {
        self.orders.contains(ty)
    }

    /// Whether an input contains filters on other entries.
    pub fn holds_filters(&self, fields: &IndexMap<String, Input>) -> bool {
        fields.values().any(|input| self.is_filter(named(&input.ty)))
    }

    pub fn is_inverse(&self, ty: &str, field: &str) -> bool {
        self.inverses.contains(&(ty, field))
    }

    /// The number of lists that a computed field reads.
    pub fn computed(&self, ty: &str, field: &str) -> Option<u64> {
        self.computed.iter().find(|((of, name), _)| *of == ty && *name == field).map(|(_, lists)| *lists)
    }
}

/// A connection has `edges` and a `pageInfo` whose type no content type can have.
fn wrappers(name: &str, fields: &IndexMap<String, Field>) -> Option<[String; 2]> {
    if name == SUGGESTIONS {
        return Some([name.to_owned(), name.to_owned()]);
    }
    let edges = fields.get("edges").filter(|edges| matches!(edges.ty.base, BaseType::List(_)))?;
    fields.get("pageInfo").filter(|info| named(&info.ty) == "PageInfo")?;
    Some([name.to_owned(), named(&edges.ty).to_string()])
}

/// A filter has `and` of its own type; no field can have this name.
fn is_filter(name: &str, fields: &IndexMap<String, Input>) -> bool {
    fields.get("and").is_some_and(|input| named(&input.ty) == name)
}

fn is_order(fields: &IndexMap<String, Input>) -> bool {
    fields.get("direction").is_some_and(|input| named(&input.ty) == "OrderDirection")
}
