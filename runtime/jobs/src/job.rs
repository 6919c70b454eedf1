//! `Job`: a kind of work and its payload. `Work`, `OutsideWork`: its handlers.

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

/// The prefix of job ids in commands and logs.
pub const PREFIX: &str = "job";

/// Work with its payload. It is stored as JSON until the job is done, so a new version of the site must read the old one's.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name in the database.
    const KIND: &'static str;
    /// After this many failed attempts, the job is parked.
    const ATTEMPTS: u32 = 12;
    /// Timeout of one attempt.
    const TIME: Duration = Duration::from_secs(5 * 60);
    /// Among due jobs, the greatest priority runs first.
    const PRIORITY: i16 = 0;

    /// While a job with this key waits, another with the key is the same job. While one runs, another waits for its end.
    fn key(&self) -> Option<String> {
        None
    }
}

/// Work whose effects are in the database.
pub trait Work<J: Job>: Send + Sync + 'static {
    /// The transaction of `cx` also finishes the job, so its effects happen once. After an error it is rolled back.
    fn work(&self, cx: &mut Cx<'_>, job: J) -> impl Future<Output = Result<()>> + Send;

    /// Runs in the transaction that parks the job after its last attempt has failed: those who wait for it can be told.
    fn given_up(&self, cx: &mut Cx<'_>, job: J) -> impl Future<Output = Result<()>> + Send {
        let _ = (cx, job);
        async { Ok(()) }
    }
}

/// Work with effects elsewhere: mail, other systems. It has no transaction and runs at least once: an incomplete attempt is repeated.
pub trait OutsideWork<J: Job>: Send + Sync + 'static {
    fn work(&self, store: &Store, attempt: &Attempt, job: J) -> impl Future<Output = Result<()>> + Send;
}

/// Identifies an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The same for all attempts of a job, so that other systems can detect repeats.
    pub job: Uuid,
    /// Starts at 1.
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
    fn given_up<'a>(&'a self, cx: &'a mut Cx<'_>, payload: &'a str) -> Pending<'a>;
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

    fn given_up<'a>(&'a self, cx: &'a mut Cx<'_>, payload: &'a str) -> Pending<'a> {
        Box::pin(async move { self.work.given_up(cx, parsed(payload)?).await })
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
