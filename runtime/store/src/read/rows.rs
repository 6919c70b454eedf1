//! The rows of a table that an actor may read. Every read statement names its tables through here, so that no filter,
//! order, count, cursor or relation can see other rows, and the tables read are recorded.

use std::fmt::Write as _;

use serde_json::Value as Json;
use sqlx::Row as _;
use uuid::Uuid;

use super::filter::Filter;
use crate::access::Grant;
use crate::overlay::{KeptRows, Key, Table, Versions};
use crate::record::System;
use crate::sql::{Sql, quoted};
use crate::{Scope, Stage};
use base::error::{Error, Problem, Result};
use model::content::ContentInfo;

impl Scope<'_> {
    /// Appends `live."product_tags" j`. Its rows are visible only through the rows of both ends.
    pub fn push_join(self, table: &'static str, alias: &str, sql: &mut Sql) {
        self.push_rows(table, sql);
        sql.push(" ").push(alias);
    }

    /// Appends `live."product"`, or a subquery if the overlay has other versions of some rows.
    pub(crate) fn push_rows(self, table: &'static str, sql: &mut Sql) {
        sql.note(self.stage, table);
        let stage = self.sees();
        let overlay = self.store.overlay.as_deref();
        if overlay.is_some() {
            sql.note(Stage::Draft, table);
        }
        match overlay.and_then(|overlay| overlay.table(table)) {
            None => _ = write!(sql.text, "{}.{}", stage.schema(), quoted(table)),
            Some((table, versions)) => push_versions(stage, table, versions, sql),
        }
    }

    /// Whether no rule hides a row of the type from the actor.
    pub(super) fn sees_all(self, info: &ContentInfo) -> bool {
        match self.reads(info) {
            _ if self.all => true,
            Grant::Trusted => true,
            Grant::By(rule) => rule.rows.is_none(),
            Grant::Denied => false,
        }
    }

    /// Appends `live."product" t`, or a subquery if a rule restricts the rows.
    pub fn push(self, info: &'static ContentInfo, alias: &str, sql: &mut Sql) -> Result<()> {
        let rows = match self.reads(info) {
            _ if self.all => None,
            Grant::Trusted => None,
            Grant::By(rule) => rule.rows.as_ref(),
            Grant::Denied => {
                sql.push("(SELECT r.* FROM ");
                self.push_rows(info.table, sql);
                let _ = write!(sql.text, " r WHERE false) {alias}");
                return Ok(());
            }
        };
        let Some(rows) = rows else {
            self.push_rows(info.table, sql);
            sql.push(" ").push(alias);
            return Ok(());
        };
        sql.push("(SELECT r.* FROM ");
        self.push_rows(info.table, sql);
        sql.push(" r WHERE ");
        match info.owner {
            None => self.push_rule(info, rows, "r", sql)?,
            Some(owner) => {
                sql.push("EXISTS (SELECT 1 FROM ");
                self.push_rows(owner.table, sql);
                sql.push(" o WHERE o.id = r.parent_id AND ");
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

    /// Appends when the next scheduled change of the row `alias` is due. A public read must not know.
    pub fn push_scheduled(self, alias: &str, sql: &mut Sql) {
        if self.stage == Stage::Live {
            sql.push("NULL::timestamptz");
            return;
        }
        let _ = write!(
            sql.text,
            "LEAST((SELECT min(c.at) FROM cms.scheduled_change c WHERE c.entry = {alias}.id AND c.state = 'pending'), \
            (SELECT min(p.at) FROM cms.release_item i JOIN cms.release p ON p.id = i.release \
            WHERE i.entry = {alias}.id AND p.state = 'scheduled'))"
        );
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

/// The rows of the stage without those that are replaced, then the other versions of these.
fn push_versions(stage: Stage, table: &Table, versions: &Versions, sql: &mut Sql) {
    let (schema, columns) = (stage.schema(), &table.columns);
    let replaced = sql.list(&versions.replaced, "uuid[]");
    let belongs = table.belongs(schema, &replaced);
    let name = quoted(table.name);
    let _ = write!(sql.text, "(SELECT {columns} FROM {schema}.{name} s WHERE NOT ({belongs})");
    if !versions.drafts.is_empty() {
        let drafts = sql.list(&versions.drafts, "uuid[]");
        let belongs = table.belongs("draft", &drafts);
        let _ = write!(sql.text, " UNION ALL SELECT {columns} FROM draft.{name} s WHERE {belongs}");
    }
    for kept in &versions.kept {
        let types = std::iter::once(&versions.info.table).chain(versions.info.former);
        let types = sql.list(types, "text[]");
        let entries = sql.list(kept.revisions.iter().map(|(entry, _)| entry), "uuid[]");
        let revisions = sql.list(kept.revisions.iter().map(|(_, revision)| revision), "bigint[]");
        let rows = kept_rows(table, kept);
        let _ = write!(
            sql.text,
            " UNION ALL SELECT {columns} FROM cms.revision h \
            CROSS JOIN LATERAL jsonb_populate_recordset(NULL::draft.{name}, {rows}) s \
            WHERE h.type = ANY({types}) AND (h.entry, h.revision) IN (SELECT * FROM unnest({entries}, {revisions}))"
        );
    }
    sql.push(")");
}

/// The JSON of a table's rows in a kept revision.
fn kept_rows(table: &Table, kept: &KeptRows) -> String {
    let names = std::iter::once(&table.name).chain(table.former);
    let content = if table.key == Key::Id { "cms.whole_content(h)" } else { "h.content" };
    let rows: Vec<String> = names.map(|name| format!("{content}->'{name}'")).collect();
    let rows = format!("coalesce({})", rows.join(", "));
    let misfits = kept.misfits.iter().filter(|(of, _)| *of == table.name);
    let misfits: Vec<String> = misfits.map(|(_, column)| format!("'{column}'")).collect();
    match misfits.is_empty() {
        true => rows,
        false => {
            format!("(SELECT jsonb_agg(e - ARRAY[{}]::text[]) FROM jsonb_array_elements({rows}) e)", misfits.join(", "))
        }
    }
}
