//! Who may do what with `Category`.
//!
//! Written by `cargo xtask generate` from schema/category.yaml; do not edit.

use runtime::access::{Action, RuleInfo};

pub static RULES: &[RuleInfo] = &[
    RuleInfo::new("admin", Action::Read),
    RuleInfo::new("admin", Action::ReadDrafts),
    RuleInfo::new("admin", Action::Create),
    RuleInfo::new("admin", Action::Update),
    RuleInfo::new("admin", Action::Delete),
    RuleInfo::new("admin", Action::ReadHistory),
    RuleInfo::new("admin", Action::Import),
    RuleInfo::new("admin", Action::Export),
    RuleInfo::new("editor", Action::Read),
    RuleInfo::new("editor", Action::ReadDrafts),
    RuleInfo::new("editor", Action::Create),
    RuleInfo::new("editor", Action::Update),
    RuleInfo::new("editor", Action::Delete),
    RuleInfo::new("editor", Action::ReadHistory),
    RuleInfo::new("viewer", Action::Read),
    RuleInfo::new("viewer", Action::ReadDrafts),
    RuleInfo::new("anonymous", Action::Read),
    RuleInfo::new("author", Action::Read),
    RuleInfo::new("author", Action::ReadDrafts),
];
