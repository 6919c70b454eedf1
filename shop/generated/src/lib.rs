//! What the schema says, as Rust.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use runtime::prelude::{Limits, SchemaInfo, SiteInfo};

pub mod access;
pub mod component;
pub mod content;
pub mod fields;
pub mod migrations;
pub mod operations;
pub mod resolvers;

pub use operations::site;

/// All that the runtime needs to know.
pub static SCHEMA: SchemaInfo = SchemaInfo {
    site: SiteInfo {
        name: "Typecase demo",
        currency: "EUR",
        currencies: &["EUR", "USD", "GBP", "PLN"],
        limits: Limits {
            depth: 14,
            cost: 50000,
            aliases: 50,
            batch: 10,
            page: 100,
            list: 1000,
            body: 1024,
        },
    },
    types: content::TYPES,
    components: component::COMPONENTS,
    roles: access::ROLES,
    access: access::TYPES,
    reviews: access::REVIEWS,
    preview_urls: &[("product", "https://shop.example/products/{slug}?preview={token}")],
    resolvers: resolvers::TYPES,
    queries: operations::QUERIES,
    mutations: operations::MUTATIONS,
    sdl: include_str!("../schema.graphql"),
    migrations: migrations::FILES,
    catalog: migrations::CATALOG,
};
