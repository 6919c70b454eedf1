//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
    ("0002_add.sql", include_str!("../../migrations/0002_add.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "b71f47facfa44b2d6916d5cada84aa65ff86d0e6724b0186a8d651976fd60ba6";
