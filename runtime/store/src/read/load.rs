//! Runs the statements of a plan, all on one connection, and then the site's own code for computed fields.

mod compute;
mod groups;

use std::collections::HashMap;
use std::ops::Range;

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::{Row as _, ValueRef as _};
use uuid::Uuid;

use self::groups::{Pages, cut, grouped, merged, ordered};
use super::link::Link;
use super::plan::{Hop, List, Object, Page, ReadPlan, Relation, Root};
use super::prepare::{Prepared, Preparing, Slot, by_ids, select};
use super::records::{self, Lists};
use super::source::Source;
use super::{ListArguments, Request};
use crate::Scope;
use crate::args::Args;
use crate::record::Entry;
use crate::sql::quoted;
use base::error::{Error, Problem, Result};
use model::content::FieldInfo;
use model::json;
use model::kind::Kind;

/// A plan with its arguments, for the statements and the writer.
pub struct Run<'a, 'c> {
    pub request: &'a Request<'c>,
    pub scope: Scope<'a>,
    slots: Vec<Slot>,
    args: HashMap<usize, Result<Args, Vec<Problem>>>,
    computes: bool,
}

/// Why a plan cannot run.
pub enum Unready {
    /// The actor lacks a right on a list; with the slot of each list.
    Denied(Vec<(Problem, usize)>),
    Failed(Error),
}

impl Unready {
    pub fn error(self) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Denied(denied) => Error { problems: denied.into_iter().map(|(problem, _)| problem).collect() },
        }
    }
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Rows and their related rows.
#[derive(Default)]
pub struct Loaded {
    pub rows: Vec<PgRow>,
    pub related: Vec<Related>,
    /// Whole entries for the computed fields, in the order of the rows.
    entries: Vec<Entry>,
    /// The JSON by computed field, then by row, or the error of the site's code.
    pub computed: Vec<Result<Vec<Vec<u8>>>>,
}

pub enum Related {
    /// For each target, its rows by id.
    One(Vec<(Loaded, HashMap<Uuid, usize>)>),
    Stored(Loaded, HashMap<Uuid, usize>),
    /// Each owner has a range of `order`; its items are a target and the index of a row.
    Many {
        members: Vec<Loaded>,
        order: Vec<(usize, usize)>,
        groups: HashMap<Uuid, Range<usize>>,
    },
    Page(LoadedPage),
    /// The arguments were invalid, so nothing was read.
    Refused,
}

pub struct LoadedPage {
    pub loaded: Loaded,
    /// The rows of each owner, and whether there are more.
    pub groups: Pages,
    totals: HashMap<Uuid, i64>,
    estimate: Option<i64>,
    /// For each total count, whether it is the estimate.
    estimates: Vec<bool>,
}

impl LoadedPage {
    /// A total count of the owner's list.
    pub fn total(&self, index: usize, owner: Uuid) -> i64 {
        let is_estimate = self.estimates.get(index).copied().unwrap_or_default();
        let estimate = self.estimate.filter(|_| is_estimate);
        estimate.or_else(|| self.totals.get(&owner).copied()).unwrap_or_default()
    }
}

/// The bytes of a column; `None` for null.
pub fn raw(row: &PgRow, column: usize) -> Option<&[u8]> {
    let value = row.try_get_raw(column).ok()?;
    if value.is_null() {
        return None;
    }
    value.as_bytes().ok()
}

pub fn uuid(row: &PgRow, column: usize) -> Option<Uuid> {
    raw(row, column).and_then(|bytes| Uuid::from_slice(bytes).ok())
}

pub fn int(row: &PgRow, column: usize) -> Option<i64> {
    raw(row, column).and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes)
}

/// The items of an array in PostgreSQL's binary format: dimensions, flags, type, length, bound, then items with lengths.
pub fn array_items(binary: &[u8]) -> Vec<&[u8]> {
    let mut rest = binary.get(20..).unwrap_or_default();
    let mut items = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((item, after)) =
            usize::try_from(i32::from_be_bytes(*length)).ok().and_then(|n| after.split_at_checked(n))
        else {
            break;
        };
        items.push(item);
        rest = after;
    }
    items
}

