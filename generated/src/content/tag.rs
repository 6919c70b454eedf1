//! `Tag`: A topic that products, services and posts share.
//!
//! Written by `cargo xtask generate` from schema/tag.yaml; do not edit.

use crate::content::{POST, PRODUCT, SERVICE};
use runtime::prelude::*;

/// A topic that products, services and posts share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tag {
    pub id: Id<Self>,
    pub revision: i64, // Counts the changes.
    pub status: EntryStatus, // Where the entry stands between draft and published.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>, // When it was last published.
    pub first_published_at: Option<Timestamp>,
    pub created_by: Option<Id<User>>,
    pub updated_by: Option<Id<User>>,
    pub published_by: Option<Id<User>>, // Who last published it.
    pub name: String, // Name as readers see it.
    pub slug: String, // URL slug of the tag.
}

runtime::entry!(Tag, TAG, [name, slug]);

pub static TAG: ContentInfo = ContentInfo {
    name: "Tag", table: "tag", former: &[], plural: "tags", drafts: false, counted: true, retention: Retention::DEFAULT, owner: None, path: &[], search: None, unique: &[],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().filterable().sortable().max("100"),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().from("name"),
    ],
    inverses: &[
        InverseInfo { name: "posts", source: &POST, field: "tags" },
        InverseInfo { name: "products", source: &PRODUCT, field: "tags" },
        InverseInfo { name: "services", source: &SERVICE, field: "tags" },
    ],
    computed: &[],
    constraints: &[("tag_name__sort", "name"), ("tag_slug_key", "slug")],
};
