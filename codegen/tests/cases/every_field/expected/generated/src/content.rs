//! The content types of the site.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use runtime::prelude::ContentInfo;

mod maker;
mod media;
mod thing;

pub use maker::*;
pub use media::*;
pub use thing::*;

/// Sorted by name.
pub static TYPES: &[&ContentInfo] = &[
    &MAKER,
    &MEDIA,
    &THING,
];
