//! The rows of a table that an actor may read. Every statement of a read names its tables through here, so that no
//! filter, order, count, cursor or relation can see another row.

use std::fmt::Write as _;

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use super::filter::Filter;
use super::sql::{Sql, quoted};
use crate::access::Grant;
use crate::{Stage, Store};
use base::error::{Error, Result};
use model::content::ContentInfo;

/// The tables of a stage.
#[derive(Clone, Copy)]
pub struct Tables<'a> {
    pub store: &'a Store,
    pub stage: Stage,
    /// With every row: for what is read of entries that the actor sees anyway, and for rules, which would need rules.
    all: bool,
}

impl<'a> Tables<'a> {
    /// With the rows that the actor may read.
    pub fn new(store: &'a Store, stage: Stage) -> Self {
        Self { store, stage, all: false }
    }

    pub fn with_all_rows(store: &'a Store, stage: Stage) -> Self {
        Self { store, stage, all: true }
    }

    /// `live."product" t`; where a rule says which rows, a subquery in place of the table.
    pub fn push(self, info: &'static ContentInfo, alias: &str, sql: &mut Sql) -> Result<()> {
        let (schema, table) = (self.stage.schema(), quoted(info.table));
        let rows = match self.store.access.reads(info, self.stage) {
            _ if self.all => None,
            Grant::Trusted => None,
            Grant::By(rule) => rule.rows.as_ref(),
            Grant::Denied => {
                let _ = write!(sql.text, "(SELECT * FROM {schema}.{table} WHERE false) {alias}");
                return Ok(());
            }
        };
        let Some(rows) = rows else {
            let _ = write!(sql.text, "{schema}.{table} {alias}");
            return Ok(());
        };
        let _ = write!(sql.text, "(SELECT r.* FROM {schema}.{table} r WHERE ");
        match info.owner {
            None => push_rule(self.store, self.stage, info, rows, "r", sql)?,
            Some(owner) => {
                let of = quoted(owner.table);
                let _ = write!(sql.text, "EXISTS (SELECT 1 FROM {schema}.{of} o WHERE o.id = r.parent_id AND ");
                push_rule(self.store, self.stage, owner, rows, "o", sql)?;
                sql.push(")");
            }
        }
        let _ = write!(sql.text, ") {alias}");
        Ok(())
    }
}

/// A rule's filter as a condition on the row `alias`.
pub fn push_rule(
    store: &Store,
    stage: Stage,
    info: &'static ContentInfo,
    rows: &Json,
    alias: &str,
    sql: &mut Sql,
) -> Result<()> {
    let mut problems = Vec::new();
    Filter::of_rule(store, stage, sql, &mut problems).conditions(info, rows, alias)?;
    match problems.first() {
        None => Ok(()),
        Some(problem) => Err(Error::internal(format!("a rule of `{}`: {}", info.name, problem.message))),
    }
}

impl Store {
    /// Whether the entry passes a rule's filter; `None` when it is not in the stage.
    pub async fn passes(
        &self,
        stage: Stage,
        info: &'static ContentInfo,
        rows: Option<&Json>,
        entry: Uuid,
    ) -> Result<Option<bool>> {
        let mut sql = Sql::default();
        sql.push("SELECT (");
        match rows {
            Some(rows) => push_rule(self, stage, info, rows, "r", &mut sql)?,
            None => _ = sql.push("true"),
        }
        sql.push(&format!(") IS TRUE FROM {}.{} r WHERE r.id = ANY(", stage.schema(), quoted(info.table)));
        sql.ids().push(")");
        let rows = sql.fetch_for(self, stage, &[entry]).await?;
        Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
    }
}
