//! API names derived from schema names, for the SDL and the server's resolvers: root fields, connections and edges.

use super::{ContentType, Field, FieldKind, FilterFamily};

/// The operation of a root field on a content type.
#[derive(Clone, Copy, Debug)]
pub enum Verb<'a> {
    ById,
    /// Reads by a unique text field.
    ByKey {
        field: &'a Field,
        /// GraphQL type of its values.
        input: &'static str,
    },
    List,
    Aggregate,
    Create,
    Update,
    Upsert,
    Delete,
    Publish,
    PublishAll,
    Unpublish,
    DiscardDraft,
    Duplicate,
    /// One of the earlier versions.
    Revision,
    Restore,
    Undelete,
    Changed,
}

/// A field of `Query`, `Mutation` or `Subscription`.
#[derive(Clone, Debug)]
pub struct RootField<'a> {
    pub name: String,
    pub verb: Verb<'a>,
}

/// The root fields that read a type, in the order of the SDL.
pub fn reads(ty: &ContentType) -> Vec<RootField<'_>> {
    let keys = ty.fields.iter().filter_map(|field| {
        let input = text_key(field)?;
        Some((format!("{}By{}", ty.name.camel(), field.name.pascal()), Verb::ByKey { field, input }))
    });
    let by_id = (ty.name.camel(), Verb::ById);
    let revision = (format!("{}Revision", ty.name.camel()), Verb::Revision);
    let aggregates = (format!("{}Aggregates", ty.name.camel()), Verb::Aggregate);
    let others = [(ty.plural.camel(), Verb::List), aggregates, revision];
    std::iter::once(by_id).chain(keys).chain(others).map(root_field).collect()
}

/// The root fields that write a type.
pub fn writes(ty: &ContentType) -> Vec<RootField<'_>> {
    let (one, many) = (ty.name.pascal(), ty.plural.pascal());
    let mut fields = vec![
        (format!("create{one}"), Verb::Create),
        (format!("update{one}"), Verb::Update),
        (format!("upsert{many}"), Verb::Upsert),
        (format!("delete{one}"), Verb::Delete),
        (format!("duplicate{one}"), Verb::Duplicate),
        (format!("restore{one}"), Verb::Restore),
        (format!("undelete{one}"), Verb::Undelete),
    ];
    if ty.drafts {
        fields.push((format!("publish{one}"), Verb::Publish));
        fields.push((format!("publish{many}"), Verb::PublishAll));
        fields.push((format!("unpublish{one}"), Verb::Unpublish));
        fields.push((format!("discard{one}Draft"), Verb::DiscardDraft));
    }
    fields.into_iter().map(root_field).collect()
}

/// The root field that reports changes of a type: `productChanged`.
pub fn changed(ty: &ContentType) -> RootField<'_> {
    root_field((format!("{}Changed", ty.name.camel()), Verb::Changed))
}

/// The object of one change: `ProductChange`.
pub fn change(pascal: &str) -> String {
    format!("{pascal}Change")
}

/// The connection of a type: `ProductConnection`.
pub fn connection(pascal: &str) -> String {
    format!("{pascal}Connection")
}

/// The edge of a type's connections: `ProductEdge`.
pub fn edge(pascal: &str) -> String {
    format!("{pascal}Edge")
}

/// The field with the connection of a list: `tagsConnection` beside `tags`.
pub fn pages(list: &str) -> String {
    format!("{list}Connection")
}

/// Whether the field is a list that also has a connection.
pub fn has_pages(field: &Field) -> bool {
    match &field.kind {
        FieldKind::Relation(relation) => relation.many && relation.to.len() == 1,
        FieldKind::Children(_) => true,
        _ => false,
    }
}

fn root_field<'a>((name, verb): (String, Verb<'a>)) -> RootField<'a> {
    RootField { name, verb }
}

/// The GraphQL type of a text field that is unique alone.
fn text_key(field: &Field) -> Option<&'static str> {
    let FieldKind::Scalar { scalar, .. } = &field.kind else { return None };
    let mapping = scalar.mapping();
    let is_key = field.unique.as_ref().is_some_and(Vec::is_empty) && mapping.filter == FilterFamily::Text;
    is_key.then_some(mapping.input)
}
