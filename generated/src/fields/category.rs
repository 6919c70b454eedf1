//! The fields of `Category`.
//!
//! Written by `cargo xtask generate` from schema/category.yaml; do not edit.

use crate::component::Seo;
use crate::content::{Category, CategoryBodyBlock, Media};
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Category, String> = field::Scalar::new("name"); // Name as customers see it.
pub const SLUG: field::Scalar<Category, String> = field::Scalar::new("slug"); // URL slug of the category.
pub const PARENT: field::Link<Category, Category> = field::Link::new("parent"); // The parent category.
pub const RANK: field::Scalar<Category, i32> = field::Scalar::new("rank"); // Position among its siblings; lower comes first.
pub const DESCRIPTION: field::Scalar<Category, String> = field::Scalar::new("description"); // Text at the top of the category's page.
pub const IMAGE: field::Link<Category, Media> = field::Link::new("image"); // Picture of the category.
pub const BODY: field::Whole<Category, Vec<CategoryBodyBlock>> = field::Whole::new("body"); // Sections of the category's page.
pub const SEO: field::Whole<Category, Seo> = field::Whole::new("seo"); // Metadata for search engines and social networks.
pub const CREATED_AT: field::Kept<Category, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Category, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Category, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Category, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Category, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Category, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Category, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Category, Id<Category>> = field::Kept::new("id");
