//! The access rules on the write path: which fields an actor may use in an input, which entries it may write, and which conditions hold
//! after the write. They are applied only here, in the way of PostgreSQL's row security policies.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use crate::access::Rule;
use crate::access::{Access, Action, Grant};
use crate::sql::Sql;
use crate::write::failure::Result;
use crate::write::row::{Faults, Item};
use crate::{Connection, Scope, Stage, Store};
use base::error::Problem;
use model::content::ContentInfo;

/// The access checks of one write.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    store: &'a Store,
    /// Whether the right to import is required as well.
    import: bool,
}

/// All rules that apply to an action on a content type; empty for the server itself.
#[derive(Clone, Default)]
pub struct Rights<'a>(Vec<&'a Rule>);

impl<'a> Rights<'a> {
    /// Whether an input may name the field, by `snake`.
    pub fn has(&self, info: &ContentInfo, field: &str) -> bool {
        self.0.iter().all(|rule| rule.has(info, field))
    }

    /// Values that override every input: fields by `snake`, with values as the API takes them.
    pub fn set(&self) -> Vec<(&'static str, &'a Json)> {
        self.0.iter().flat_map(|rule| rule.set.iter().map(|(field, value)| (*field, value))).collect()
    }

    fn rows(&self) -> Vec<&'a Json> {
        self.0.iter().filter_map(|rule| rule.rows.as_ref()).collect()
    }

    /// The conditions after the write. A rule without `check` uses its `rows`.
    fn checks(&self) -> Vec<&'a Json> {
        self.0.iter().filter_map(|rule| rule.check.as_ref().or(rule.rows.as_ref())).collect()
    }
}

impl<'a> Guard<'a> {
    pub fn new(store: &'a Store, import: bool) -> Self {
        Self { store, import }
    }

