//! `explainAccess`: explains to an administrator whether a user or role may perform an action on an entry, and by which rule.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{content_type, text, wrong};
use base::error::Result;
use model::content::ContentInfo;
use store::access::{Action, Actor, Grant, Identity, Origin, Rule, USER_PREFIX};
use store::id;
use store::{Scope, Stage, Standing, Store};

pub async fn answer(store: &Store, accounts: &dyn Standing, arguments: &Map<String, Json>) -> Result<Json> {
    let name = text(arguments, "type").unwrap_or_default();
    let info = match store.schema.types.iter().copied().find(|info| info.table == name) {
        Some(info) => info,
        None => content_type(store, name, &["type".into()])?,
    };
    let action = text(arguments, "action").unwrap_or_default().to_ascii_lowercase();
    let action = Action::named(&action).ok_or_else(|| wrong(format!("unknown action `{action}`"), &["action"]))?;
    let entry = text(arguments, "id").map(|given| {
        let message = || wrong(format!("`{given}` is not an id of `{}`", info.name), &["id"]);
        info.decode(given).ok_or_else(message)
    });
    let entry = entry.transpose()?;
    let store = somebody(store, accounts, arguments).await?;
    let mut reasons = Vec::new();
    let allowed = match store.access.grant(info, action) {
        Grant::Trusted => true,
        Grant::Denied => {
            reasons.push(denied(&store, info, action));
            false
        }
        Grant::By(rule) => {
            describe(rule, info, &mut reasons);
            match entry {
                None => has_what_else_it_takes(&store, info, action, &mut reasons),
                Some(entry) if action == Action::Export => is_exported(&store, info, rule, entry, &mut reasons).await?,
                Some(entry) => {
                    passes(&store, info, action, rule, entry, &mut reasons).await?
                        && (action != Action::Import || is_updated(&store, info, entry, &mut reasons).await?)
                }
            }
        }
    };
    Ok(json!({"allowed": allowed, "role": store.access.actor.role, "reasons": reasons}))
}

/// The store of the given role or user; by default, that of the caller.
async fn somebody(store: &Store, accounts: &dyn Standing, arguments: &Map<String, Json>) -> Result<Store> {
    if let Some(given) = text(arguments, "user") {
        let user =
            id::decode_as(USER_PREFIX, given).ok_or_else(|| wrong(format!("`{given}` is not a user id"), &["user"]))?;
        let role = accounts.role_of(&store.writes, user).await?;
        let role =
            role.ok_or_else(|| wrong(format!("the user `{given}` does not exist, or may not sign in"), &["user"]))?;
        let identity = Identity::User { id: user, session: Uuid::nil() };
        return Ok(store.acting(Actor { identity, role, scopes: None, origin: Origin::default() }));
    }
    let Some(role) = text(arguments, "role") else { return Ok(store.clone()) };
    if store.policy().role(role).is_none() {
        return Err(wrong(format!("unknown role `{role}`"), &["role"]));
    }
    // An actor with the role but without a user: `$user` is null.
    let actor = Actor { role: role.to_owned(), identity: Identity::Developer, ..Actor::anonymous(Origin::default()) };
    Ok(store.acting(actor))
}

fn denied(store: &Store, info: &ContentInfo, action: Action) -> String {
    let actor = &store.access.actor;
    if !actor.is_in_scope(info.table, action) {
        return format!("the token's scopes do not have `{}` of `{}`", action.as_str(), info.name);
    }
    format!("`access:` of `{}` has no rule that lets `{}` {}, so it is denied", info.name, actor.role, action.verb())
}

fn describe(rule: &Rule, info: &ContentInfo, reasons: &mut Vec<String>) {
    match &rule.rows {
        None => reasons.push("a rule allows it for every entry".into()),
        Some(rows) => reasons.push(format!("a rule allows it for entries that pass `where`: {rows}")),
    }
    let denied: Vec<_> =
        info.fields.iter().filter(|field| !rule.has(info, field.snake)).map(|field| field.name).collect();
    if !denied.is_empty() {
        reasons.push(format!("the rule leaves out the fields: {}", denied.join(", ")));
    }
    if let Some(check) = &rule.check {
        reasons.push(format!("after the write the entry must pass `check`: {check}"));
    }
    for (field, value) in &rule.set {
        reasons.push(format!("the rule sets `{field}` to {value}"));
    }
}

