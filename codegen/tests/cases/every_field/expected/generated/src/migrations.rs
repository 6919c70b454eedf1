//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
