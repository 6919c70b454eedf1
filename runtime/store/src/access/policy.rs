//! The access rules of a site, indexed by role, and the rules of one actor.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::{AccessInfo, Action, Actor, Area, Identity, RoleInfo, RuleInfo, THE_ACTOR, USER_PREFIX};
use crate::Stage;
use crate::id;
use base::error::{Code, Problem};
use model::content::{ContentInfo, OperationInfo, SchemaInfo};
use model::names::camel;

/// A part of a content type that a plan uses.
#[derive(Clone, Copy, Debug)]
pub enum Used {
    Type,
    /// By `snake`.
    Field(&'static str),
    /// The field's name in the API.
    Computed(&'static str),
    /// Who created and changed the entry; readable with drafts only.
    Author,
}

/// The rules of every role.
#[derive(Debug, Default)]
pub struct Policy {
    roles: HashMap<&'static str, Arc<Role>>,
}

#[derive(Debug)]
pub struct Role {
    pub info: &'static RoleInfo,
    rules: HashMap<(&'static str, Action), Rule>,
    /// Whether a condition of a rule depends on when or by whom an entry was published.
    heeds_publication: bool,
    /// Whether what is shown of published entries depends on who reads it.
    heeds_reader: bool,
}

/// What a role may do with a content type.
#[derive(Debug)]
pub struct Rule {
    /// Only entries that match this filter.
    pub rows: Option<Json>,
    /// An entry must match this filter after the write.
    pub check: Option<Json>,
    /// By table; `None` for every field.
    fields: Option<HashMap<&'static str, HashSet<&'static str>>>,
    /// `(field by snake, value)`
    pub set: Vec<(&'static str, Json)>,
}

/// Whether an actor may perform an action.
#[derive(Clone, Copy, Debug)]
pub enum Grant<'a> {
    Denied,
    By(&'a Rule),
    /// No rule applies.
    Trusted,
}

/// An actor and its rules.
#[derive(Clone, Debug)]
pub struct Access {
    pub actor: Arc<Actor>,
    /// `None` if the role is unknown: such an actor may do nothing.
    role: Option<Arc<Role>>,
}

impl Policy {
    pub fn new(schema: &SchemaInfo) -> Self {
        let role = |info: &'static RoleInfo| {
            let of_type = |access: &'static AccessInfo| {
                let rules = access.rules.iter().filter(|rule| rule.role == info.name);
                rules.map(|rule| ((access.table, rule.action), Rule::new(rule)))
            };
            let rules: HashMap<_, Rule> = schema.access.iter().flat_map(of_type).collect();
            let heeds_publication = rules.values().any(|rule| rule.conditions().any(is_of_publication));
            let reads = rules.iter().filter(|((_, action), _)| *action == Stage::Live.action());
            let heeds_reader = reads.map(|(_, rule)| rule).any(|rule| rule.conditions().any(names_reader));
            (info.name, Arc::new(Role { info, rules, heeds_publication, heeds_reader }))
        };
        Self { roles: schema.roles.iter().map(role).collect() }
    }

    pub fn role(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.get(name)
    }

    pub fn access(&self, actor: Arc<Actor>) -> Access {
        let role = self.roles.get(actor.role.as_str()).cloned();
        Access { actor, role }
    }
}

impl Rule {
    fn new(info: &RuleInfo) -> Self {
        let filter = |text: Option<&str>| text.map(json);
        let fields = |tables: &[(&'static str, &'static [&'static str])]| {
            tables.iter().map(|(table, fields)| (*table, fields.iter().copied().collect())).collect()
        };
        Self {
            rows: filter(info.rows),
            check: filter(info.check),
            fields: info.fields.map(fields),
            set: info.set.iter().map(|(field, value)| (*field, json(value))).collect(),
        }
    }

    fn conditions(&self) -> impl Iterator<Item = &Json> {
        self.rows.iter().chain(&self.check)
    }

    /// Whether the rule covers the computed field with this API name.
    fn has_computed(&self, info: &ContentInfo, name: &str) -> bool {
        let Some(tables) = &self.fields else { return true };
        tables.get(info.table).is_some_and(|fields| fields.iter().any(|field| camel(field) == name))
    }

    /// Whether the rule covers this field, by `snake`.
    pub fn has(&self, info: &ContentInfo, field: &str) -> bool {
        let of_table = |tables: &HashMap<_, HashSet<_>>| {
            tables.get(info.table).is_some_and(|fields: &HashSet<&str>| fields.contains(field))
        };
        self.fields.as_ref().is_none_or(of_table)
    }
}

/// Whether a filter, or one inside it, is about a publication.
fn is_of_publication(filter: &Json) -> bool {
    match filter {
        Json::Object(members) => members.iter().any(|(key, value)| {
            matches!(key.as_str(), "publishedAt" | "firstPublishedAt" | "publishedBy") || is_of_publication(value)
        }),
        Json::Array(items) => items.iter().any(is_of_publication),
        _ => false,
    }
}

/// Whether a filter, or one inside it, compares with the actor's user.
fn names_reader(filter: &Json) -> bool {
    match filter {
        Json::Object(members) => members.values().any(names_reader),
        Json::Array(items) => items.iter().any(names_reader),
        value => value == THE_ACTOR,
    }
}

impl Grant<'_> {
    pub fn is_denied(self) -> bool {
        matches!(self, Self::Denied)
    }

    pub fn has(self, info: &ContentInfo, field: &str) -> bool {
        match self {
            Self::Denied => false,
            Self::By(rule) => rule.has(info, field),
            Self::Trusted => true,
        }
    }
}

impl Access {
    /// The grant for an action. Children follow the rules of their owner.
    pub fn grant(&self, info: &ContentInfo, action: Action) -> Grant<'_> {
        if self.actor.identity == Identity::System {
            return Grant::Trusted;
        }
        let table = info.owner.unwrap_or(info).table;
        let rule = self.role.as_ref().and_then(|role| role.rules.get(&(table, action)));
        match rule.filter(|_| self.actor.is_in_scope(table, action)) {
            Some(rule) => Grant::By(rule),
            None => Grant::Denied,
        }
    }

    /// Whether a rule may depend on when or by whom an entry was published: then a save must not tell so before the rules are applied.
    pub fn heeds_publication(&self) -> bool {
        let rules = self.role.as_ref().filter(|_| self.actor.identity != Identity::System);
        rules.is_some_and(|role| role.heeds_publication)
    }

    /// What the actor's rights on published entries depend on: actors of one class see the same. Empty for visitors, and `None` for
    /// those whom no rule binds, and for the developer.
    pub fn class(&self) -> Option<String> {
        match self.actor.identity {
            Identity::Anonymous => Some(String::new()),
            Identity::User { .. } | Identity::Token { .. } => {
                let reader = self.role.as_ref().filter(|role| role.heeds_reader).and_then(|_| self.actor.user());
                Some(format!("{:?} {:?} {reader:?}", self.actor.role, self.actor.scopes))
            }
            Identity::Developer | Identity::System => None,
        }
    }

    /// The API id of the acting user; null if no user acts.
    pub fn user_id(&self) -> Json {
        self.actor.user().map_or(Json::Null, |user| id::encode(USER_PREFIX, user).into())
    }

    pub fn reads(&self, info: &ContentInfo, stage: Stage) -> Grant<'_> {
        self.grant(info, stage.action())
    }

    /// Returns a problem if the actor may read no entry of the type.
    pub fn must_read_any(&self, info: &ContentInfo, stage: Stage) -> Result<(), Problem> {
        if !self.reads(info, stage).is_denied() {
            return Ok(());
        }
        let what = if stage == Stage::Draft { "drafts of" } else { "entries of" };
        Err(self.refusal(format!("you may not read {what} `{}`", info.name)))
    }

    /// Returns a problem if the actor may not read the field, by `snake`. If it may read no entry of the type, there are no
    /// rows with the field, and [`Access::must_read_any`] reports the problem.
    pub fn must_read(&self, info: &ContentInfo, field: &str, stage: Stage) -> Result<(), Problem> {
        let grant = self.reads(info, stage);
        if grant.is_denied() || grant.has(info, field) {
            return Ok(());
        }
        Err(self.refusal(format!("you may not read `{}.{}`", info.name, shown(info, field))))
    }

    /// Returns a problem if the actor may not read this part of a content type.
    pub fn must_use(&self, info: &ContentInfo, used: Used, stage: Stage) -> Result<(), Problem> {
        match (used, self.reads(info, stage)) {
            (Used::Type, _) => self.must_read_any(info, stage),
            (_, Grant::Denied | Grant::Trusted) => Ok(()),
            (Used::Field(field), _) => self.must_read(info, field, stage),
            (Used::Computed(name), Grant::By(rule)) if rule.has_computed(info, name) => Ok(()),
            (Used::Computed(name), _) => Err(self.refusal(format!("you may not read `{}.{name}`", info.name))),
            (Used::Author, _) if self.grant(info, Action::ReadDrafts).is_denied() => {
                Err(self.refusal(format!("only roles that read drafts may see who wrote a `{}`", info.name)))
            }
            (Used::Author, _) => Ok(()),
        }
    }

    /// As [`Self::must_use`], for earlier versions: the rule for the history may allow fewer fields than the one for drafts.
    pub fn must_use_history(&self, info: &ContentInfo, used: Used) -> Result<(), Problem> {
        let grant = self.grant(info, Action::ReadHistory);
        let (name, may) = match (used, grant) {
            (Used::Type | Used::Author, _) | (_, Grant::Trusted) => return Ok(()),
            (Used::Field(field), _) => (field, grant.has(info, field)),
            (Used::Computed(name), Grant::By(rule)) => (name, rule.has_computed(info, name)),
            (Used::Computed(name), Grant::Denied) => (name, false),
        };
        let field = info.fields.iter().find(|field| field.snake == name).map_or(name, |field| field.name);
        if may { Ok(()) } else { Err(self.refusal(format!("you may not read the history of `{}.{field}`", info.name))) }
    }

    /// Returns a problem if the actor may do this with no entry of the type.
    pub fn must(&self, info: &ContentInfo, action: Action) -> Result<(), Problem> {
        if !self.grant(info, action).is_denied() {
            return Ok(());
        }
        Err(self.refusal(format!("you may not {} `{}`", action.verb(), info.name)))
    }

    /// Returns a problem if the actor may not call a custom query or mutation.
    pub fn must_call(&self, operation: &OperationInfo) -> Result<(), Problem> {
        let is_listed = |role: &Arc<Role>| operation.roles.contains(&role.info.name);
        let may = self.role.as_ref().is_some_and(is_listed) && self.actor.may_call(operation.name);
        if may || self.actor.identity == Identity::System {
            return Ok(());
        }
        Err(self.refusal(format!("you may not call `{}`", operation.name)))
    }

    /// The problem of a denied action. An anonymous actor may be allowed after signing in, so it gets
    /// `Unauthenticated`.
    pub fn refusal(&self, message: impl Into<String>) -> Problem {
        let code = if self.actor.is_anonymous() { Code::Unauthenticated } else { Code::Forbidden };
        Problem::new(code, message)
    }

    pub fn manages(&self, area: Area) -> bool {
        self.actor.identity == Identity::System || self.managed().contains(&area)
    }

    /// The areas besides content that the actor manages; none for a token with scopes.
    pub fn managed(&self) -> &'static [Area] {
        let role = self.role.as_ref().filter(|_| self.actor.scopes.is_none());
        role.map_or(&[], |role| role.info.manages)
    }
}

impl Stage {
    pub fn action(self) -> Action {
        match self {
            Self::Live => Action::Read,
            Self::Draft => Action::ReadDrafts,
        }
    }
}

/// The field's name in the API.
fn shown(info: &ContentInfo, snake: &str) -> &'static str {
    info.fields.iter().find(|field| field.snake == snake).map_or("?", |field| field.name)
}

/// Parses JSON that the generator wrote and its tests checked.
fn json(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("codegen bug: a rule is not JSON: {error}: {text}"))
}

#[cfg(test)]
mod tests;
