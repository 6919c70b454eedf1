//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
    ("0002_change__author_brand.sql", include_str!("../../migrations/0002_change__author_brand.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "bdbf8aac0f52b08e2a689c1c99b98522f536245c66acb18645ac4856f41c7332";
