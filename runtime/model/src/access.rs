//! Access rules as generated code states them, and the actor of a request.

mod network;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::IpAddr;

use uuid::Uuid;

pub use crate::id::USER_PREFIX;
pub use network::Network;

/// An action that a rule allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Reads live entries.
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

/// A part of the administration that a role may manage, besides content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Users, invitations and their sessions.
    Users,
    /// API tokens of other users.
    Tokens,
    /// Reads the audit log.
    Audit,
    /// Where changes are sent, and what became of it.
    Webhooks,
    /// Which paths lead to others.
    Redirects,
    /// What comes first in searches, and what visitors ask for.
    Search,
}

/// A role of the site.
#[derive(Debug)]
pub struct RoleInfo {
    pub name: &'static str,
    /// Whether its users sign in with a second factor.
    pub second_factor: bool,
    pub manages: &'static [Area],
}

/// The `access:` section of a content type; it also applies to its children.
#[derive(Debug)]
pub struct AccessInfo {
    /// `ContentInfo::table` of the content type.
    pub table: &'static str,
    /// Anything else is denied.
    pub rules: &'static [RuleInfo],
}

/// The stages that entries of a type pass before they are published.
#[derive(Debug)]
pub struct ReviewInfo {
    /// `ContentInfo::table` of the content type.
    pub table: &'static str,
    /// In order: an entry begins at the first one, and can be published at the last one.
    pub stages: &'static [StageInfo],
}

#[derive(Debug)]
pub struct StageInfo {
    pub name: &'static str,
    /// Roles that may move an entry here; `None` for those who may update it.
    pub movers: Option<&'static [&'static str]>,
    /// Stages that it may come from; `None` for any.
    pub from: Option<&'static [&'static str]>,
    /// How many accounts must have approved the revision at the stage before.
    pub approvals: u32,
    /// Roles that may approve.
    pub approvers: &'static [&'static str],
    /// Whether the author of the revision may approve it.
    pub own: bool,
}

/// The permission of one role for one action on a content type.
#[derive(Debug)]
pub struct RuleInfo {
    pub role: &'static str,
    pub action: Action,
    /// Only matching entries: an API filter as JSON, on any field of the type and on `createdBy`, `updatedBy`, `publishedBy` and
    /// `status`. `"$user"` in place of a value is the actor.
    pub rows: Option<&'static str>,
    /// The entry after the write must pass this filter.
    pub check: Option<&'static str>,
    /// `None` means all fields.
    pub fields: Option<FieldLists>,
    /// `(field by snake, API JSON)`, assigned to every written entry.
    pub set: &'static [(&'static str, &'static str)],
}

/// `(table, fields by snake)`, for a type and each of its children; computed fields are listed with those of the type.
pub type FieldLists = &'static [(&'static str, &'static [&'static str])];

/// An account, as the type of its ids: `Id<User>`, shown as `user_01h455vb4pex5vsknk084sn02q`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct User;

/// The actor of a request.
#[derive(Clone, Debug)]
pub struct Actor {
    pub identity: Identity,
    /// `RoleInfo::name`; unused for [`Identity::System`].
    pub role: String,
    /// The scopes of an API token; `None` means everything that its role may do.
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
    /// The server itself, and the operator at its command line: no rules apply.
    System,
}

/// A permission of an API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Content {
        /// `ContentInfo::table`; `None` for every type.
        table: Option<String>,
        /// `None` for every action.
        action: Option<Action>,
    },
    /// An own query or mutation of the site: `OperationInfo::name`.
    Operation(String),
}

/// The origin of a request, for the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub address: Option<IpAddr>,
    pub request: Option<String>,
}

/// The placeholder for the actor's user in a rule.
pub const THE_ACTOR: &str = "$user";

pub const ANONYMOUS: &str = "anonymous";
pub const ADMIN: &str = "admin";
/// The prefix of the ids of API tokens.
pub const API_TOKEN_PREFIX: &str = "api_token";

impl Area {
    pub const ALL: [Self; 6] = [Self::Users, Self::Tokens, Self::Audit, Self::Webhooks, Self::Redirects, Self::Search];

    /// As written in the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Tokens => "tokens",
            Self::Audit => "audit",
            Self::Webhooks => "webhooks",
            Self::Redirects => "redirects",
            Self::Search => "search",
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

    /// As written in the schema.
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

    /// For the API schema and the language reference.
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

    /// Whether the entry exists before the action.
    pub fn has_entry(self) -> bool {
        self != Self::Create
    }

    /// Whether the action writes field values.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Import)
    }

    /// Whether the action reads or writes field values.
    pub fn has_fields(self) -> bool {
        !matches!(self, Self::Publish | Self::Delete)
    }

    /// Whether the action applies only to types with drafts.
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
    /// A rule for all entries and all fields.
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

    /// Groups actors whose statements queue together when all connections are in use.
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

    /// Whether the scopes of an API token allow this; other actors have no scopes and pass.
    pub fn is_in_scope(&self, table: &str, action: Action) -> bool {
        self.has_scope(|scope| match scope {
            Scope::Content { table: of, action: known } => {
                of.as_deref().is_none_or(|known| known == table) && known.is_none_or(|known| known == action)
            }
            Scope::Operation(_) => false,
        })
    }

    /// Like [`Actor::is_in_scope`], for an own query or mutation of the site.
    pub fn may_call(&self, operation: &str) -> bool {
        self.has_scope(|scope| matches!(scope, Scope::Operation(name) if name == operation))
    }

    fn has_scope(&self, fits: impl Fn(&Scope) -> bool) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(fits))
    }
}

#[cfg(test)]
mod tests;
