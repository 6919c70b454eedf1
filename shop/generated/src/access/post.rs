//! Who may do what with `Post`.
//!
//! Written by `cargo xtask generate` from schema/post.yaml; do not edit.

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
    RuleInfo::new("anonymous", Action::Read),
    RuleInfo::new("author", Action::Read),
    RuleInfo::new("author", Action::ReadDrafts).rows(r#"{"createdBy":{"eq":"$user"}}"#),
    RuleInfo::new("author", Action::Create).fields(AUTHOR_CREATE_FIELDS),
    RuleInfo::new("author", Action::Update).rows(r#"{"createdBy":{"eq":"$user"}}"#).fields(AUTHOR_UPDATE_FIELDS),
    RuleInfo::new("author", Action::Delete).rows(r#"{"createdBy":{"eq":"$user"},"status":{"eq":"DRAFT"}}"#),
];

const AUTHOR_CREATE_FIELDS: FieldLists = &[
    ("post", &[
        "title", "slug", "excerpt", "body", "authors", "tags", "cover", "published_on", "about", "attributes", "seo",
    ]),
];

const AUTHOR_UPDATE_FIELDS: FieldLists = &[
    ("post", &[
        "title", "slug", "excerpt", "body", "authors", "tags", "cover", "published_on", "about", "attributes", "seo",
    ]),
];
