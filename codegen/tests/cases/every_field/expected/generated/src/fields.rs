//! The fields of the content types, for conditions, orders and inputs.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

pub mod maker;
pub mod media;
pub mod thing;
pub mod thing_piece;
