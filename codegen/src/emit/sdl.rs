//! `generated/schema.graphql`: the single definition of the API.
//!
//! Roots come first, then a section per content type, the components, and the shared types.

mod access;
mod aggregates;
mod collaboration;
pub mod document;
mod filters;
mod history;
mod inputs;
mod previews;
mod publishing;
pub mod reader;
mod redirects;
mod releases;
mod review;
mod roots;
mod schedules;
mod search;
mod search_rules;
mod shared;
mod types;
mod webhooks;

use crate::schema::{ContentType, Deprecated, Field, FieldKind, Name, Schema};
pub use document::{Definition, Document, Kind, Member};

/// The whole API.
pub fn document(schema: &Schema) -> Document {
    let mut definitions = vec![roots::query(schema), roots::mutation(schema), roots::subscription(schema)];
    definitions.extend(schema.types.iter().flat_map(content_type));
    definitions.extend(schema.components.iter().flat_map(|component| {
        let mut section = types::component(component);
        section.extend(inputs::component(component));
        section
    }));
    definitions.extend(filters::shared());
    definitions.extend(shared::definitions());
    definitions.extend(access::definitions());
    definitions.extend(history::definitions());
    definitions.extend(redirects::definitions(schema));
    definitions.extend(collaboration::definitions());
    definitions.extend(review::definitions());
    definitions.extend(schedules::definitions());
    definitions.extend(publishing::definitions());
    definitions.extend(releases::definitions());
    definitions.extend(previews::definitions());
    definitions.extend(search::definitions(schema));
    definitions.extend(search_rules::definitions(schema));
    definitions.extend(webhooks::definitions());
    let mut document = Document { definitions };
    document.keep_reachable();
    document
}

/// The definitions that one content type adds to the API.
fn content_type(ty: &ContentType) -> Vec<Definition> {
    let mut section = Vec::new();
    for owner in Owner::all(ty) {
        section.extend(types::owner(&owner));
        section.extend(types::change(&owner));
        section.extend(owner.root.into_iter().flat_map(aggregates::definitions));
        section.extend(filters::owner(&owner));
        section.extend(inputs::owner(&owner));
    }
    section
}

/// A type with rows: a content type, or the children of one.
struct Owner<'a> {
    /// `Product`, `ProductVariant`.
    pascal: String,
    fields: &'a [Field],
    /// The content type itself; `None` for children, which have no revision, status, inverses or computed fields.
    root: Option<&'a ContentType>,
    /// The description of the content type, or of the field that holds the children.
    description: &'a str,
}

impl<'a> Owner<'a> {
    /// The type and its children, in order.
    fn all(ty: &'a ContentType) -> Vec<Self> {
        let itself =
            Self { pascal: ty.name.pascal(), fields: &ty.fields, root: Some(ty), description: &ty.description };
        let children = ty.fields.iter().filter_map(|field| match &field.kind {
            FieldKind::Children(children) => Some(Self {
                pascal: children.name.pascal(),
                fields: &children.fields,
                root: None,
                description: &field.description,
            }),
            _ => None,
        });
        std::iter::once(itself).chain(children).collect()
    }

    /// Scalar fields that are unique alone.
    fn keys(&self) -> impl Iterator<Item = (&'a Field, crate::schema::Mapping)> {
        self.fields.iter().filter_map(|field| match &field.kind {
            FieldKind::Scalar { scalar, .. } if field.unique.as_ref().is_some_and(Vec::is_empty) => {
                Some((field, scalar.mapping()))
            }
            _ => None,
        })
    }
}

/// `ProductRelated`, the union of a relation's targets. `ProductBodyBlock` for blocks has its own suffix.
fn member_type(owner: &str, field: &Name) -> String {
    owner.to_owned() + &field.pascal()
}

fn block_type(owner: &str, field: &Name) -> String {
    member_type(owner, field) + "Block"
}

/// The author's description with a capital letter and a full stop, or our default.
fn described(given: &str, otherwise: impl FnOnce() -> String) -> String {
    let given = given.trim();
    if given.is_empty() { otherwise() } else { sentence(given) }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let capital: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    let closed = capital.ends_with(['.', '!', '?', ':']);
    if closed { capital } else { capital + "." }
}

/// `compare_at_price` → `Compare at price.`
fn spoken(name: &Name) -> String {
    sentence(&words(name))
}

/// `compare_at_price` → `compare at price`
fn words(name: &Name) -> String {
    name.snake().replace('_', " ")
}

fn reason(deprecated: Option<&Deprecated>) -> Option<String> {
    deprecated.map(|deprecated| match &deprecated.since {
        Some(date) => format!("{} It may be removed after {date}.", sentence(&deprecated.reason)),
        None => deprecated.reason.clone(),
    })
}
