//! The fields of `Brand`.
//!
//! Written by `cargo xtask generate` from schema/brand.yaml; do not edit.

use crate::content::{Brand, Media};
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Brand, String> = field::Scalar::new("name"); // Name as customers see it.
pub const SLUG: field::Scalar<Brand, String> = field::Scalar::new("slug"); // URL slug of the brand.
pub const DESCRIPTION: field::Scalar<Brand, String> = field::Scalar::new("description"); // Who they are.
pub const WEBSITE: field::Scalar<Brand, String> = field::Scalar::new("website"); // Website of the manufacturer.
pub const COLOR: field::Scalar<Brand, String> = field::Scalar::new("color"); // Brand colour.
pub const LOGO: field::Link<Brand, Media> = field::Link::new("logo"); // Logo of the brand.
pub const COUNTRY: field::Scalar<Brand, String> = field::Scalar::new("country"); // Country of origin (ISO 3166-1 alpha-2).
pub const CREATED_AT: field::Kept<Brand, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Brand, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Brand, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Brand, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Brand, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Brand, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Brand, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Brand, Id<Brand>> = field::Kept::new("id");
