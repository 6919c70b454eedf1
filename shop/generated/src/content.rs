//! The content types of the site.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use runtime::prelude::ContentInfo;

mod author;
mod brand;
mod category;
mod media;
mod post;
mod product;
mod service;
mod tag;

pub use author::*;
pub use brand::*;
pub use category::*;
pub use media::*;
pub use post::*;
pub use product::*;
pub use service::*;
pub use tag::*;

/// Sorted by name.
pub static TYPES: &[&ContentInfo] = &[
    &AUTHOR,
    &BRAND,
    &CATEGORY,
    &MEDIA,
    &POST,
    &PRODUCT,
    &SERVICE,
    &TAG,
];
