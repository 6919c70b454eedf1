//! The components of the site.
//!
//! Written by `cargo xtask generate` from schema/components/; do not edit.

use runtime::prelude::ComponentInfo;

mod note;
mod strip;

pub use note::*;
pub use strip::*;

/// Sorted by name.
pub static COMPONENTS: &[&ComponentInfo] = &[
    &NOTE,
    &STRIP,
];
