//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "1db7f44085ae78dc6f2554c8742ea48833f7a1a6de062207a8b0239c682978cb";
