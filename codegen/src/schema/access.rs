//! Roles and rules: who may do what with the entries of a content type.

use super::{Literal, Name};

pub use model::access::{Action, Area};

#[derive(Clone, Debug)]
pub struct Role {
    pub name: Name,
    pub description: String,
    /// Whether its users sign in with a second factor.
    pub second_factor: bool,
    pub manages: Vec<Area>,
}

/// What one role may do with the entries of one content type.
#[derive(Clone, Debug)]
pub struct Rule {
    pub role: Name,
    pub action: Action,
    /// Condition on the entry before the write.
    pub rows: Option<Condition>,
    /// Condition on the entry after the write.
    pub check: Option<Condition>,
    /// `None` means all fields.
    pub fields: Option<Fields>,
    /// Values assigned to every written entry.
    pub set: Vec<Given>,
}

/// A field, and the value that a rule assigns to it, as API JSON and as written.
#[derive(Clone, Debug)]
pub struct Given {
    pub field: Name,
    pub value: Literal,
    pub written: String,
}

/// A condition, as an API filter and as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub filter: serde_json::Value,
    pub written: String,
}

/// Some of the fields of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The type's table and those of its children, each with the usable fields in the order of the schema.
    pub tables: Vec<(Name, Vec<Name>)>,
    /// As written: `sku`, `variants.cost`.
    pub named: Vec<String>,
    /// Whether the named fields are the excluded ones.
    pub except: bool,
}

impl Role {
    pub const ADMIN: &str = model::access::ADMIN;
    pub const ANONYMOUS: &str = model::access::ANONYMOUS;

    /// The built-in roles, before changes by `cms.yaml`.
    pub fn shipped() -> [Self; 4] {
        let role = |name: &str, description: &str, manages: &[Area]| Self {
            name: Name::new(name),
            description: description.to_owned(),
            second_factor: false,
            manages: manages.to_vec(),
        };
        [
            role(Self::ADMIN, "Runs the site.", &Area::ALL),
            role("editor", "Writes and publishes content.", &[]),
            role("viewer", "Reads content, including drafts.", &[]),
            role(Self::ANONYMOUS, "Anyone who has not signed in.", &[]),
        ]
    }
}

/// A stage of a review.
#[derive(Clone, Debug)]
pub struct Stage {
    pub name: Name,
    /// Roles that may move an entry here; `None` for those who may update it.
    pub movers: Option<Vec<Name>>,
    /// Stages that it may come from; `None` for any.
    pub from: Option<Vec<Name>>,
    /// How many accounts must have approved the revision first.
    pub approvals: u32,
    pub approvers: Vec<Name>,
    /// Whether the author of the revision may approve it.
    pub own: bool,
}
