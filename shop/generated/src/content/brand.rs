//! `Brand`: A manufacturer of products.
//!
//! Written by `cargo xtask generate` from schema/brand.yaml; do not edit.

use crate::content::{MEDIA, Media, PRODUCT};
use runtime::prelude::*;

/// A manufacturer of products.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brand {
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
    pub name: String, // Name as customers see it.
    pub slug: String, // URL slug of the brand.
    pub description: Option<String>, // Who they are.
    pub website: Option<String>, // Website of the manufacturer.
    pub color: Option<String>, // Brand colour.
    pub logo: Option<Id<Media>>, // Logo of the brand.
    pub country: Option<String>, // Country of origin (ISO 3166-1 alpha-2).
}

runtime::entry!(Brand, BRAND, [name, slug, description, website, color, logo, country]);

pub static BRAND: ContentInfo = ContentInfo {
    name: "Brand", table: "brand", former: &[], plural: "brands", drafts: false, counted: true, retention: Retention::DEFAULT, owner: None, path: &[PathPart::Text("brands"), PathPart::Slug("slug")], search: None, unique: &[],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().filterable().sortable().max("200"),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().from("name"),
        FieldInfo::new("description", "description", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("website", "website", Shape::Scalar(Kind::Url)),
        FieldInfo::new("color", "color", Shape::Scalar(Kind::Color)),
        FieldInfo::new("logo", "logo", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &["logo_id"])),
        FieldInfo::new("country", "country", Shape::Scalar(Kind::String)).filterable().pattern("[A-Z]{2}"),
    ],
    inverses: &[
        InverseInfo { name: "products", source: &PRODUCT, field: "brand" },
    ],
    computed: &[],
    constraints: &[
        ("brand_name__sort", "name"), ("brand_slug_key", "slug"), ("brand_logo_id_idx", "logo"),
        ("brand_country__sort", "country"), ("brand_logo_id_fkey", "logo"),
    ],
};
