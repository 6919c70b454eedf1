//! `Post`: An article of the shop's journal.
//!
//! Written by `cargo xtask generate` from schema/post.yaml; do not edit.

use crate::component::{SEO, Seo};
use crate::content::{AUTHOR, Author, CATEGORY, MEDIA, Media, PRODUCT, SERVICE, TAG, Tag};
use runtime::prelude::*;

/// An article of the shop's journal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Post {
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
    pub title: String, // Headline.
    pub slug: String, // URL slug of the post.
    pub excerpt: Option<String>, // A summary for lists and feeds.
    pub body: Option<String>, // The article.
    pub authors: ToMany<Id<Author>>, // Authors, in the order of the byline.
    pub tags: ToMany<Id<Tag>>, // Topics it belongs to.
    pub cover: Option<Id<Media>>, // Picture at the top.
    pub published_on: Option<Date>, // Date shown to readers.
    pub featured: Option<bool>, // Whether it is shown on the front page.
    pub about: ToMany<AnyId>, // What it is about.
    pub attributes: Option<Json>, // Further properties by name.
    pub seo: Option<Seo>, // Metadata for search engines and social networks.
}

runtime::entry!(Post, POST, [
    title, slug, excerpt, body, authors, tags, cover, published_on, featured, about, attributes, seo,
]);

pub static POST: ContentInfo = ContentInfo {
    name: "Post", table: "post", former: &[], plural: "posts", drafts: true, counted: true, retention: Retention::DEFAULT, owner: None, path: &[PathPart::Text("journal"), PathPart::Slug("slug")], search: Some(&SearchInfo { language: "english", texts: &[SearchText { path: &["title"], weight: Some(SearchWeight::A), exact: false }, SearchText { path: &["excerpt"], weight: Some(SearchWeight::B), exact: false }, SearchText { path: &["body"], weight: Some(SearchWeight::C), exact: false }, SearchText { path: &["authors", "name"], weight: Some(SearchWeight::B), exact: false }, SearchText { path: &["tags", "name"], weight: Some(SearchWeight::C), exact: false }, SearchText { path: &["slug"], weight: None, exact: true }], synonyms: &[], stop_words: &[], boosts: &[], recency: Some(365), facets_type: "PostFacets", facets: &[FacetInfo { field: "authors", type_name: "AuthorFacet" }, FacetInfo { field: "tags", type_name: "TagFacet" }, FacetInfo { field: "cover", type_name: "MediaFacet" }, FacetInfo { field: "featured", type_name: "FacetValue" }] }), unique: &[],
    fields: &[
        FieldInfo::new("title", "title", Shape::Scalar(Kind::String)).required().filterable().sortable().max("300"),
        FieldInfo::new("slug", "slug", Shape::Scalar(Kind::Slug)).required().unique(&[]).filterable().from("title"),
        FieldInfo::new("excerpt", "excerpt", Shape::Scalar(Kind::Text)).max("1000"),
        FieldInfo::new("body", "body", Shape::Scalar(Kind::Markdown)).required_to_publish(),
        FieldInfo::new("authors", "authors", Shape::many(&[&AUTHOR], "Author", OnDelete::Restrict, "post_authors", &["target_id"]).listed(&["post_authors"])),
        FieldInfo::new("tags", "tags", Shape::many(&[&TAG], "Tag", OnDelete::SetNull, "post_tags", &["target_id"]).listed(&["post_tags"])),
        FieldInfo::new("cover", "cover", Shape::one(&[&MEDIA], "Media", OnDelete::Restrict, &["cover_id"])),
        FieldInfo::new("publishedOn", "published_on", Shape::Scalar(Kind::Date)).filterable().sortable(),
        FieldInfo::new("featured", "featured", Shape::Scalar(Kind::Boolean)).default("false").filterable(),
        FieldInfo::new("about", "about", Shape::many(&[&PRODUCT, &SERVICE, &CATEGORY], "PostAbout", OnDelete::SetNull, "post_about", &["product_id", "service_id", "category_id"]).listed(&["post_about_product_id", "post_about_service_id", "post_about_category_id"])),
        FieldInfo::new("attributes", "attributes", Shape::Scalar(Kind::Json)).schema(r#"{"type":"object"}"#),
        FieldInfo::new("seo", "seo", Shape::Component(&SEO)),
    ],
    inverses: &[],
    computed: &[],
    constraints: &[
        ("post_title__sort", "title"), ("post_slug_key", "slug"), ("post_cover_id_idx", "cover"),
        ("post_published_on_idx", "published_on"), ("post_featured_idx", "featured"), ("post_cover_id_fkey", "cover"),
    ],
};
