//! The fields of `Maker`.
//!
//! Written by `cargo xtask generate` from schema/maker.yaml; do not edit.

use crate::content::Maker;
use runtime::field;
use runtime::prelude::*;

pub const NAME: field::Scalar<Maker, String> = field::Scalar::new("name");
pub const HOME: field::Scalar<Maker, String> = field::Scalar::new("home");
pub const CREATED_AT: field::Kept<Maker, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Maker, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Maker, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Maker, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Maker, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Maker, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Maker, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Maker, Id<Maker>> = field::Kept::new("id");
