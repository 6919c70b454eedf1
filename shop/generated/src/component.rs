//! The components of the site.
//!
//! Written by `cargo xtask generate` from schema/components/; do not edit.

use runtime::prelude::ComponentInfo;

mod area;
mod call_to_action;
mod faq;
mod faq_item;
mod gallery;
mod opening_hours;
mod product_option;
mod seo;
mod text;

pub use area::*;
pub use call_to_action::*;
pub use faq::*;
pub use faq_item::*;
pub use gallery::*;
pub use opening_hours::*;
pub use product_option::*;
pub use seo::*;
pub use text::*;

/// Sorted by name.
pub static COMPONENTS: &[&ComponentInfo] = &[
    &AREA,
    &CALL_TO_ACTION,
    &FAQ,
    &FAQ_ITEM,
    &GALLERY,
    &OPENING_HOURS,
    &PRODUCT_OPTION,
    &SEO,
    &TEXT,
];
