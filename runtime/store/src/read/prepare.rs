//! Prepares all argument-dependent parts of a plan: checks arguments and builds the SQL before anything is sent.

mod pages;
mod totals;

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::ListArguments;
use super::asked::Asked;
use super::filter::{Contains, Filter};
use super::link::Link;
use super::listing::Listing;
use super::order::{DefaultOrder, Order, Place};
use super::plan::{Column, Computing, List, Object, Page, Relation};
use crate::args::Args;
use crate::sql::Sql;
use crate::{Scope, Stage};
use base::error::{Code, Problem, Result};
use model::content::ContentInfo;

/// The size of a page without `first` and `last`.
const PAGE: usize = 20;

/// A list that is ready to run.
#[derive(Debug, Default)]
pub struct Prepared {
    /// One statement for each target.
    pub rows: Vec<Sql>,
    /// The number of all items.
    pub total: Option<Sql>,
    /// How many items PostgreSQL expects.
    pub estimate: Option<Sql>,
    /// For each total count, whether it is the estimate.
    pub estimates: Vec<bool>,
    pub limit: usize,
    pub order: Order,
    /// Whether the page is read from its end.
    pub backward: bool,
    pub after: bool,
    pub before: bool,
}

pub struct Preparing<'a> {
    pub scope: Scope<'a>,
    pub arguments: &'a dyn ListArguments,
    pub slots: Vec<Slot>,
    /// The arguments of computed fields, by slot.
    pub args: HashMap<usize, Result<Args, Vec<Problem>>>,
    /// Missing rights on lists, with the slot of each list. They are reported even if there are no rows.
    pub denied: Vec<(Problem, usize)>,
}

/// A list of the plan: ready, or with the problems of its arguments, which are reported at each place of the list.
/// `None` until it is prepared.
pub type Slot = Option<Result<Prepared, Vec<Problem>>>;

/// The conditions of a list; all must hold.
struct Filters<'a> {
    all: Vec<&'a Json>,
    is_sites: bool,
}

impl<'a> Filters<'a> {
    fn of(asked: &'a Asked<'_>) -> Self {
        Self { all: asked.filters(), is_sites: asked.is_sites() }
    }
}

/// The rows and order of a list.
struct Select<'a> {
    order: Order,
    filters: &'a Filters<'a>,
    /// The rows come after each of these places in its own order.
    places: Vec<(Order, Place)>,
    limit: usize,
    keys: bool,
    /// The list has its owner's order.
    numbered: bool,
}

impl<'a> Preparing<'a> {
    pub fn object(&mut self, object: &Object) -> Result<()> {
        for field in &object.computed {
            self.computed(field);
        }
        object.relations.iter().try_for_each(|relation| self.relation(relation))
    }

    /// Parses the arguments of a computed field.
    fn computed(&mut self, field: &Computing) {
        let Some(slot) = field.slot else { return };
        let args = self.arguments.of(slot).and_then(|asked| {
            let nothing = Map::new();
            let given = if let Asked::Client(given) = &asked { given.as_ref() } else { &nothing };
            let args = Args::of_field(field.info.args, &self.scope.store.schema.site, given);
            args.map_err(|error| error.problems)
        });
        self.args.insert(slot, args);
    }

    fn relation(&mut self, relation: &Relation) -> Result<()> {
        match relation {
            Relation::One { members } => members.iter().try_for_each(|(_, object)| self.object(object)),
            Relation::Stored { object, list, .. } => {
                if let Some(list) = list {
                    self.stored(object.info, list);
                }
                self.object(object)
            }
            Relation::Many { members, list } => {
                self.many(members, list)?;
                members.iter().try_for_each(|(_, object)| self.object(object))
            }
            Relation::Page { link, page } => self.page(Some(link), page),
        }
    }

    fn stored(&mut self, info: &'static ContentInfo, list: &List) {
        let Some(asked) = self.asked(list) else { return };
        let mut problems = Vec::new();
        let limit = asked.size(self.scope, "first", &mut problems).unwrap_or(PAGE);
        let order = Order::new(self.scope, info, None, list.default, &mut problems);
        let prepared = Prepared { limit, order, ..Prepared::default() };
        self.finish(list, prepared, problems);
    }

    fn many(&mut self, members: &[(Link, Object)], list: &List) -> Result<()> {
        let Some(asked) = self.asked(list) else { return Ok(()) };
        let mut problems = Vec::new();
        let limit = asked.size(self.scope, "first", &mut problems).unwrap_or(PAGE);
        let filters = Filters::of(&asked);
        let mut rows = Vec::with_capacity(members.len());
        let mut first_order = None;
        for (link, object) in members {
            let order = asked.order(self.scope, object.info, list.default, &mut problems);
            first_order.get_or_insert_with(|| order.clone());
            let numbered = matches!(list.default, DefaultOrder::Position(_));
            let select =
                Select { order, filters: &filters, places: Vec::new(), limit, keys: members.len() > 1, numbered };
            rows.push(self.rows(Some(link), object, &select, &mut problems)?);
        }
        if let Some(order) = first_order {
            let prepared = Prepared { rows, limit, order, ..Prepared::default() };
            self.finish(list, prepared, problems);
        }
        Ok(())
    }

