//! The migrations that the server brings along.
//!
//! Written by `cargo xtask generate` from migrations/; do not edit.

/// In order.
pub static FILES: &[(&str, &str)] = &[
    ("0001_start.sql", include_str!("../../migrations/0001_start.sql")),
    ("0002_change__author_brand.sql", include_str!("../../migrations/0002_change__author_brand.sql")),
    ("0003_change_post_product_service.sql", include_str!("../../migrations/0003_change_post_product_service.sql")),
];

/// SHA-256 of `migrations/catalog.json`.
pub static CATALOG: &str = "8426738686c2327a691a13149ccdb827103005c9ecfb5cf59ac14aaaee395ff7";
