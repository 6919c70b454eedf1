//! `Search`: entries found by words, for the site's own code.

use std::marker::PhantomData;

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::ask::{self, Ask, Found, SearchOrder};
use super::matches::Words;
use crate::field::Condition;
use crate::id::Id;
use crate::read::records::Lists;
use crate::read::source::Source;
use crate::record::Content;
use base::error::{Code, Error, Result};

/// The default number of entries, and the most.
const FIRST: usize = 20;
const MOST: usize = 1_000;

/// A search. By default it returns the 20 best entries with all their lists and children.
pub struct Search<'a, T> {
    source: Source<'a, 'a>,
    text: String,
    conditions: Vec<Json>,
    first: usize,
    lists: Lists<'static>,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Content> Search<'a, T> {
    pub(crate) fn new(source: Source<'a, 'a>, text: &str) -> Self {
        let (text, conditions) = (text.to_owned(), Vec::new());
        Self { source, text, conditions, first: FIRST, lists: Lists::All, of: PhantomData }
    }

    /// Adds a condition; all conditions must hold.
    pub fn filter(mut self, condition: Condition<T>) -> Self {
        self.conditions.push(condition.into_json());
        self
    }

    /// The number of entries, from 0 to 1,000.
    pub fn first(mut self, first: usize) -> Self {
        self.first = first;
        self
    }

    /// Leaves out children and to-many relations, as [`crate::find::Find::bare`] does.
    pub fn bare(mut self) -> Self {
        self.lists = Lists::Only(&[]);
        self
    }

    pub async fn ids(self) -> Result<Vec<Id<T>>> {
        Ok(self.found(false).await?.hits.into_iter().map(|hit| Id::new(hit.id)).collect())
    }

    /// The number of all entries that are found, at most 10,000.
    pub async fn count(self) -> Result<u64> {
        Ok(self.found(true).await?.total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default())
    }

    /// The entries, the best first.
    pub async fn all(mut self) -> Result<Vec<T>> {
        self.source.expect_several();
        let ids: Vec<Uuid> = self.found(false).await?.hits.into_iter().map(|hit| hit.id).collect();
        self.source.records(&ids, self.lists).await
    }

    async fn found(&self, total: bool) -> Result<Found> {
        let (info, scope) = (T::INFO, self.source.scope);
        if info.search.is_none() {
            return Err(Error::new(
                Code::BadUserInput,
                format!("entries of the type `{}` are not searched", info.name),
            ));
        }
        if self.first > MOST {
            let message = format!("{} entries were requested at once, the limit is {MOST}", self.first);
            return Err(Error::new(Code::LimitExceeded, message));
        }
        ask::check(&self.text)?;
        ask::check_stage(scope)?;
        scope.must_read_any(info)?;
        let filter = json!({ "and": self.conditions });
        let ask = Ask {
            words: Words::All(&self.text),
            types: vec![(info, Some(&filter))],
            order: SearchOrder::Relevance,
            first: self.first,
            after: None,
            total,
        };
        ask::find(&self.source.request(), scope, &ask).await
    }
}