/// Without duplicates, so that a statement does not ask for a row twice.
fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<_> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl<'a, 'c> Run<'a, 'c> {
    /// Checks all arguments and builds the SQL, without sending anything.
    pub fn prepare(
        request: &'a Request<'c>,
        plan: &ReadPlan,
        scope: Scope<'a>,
        arguments: &dyn ListArguments,
    ) -> Result<Self, Unready> {
        let slots = std::iter::repeat_with(|| None).take(plan.lists).collect();
        let mut preparing = Preparing { scope, arguments, slots, args: HashMap::new(), denied: Vec::new() };
        match &plan.root {
            Root::Rows(objects) => objects.iter().try_for_each(|object| preparing.object(object))?,
            Root::Key { object, .. } => preparing.object(object)?,
            Root::Page(page) => preparing.page(None, page)?,
        }
        if !preparing.denied.is_empty() {
            return Err(Unready::Denied(preparing.denied));
        }
        if plan.statements(false) > 1 {
            request.session.expect_several();
        }
        Ok(Self { request, scope, slots: preparing.slots, args: preparing.args, computes: plan.computes() })
    }

    pub fn prepared(&self, list: &List) -> Result<&Prepared> {
        match self.slots.get(list.slot) {
            Some(Some(Ok(prepared))) => Ok(prepared),
            _ => Err(Error::internal("a list was not prepared")),
        }
    }

    /// The problems of a list's arguments.
    pub fn refused(&self, list: &List) -> Option<&[Problem]> {
        match self.slots.get(list.slot) {
            Some(Some(Err(problems))) => Some(problems),
            _ => None,
        }
    }

    /// The rows with these ids, in any order.
    pub async fn by_ids(
        &self,
        scope: Scope<'_>,
        object: &Object,
        ids: &[Uuid],
    ) -> Result<(Loaded, HashMap<Uuid, usize>)> {
        let (mut loaded, places) = self.with_ids(scope, object, ids).await?;
        self.compute(object, &mut loaded).await?;
        Ok((loaded, places))
    }

    async fn with_ids(
        &self,
        scope: Scope<'_>,
        object: &Object,
        ids: &[Uuid],
    ) -> Result<(Loaded, HashMap<Uuid, usize>)> {
        if ids.is_empty() {
            return Ok((Loaded::default(), HashMap::new()));
        }
        let rows = self.request.rows_for(by_ids(object, scope)?, ids).await?;
        let places = rows.iter().enumerate().filter_map(|(index, row)| Some((uuid(row, 0)?, index))).collect();
        Ok((self.load(object, rows).await?, places))
    }

    /// The row with this value in a unique field, if there is one.
    pub async fn by_key(&self, object: &Object, field: &FieldInfo, kind: Kind, given: &Json) -> Result<Loaded> {
        // A text that the field could not store matches nothing.
        let Ok(value) = kind.parse(given, &self.scope.store.schema.site) else { return Ok(Loaded::default()) };
        let mut sql = select(object, self.scope)?;
        sql.push(&format!(" WHERE t.{} = ", quoted(field.snake))).value(&value, 0, kind.cast());
        sql.only_found(object.info.table);
        let rows = self.request.rows(sql).await?;
        let mut loaded = self.load(object, rows).await?;
        self.compute(object, &mut loaded).await?;
        Ok(loaded)
    }

    /// Reads the related rows of the plan for these rows.
    fn load<'b>(&'b self, object: &'b Object, rows: Vec<PgRow>) -> BoxFuture<'b, Result<Loaded>>
    where
        'a: 'b,
        'c: 'b,
    {
        async move {
            let related = match object.relations.as_slice() {
                [] => Vec::new(),
                [one] => vec![self.relation(one, &rows).await?],
                several => future::try_join_all(several.iter().map(|relation| self.relation(relation, &rows))).await?,
            };
            let entries = self.entries(object, &rows).await?;
            Ok(Loaded { rows, related, entries, computed: Vec::new() })
        }
        .boxed()
    }

    async fn relation(&self, relation: &Relation, rows: &[PgRow]) -> Result<Related> {
        if relation.list().is_some_and(|list| self.refused(list).is_some()) {
            return Ok(Related::Refused);
        }
        match relation {
            Relation::One { members } => {
                let members = members.iter().map(|(column, object)| async move {
                    let ids = distinct(rows.iter().filter_map(|row| uuid(row, *column)));
                    self.with_ids(self.scope, object, &ids).await
                });
                Ok(Related::One(future::try_join_all(members).await?))
            }
            Relation::Stored { column, hops, object, .. } => {
                let mut ids = Vec::new();
                for row in rows {
                    // jsonb starts with a version byte.
                    collect(raw(row, *column).and_then(|json| json.get(1..)).unwrap_or_default(), hops, &mut ids);
                }
                let (loaded, places) = self.with_ids(self.scope, object, &distinct(ids.into_iter())).await?;
                Ok(Related::Stored(loaded, places))
            }
            Relation::Many { members, list } => self.many(members, list, rows).await,
            Relation::Page { page, .. } => {
                let owners = distinct(rows.iter().filter_map(|row| uuid(row, 0)));
                Ok(Related::Page(self.page(page, &owners).await?))
            }
        }
    }

    async fn many(&self, members: &[(Link, Object)], list: &List, rows: &[PgRow]) -> Result<Related> {
        let owners = distinct(rows.iter().filter_map(|row| uuid(row, 0)));
        if owners.is_empty() {
            let members = members.iter().map(|_| Loaded::default()).collect();
            return Ok(Related::Many { members, order: Vec::new(), groups: HashMap::new() });
        }
        let prepared = self.prepared(list)?;
        let fetched = members.iter().zip(&prepared.rows).map(|((_, object), sql)| {
            let owners = &owners;
            async move { Ok::<_, Error>((object, self.request.rows_for(sql.clone(), owners).await?)) }
        });
        let fetched = future::try_join_all(fetched).await?;
        let (order, groups) = match fetched.as_slice() {
            [(object, rows)] => (ordered(rows), grouped(rows, object.columns.len())),
            several => merged(several, prepared),
        };
        let loads = fetched.into_iter().map(|(object, rows)| self.load(object, rows));
        Ok(Related::Many { members: future::try_join_all(loads).await?, order, groups })
    }

    /// The pages of all owners.
    async fn page(&self, page: &Page, owners: &[Uuid]) -> Result<LoadedPage> {
        let prepared = self.prepared(&page.list)?;
        let rows = async {
            match prepared.rows.first().filter(|_| !owners.is_empty()) {
                None => Ok((Loaded::default(), HashMap::new())),
                Some(sql) => {
                    let rows = self.request.rows_for(sql.clone(), owners).await?;
                    let owner = page.object.columns.len() + if page.cursors { prepared.order.columns() } else { 0 };
                    let (rows, groups) = cut(rows, owner, prepared.limit);
                    Ok((self.load(&page.object, rows).await?, groups))
                }
            }
        };
        let totals = async {
            match prepared.total.as_ref().filter(|_| !owners.is_empty()) {
                None => Ok::<_, Error>(HashMap::new()),
                Some(sql) => {
                    let rows = self.request.rows_for(sql.clone(), owners).await?;
                    Ok(rows.iter().filter_map(|row| Some((uuid(row, 1)?, int(row, 0)?))).collect())
                }
            }
        };
        let ((loaded, groups), totals) = future::try_join(rows, totals).await?;
        Ok(LoadedPage { loaded, groups, totals, estimate: None, estimates: Vec::new() })
    }

    /// The page at the root, stored under the nil id.
    pub async fn root_page(&self, page: &Page) -> Result<LoadedPage> {
        let prepared = self.prepared(&page.list)?;
        let rows = async {
            let Some(sql) = prepared.rows.first() else { return Ok::<_, Error>((Loaded::default(), false)) };
            let mut rows = self.request.rows(sql.clone()).await?;
            let more = rows.len() > prepared.limit;
            rows.truncate(prepared.limit);
            Ok((self.load(&page.object, rows).await?, more))
        };
        let totals = async {
            let Some(sql) = &prepared.total else { return Ok::<_, Error>(HashMap::new()) };
            let rows = self.request.rows(sql.clone()).await?;
            Ok(rows.iter().filter_map(|row| Some((Uuid::nil(), int(row, 0)?))).collect())
        };
        let estimate = async {
            let Some(sql) = &prepared.estimate else { return Ok::<_, Error>(None) };
            Ok(self.request.rows(sql.clone()).await?.first().and_then(expected))
        };
        let ((mut loaded, more), totals, estimate) = future::try_join3(rows, totals, estimate).await?;
        let estimate = estimate.map(|expected| {
            let (known, is_whole) = (i64::try_from(loaded.rows.len()).unwrap_or_default(), !prepared.rows.is_empty());
            let is_whole = is_whole && !(more || prepared.after || prepared.before);
            if is_whole { known } else { expected.max(known + i64::from(more)) }
        });
        self.compute(&page.object, &mut loaded).await?;
        let groups = HashMap::from([(Uuid::nil(), (0..loaded.rows.len(), more))]);
        Ok(LoadedPage { loaded, groups, totals, estimate, estimates: prepared.estimates.clone() })
    }

    /// What the computed fields of these rows are computed from.
    async fn entries(&self, object: &Object, rows: &[PgRow]) -> Result<Vec<Entry>> {
        if object.computed.is_empty() || rows.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = rows.iter().filter_map(|row| uuid(row, 0)).collect();
        let with = super::computed_with(&object.computed);
        let mut source = Source::sharing(self.scope, &self.request.session);
        records::entries(&mut source, object.info, &ids, Lists::Only(&with)).await
    }
}

/// The number of rows in what `EXPLAIN (FORMAT JSON)` answers.
fn expected(row: &PgRow) -> Option<i64> {
    let plan: serde_json::Value = serde_json::from_slice(raw(row, 0)?).ok()?;
    plan[0]["Plan"]["Plan Rows"].as_i64()
}

/// Collects the ids at the end of the hops in a component's JSON.
fn collect(value: &[u8], hops: &[Hop], ids: &mut Vec<Uuid>) {
    if value.trim_ascii_start().first() == Some(&b'[') {
        json::Items::of(value).for_each(|item| collect(item, hops, ids));
        return;
    }
    match hops.split_first() {
        None => ids.extend(stored_id(value)),
        Some((hop, rest)) => {
            let is_tagged = |tag: &str| json::member(value, "_type").and_then(json::plain_string) == Some(tag);
            if hop.tag.is_none_or(is_tagged)
                && let Some(member) = json::member(value, hop.key)
            {
                collect(member, rest, ids);
            }
        }
    }
}

pub fn stored_id(value: &[u8]) -> Option<Uuid> {
    json::plain_string(value).and_then(|text| Uuid::try_parse(text).ok())
}
