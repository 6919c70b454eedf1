//! `Follow`, `FollowAll`: handlers of changes, called once for each change, in order. `Followers`: those of a site.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use crate::change::{Change, ChangeOf};
use base::error::{Code, Error, Result};
use store::hooks::Cx;
use store::record::Record;

/// The default batch size.
const BATCH: usize = 100;

/// Where a new consumer starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartAt {
    /// With the next change.
    #[default]
    End,
    /// With the oldest change that is kept.
    Beginning,
}

/// Follows the entries of one type.
pub trait Follow<T: Record>: Send + Sync + 'static {
    /// Handles changes in order; those of one entry come in the order of their commits. The transaction of `cx` also advances the
    /// consumer, so its effects happen once for each change. After an error it is rolled back, and the same changes come again.
    fn follow(&self, cx: &mut Cx<'_>, changes: &[ChangeOf<T>]) -> impl Future<Output = Result<()>> + Send;

    fn start_at(&self) -> StartAt {
        StartAt::default()
    }

    /// The maximum number of changes in a batch.
    fn batch(&self) -> usize {
        BATCH
    }
}

/// Like [`Follow`], for entries of all types.
pub trait FollowAll: Send + Sync + 'static {
    fn follow(&self, cx: &mut Cx<'_>, changes: &[Change]) -> impl Future<Output = Result<()>> + Send;

    fn start_at(&self) -> StartAt {
        StartAt::default()
    }

    fn batch(&self) -> usize {
        BATCH
    }
}

/// The consumers of a site, by name.
#[derive(Clone, Default)]
pub struct Followers {
    pub(crate) consumers: Vec<Arc<Consumer>>,
    wrong: Vec<String>,
}

pub(crate) struct Consumer {
    pub name: &'static str,
    pub start_at: StartAt,
    pub batch: usize,
    /// `None` for all types.
    pub tables: Option<Vec<String>>,
    handler: Box<dyn AnyFollow>,
}

impl Followers {
    pub fn add<T: Record>(&mut self, name: &'static str, follow: impl Follow<T>) {
        let tables = [T::INFO.table].iter().chain(T::INFO.former).map(|&table| table.to_owned()).collect();
        self.put(Consumer {
            name,
            start_at: follow.start_at(),
            batch: follow.batch().max(1),
            tables: Some(tables),
            handler: Box::new(OfOne { follow, of: PhantomData }),
        });
    }

    pub fn add_all(&mut self, name: &'static str, follow: impl FollowAll) {
        self.put(Consumer {
            name,
            start_at: follow.start_at(),
            batch: follow.batch().max(1),
            tables: None,
            handler: Box::new(OfAll(follow)),
        });
    }

    /// Returns an error if a declaration was invalid.
    pub fn check(&self) -> Result<()> {
        if self.wrong.is_empty() { Ok(()) } else { Err(Error::new(Code::BadRequest, self.wrong.join("; "))) }
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.consumers.iter().map(|consumer| consumer.name).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.consumers.is_empty()
    }

    fn put(&mut self, consumer: Consumer) {
        if self.consumers.iter().any(|known| known.name == consumer.name) {
            self.wrong
                .push(format!("two consumers are named `{}`: the name of a consumer must be unique", consumer.name));
        }
        self.consumers.push(Arc::new(consumer));
    }
}

impl fmt::Debug for Followers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.consumers.iter().map(|consumer| consumer.name)).finish()
    }
}

impl Consumer {
    pub async fn handle(&self, cx: &mut Cx<'_>, changes: Vec<Change>) -> Result<()> {
        self.handler.follow(cx, changes).await
    }
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

trait AnyFollow: Send + Sync {
    fn follow<'a>(&'a self, cx: &'a mut Cx<'_>, changes: Vec<Change>) -> Pending<'a>;
}

struct OfOne<T, F> {
    follow: F,
    of: PhantomData<fn() -> T>,
}

struct OfAll<F>(F);

impl<T: Record, F: Follow<T>> AnyFollow for OfOne<T, F> {
    fn follow<'a>(&'a self, cx: &'a mut Cx<'_>, changes: Vec<Change>) -> Pending<'a> {
        Box::pin(async move {
            let changes: Vec<_> = changes.into_iter().map(ChangeOf::new).collect();
            self.follow.follow(cx, &changes).await
        })
    }
}

impl<F: FollowAll> AnyFollow for OfAll<F> {
    fn follow<'a>(&'a self, cx: &'a mut Cx<'_>, changes: Vec<Change>) -> Pending<'a> {
        Box::pin(async move { self.0.follow(cx, &changes).await })
    }
}
