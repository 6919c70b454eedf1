//! Conditions on the targets of relations: looked up row by row, as a set, or, if there can be only one, by its id.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{Filter, MOST_BY_ROW, MOST_JOINED, is_exact};
use crate::read::link::Link;
use crate::read::listing;
use crate::sql::quoted;
use base::error::Result;
use model::content::ContentInfo;

impl Filter<'_> {
    /// A target exists (or not) that matches the filter (or not).
    pub(super) fn exists(
        &mut self,
        wanted: bool,
        link: &Link,
        target: &'static ContentInfo,
        filter: Option<&Json>,
        negate: bool,
        alias: &str,
    ) -> Result<()> {
        self.aliases += 1;
        let far = format!("f{}", self.aliases);
        let scope = if self.is_rule { self.scope.with_all_rows() } else { self.scope };
        let is_plain = filter.is_none_or(|filter| is_exact(target, filter)) && !negate;
        if wanted
            && !negate
            && !self.is_rule
            && let Some(filter) = filter
            && self.is_one(link, target, filter, alias, &far, is_plain)?
        {
            return Ok(());
        }
        // Rules are written by the site and often checked on a single row.
        if self.is_rule || is_plain && self.is_needed && self.by_row < MOST_BY_ROW {
            self.by_row += 1;
            self.sql.push(if wanted { "EXISTS (SELECT 1" } else { "NOT EXISTS (SELECT 1" });
            link.from(scope, target, alias, &far, self.sql)?;
            self.target_conditions(target, filter, negate, &far)?;
            self.sql.push(")");
            return Ok(());
        }
        let is_needed = self.is_needed;
        let (near_end, far_end) = link.ends(alias, &far);
        let _ = write!(self.sql.text, "({near_end} IN (SELECT {far_end}");
        link.all(scope, target, &far, self.sql)?;
        let _ = write!(self.sql.text, " AND {far_end} IS NOT NULL");
        self.where_needed_anew(|this| this.target_conditions(target, filter, negate, &far))?;
        let is_joined = wanted && is_needed && self.joined < MOST_JOINED;
        self.joined += usize::from(is_joined);
        // OFFSET 0 stops PostgreSQL from inlining the set and running it for each row.
        self.sql.push(match (wanted, is_joined) {
            (true, true) => " OFFSET 0))",
            (true, false) => " OFFSET 0)) IS TRUE",
            (false, _) => " OFFSET 0)) IS NOT TRUE",
        });
        Ok(())
    }

    /// Compares with the id of the only target that can match, which is looked up once per statement. Returns false, with
    /// nothing written, if there may be several.
    fn is_one(
        &mut self,
        link: &Link,
        target: &'static ContentInfo,
        filter: &Json,
        alias: &str,
        far: &str,
        is_plain: bool,
    ) -> Result<bool> {
        if self.listing.is_some_and(|listing| listing.is_by(filter)) {
            self.sql.push("l.target_id");
            self.id_of_one(target, filter, far)?;
            return Ok(true);
        }
        if self.scope.store.overlay.is_some() || !listing::names_one(target, filter) {
            return Ok(false);
        }
        match link {
            Link::Forward { column } => {
                let _ = write!(self.sql.text, "{alias}.{}", quoted(column));
                self.id_of_one(target, filter, far)?;
            }
            Link::Join { table, near, far: column, .. } if is_plain && self.is_needed && self.by_row < MOST_BY_ROW => {
                self.by_row += 1;
                self.sql.push("EXISTS (SELECT 1 FROM ");
                self.scope.push_join(table, &format!("{far}j"), self.sql);
                let (near, column) = (quoted(near), quoted(column));
                let _ = write!(self.sql.text, " WHERE {far}j.{near} = {alias}.id AND {far}j.{column}");
                self.id_of_one(target, filter, far)?;
                self.sql.push(")");
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// ` = (SELECT f1.id FROM ..)`
    fn id_of_one(&mut self, target: &'static ContentInfo, filter: &Json, far: &str) -> Result<()> {
        let _ = write!(self.sql.text, " = (SELECT {far}.id FROM ");
        self.scope.push(target, far, self.sql)?;
        self.sql.push(" WHERE ");
        self.where_needed_anew(|this| this.conditions(target, filter, far))?;
        self.sql.push(")");
        Ok(())
    }

    fn target_conditions(
        &mut self,
        target: &'static ContentInfo,
        filter: Option<&Json>,
        negate: bool,
        far: &str,
    ) -> Result<()> {
        let Some(filter) = filter else { return Ok(()) };
        self.sql.push(" AND ");
        match negate {
            true => self.negated(|this| this.conditions(target, filter, far)),
            false => self.conditions(target, filter, far),
        }
    }
}
