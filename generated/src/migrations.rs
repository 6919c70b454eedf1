//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
    ("0002_change__author_brand.sql", include_str!("../../migrations/0002_change__author_brand.sql")),
    ("0003_change_author_brand_category.sql", include_str!("../../migrations/0003_change_author_brand_category.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "1c03dbb73c2a4732e0d7e77e8f6b9ebe6310a053bd53e365a719e94921dc3b0a";
