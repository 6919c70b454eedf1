//! The number of items of a list: kept, counted or estimated.

use serde_json::Value as Json;

use super::{Filters, Preparing};
use crate::Scope;
use crate::read::asked::Asked;
use crate::read::filter::{Contains, items};
use crate::read::link::Link;
use crate::read::listing::{self, Listing};
use crate::read::plan::Page;
use crate::sql::Sql;
use base::error::{Problem, Result};
use model::content::{ContentInfo, Shape};

/// Whether no rule hides a row of the type, or of those that the filter leads to.
fn sees_all_of(scope: Scope<'_>, info: &'static ContentInfo, filter: &Json) -> bool {
    let of_member = |(key, value): (&String, &Json)| match key.as_str() {
        "and" | "or" => items(value).iter().all(|filter| sees_all_of(scope, info, filter)),
        "not" => sees_all_of(scope, info, value),
        key => match info.field(key).map(|field| field.shape) {
            Some(Shape::Scalar(_) | Shape::Enum(_) | Shape::Enums(_)) => true,
            None if info.inverses.iter().all(|inverse| inverse.name != key) => true,
            // Whatever it leads to, and however far.
            _ => scope.store.schema.types.iter().all(|info| scope.sees_all(info)),
        },
    };
    scope.sees_all(info) && filter.as_object().is_none_or(|members| members.iter().all(of_member))
}

impl Preparing<'_> {
    /// For each total count, whether an estimate is asked for. An estimate is of one list, not of each of several.
    pub(super) fn estimates(&self, page: &Page, is_root: bool, problems: &mut Vec<Problem>) -> Vec<bool> {
        let is_estimate = |slot: &Option<usize>| match slot.map(|slot| self.arguments.of(slot)) {
            Some(Ok(Asked::Client(given))) => {
                is_root && given.get("precision").and_then(Json::as_str) == Some("ESTIMATE")
            }
            Some(Err(found)) => {
                problems.extend(found);
                false
            }
            _ => false,
        };
        page.totals.iter().map(is_estimate).collect()
    }

    /// The statement whose plan has the estimate; `None` if the number is kept.
    pub(super) fn estimate(
        &self,
        info: &'static ContentInfo,
        filters: &Filters<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<Sql>> {
        // PostgreSQL expects without the rules: it would tell of what they hide.
        let tells = |filter: &&Json| sees_all_of(self.scope, info, filter);
        if self.is_counted(None, self.listing(None, info, filters), info, filters) || !filters.all.iter().all(tells) {
            return Ok(None);
        }
        let mut sql = self.scope.sql();
        sql.push("EXPLAIN (FORMAT JSON) SELECT 1");
        self.from(None, info, None, &mut sql)?;
        self.filter(None, info, filters, (None, Contains::Estimated), &mut sql, problems)?;
        Ok(Some(sql))
    }

    /// Whether the database keeps the number of items, and no rule hides one.
    fn is_counted(
        &self,
        link: Option<&Link>,
        listing: Option<Listing<'_>>,
        info: &'static ContentInfo,
        filters: &Filters<'_>,
    ) -> bool {
        self.scope.sees_all(info)
            && match listing {
                Some(listing) => listing.is_all(&filters.all),
                None => link.is_none() && filters.all.is_empty() && info.counted && listing::is_kept(self.scope),
            }
    }

    pub(super) fn total(
        &self,
        link: Option<&Link>,
        info: &'static ContentInfo,
        filters: &Filters<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Sql> {
        let listing = self.listing(link, info, filters);
        let is_counted = self.is_counted(link, listing, info, filters);
        let by_index = link.is_none() && listing::is_kept(self.scope);
        let contains = if by_index { Contains::ByIndex } else { Contains::ByRow };
        let mut sql = self.scope.sql();
        match listing {
            Some(listing) if is_counted => {
                listing.push_count(&mut sql);
                self.filter(link, info, filters, (Some(listing), contains), &mut sql, problems)?;
            }
            None if is_counted => {
                listing::push_count_of_entries(info, &mut sql);
            }
            Some(listing) if self.scope.sees_all(info) && listing.covers(&filters.all) => {
                sql.push("SELECT count(*)");
                listing.push_copies(&mut sql);
                self.filter(link, info, filters, (Some(listing), Contains::ByRow), &mut sql, problems)?;
            }
            listing => {
                sql.push("SELECT count(*)");
                self.from(link, info, listing, &mut sql)?;
                self.filter(link, info, filters, (listing, contains), &mut sql, problems)?;
            }
        }
        if link.is_some() {
            let inner = std::mem::take(&mut sql.text);
            sql.push(&format!("SELECT ({inner}), p.id FROM unnest(")).ids().push(") p(id)");
        }
        Ok(sql)
    }
}
