//! `Author`: A person who writes posts.
//!
//! Written by `cargo xtask generate` from schema/author.yaml; do not edit.

use crate::content::{MEDIA, Media, POST};
use runtime::prelude::*;

/// A person who writes posts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Author {
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
    pub slug: String, // URL slug of the author.
    pub email: Option<String>, // Email address for the editors.
    pub bio: Option<String>, // A few lines about them.
    pub website: Option<String>, // Personal website.
    pub portrait: Option<Id<Media>>, // Portrait.
}

runtime::entry!(Author, AUTHOR, [name, slug, email, bio, website, portrait]);

pub static AUTHOR: ContentInfo = ContentInfo {
    name: "Author", table: "author", former: &[], plural: "authors", drafts: false, counted: true, retention: Retention::DEFAULT, owner: None, path: &[], search: None, unique: &[],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().filterable().sortable().max("200"),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().from("name"),
        FieldInfo::new("email", "email", Shape::Scalar(Kind::Email)),
        FieldInfo::new("bio", "bio", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("website", "website", Shape::Scalar(Kind::Url)),
        FieldInfo::new("portrait", "portrait", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &["portrait_id"])),
    ],
    inverses: &[
        InverseInfo { name: "posts", source: &POST, field: "authors" },
    ],
    computed: &[],
    constraints: &[
        ("author_name__sort", "name"), ("author_slug_key", "slug"), ("author_portrait_id_idx", "portrait"),
        ("author_portrait_id_fkey", "portrait"),
    ],
};
