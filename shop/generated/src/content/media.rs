//! `Media`: A picture or document that entries refer to.
//!
//! Written by `cargo xtask generate` from schema/media.yaml; do not edit.

use runtime::prelude::*;

/// A picture or document that entries refer to.
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
    pub url: String, // URL of the file.
    pub alt: Option<String>, // Alternative text for people who cannot see the picture.
    pub title: Option<String>, // Caption.
    pub mime_type: Option<String>, // Media type, such as `image/jpeg`.
    pub width: Option<i32>, // Width in pixels.
    pub height: Option<i32>, // Height in pixels.
    pub size: Option<i64>, // Size in bytes.
}

runtime::entry!(Media, MEDIA, [url, alt, title, mime_type, width, height, size]);

pub static MEDIA: ContentInfo = ContentInfo {
    name: "Media", table: "media", former: &[], plural: "mediaItems", drafts: false, counted: true, retention: Retention::DEFAULT, owner: None, path: &[], search: None, unique: &[],
    fields: &[
        FieldInfo::new("url", "url", Shape::Scalar(Kind::Url)).required().unique(&[]).max("2000"),
        FieldInfo::new("alt", "alt", Shape::Scalar(Kind::String)).max("500"),
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)).max("300"),
        FieldInfo::new("mimeType", "mime_type", Shape::Scalar(Kind::String)).filterable().max("100").pattern("[a-z]+/[a-z0-9.+-]+"),
        FieldInfo::new("width", "width", Shape::Scalar(Kind::Integer)).min("1"),
        FieldInfo::new("height", "height", Shape::Scalar(Kind::Integer)).min("1"),
        FieldInfo::new("size", "size", Shape::Scalar(Kind::Bigint)).min("0"),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[
        ("media_url_key", "url"), ("media_mime_type__sort", "mime_type"), ("media_width_check", "width"),
        ("media_height_check", "height"),
    ],
};
