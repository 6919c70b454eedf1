//! The fields of `Tag`.
//!
//! Written by `cargo xtask generate` from schema/tag.yaml; do not edit.

use crate::content::Tag;
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Tag, String> = field::Scalar::new("name"); // Name as readers see it.
pub const SLUG: field::Scalar<Tag, String> = field::Scalar::new("slug"); // URL slug of the tag.
pub const CREATED_AT: field::Kept<Tag, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Tag, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Tag, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Tag, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Tag, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Tag, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Tag, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Tag, Id<Tag>> = field::Kept::new("id");
