//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "d1263852eb17ba4b088bc344ee01b9beac9dd3fe395579a7d0d79553b6018b5f";
