//! The fields of `Post`.
//!
//! Written by `cargo xtask generate` from schema/post.yaml; do not edit.

use crate::component::Seo;
use crate::content::{Author, Media, Post, Tag};
use runtime::field;
use runtime::prelude::*;

pub const TITLE: field::Scalar<Post, String> = field::Scalar::new("title"); // Headline.
pub const SLUG: field::Scalar<Post, String> = field::Scalar::new("slug"); // URL slug of the post.
pub const EXCERPT: field::Scalar<Post, String> = field::Scalar::new("excerpt"); // A summary for lists and feeds.
pub const BODY: field::Scalar<Post, String> = field::Scalar::new("body"); // The article.
pub const AUTHORS: field::Links<Post, Author> = field::Links::new("authors"); // Authors, in the order of the byline.
pub const TAGS: field::Links<Post, Tag> = field::Links::new("tags"); // Topics it belongs to.
pub const COVER: field::Link<Post, Media> = field::Link::new("cover"); // Picture at the top.
pub const PUBLISHED_ON: field::Scalar<Post, Date> = field::Scalar::new("publishedOn"); // Date shown to readers.
pub const FEATURED: field::Scalar<Post, bool> = field::Scalar::new("featured"); // Whether it is shown on the front page.
pub const ABOUT: field::Whole<Post, Vec<AnyId>> = field::Whole::new("about"); // What it is about.
pub const ATTRIBUTES: field::Whole<Post, Json> = field::Whole::new("attributes"); // Further properties by name.
pub const SEO: field::Whole<Post, Seo> = field::Whole::new("seo"); // Metadata for search engines and social networks.
pub const CREATED_AT: field::Kept<Post, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Post, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Post, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Post, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Post, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Post, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Post, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Post, Id<Post>> = field::Kept::new("id");
