//! Roles and rules: who may do what with the entries of a content type.

use super::{Literal, Name};

/// What a rule allows, in the order of `runtime::access::Action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Read,
    ReadDrafts,
    Create,
    Update,
    Publish,
    Delete,
    ReadHistory,
    Import,
    Export,
}

/// What a role may manage beside content, in the order of `runtime::access::Area`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    Users,
    Tokens,
    Audit,
}

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

impl Action {
    pub const ALL: [Self; 9] = [
        Self::Read,
        Self::ReadDrafts,
        Self::Create,
        Self::Update,
        Self::Publish,
        Self::Delete,
        Self::ReadHistory,
        Self::Import,
        Self::Export,
    ];

    pub const fn yaml(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadDrafts => "read_drafts",
            Self::Create => "create",
            Self::Update => "update",
            Self::Publish => "publish",
            Self::Delete => "delete",
            Self::ReadHistory => "read_history",
            Self::Import => "import",
            Self::Export => "export",
        }
    }

    pub const fn about(self) -> &'static str {
        match self {
            Self::Read => "Reads published content.",
            Self::ReadDrafts => "Reads drafts.",
            Self::Create => "Creates entries.",
            Self::Update => "Changes entries.",
            Self::Publish => "Publishes and unpublishes.",
            Self::Delete => "Deletes entries.",
            Self::ReadHistory => "Reads former revisions.",
            Self::Import => "Imports in bulk.",
            Self::Export => "Exports in bulk.",
        }
    }

    pub fn named(yaml: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.yaml() == yaml)
    }

    pub fn name(self) -> Name {
        Name::new(self.yaml())
    }

    /// The entry is there before.
    pub fn has_entry(self) -> bool {
        self != Self::Create
    }

    /// Values of fields are written.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Import)
    }

    /// Values of fields are read or written.
    pub fn has_fields(self) -> bool {
        !matches!(self, Self::Publish | Self::Delete)
    }

    /// Nothing but a type with drafts has what the action is about.
    pub fn needs_drafts(self) -> bool {
        self == Self::Publish
    }
}

impl Area {
    pub const ALL: [Self; 3] = [Self::Users, Self::Tokens, Self::Audit];

    pub fn yaml(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Tokens => "tokens",
            Self::Audit => "audit",
        }
    }

    pub fn named(yaml: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.yaml() == yaml)
    }
}

impl Role {
    pub const ADMIN: &str = "admin";
    pub const ANONYMOUS: &str = "anonymous";

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
