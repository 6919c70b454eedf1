//! Who may do what with `Media`.
//!
//! Written by `cargo xtask generate` from schema/media.yaml; do not edit.

use runtime::access::{Action, RuleInfo};

pub static RULES: &[RuleInfo] = &[
    RuleInfo::new("anonymous", Action::Read),
];