    pub fn access(&self) -> &'a Access {
        &self.store.access
    }

    /// Returns a problem if the actor may not do this with any entry of the type.
    pub fn rights(&self, info: &ContentInfo, action: Action) -> Result<Rights<'a>, Problem> {
        let mut rules = Vec::new();
        for action in [self.import.then_some(Action::Import), Some(action)].into_iter().flatten() {
            match self.access().grant(info, action) {
                Grant::Trusted => {}
                Grant::By(rule) => rules.push(rule),
                Grant::Denied => self.access().must(info, action)?,
            }
        }
        Ok(Rights(rules))
    }

    /// Whether the actor may read the field of drafts.
    pub fn reads_draft(&self, info: &ContentInfo, field: &str) -> bool {
        self.store.at(Stage::Draft).reads(info).has(info, field)
    }

    /// Whether the actor may read the field in the history: as a draft, and by the rule for the history.
    pub fn reads_history(&self, info: &ContentInfo, field: &str) -> bool {
        self.reads_draft(info, field) && self.access().grant(info, Action::ReadHistory).has(info, field)
    }

    /// Returns the locked entries that the actor may do this with. It must be able to read them: as drafts, or as live entries if it may
    /// read no drafts of the type.
    pub async fn admitted(
        &self,
        connection: &mut Connection,
        info: &'static ContentInfo,
        action: Action,
        ids: Vec<Uuid>,
    ) -> Result<HashSet<Uuid>> {
        let Ok(rights) = self.rights(info, action) else { return Ok(HashSet::new()) };
        let drafts = self.store.at(Stage::Draft);
        let scope = if drafts.reads(info).is_denied() { self.store.at(Stage::Live) } else { drafts };
        let seen = readable(connection, scope, info, ids).await?;
        matching(connection, self.store, info, &rights.rows(), seen).await
    }

    /// Rejects saved items that violate the rules. `saved` may be of any types.
    pub async fn check_saved(&self, connection: &mut Connection, saved: impl Iterator<Item = &Item>) -> Result<()> {
        let of_action = |item: &Item| if item.old.is_none() { Action::Create } else { Action::Update };
        self.check(connection, saved, of_action, Rights::checks).await
    }

    /// Rejects drafts that the actor may not publish.
    pub async fn check_publishable(&self, connection: &mut Connection, drafts: &[&Item]) -> Result<()> {
        let drafts = drafts.iter().copied().filter(|item| item.info.drafts);
        self.check(connection, drafts, |_| Action::Publish, Rights::rows).await
    }

    /// Runs one statement for each type and action.
    async fn check(
        &self,
        connection: &mut Connection,
        items: impl Iterator<Item = &Item>,
        action: impl Fn(&Item) -> Action,
        conditions: impl Fn(&Rights<'a>) -> Vec<&'a Json>,
    ) -> Result<()> {
        let mut groups: BTreeMap<(&'static str, Action), Vec<&Item>> = BTreeMap::new();
        for item in items {
            groups.entry((item.info.table, action(item))).or_default().push(item);
        }
        let mut faults = Faults::default();
        for ((_, action), items) in groups {
            let info = items[0].info;
            let refusal = || {
                let message = format!("you may not {} such an entry of `{}`", action.verb(), info.name);
                self.access().refusal(message)
            };
            let passed = match self.rights(info, action) {
                Ok(rights) => {
                    let ids = items.iter().map(|item| item.new.id).collect();
                    matching(connection, self.store, info, &conditions(&rights), ids).await?
                }
                Err(_) => HashSet::new(),
            };
            let refused = items.iter().filter(|item| !passed.contains(&item.new.id));
            faults.0.extend(refused.map(|item| (item.root, refusal().at(item.new.path.iter().cloned()))));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
    }
}

/// Returns a problem if the actor may read the type but not this field in any stage: a lookup by the field would reveal its value.
pub fn must_know(access: &Access, info: &ContentInfo, field: &str) -> Result<(), Problem> {
    let mut refusal = Ok(());
    for stage in [Stage::Live, Stage::Draft].into_iter().filter(|stage| !access.reads(info, *stage).is_denied()) {
        refusal = access.must_read(info, field, stage);
        if refusal.is_ok() {
            break;
        }
    }
    refusal
}

/// Returns the rows that the actor may read in a stage; children follow their owner. `draft` holds every entry, so no statement is
/// needed there if the actor may read all rows.
pub async fn readable(
    connection: &mut Connection,
    scope: Scope<'_>,
    info: &'static ContentInfo,
    ids: Vec<Uuid>,
) -> Result<Vec<Uuid>> {
    match scope.reads(info) {
        Grant::Trusted => return Ok(ids),
        Grant::By(rule) if rule.rows.is_none() && scope.stage == Stage::Draft => return Ok(ids),
        Grant::Denied => return Ok(Vec::new()),
        Grant::By(_) if ids.is_empty() => return Ok(ids),
        Grant::By(_) => {}
    }
    let mut sql = scope.sql();
    sql.push("SELECT v.id FROM ");
    scope.push(info, "v", &mut sql)?;
    sql.push(" WHERE v.id = ANY(").ids().push(")");
    selected(connection, sql, &ids).await
}

/// What an actor may export of a type in a stage: the content that it may read there, limited by its export rule.
#[derive(Clone, Copy)]
pub struct Exported<'a> {
    pub scope: Scope<'a>,
}

impl Exported<'_> {
    /// Returns a problem if the actor may export nothing of the type.
    pub fn must(&self, info: &ContentInfo) -> Result<(), Problem> {
        self.scope.must_read_any(info)?;
        self.scope.store.access.must(info, Action::Export)
    }

    /// Appends ` FROM draft."product" e` and the condition on its rows.
    pub fn from(&self, info: &'static ContentInfo, sql: &mut Sql) -> Result<()> {
        sql.push(" FROM ");
        self.scope.push(info, "e", sql)?;
        if let Grant::By(Rule { rows: Some(rows), .. }) = self.scope.store.access.grant(info, Action::Export) {
            sql.push(" WHERE ");
            self.scope.push_rule(info, rows, "e", sql)?;
        }
        Ok(())
    }

    /// Whether the actor may export the field, by `snake`.
    pub fn has(&self, info: &ContentInfo, field: &str) -> bool {
        let access = &self.scope.store.access;
        self.scope.reads(info).has(info, field) && access.grant(info, Action::Export).has(info, field)
    }
}

/// Returns the entries whose rows in `draft` match all filters.
async fn matching(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    filters: &[&Json],
    ids: Vec<Uuid>,
) -> Result<HashSet<Uuid>> {
    if filters.is_empty() || ids.is_empty() {
        return Ok(ids.into_iter().collect());
    }
    let scope = store.at(Stage::Draft);
    let mut sql = scope.sql();
    sql.push("SELECT t.id FROM ");
    scope.with_all_rows().push(info, "t", &mut sql)?;
    sql.push(" WHERE t.id = ANY(").ids().push(")");
    for filter in filters {
        sql.push(" AND ");
        scope.push_rule(info, filter, "t", &mut sql)?;
    }
    Ok(selected(connection, sql, &ids).await?.into_iter().collect())
}

async fn selected(connection: &mut Connection, sql: Sql, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let rows = sql.bind(ids)?.fetch_within(connection).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
