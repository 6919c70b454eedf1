//! Who may do what with `Service`.
//!
//! Written by `cargo xtask generate` from schema/service.yaml; do not edit.

use runtime::access::{Action, FieldLists, RuleInfo};

pub static RULES: &[RuleInfo] = &[
    RuleInfo::new("admin", Action::Read),
    RuleInfo::new("admin", Action::ReadDrafts),
    RuleInfo::new("admin", Action::Create),
    RuleInfo::new("admin", Action::Update),
    RuleInfo::new("admin", Action::Publish),
    RuleInfo::new("admin", Action::Delete),
    RuleInfo::new("admin", Action::ReadHistory),
    RuleInfo::new("admin", Action::Import),
    RuleInfo::new("admin", Action::Export),
    RuleInfo::new("editor", Action::Read),
    RuleInfo::new("editor", Action::ReadDrafts),
    RuleInfo::new("editor", Action::Create),
    RuleInfo::new("editor", Action::Update),
    RuleInfo::new("editor", Action::Publish),
    RuleInfo::new("editor", Action::Delete),
    RuleInfo::new("editor", Action::ReadHistory),
    RuleInfo::new("viewer", Action::Read),
    RuleInfo::new("viewer", Action::ReadDrafts),
    RuleInfo::new("anonymous", Action::Read).fields(ANONYMOUS_READ_FIELDS),
    RuleInfo::new("author", Action::Read).fields(AUTHOR_READ_FIELDS),
];

const ANONYMOUS_READ_FIELDS: FieldLists = &[
    ("service", &[
        "name", "slug", "summary", "description", "categories", "tags", "price", "price_unit", "duration",
        "buffer_before", "buffer_after", "capacity", "lead_time", "booking_horizon", "location_mode", "area_served",
        "time_zone", "opening_hours", "booking_url", "cancellation_policy", "images", "body", "products", "seo",
        "is_open", "next_opening", "next_closing",
    ]),
];

const AUTHOR_READ_FIELDS: FieldLists = &[
    ("service", &[
        "name", "slug", "summary", "description", "categories", "tags", "price", "price_unit", "duration",
        "buffer_before", "buffer_after", "capacity", "lead_time", "booking_horizon", "location_mode", "area_served",
        "time_zone", "opening_hours", "booking_url", "cancellation_policy", "images", "body", "products", "seo",
        "is_open", "next_opening", "next_closing",
    ]),
];
