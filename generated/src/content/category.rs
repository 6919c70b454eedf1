//! `Category`: A category of the shop; categories form a tree.
//!
//! Written by `cargo xtask generate` from schema/category.yaml; do not edit.

use crate::component::{CALL_TO_ACTION, CallToAction, GALLERY, Gallery, SEO, Seo, TEXT, Text};
use crate::content::{MEDIA, Media, POST, PRODUCT, SERVICE};
use runtime::prelude::*;

/// A category of the shop; categories form a tree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Category {
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
    pub slug: String, // URL slug of the category.
    pub parent: Option<Id<Category>>, // The parent category.
    pub rank: Option<i32>, // Position among its siblings; lower comes first.
    pub description: Option<String>, // Text at the top of the category's page.
    pub image: Option<Id<Media>>, // Picture of the category.
    pub body: Vec<CategoryBodyBlock>, // Sections of the category's page.
    pub seo: Option<Seo>, // Metadata for search engines and social networks.
}

runtime::entry!(Category, CATEGORY, [name, slug, parent, rank, description, image, body, seo]);

pub static CATEGORY: ContentInfo = ContentInfo {
    name: "Category", table: "category", former: &[], plural: "categories", drafts: false, counted: true, retention: Retention::DEFAULT, owner: None, path: &[PathPart::Text("shop"), PathPart::Above("parent"), PathPart::Slug("slug")], search: Some(&SearchInfo { language: "english", texts: &[SearchText { path: &["name"], weight: Some(SearchWeight::A), exact: false }, SearchText { path: &["slug"], weight: None, exact: true }], synonyms: &[], stop_words: &[], boosts: &[], recency: None, facets_type: "CategoryFacets", facets: &[FacetInfo { field: "parent", type_name: "CategoryFacet" }, FacetInfo { field: "image", type_name: "MediaFacet" }] }), unique: &[],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().filterable().sortable().max("200"),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().from("name"),
        FieldInfo::new("parent", "parent", Shape::one(&[&CATEGORY], "Category", OnDelete::Restrict, &["parent_id"])),
        FieldInfo::new("rank", "rank", Shape::Scalar(Kind::Integer)).default("0").sortable(),
        FieldInfo::new("description", "description", Shape::Scalar(Kind::Markdown)),
        FieldInfo::new("image", "image", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &["image_id"])),
        FieldInfo::new("body", "body", Shape::Blocks(&CATEGORY_BODY_BLOCK)),
        FieldInfo::new("seo", "seo", Shape::Component(&SEO)),
    ],
    inverses: &[
        InverseInfo { name: "children", source: &CATEGORY, field: "parent" },
        InverseInfo { name: "mentionedIn", source: &POST, field: "about" },
        InverseInfo { name: "products", source: &PRODUCT, field: "categories" },
        InverseInfo { name: "services", source: &SERVICE, field: "categories" },
    ],
    computed: &[],
    constraints: &[
        ("category_name__sort", "name"), ("category_slug_key", "slug"), ("category_parent_id_idx", "parent"),
        ("category_rank_idx", "rank"), ("category_image_id_idx", "image"), ("category_rank_check", "rank"),
        ("category_parent_id_fkey", "parent"), ("category_image_id_fkey", "image"),
    ],
};

runtime::blocks! {
    /// One block of `Category.body`.
    pub enum CategoryBodyBlock { CallToAction = "call_to_action", Gallery = "gallery", Text = "text" }
}

pub static CATEGORY_BODY_BLOCK: BlocksInfo = BlocksInfo { name: "CategoryBodyBlock", of: &[
    &TEXT, &GALLERY, &CALL_TO_ACTION,
] };
