//! Who may do what with `Thing`.
//!
//! Written by `cargo xtask generate` from schema/thing.yaml; do not edit.

use runtime::access::{Action, FieldLists, RuleInfo};

pub static RULES: &[RuleInfo] = &[
    RuleInfo::new("viewer", Action::ReadHistory),
    RuleInfo::new("anonymous", Action::Read).rows(r#"{"state":{"eq":"NEW"},"story":{"isNull":false}}"#).fields(ANONYMOUS_READ_FIELDS),
    RuleInfo::new("merchant", Action::Read),
    RuleInfo::new("merchant", Action::ReadDrafts).rows(r#"{"or":[{"owner":{"eq":"$user"}},{"maker":{"is":{"name":{"eq":"Some one"}}}},{"not":{"status":{"in":["DRAFT","CHANGED"]}}}]}"#),
    RuleInfo::new("merchant", Action::Create).check(r#"{"sizes":{"has":"SMALL"},"match":{"every":{"cost":{"lt":{"amount":"10"}}}}}"#).set(&[("owner", r#""$user""#), ("state", r#""USED""#), ("price", r#"{"amount":"12.50","currency":"EUR"}"#)]),
    RuleInfo::new("merchant", Action::Update).rows(r#"{"owner":{"eq":"$user"},"parts":{"none":{"count":{"gte":3}}},"createdBy":{"in":["$user","user_01h455vb4pex5vsknk084sn02q"]}}"#).check(r#"{"partOf":{"isNull":true},"pictures":{"some":{"url":{"startsWith":"https://"}}},"updatedAt":{"gt":"2026-01-31T09:30:00Z"}}"#).fields(MERCHANT_UPDATE_FIELDS),
    RuleInfo::new("merchant", Action::Publish).rows(r#"{"maker":{"isNot":{"home":{"eq":"/own"}}}}"#),
    RuleInfo::new("merchant", Action::Export),
];

const ANONYMOUS_READ_FIELDS: FieldLists = &[
    ("thing", &[
        "name", "slug", "about", "story", "count", "serial", "ratio", "type", "day", "opens", "seen_at", "lasts",
        "price", "contact", "site", "shade", "state", "sizes", "owner", "picture", "pictures", "maker", "part_of",
        "goes_with", "subject", "subjects", "note", "notes", "body", "match", "rare", "worth_on",
    ]),
    ("thing_piece", &["code", "buyer", "grade", "maker", "extras", "note", "body"]),
];

const MERCHANT_UPDATE_FIELDS: FieldLists = &[
    ("thing", &["name", "note", "match"]),
    ("thing_piece", &["code"]),
];
