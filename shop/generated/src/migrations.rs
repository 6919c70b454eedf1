//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "ad634a62fe7c57a83e08615a023fd66ddb0245ac06f461f79bbf1b2dba865123";
