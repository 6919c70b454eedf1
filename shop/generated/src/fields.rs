//! The fields of the content types, for conditions, orders and inputs.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

pub mod author;
pub mod brand;
pub mod category;
pub mod media;
pub mod post;
pub mod product;
pub mod product_variant;
pub mod service;
pub mod tag;
