//! The fields of `Media`.
//!
//! Written by `cargo xtask generate` from schema/media.yaml; do not edit.

use crate::content::Media;
use runtime::field;
use runtime::prelude::*;

pub const URL: field::Scalar<Media, String> = field::Scalar::new("url"); // URL of the file.
pub const ALT: field::Scalar<Media, String> = field::Scalar::new("alt"); // Alternative text for people who cannot see the picture.
pub const TITLE: field::Scalar<Media, String> = field::Scalar::new("title"); // Caption.
pub const MIME_TYPE: field::Scalar<Media, String> = field::Scalar::new("mimeType"); // Media type, such as `image/jpeg`.
pub const WIDTH: field::Scalar<Media, i32> = field::Scalar::new("width"); // Width in pixels.
pub const HEIGHT: field::Scalar<Media, i32> = field::Scalar::new("height"); // Height in pixels.
pub const SIZE: field::Scalar<Media, i64> = field::Scalar::new("size"); // Size in bytes.
pub const CREATED_AT: field::Kept<Media, Timestamp> = field::Kept::new("createdAt");
pub const UPDATED_AT: field::Kept<Media, Timestamp> = field::Kept::new("updatedAt");
pub const PUBLISHED_AT: field::Kept<Media, Timestamp> = field::Kept::new("publishedAt");
pub const FIRST_PUBLISHED_AT: field::Kept<Media, Timestamp> = field::Kept::new("firstPublishedAt");
pub const CREATED_BY: field::Kept<Media, Id<User>> = field::Kept::new("createdBy");
pub const UPDATED_BY: field::Kept<Media, Id<User>> = field::Kept::new("updatedBy");
pub const PUBLISHED_BY: field::Kept<Media, Id<User>> = field::Kept::new("publishedBy");
pub const ID: field::Kept<Media, Id<Media>> = field::Kept::new("id");
