//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "899f80ab1f251b87b6a6c2ac70473950b68342431b4482b92c2f23acbbf751b4";
