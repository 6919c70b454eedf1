//! Who acts, and what the rules of the schema say: the contract of generated rules, and the actor of a request.

mod network;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;

use uuid::Uuid;

pub use crate::id::USER_PREFIX;
pub use network::Network;

/// What a rule allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Reads what is live.
    Read,
    ReadDrafts,
    Create,
    Update,
    /// Publishes and unpublishes.
    Publish,
    Delete,
    ReadHistory,
    Import,
    Export,
}

/// What a role may manage beside content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Users, invitations and their sessions.
    Users,
    /// API tokens of others.
    Tokens,
    /// Reads the audit log.
    Audit,
}

/// A role of the site.
#[derive(Debug)]
pub struct RoleInfo {
    pub name: &'static str,
    /// Its users sign in with a second factor.
    pub second_factor: bool,
    pub manages: &'static [Area],
}

/// The `access:` section of a content type; it holds for its children too.
#[derive(Debug)]
pub struct AccessInfo {
    /// `ContentInfo::table` of the content type.
    pub table: &'static str,
    /// What is not among them is denied.
    pub rules: &'static [RuleInfo],
}

/// What one role may do with one content type.
#[derive(Debug)]
pub struct RuleInfo {
    pub role: &'static str,
    pub action: Action,
    /// Only such entries: a filter as the API takes it, as JSON, with any field of the type and `createdBy`, `updatedBy`
    /// and `status` beside. `"$user"` in place of a value is the actor.
    pub rows: Option<&'static str>,
    /// The entry after the write must pass this filter.
    pub check: Option<&'static str>,
    /// `None` for all.
    pub fields: Option<FieldLists>,
    /// `(field by snake, JSON as the API takes it)`, given to every entry that is written.
    pub set: &'static [(&'static str, &'static str)],
}

/// `(table, fields by snake)`, of a type and of each of its children; computed fields are among those of the type.
pub type FieldLists = &'static [(&'static str, &'static [&'static str])];

/// An account, as the type of its ids: `Id<User>`, shown as `user_01h455vb4pex5vsknk084sn02q`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct User;

/// Who asks, for as long as a request takes.
#[derive(Clone, Debug)]
pub struct Actor {
    pub identity: Identity,
    /// `RoleInfo::name`; without meaning for [`Identity::System`].
    pub role: String,
    /// What an API token is narrowed to; `None` for all that its role may do.
    pub scopes: Option<Vec<Scope>>,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Anonymous,
    User {
        id: Uuid,
        session: Uuid,
    },
    /// An API token.
    Token {
        id: Uuid,
    },
    /// The holder of the development token.
    Developer,
    /// The server itself, and the operator at its command line: no rule applies.
    System,
}

/// What an API token may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Content {
        /// `ContentInfo::table`; `None` for every type.
        table: Option<String>,
        /// `None` for every action.
        action: Option<Action>,
    },
    /// A query or mutation of the site's own: `OperationInfo::name`.
    Operation(String),
}

/// Where a request came from, for the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request: Option<String>,
}

/// What stands for the actor's user in a rule.
pub const THE_ACTOR: &str = "$user";

pub const ANONYMOUS: &str = "anonymous";
pub const ADMIN: &str = "admin";
/// The prefix of the ids of API tokens.
pub const API_TOKEN_PREFIX: &str = "api_token";

impl Area {
    pub const ALL: [Self; 3] = [Self::Users, Self::Tokens, Self::Audit];

    /// As the schema writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Tokens => "tokens",
            Self::Audit => "audit",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.as_str() == name)
    }
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

    /// As the schema writes it.
    pub const fn as_str(self) -> &'static str {
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

    /// For the schema of the API and of the language.
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

    /// For messages: "you may not change `Product`".
    pub fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadDrafts => "read drafts of",
            Self::Create => "create",
            Self::Update => "change",
            Self::Publish => "publish",
            Self::Delete => "delete",
            Self::ReadHistory => "read the history of",
            Self::Import => "import",
            Self::Export => "export",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}

impl RuleInfo {
    /// All entries, all fields.
    pub const fn new(role: &'static str, action: Action) -> Self {
        Self { role, action, rows: None, check: None, fields: None, set: &[] }
    }

    pub const fn rows(mut self, filter: &'static str) -> Self {
        self.rows = Some(filter);
        self
    }

    pub const fn check(mut self, filter: &'static str) -> Self {
        self.check = Some(filter);
        self
    }

    pub const fn fields(mut self, fields: FieldLists) -> Self {
        self.fields = Some(fields);
        self
    }

    pub const fn set(mut self, values: &'static [(&'static str, &'static str)]) -> Self {
        self.set = values;
        self
    }
}

impl Actor {
    pub fn anonymous(origin: Origin) -> Self {
        Self { identity: Identity::Anonymous, role: ANONYMOUS.into(), scopes: None, origin }
    }

    pub fn system() -> Self {
        Self { identity: Identity::System, role: ADMIN.into(), scopes: None, origin: Origin::default() }
    }

    pub fn developer(origin: Origin) -> Self {
        Self { identity: Identity::Developer, role: ADMIN.into(), scopes: None, origin }
    }

    pub fn is_anonymous(&self) -> bool {
        self.identity == Identity::Anonymous
    }

    /// Whose statements wait together when there are more than connections.
    pub fn party(&self) -> Option<u64> {
        let of = |value: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            value(&mut hasher);
            hasher.finish()
        };
        match &self.identity {
            Identity::User { id, .. } | Identity::Token { id } => Some(of(&|hasher| id.hash(hasher))),
            Identity::Anonymous => self.origin.address.map(|address| of(&|hasher| Network::of(address).hash(hasher))),
            Identity::Developer | Identity::System => None,
        }
    }

    /// The user that `$user` stands for in rules.
    pub fn user(&self) -> Option<Uuid> {
        match self.identity {
            Identity::User { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether an API token's scopes let it do this; everybody else has none.
    pub fn is_in_scope(&self, table: &str, action: Action) -> bool {
        self.has_scope(|scope| match scope {
            Scope::Content { table: of, action: known } => {
                of.as_deref().is_none_or(|known| known == table) && known.is_none_or(|known| known == action)
            }
            Scope::Operation(_) => false,
        })
    }

    /// As [`Actor::is_in_scope`], for a query or mutation of the site's own.
    pub fn may_call(&self, operation: &str) -> bool {
        self.has_scope(|scope| matches!(scope, Scope::Operation(name) if name == operation))
    }

    fn has_scope(&self, fits: impl Fn(&Scope) -> bool) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(fits))
    }
}

#[cfg(test)]
mod tests;
