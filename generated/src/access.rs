//! The roles of the site, and who may do what.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use runtime::access::{AccessInfo, Area, ReviewInfo, RoleInfo};

mod author;
mod brand;
mod category;
mod media;
mod post;
mod product;
mod service;
mod tag;

pub static ROLES: &[RoleInfo] = &[
    RoleInfo { name: "admin", second_factor: false, manages: &[Area::Users, Area::Tokens, Area::Audit, Area::Webhooks, Area::Redirects, Area::Search] },
    RoleInfo { name: "editor", second_factor: false, manages: &[] },
    RoleInfo { name: "viewer", second_factor: false, manages: &[] },
    RoleInfo { name: "anonymous", second_factor: false, manages: &[] },
    RoleInfo { name: "author", second_factor: false, manages: &[] },
];

/// What is in none of the rules is denied.
pub static TYPES: &[AccessInfo] = &[
    AccessInfo { table: "author", rules: author::RULES },
    AccessInfo { table: "brand", rules: brand::RULES },
    AccessInfo { table: "category", rules: category::RULES },
    AccessInfo { table: "media", rules: media::RULES },
    AccessInfo { table: "post", rules: post::RULES },
    AccessInfo { table: "product", rules: product::RULES },
    AccessInfo { table: "service", rules: service::RULES },
    AccessInfo { table: "tag", rules: tag::RULES },
];

/// What entries pass before they are published.
pub static REVIEWS: &[ReviewInfo] = &[];
