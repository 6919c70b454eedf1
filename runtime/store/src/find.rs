//! `Find`: lists of entries for the site's own code, by typed conditions and orders.

use std::marker::PhantomData;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::Scope;
use crate::field::{By, Condition};
use crate::id::Id;
use crate::read::filter::Filter;
use crate::read::load::{int, uuid};
use crate::read::order::{DefaultOrder, Order};
use crate::read::records::Lists;
use crate::read::source::Source;
use crate::record::Content;
use crate::sql::Sql;
use base::error::{Code, Error, Problem, Result};

/// Entries of a list that is told no other number.
const FIRST: usize = 20;
/// Entries that one call returns: they are all in memory at once.
const MOST: usize = 1000;

/// Which entries, in which order: the 20 newest with all their lists and children, unless it is told otherwise.
pub struct Find<'a, T> {
    source: Source<'a>,
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
    /// For [`Find::after`]; `None` at the end of the list.
    pub next: Option<String>,
}

impl<'a, T: Content> Find<'a, T> {
    pub(crate) fn new(source: Source<'a>) -> Self {
        let (conditions, order) = (Vec::new(), Vec::new());
        Self { source, conditions, order, first: FIRST, after: None, lists: Lists::All, of: PhantomData }
    }

    /// Entries must pass it, and the conditions before it.
    pub fn filter(mut self, condition: Condition<T>) -> Self {
        self.conditions.push(condition.into_json());
        self
    }

    /// One more key of the order.
    pub fn order_by(mut self, by: By<T>) -> Self {
        self.order.push((by.name, by.descending));
        self
    }

    /// From 0 to 1,000.
    pub fn first(mut self, first: usize) -> Self {
        self.first = first;
        self
    }

    /// The part of the list that follows a [`Page`].
    pub fn after(mut self, page: impl Into<Option<String>>) -> Self {
        self.after = page.into();
        self
    }

    /// Without children and relations to several entries, each of which takes a statement. To read one of these lists is then an error,
    /// never an empty list.
    pub fn bare(mut self) -> Self {
        self.lists = Lists::Only(&[]);
        self
    }

    pub async fn ids(mut self) -> Result<Vec<Id<T>>> {
        Ok(self.rows().await?.0.into_iter().map(Id::new).collect())
    }

    /// How many there are, whatever `first` and `after` say.
    pub async fn count(mut self) -> Result<u64> {
        let scope = self.source.scope;
        let mut sql = scope.sql();
        sql.push("SELECT count(*) FROM ");
        scope.push(T::INFO, "t", &mut sql)?;
        let mut problems = Vec::new();
        self.conditions(&mut sql, &mut problems)?;
        if !problems.is_empty() {
            return Err(Error { problems });
        }
        let rows = self.source.rows(sql, &[]).await?;
        Ok(rows.first().and_then(|row| int(row, 0)).and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    pub async fn all(self) -> Result<Vec<T>> {
        Ok(self.page().await?.entries)
    }

    pub async fn one(self) -> Result<Option<T>> {
        Ok(self.first(1).all().await?.pop())
    }

    pub async fn page(mut self) -> Result<Page<T>> {
        let (ids, next) = self.rows().await?;
        Ok(Page { entries: self.source.records(&ids, self.lists).await?, next })
    }

    /// The ids of the entries, and where the list goes on.
    async fn rows(&mut self) -> Result<(Vec<Uuid>, Option<String>)> {
        if self.first > MOST {
            let message = format!("{} entries are asked for at once, the limit is {MOST}", self.first);
            return Err(Error::new(Code::LimitExceeded, message));
        }
        let (sql, order) = self.sql()?;
        let rows = self.source.rows(sql, &[]).await?;
        let last = rows.get(self.first.wrapping_sub(1)).filter(|_| rows.len() > self.first);
        let next = last.map(|row| {
            let mut json = Vec::new();
            order.write_cursor(row, 1, &mut json);
            String::from_utf8_lossy(&json).trim_matches('"').to_owned()
        });
        Ok((rows.iter().take(self.first).filter_map(|row| uuid(row, 0)).collect(), next))
    }

    fn conditions(&self, sql: &mut Sql, problems: &mut Vec<Problem>) -> Result<()> {
        sql.push(" WHERE true");
        for condition in &self.conditions {
            sql.push(" AND ");
            Filter::of_site(self.source.scope, sql, problems).conditions(T::INFO, condition, "t")?;
        }
        Ok(())
    }

    fn sql(&self) -> Result<(Sql, Order)> {
        let (scope, info) = (self.source.scope, T::INFO);
        let order = Order::by(info, &self.order, DefaultOrder::Newest)?;
        let mut problems = Vec::new();
        let mut sql = scope.sql();
        sql.push("SELECT t.id");
        order.push_columns(&mut sql.text);
        sql.push(" FROM ");
        scope.push(info, "t", &mut sql)?;
        self.conditions(&mut sql, &mut problems)?;
        if let Some(cursor) = &self.after {
            match order.read_cursor(cursor, &scope.store.schema.site) {
                Some(place) => order.push_after(&place, sql.push(" AND ")),
                None => problems.push(Problem::new(Code::InvalidCursor, "it is not a page of this list in this order")),
            }
        }
        sql.push(" ORDER BY ");
        order.push_keys(&mut sql.text);
        // One more, to know whether there is more.
        sql.push(&format!(" LIMIT {}", self.first + 1));
        if problems.is_empty() { Ok((sql, order)) } else { Err(Error { problems }) }
    }
}

impl<'a> Scope<'a> {
    /// The entry with all its lists and children, under the rules of the actor.
    pub async fn get<T: Content>(self, id: Id<T>) -> Result<Option<T>> {
        Source::pool(self).get(id).await
    }

    /// Entries of the stage: `store.at(Stage::Live).find().filter(product::PRICE.lte(price)).first(10).all().await?`.
    pub fn find<T: Content>(self) -> Find<'a, T> {
        Find::new(Source::pool(self))
    }
}
