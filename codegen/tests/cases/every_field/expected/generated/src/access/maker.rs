//! Who may do what with `Maker`.
//!
//! Written by `cargo xtask generate` from schema/maker.yaml; do not edit.

use runtime::access::{Action, FieldLists, RuleInfo};

pub static RULES: &[RuleInfo] = &[
    RuleInfo::new("admin", Action::Read),
    RuleInfo::new("admin", Action::Create),
    RuleInfo::new("anonymous", Action::Read).fields(ANONYMOUS_READ_FIELDS),
];

const ANONYMOUS_READ_FIELDS: FieldLists = &[
    ("maker", &["name"]),
];