    /// Prepares a page at the root, or below the rows that the link starts from.
    pub fn page(&mut self, link: Option<&Link>, page: &Page) -> Result<()> {
        if let Some(asked) = self.asked(&page.list) {
            self.page_with(link, page, &asked)?;
        }
        self.object(&page.object)
    }

    fn page_with(&mut self, link: Option<&Link>, page: &Page, asked: &Asked<'_>) -> Result<()> {
        let mut problems = Vec::new();
        let order = asked.order(self.scope, page.object.info, page.list.default, &mut problems);
        let first = asked.size(self.scope, "first", &mut problems);
        let last = asked.size(self.scope, "last", &mut problems);
        if first.is_some() && last.is_some() {
            let message = "give `first` or `last`, not both";
            problems.push(Problem::new(Code::BadUserInput, message).at(["last".into()]));
        }
        let backward = last.is_some();
        let limit = last.or(first).unwrap_or(PAGE);
        let after = asked.place(self.scope, "after", &order, &mut problems);
        let before = asked.place(self.scope, "before", &order, &mut problems);
        let reversed = order.reversed();
        let (has_after, has_before) = (after.is_some(), before.is_some());
        let places = after.map(|place| (order.clone(), place)).into_iter();
        let places = places.chain(before.map(|place| (reversed.clone(), place))).collect();
        let filters = Filters::of(asked);
        let select = Select {
            order: if backward { reversed } else { order.clone() },
            filters: &filters,
            places,
            // One row more than the limit shows whether there are more.
            limit: limit + 1,
            keys: page.cursors,
            numbered: matches!(page.list.default, DefaultOrder::Position(_)),
        };
        let rows = match page.rows {
            true => vec![self.rows(link, &page.object, &select, &mut problems)?],
            false => Vec::new(),
        };
        let estimates = self.estimates(page, link.is_none(), &mut problems);
        let (mut total, mut estimate) = (None, None);
        if estimates.contains(&true) {
            estimate = self.estimate(page.object.info, &filters, &mut problems)?;
        }
        if estimates.contains(&false) || estimates.contains(&true) && estimate.is_none() {
            total = Some(self.total(link, page.object.info, &filters, &mut problems)?);
        }
        if !page.rows && page.totals.is_empty() {
            // Nothing is sent, but problems must still be reported.
            self.filter(
                link,
                page.object.info,
                &filters,
                (None, Contains::ByRow),
                &mut self.scope.sql(),
                &mut problems,
            )?;
        }
        // The filter is compiled twice, so its problems are deduplicated.
        let mut told: Vec<Problem> = Vec::with_capacity(problems.len());
        for problem in problems {
            if !told.contains(&problem) {
                told.push(problem);
            }
        }
        let prepared =
            Prepared { rows, total, estimate, estimates, limit, order, backward, after: has_after, before: has_before };
        self.finish(&page.list, prepared, told);
        Ok(())
    }

    fn finish(&mut self, list: &List, prepared: Prepared, problems: Vec<Problem>) {
        let denied = problems.iter().filter(|problem| matches!(problem.code, Code::Forbidden | Code::Unauthenticated));
        self.denied.extend(denied.map(|problem| (problem.clone(), list.slot)));
        self.slots[list.slot] = Some(if problems.is_empty() { Ok(prepared) } else { Err(problems) });
    }

