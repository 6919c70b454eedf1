//! Who may do what with `Product`.
//!
//! Written by `cargo xtask generate` from schema/product.yaml; do not edit.

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
    ("product", &[
        "name", "slug", "summary", "description", "brand", "categories", "tags", "price", "compare_at_price",
        "tax_included", "stock_status", "images", "options", "attributes", "body", "related", "seo", "variants",
        "on_sale",
    ]),
    ("product_variant", &[
        "sku", "name", "options", "price", "compare_at_price", "stock_status", "gtin", "weight", "image",
    ]),
];

const AUTHOR_READ_FIELDS: FieldLists = &[
    ("product", &[
        "name", "slug", "summary", "description", "brand", "categories", "tags", "price", "compare_at_price",
        "tax_included", "stock_status", "images", "options", "attributes", "body", "related", "seo", "variants",
        "on_sale",
    ]),
    ("product_variant", &[
        "sku", "name", "options", "price", "compare_at_price", "stock_status", "gtin", "weight", "image",
    ]),
];
