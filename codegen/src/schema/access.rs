//! Roles and rules: who may do what with the entries of a content type.

use super::{Literal, Name};

pub use model::access::{Action, Area};

#[derive(Clone, Debug)]
pub struct Role {
    pub name: Name,
    pub description: String,
    /// Its users sign in with a second factor.
    pub second_factor: bool,
    pub manages: Vec<Area>,
}

/// What one role may do with the entries of one content type.
#[derive(Clone, Debug)]
pub struct Rule {
    pub role: Name,
    pub action: Action,
    /// The entry as it is.
    pub rows: Option<Condition>,
    /// The entry as it will be.
    pub check: Option<Condition>,
    /// All when absent.
    pub fields: Option<Fields>,
    /// Given to every entry that is written.
    pub set: Vec<Given>,
}

/// A field, and the value that a rule gives it, as the API would take it and as it was written.
#[derive(Clone, Debug)]
pub struct Given {
    pub field: Name,
    pub value: Literal,
    pub written: String,
}

/// A condition as the API would take it as a filter, and as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub filter: serde_json::Value,
    pub written: String,
}

/// Some of the fields of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The type's table and those of its children, each with the fields that may be used, in the order of the schema.
    pub tables: Vec<(Name, Vec<Name>)>,
    /// As written: `sku`, `variants.cost`.
    pub named: Vec<String>,
    /// Those that are named are the ones that may not be used.
    pub except: bool,
}

impl Role {
    pub const ADMIN: &str = model::access::ADMIN;
    pub const ANONYMOUS: &str = model::access::ANONYMOUS;

    /// The roles that every site has, as they are when `cms.yaml` says nothing about them.
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
