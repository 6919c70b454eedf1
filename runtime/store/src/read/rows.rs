//! The rows of a table that an actor may read. Every read statement names its tables through here, so that no filter,
//! order, count, cursor or relation can see other rows, and the tables read are recorded.

use std::fmt::Write as _;

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use super::filter::Filter;
use crate::access::Grant;
use crate::record::System;
use crate::sql::{Sql, quoted};
use crate::{Scope, Stage};
use base::error::{Error, Problem, Result};
use model::content::ContentInfo;

impl Scope<'_> {
    /// Appends `live."product_tags" j`. Its rows are visible only through the rows of both ends.
    pub fn push_join(self, table: &'static str, alias: &str, sql: &mut Sql) {
        let schema = self.stage.schema();
        sql.note(self.stage, table);
        let _ = write!(sql.text, "{schema}.{} {alias}", quoted(table));
    }

    /// Appends `live."product" t`, or a subquery if a rule restricts the rows.
    pub fn push(self, info: &'static ContentInfo, alias: &str, sql: &mut Sql) -> Result<()> {
        let (schema, table) = (self.stage.schema(), quoted(info.table));
        sql.note(self.stage, info.table);
        let rows = match self.reads(info) {
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
            None => self.push_rule(info, rows, "r", sql)?,
            Some(owner) => {
                let of = quoted(owner.table);
                sql.note(self.stage, owner.table);
                let _ = write!(sql.text, "EXISTS (SELECT 1 FROM {schema}.{of} o WHERE o.id = r.parent_id AND ");
                self.push_rule(owner, rows, "o", sql)?;
                sql.push(")");
            }
        }
        let _ = write!(sql.text, ") {alias}");
        Ok(())
    }

    /// Appends a rule's filter as a condition on the row `alias`.
    pub fn push_rule(self, info: &'static ContentInfo, rows: &Json, alias: &str, sql: &mut Sql) -> Result<()> {
        let mut problems = Vec::new();
        Filter::of_rule(self, sql, &mut problems).conditions(info, rows, alias)?;
        match problems.first() {
            None => Ok(()),
            Some(problem) => Err(Error::internal(format!("a rule of `{}`: {}", info.name, problem.message))),
        }
    }

    /// Appends the live revision of the row `alias`, for its status; null if it is not live. A public read must not use drafts.
    pub fn push_live_revision(self, info: &'static ContentInfo, alias: &str, sql: &mut Sql) {
        let _ = match self.stage {
            Stage::Live => write!(sql.text, "{alias}.revision"),
            Stage::Draft => {
                sql.note(Stage::Live, info.table);
                let table = quoted(info.table);
                write!(sql.text, "(SELECT l.revision FROM live.{table} l WHERE l.id = {alias}.id)")
            }
        };
    }

    /// Appends `, t.revision, ..`: the columns for `System::read`, from the rows `t`.
    pub fn push_system(self, info: &'static ContentInfo, sql: &mut Sql) {
        sql.push(System::SELECT);
        self.push_live_revision(info, "t", sql);
    }

    /// What is wrong with an API filter on entries of the type, for this actor.
    pub fn filter_problems(self, info: &'static ContentInfo, filter: &Json) -> Result<Vec<Problem>> {
        // Of a type that may not be read at all, the filter asks for no field.
        if let Err(problem) = self.must_read_any(info) {
            return Ok(vec![problem.at(["filter".into()])]);
        }
        let mut problems = Vec::new();
        Filter::new(self, &mut self.sql(), &mut problems).conditions(info, filter, "r")?;
        Ok(problems)
    }

    /// Whether the entry matches a rule's filter; `None` if it is not in the stage.
    pub async fn passes(self, info: &'static ContentInfo, rows: Option<&Json>, entry: Uuid) -> Result<Option<bool>> {
        let everything = Json::Object(serde_json::Map::new());
        let passing = self.passing(info, rows.unwrap_or(&everything), &[entry]).await?;
        Ok(passing.first().map(|(_, passes)| *passes))
    }

    /// Of those entries that are in the stage, whether they match a filter.
    pub async fn passing(
        self,
        info: &'static ContentInfo,
        filter: &Json,
        entries: &[Uuid],
    ) -> Result<Vec<(Uuid, bool)>> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = self.sql();
        sql.push("SELECT r.id, (");
        self.push_rule(info, filter, "r", &mut sql)?;
        sql.push(") IS TRUE FROM ");
        self.with_all_rows().push(info, "r", &mut sql)?;
        sql.push(" WHERE r.id = ANY(").ids().push(")");
        let rows = sql.fetch_for(self.store, entries).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}
