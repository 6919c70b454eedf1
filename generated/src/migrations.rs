//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
    ("0002_change__author_brand.sql", include_str!("../../migrations/0002_change__author_brand.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "c8688ea57df2029aaffbf9623d76da06af329224699a0138b6877fba28fe79f9";
