//! The roles of the site, and who may do what.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use runtime::access::{AccessInfo, Area, ReviewInfo, RoleInfo, StageInfo};

mod maker;
mod media;
mod thing;

pub static ROLES: &[RoleInfo] = &[
    RoleInfo { name: "admin", second_factor: false, manages: &[Area::Users, Area::Tokens, Area::Audit, Area::Webhooks, Area::Redirects, Area::Search] },
    RoleInfo { name: "editor", second_factor: true, manages: &[] },
    RoleInfo { name: "viewer", second_factor: false, manages: &[] },
    RoleInfo { name: "anonymous", second_factor: false, manages: &[] },
    RoleInfo { name: "merchant", second_factor: true, manages: &[Area::Users, Area::Audit] },
];

/// What is in none of the rules is denied.
pub static TYPES: &[AccessInfo] = &[
    AccessInfo { table: "maker", rules: maker::RULES },
    AccessInfo { table: "media", rules: media::RULES },
    AccessInfo { table: "thing", rules: thing::RULES },
];

/// What entries pass before they are published.
pub static REVIEWS: &[ReviewInfo] = &[
    ReviewInfo { table: "thing", stages: &[StageInfo { name: "draft", movers: None, from: None, approvals: 0, approvers: &[], own: false }, StageInfo { name: "in_review", movers: Some(&["editor"]), from: Some(&["draft"]), approvals: 0, approvers: &[], own: false }, StageInfo { name: "approved", movers: Some(&["editor", "admin"]), from: None, approvals: 2, approvers: &["admin"], own: true }] },
];
