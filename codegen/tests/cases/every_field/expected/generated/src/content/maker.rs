//! `Maker`: Who makes things.
//!
//! Written by `cargo xtask generate` from schema/maker.yaml; do not edit.

use crate::content::THING;
use runtime::prelude::*;

/// Who makes things.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maker {
    pub id: Id<Self>,
    pub revision: i64, // Counts the changes.
    pub status: EntryStatus, // Where the entry stands between draft and published.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub published_at: Option<Timestamp>, // When it was last published.
    pub first_published_at: Option<Timestamp>,
    pub created_by: Option<Id<User>>,
    pub updated_by: Option<Id<User>>,
    pub published_by: Option<Id<User>>, // Who last published it.
    pub name: String,
    pub home: Option<String>,
}

runtime::entry!(Maker, MAKER, [name, home]);

pub static MAKER: ContentInfo = ContentInfo {
    name: "Maker", table: "maker", former: &[], plural: "makers", drafts: false, counted: true, retention: Retention::DEFAULT, owner: None, path: &[], search: None, unique: &[],
    fields: &[
        FieldInfo::new("name", "name", Shape::Scalar(Kind::String)).required().unique(&[]),
        FieldInfo::new("home", "home", Shape::Scalar(Kind::Url)).unique(&[]),
    ],
    inverses: &[
        InverseInfo { name: "mentionedBy", source: &THING, field: "subjects" },
        InverseInfo { name: "things", source: &THING, field: "maker" },
    ],
    computed: &[],
    constraints: &[("maker_name_key", "name"), ("maker_home_key", "home")],
};
