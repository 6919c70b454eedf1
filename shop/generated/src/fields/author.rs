//! The fields of `Author`.
//!
//! Written by `cargo xtask generate` from schema/author.yaml; do not edit.

use crate::content::{Author, Media};
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Author, String> = field::Scalar::new("name"); // Name as readers see it.
pub const SLUG: field::Scalar<Author, String> = field::Scalar::new("slug"); // URL slug of the author.
pub const EMAIL: field::Scalar<Author, String> = field::Scalar::new("email"); // Email address for the editors.
pub const BIO: field::Scalar<Author, String> = field::Scalar::new("bio"); // A few lines about them.
pub const WEBSITE: field::Scalar<Author, String> = field::Scalar::new("website"); // Personal website.
pub const PORTRAIT: field::Link<Author, Media> = field::Link::new("portrait"); // Portrait.
pub const CREATED_AT: field::Kept<Author, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Author, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Author, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Author, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Author, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Author, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Author, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Author, Id<Author>> = field::Kept::new("id");
