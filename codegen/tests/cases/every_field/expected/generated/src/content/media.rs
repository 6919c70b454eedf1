//! `Media`: A file.
//!
//! Written by `cargo xtask generate` from schema/media.yaml; do not edit.

use runtime::prelude::*;

/// A file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
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
    pub url: String,
}

runtime::entry!(Media, MEDIA, [url]);

pub static MEDIA: ContentInfo = ContentInfo {
    name: "Media", table: "media", former: &[], plural: "mediaFiles", drafts: true, counted: true, retention: Retention::DEFAULT, owner: None, path: &[], search: None, unique: &[],
    fields: &[
        FieldInfo::new("url", "url", Shape::Scalar(Kind::Url)).required().unique(&[]),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[("media_url_key", "url")],
};
