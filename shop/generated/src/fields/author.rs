//! The fields of `Author`.
//!
//! Written by `cargo xtask generate` from schema/author.yaml; do not edit.

use crate::content::{Author, Media};
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Author, String> = field::Scalar::new("name"); // Name as readers see it.
pub const SLUG: field::Scalar<Author, String> = field::Scalar::new("slug"); // The part of the author's address that names them.
pub const EMAIL: field::Scalar<Author, String> = field::Scalar::new("email"); // Address for the editors.
pub const BIO: field::Scalar<Author, String> = field::Scalar::new("bio"); // A few lines about them.
pub const WEBSITE: field::Scalar<Author, String> = field::Scalar::new("website"); // Their own site.
pub const PORTRAIT: field::Link<Author, Media> = field::Link::new("portrait"); // Picture of them.
pub const CREATED_AT: field::Kept<Author, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Author, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Author, Timestamp> = field::Kept::new("publishedAt");
pub const CREATED_BY: field::Kept<Author, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Author, Id<User>> = field::Kept::new("updatedBy");
pub const ID: field::Kept<Author, Id<Author>> = field::Kept::new("id");