/// Whether the role has the additional rights that the action requires, for some entries at least.
fn has_what_else_it_takes(store: &Store, info: &ContentInfo, action: Action, reasons: &mut Vec<String>) -> bool {
    let may = |action| !store.access.grant(info, action).is_denied();
    let (has, lacks) = match action {
        Action::Update | Action::Publish | Action::Delete => {
            (may(Action::Read) || may(Action::ReadDrafts), "the role may not read entries, so it cannot write them")
        }
        Action::Export => (may(Action::Read) || may(Action::ReadDrafts), NOT_READ_NOT_EXPORTED),
        Action::Import => (may(Action::Create) || may(Action::Update), "an import also needs `create` or `update`"),
        Action::Read | Action::ReadDrafts | Action::Create | Action::ReadHistory => (true, ""),
    };
    if !has {
        reasons.push(lacks.into());
    }
    has
}

const NOT_READ_NOT_EXPORTED: &str = "the role cannot export what it may not read";

/// Whether the role may both read and export the entry in a stage.
async fn is_exported(
    store: &Store,
    info: &'static ContentInfo,
    rule: &Rule,
    entry: Uuid,
    reasons: &mut Vec<String>,
) -> Result<bool> {
    let mut passes = false;
    for stage in [Stage::Draft, Stage::Live] {
        let scope = store.at(stage);
        if scope.passes(info, rule.rows.as_ref(), entry).await? != Some(true) {
            continue;
        }
        passes = true;
        if is_read(scope, info, entry).await? {
            reasons.push(format!("the role can read and export the entry at the stage `{}`", stage.schema()));
            return Ok(true);
        }
    }
    let lacks = if passes { NOT_READ_NOT_EXPORTED } else { "the entry does not exist, or does not pass `where`" };
    reasons.push(lacks.into());
    Ok(false)
}

/// An import updates an existing entry.
async fn is_updated(store: &Store, info: &'static ContentInfo, entry: Uuid, reasons: &mut Vec<String>) -> Result<bool> {
    match store.access.grant(info, Action::Update) {
        Grant::Trusted => Ok(true),
        Grant::Denied => {
            reasons.push(denied(store, info, Action::Update));
            Ok(false)
        }
        Grant::By(rule) => {
            describe(rule, info, reasons);
            passes(store, info, Action::Update, rule, entry, reasons).await
        }
    }
}

/// Whether the entry matches the rule's rows.
async fn passes(
    store: &Store,
    info: &'static ContentInfo,
    action: Action,
    rule: &Rule,
    entry: Uuid,
    reasons: &mut Vec<String>,
) -> Result<bool> {
    let stage = if action == Action::Read { Stage::Live } else { Stage::Draft };
    let found = store.at(stage).passes(info, rule.rows.as_ref(), entry).await?;
    let of = if stage == Stage::Live { "live " } else { "" };
    reasons.push(match (found, &rule.rows) {
        (None, _) => format!("the {of}entry does not exist"),
        (Some(true), None) => format!("the {of}entry exists"),
        (Some(true), Some(_)) => "the entry passes `where`".into(),
        (Some(false), _) => "the entry does not pass `where`".into(),
    });
    let writes = matches!(action, Action::Update | Action::Publish | Action::Delete);
    if found != Some(true) || !writes {
        return Ok(found == Some(true));
    }
    let is_visible = is_visible(store, info, entry).await?;
    if !is_visible {
        reasons.push("the role may not read the entry, so it cannot write it".into());
    }
    Ok(is_visible)
}

/// Whether the entry is readable as a draft, or as a live entry if the role may read no drafts of the type.
async fn is_visible(store: &Store, info: &'static ContentInfo, entry: Uuid) -> Result<bool> {
    let drafts = store.at(Stage::Draft);
    let scope = if drafts.reads(info).is_denied() { store.at(Stage::Live) } else { drafts };
    is_read(scope, info, entry).await
}

async fn is_read(scope: Scope<'_>, info: &'static ContentInfo, entry: Uuid) -> Result<bool> {
    Ok(match scope.reads(info) {
        Grant::Denied => false,
        Grant::Trusted => true,
        Grant::By(rule) => scope.passes(info, rule.rows.as_ref(), entry).await? == Some(true),
    })
}
