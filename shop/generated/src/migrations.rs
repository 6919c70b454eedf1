//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "a55ab938ad45fecb47f55606e9177b5e8885f3377e1517e066a94e3978f1b133";
