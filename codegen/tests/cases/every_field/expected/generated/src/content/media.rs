//! `Media`: A file.
//!
//! Written by `cargo xtask generate` from schema/media.yaml; do not edit.

use runtime::prelude::*;

/// A file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    pub id: Id<Self>,
    pub url: String,
}

runtime::record!(Media, MEDIA, [url]);

pub static MEDIA: ContentInfo = ContentInfo {
    name: "Media", table: "media", former: &[], plural: "mediaFiles", drafts: true, owner: None, unique: &[],
    fields: &[
        FieldInfo::new("url", "url", Shape::Scalar(Kind::Url)).required().unique(&[]),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[("media_url_key", "url")],
};