    fn asked(&mut self, list: &List) -> Option<Asked<'a>> {
        match self.arguments.of(list.slot) {
            Ok(asked) => Some(asked),
            Err(problems) => {
                self.slots[list.slot] = Some(Err(problems));
                None
            }
        }
    }

    fn rows(
        &self,
        link: Option<&Link>,
        object: &Object,
        select: &Select<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Sql> {
        let owner = link.filter(|_| select.numbered).and_then(|link| Some((link, link.owner()?)));
        if let Some((link, owner)) = owner {
            return self.numbered_rows(link, &owner, object, select, problems);
        }
        self.ordered_rows(link, object, select, problems)
    }

    /// Reads all lists in one pass over their rows, numbered by owner. For short lists, such as those that editors arrange,
    /// this halves the cost of a loop. The numbering determines the order of the rows. If only one row of each list is read,
    /// no numbers are needed.
    fn numbered_rows(
        &self,
        link: &Link,
        owner: &str,
        object: &Object,
        select: &Select<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Sql> {
        let mut sql = self.scope.sql();
        let only_first = select.limit == 1;
        sql.push(&if only_first { format!("SELECT DISTINCT ON ({owner}) ") } else { "SELECT * FROM (SELECT ".into() });
        self.push_columns(object, select, &mut sql)?;
        sql.push(&format!(", {owner}"));
        if !only_first {
            sql.push(&format!(", row_number() OVER (PARTITION BY {owner} ORDER BY "));
            select.order.push_keys(&mut sql.text);
            // No field can have this name.
            sql.push(") AS \"#\"");
        }
        link.all(self.scope, object.info, "t", &mut sql)?;
        self.filter(Some(link), object.info, select.filters, (None, Contains::ByRow), &mut sql, problems)?;
        for (order, place) in &select.places {
            order.push_after(place, sql.push(" AND "));
        }
        sql.push(&format!(" AND {owner} = ANY(")).ids().push(")");
        if only_first {
            sql.push(&format!(" ORDER BY {owner}, "));
            select.order.push_keys(&mut sql.text);
        } else {
            sql.push(&format!(") x WHERE \"#\" <= {}", select.limit));
        }
        only_of_owners(Some(link), object.info, &mut sql);
        Ok(sql)
    }

    fn push_columns(&self, object: &Object, select: &Select<'_>, sql: &mut Sql) -> Result<()> {
        push_columns(object, self.scope, sql)?;
        if select.keys {
            select.order.push_columns(&mut sql.text);
        }
        Ok(())
    }

    /// The listing that has the rows of a list.
    fn listing<'f>(
        &self,
        link: Option<&Link>,
        info: &'static ContentInfo,
        filters: &Filters<'f>,
    ) -> Option<Listing<'f>> {
        match link {
            Some(link) => Listing::of_link(self.scope, link, info),
            None => Listing::of_filters(self.scope, info, &filters.all),
        }
    }

    fn from(
        &self,
        link: Option<&Link>,
        info: &'static ContentInfo,
        listing: Option<Listing<'_>>,
        sql: &mut Sql,
    ) -> Result<()> {
        if let Some(listing) = listing {
            return listing.from(self.scope, sql);
        }
        if let Some(link) = link {
            return link.from(self.scope, info, "p", "t", sql);
        }
        sql.push(" FROM ");
        self.scope.push(info, "t", sql)?;
        sql.push(" WHERE true");
        Ok(())
    }

    fn filter(
        &self,
        link: Option<&Link>,
        info: &'static ContentInfo,
        filters: &Filters<'_>,
        (listing, mut contains): (Option<Listing<'_>>, Contains<'_>),
        sql: &mut Sql,
        problems: &mut Vec<Problem>,
    ) -> Result<()> {
        for filter in &filters.all {
            sql.push(" AND ");
            let conditions = match filters.is_sites {
                true => Filter::of_site(self.scope, sql, problems),
                false => Filter::new(self.scope, sql, problems),
            };
            let conditions = conditions.over(listing).containing(contains.again());
            let mut conditions = if link.is_some() { conditions.of_lists() } else { conditions };
            conditions.conditions(info, filter, "t")?;
        }
        Ok(())
    }
}

/// Of the table that belongs to the owners, a statement of a list reads only their rows.
fn only_of_owners(link: Option<&Link>, target: &'static ContentInfo, sql: &mut Sql) {
    if let Some(table) = link.and_then(|link| link.of_owner(target)) {
        sql.only_of_ids(table);
    }
}

/// `SELECT t.id, .. FROM live."product" t`, without a condition.
pub fn select(object: &Object, scope: Scope<'_>) -> Result<Sql> {
    let mut sql = scope.sql();
    sql.push("SELECT ");
    push_columns(object, scope, &mut sql)?;
    sql.push(" FROM ");
    scope.push(object.info, "t", &mut sql)?;
    Ok(sql)
}

/// The rows with these ids, in any order.
pub fn by_ids(object: &Object, scope: Scope<'_>) -> Result<Sql> {
    let mut sql = select(object, scope)?;
    sql.push(" WHERE t.id = ANY(").ids().push(")");
    if object.info.owner.is_none() {
        sql.only_of_ids(object.info.table);
    }
    Ok(sql)
}

/// The columns of an object, the id first.
fn push_columns(object: &Object, scope: Scope<'_>, sql: &mut Sql) -> Result<()> {
    for (index, column) in object.columns.iter().enumerate() {
        if index > 0 {
            sql.push(", ");
        }
        match column {
            Column::Sql(expression) => _ = sql.push(expression),
            Column::LiveRevision => scope.push_live_revision(object.info, "t", sql),
            Column::Scheduled => scope.push_scheduled("t", sql),
            Column::Path => scope.push_path(object.info, "t", sql)?,
            Column::ReviewStage => push_review_stage(object.info, scope, sql),
        }
    }
    Ok(())
}

/// The names of types and stages are `snake_case` and need no escaping.
fn push_review_stage(info: &'static ContentInfo, scope: Scope<'_>, sql: &mut Sql) {
    let stages = scope.store.schema.review(info).filter(|_| scope.stage == Stage::Draft).map(|review| review.stages);
    let Some([first, later @ ..]) = stages else {
        sql.push("null::text");
        return;
    };
    let quoted = |names: &mut dyn Iterator<Item = &'static str>| {
        names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
    };
    let types = quoted(&mut std::iter::once(info.table).chain(info.former.iter().copied()));
    let later = quoted(&mut later.iter().map(|stage| stage.name));
    sql.push(&format!(
        "coalesce((SELECT r.stage FROM cms.review r WHERE r.type IN ({types}) AND r.entry = t.id AND r.revision = t.revision \
            AND r.stage IN ({later})), '{}')",
        first.name
    ));
}
