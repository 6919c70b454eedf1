//! `Seo`: Metadata for search engines and social networks.
//!
//! Written by `cargo xtask generate` from schema/components/seo.yaml; do not edit.

use crate::content::{MEDIA, Media};
use runtime::prelude::*;

/// Metadata for search engines and social networks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seo {
    pub title: Option<String>, // Title of the page; about 60 characters are shown.
    pub description: Option<String>, // Summary of the page; about 160 characters are shown.
    pub canonical_url: Option<String>, // Canonical URL, if it is not that of the page.
    pub index: Option<bool>, // Whether search engines may list the page.
    pub follow: Option<bool>, // Whether search engines may follow its links.
    pub image: Option<Id<Media>>, // Picture for social networks.
}

runtime::component!(Seo, SEO, [title, description, canonical_url, index, follow, image]);

pub static SEO: ComponentInfo = ComponentInfo {
    name: "Seo", tag: "seo",
    fields: &[
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)).max("120"),
        FieldInfo::new("description", "description", Shape::Scalar(Kind::Text)).max("320"),
        FieldInfo::new("canonicalUrl", "canonical_url", Shape::Scalar(Kind::Url)),
        FieldInfo::new("index", "index", Shape::Scalar(Kind::Boolean)).default("true"),
        FieldInfo::new("follow", "follow", Shape::Scalar(Kind::Boolean)).default("true"),
        FieldInfo::new("image", "image", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &[])),
    ],
};
