//! `Find`: lists of entries for the site's own code, with typed conditions and orders.

use std::marker::PhantomData;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::Scope;
use crate::field::{By, Condition};
use crate::id::Id;
use crate::read::ListArguments;
use crate::read::asked::{Asked, SiteList};
use crate::read::load::{LoadedPage, Run, Unready, uuid};
use crate::read::order::{DefaultOrder, Order};
use crate::read::plan::{self, Planning, ReadPlan, Root};
use crate::read::records::Lists;
use crate::read::source::Source;
use crate::record::Content;
use crate::search::Search;
use base::error::{Code, Error, Problem, Result};
use model::content::ContentInfo;

/// The default number of entries.
const FIRST: usize = 20;
/// The most entries that one call may return, since all are in memory at once.
const MOST: usize = 1000;

/// A list query. By default it returns the 20 newest entries with all their lists and children.
pub struct Find<'a, T> {
    source: Source<'a, 'a>,
    conditions: Vec<Json>,
    order: Vec<(&'static str, bool)>,
    first: usize,
    after: Option<String>,
    lists: Lists<'static>,
    of: PhantomData<fn() -> T>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    pub entries: Vec<T>,
    /// The cursor for [`Find::after`]; `None` at the end of the list.
    pub next: Option<String>,
}

impl<'a, T: Content> Find<'a, T> {
    pub(crate) fn new(source: Source<'a, 'a>) -> Self {
        let (conditions, order) = (Vec::new(), Vec::new());
        Self { source, conditions, order, first: FIRST, after: None, lists: Lists::All, of: PhantomData }
    }

    /// Adds a condition; all conditions must hold.
    pub fn filter(mut self, condition: Condition<T>) -> Self {
        self.conditions.push(condition.into_json());
        self
    }

    /// Adds a sort key.
    pub fn order_by(mut self, by: By<T>) -> Self {
        self.order.push((by.name, by.descending));
        self
    }

    /// The number of entries, from 0 to 1,000.
    pub fn first(mut self, first: usize) -> Self {
        self.first = first;
        self
    }

    /// Starts after a [`Page`].
    pub fn after(mut self, page: impl Into<Option<String>>) -> Self {
        self.after = page.into();
        self
    }

    /// Leaves out children and to-many relations, each of which takes a statement. Reading one of these lists is then an error, never
    /// an empty list.
    pub fn bare(mut self) -> Self {
        self.lists = Lists::Only(&[]);
        self
    }

    pub async fn ids(mut self) -> Result<Vec<Id<T>>> {
        Ok(self.rows().await?.0.into_iter().map(Id::new).collect())
    }

    /// The number of all matching entries, regardless of `first` and `after`.
    pub async fn count(mut self) -> Result<u64> {
        let mut page = self.plan();
        page.totals = vec![None];
        self.after = None;
        let found = self.read(page).await?.0;
        Ok(u64::try_from(found.total(0, Uuid::nil())).unwrap_or_default())
    }

    pub async fn all(self) -> Result<Vec<T>> {
        Ok(self.page().await?.entries)
    }

    pub async fn one(self) -> Result<Option<T>> {
        Ok(self.first(1).all().await?.pop())
    }

    pub async fn page(mut self) -> Result<Page<T>> {
        self.source.expect_several();
        let (ids, next) = self.rows().await?;
        Ok(Page { entries: self.source.records(&ids, self.lists).await?, next })
    }

    /// The ids of the entries, and the cursor of the next page.
    async fn rows(&mut self) -> Result<(Vec<Uuid>, Option<String>)> {
        if self.first > MOST {
            let message = format!("{} entries were requested at once, the limit is {MOST}", self.first);
            return Err(Error::new(Code::LimitExceeded, message));
        }
        let mut page = self.plan();
        (page.rows, page.cursors) = (true, true);
        let (found, order) = self.read(page).await?;
        let more = found.groups.get(&Uuid::nil()).is_some_and(|(_, more)| *more);
        let next = found.loaded.rows.last().filter(|_| more).map(|row| {
            let mut json = Vec::new();
            order.write_cursor(row, 1, &mut json);
            String::from_utf8_lossy(&json).trim_matches('"').to_owned()
        });
        Ok((found.loaded.rows.iter().filter_map(|row| uuid(row, 0)).collect(), next))
    }

    /// A page of ids.
    fn plan(&self) -> plan::Page {
        plan::Page::new(T::INFO, Planning::default().list(DefaultOrder::Newest))
    }

    async fn read(&mut self, page: plan::Page) -> Result<(LoadedPage, Order)> {
        let Self { source, conditions, order, first, after, .. } = self;
        let list = SiteList { conditions, order, first: *first, after: after.as_deref() };
        let (scope, request) = (source.scope, source.request());
        let plan = ReadPlan { root: Root::Page(page), lists: 1, uses: Vec::new() };
        let run = Run::prepare(&request, &plan, scope, &list).map_err(Unready::error)?;
        let Root::Page(page) = &plan.root else { return Err(Error::internal("it is a page")) };
        if let Some(problems) = run.refused(&page.list) {
            return Err(Error { problems: problems.to_vec() });
        }
        Ok((run.root_page(page).await?, run.prepared(&page.list)?.order.clone()))
    }
}

/// The newest entries that match all conditions, which are filters of the API as JSON.
pub async fn ids(scope: Scope<'_>, info: &'static ContentInfo, conditions: &[Json], first: usize) -> Result<Vec<Uuid>> {
    let list = SiteList { conditions, order: &[], first, after: None };
    let mut page = plan::Page::new(info, Planning::default().list(DefaultOrder::Newest));
    page.rows = true;
    let plan = ReadPlan { root: Root::Page(page), lists: 1, uses: Vec::new() };
    let source = Source::pool(scope);
    let request = source.request();
    let run = Run::prepare(&request, &plan, scope, &list).map_err(Unready::error)?;
    let Root::Page(page) = &plan.root else { return Err(Error::internal("it is a page")) };
    if let Some(problems) = run.refused(&page.list) {
        return Err(Error { problems: problems.to_vec() });
    }
    let found = run.root_page(page).await?;
    Ok(found.loaded.rows.iter().filter_map(|row| uuid(row, 0)).collect())
}

impl ListArguments for SiteList<'_> {
    fn of(&self, _: usize) -> Result<Asked<'_>, Vec<Problem>> {
        Ok(Asked::Site(*self))
    }
}

impl<'a> Scope<'a> {
    /// The entry with all its lists and children, under the actor's access rules.
    pub async fn get<T: Content>(self, id: Id<T>) -> Result<Option<T>> {
        Source::pool(self).get(id).await
    }

    /// Finds entries of the stage:
    /// `store.at(Stage::Live).find().filter(product::PRICE.lte(price)).first(10).all().await?`.
    pub fn find<T: Content>(self) -> Find<'a, T> {
        Find::new(Source::pool(self))
    }

    /// Finds entries of the stage by words: `store.at(Stage::Live).search::<Product>("blue shoes").first(10).all().await?`.
    pub fn search<T: Content>(self, text: &str) -> Search<'a, T> {
        Search::new(Source::pool(self), text)
    }
}
