//! `Job`: a kind of work with its payload. `Work`, `OutsideWork`: how it is done.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use base::error::{Code, Error, Result};
use store::Store;
use store::hooks::Cx;

/// Of the ids of jobs, as commands and the log show them.
pub const PREFIX: &str = "job";

/// Work with its payload, which is kept as JSON until it is done: a version of the site must read what the one before has written.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it is called in the database; stays the same.
    const KIND: &'static str;
    /// After the last one that fails, it is parked.
    const ATTEMPTS: u32 = 12;
    /// For one attempt.
    const TIME: Duration = Duration::from_secs(5 * 60);
    /// Of several that are due, the greatest is first.
    const PRIORITY: i16 = 0;

    /// A second job with the same key while one waits is the same job; while one is being done, it waits for its end.
    fn key(&self) -> Option<String> {
        None
    }
}

/// Work whose effects are in the database.
pub trait Work<J: Job>: Send + Sync + 'static {
    /// The transaction of `cx` also finishes the job, so what is done in it is done once. After an error nothing of it is kept.
    fn work(&self, cx: &mut Cx<'_>, job: J) -> impl Future<Output = Result<()>> + Send;
}

/// Work whose effects are elsewhere: mail, other systems. It holds no transaction, and is done at least once: after an attempt that
/// did not come to its end, there is another one.
pub trait OutsideWork<J: Job>: Send + Sync + 'static {
    fn work(&self, store: &Store, attempt: &Attempt, job: J) -> impl Future<Output = Result<()>> + Send;
}

/// Which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The same for all attempts of a job: by it, others know that they have seen it.
    pub job: Uuid,
    /// From 1.
    pub number: u32,
    pub of: u32,
}

pub(crate) struct Kind {
    pub attempts: u32,
    pub time: Duration,
    pub body: Body,
}

pub(crate) enum Body {
    Inside(Box<dyn AnyWork>),
    Outside(Box<dyn AnyOutsideWork>),
}

impl Kind {
    pub fn inside<J: Job>(work: impl Work<J>) -> Self {
        Self::of::<J>(Body::Inside(Box::new(Erased { work, of: PhantomData })))
    }

    pub fn outside<J: Job>(work: impl OutsideWork<J>) -> Self {
        Self::of::<J>(Body::Outside(Box::new(Erased { work, of: PhantomData })))
    }

    fn of<J: Job>(body: Body) -> Self {
        Self { attempts: J::ATTEMPTS.max(1), time: J::TIME, body }
    }
}

type Pending<'a> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

pub(crate) trait AnyWork: Send + Sync {
    fn work<'a>(&'a self, cx: &'a mut Cx<'_>, payload: &'a str) -> Pending<'a>;
}

pub(crate) trait AnyOutsideWork: Send + Sync {
    fn work<'a>(&'a self, store: &'a Store, attempt: &'a Attempt, payload: &'a str) -> Pending<'a>;
}

struct Erased<J, W> {
    work: W,
    of: PhantomData<fn() -> J>,
}

impl<J: Job, W: Work<J>> AnyWork for Erased<J, W> {
    fn work<'a>(&'a self, cx: &'a mut Cx<'_>, payload: &'a str) -> Pending<'a> {
        Box::pin(async move { self.work.work(cx, parsed(payload)?).await })
    }
}

impl<J: Job, W: OutsideWork<J>> AnyOutsideWork for Erased<J, W> {
    fn work<'a>(&'a self, store: &'a Store, attempt: &'a Attempt, payload: &'a str) -> Pending<'a> {
        Box::pin(async move { self.work.work(store, attempt, parsed(payload)?).await })
    }
}

fn parsed<J: Job>(payload: &str) -> Result<J> {
    serde_json::from_str(payload).map_err(|error| {
        Error::new(Code::InvalidValue, format!("the payload does not fit a job `{}`: {error}", J::KIND))
    })
}
