//! `cx.enqueue(&job)`: enqueues a job in the transaction that needs it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::job::Job;
use crate::queue::{self, New};
use base::error::{Code, Error, Result};
use model::timestamp::Timestamp;
use store::hooks::Cx;
use store::{Connection, Store};

/// The maximum size of a job's JSON, and of its key, which is indexed.
const LONGEST_PAYLOAD: usize = 1 << 20;
const LONGEST_KEY: usize = 1_000;

pub trait Enqueue {
    /// By default the job is due at once: `cx.enqueue(&job).await?`. It is stored if the transaction commits, and not otherwise.
    fn enqueue<J: Job>(&mut self, job: &J) -> Enqueueing<'_>;
}

/// A job that is stored when this is awaited, which returns its id.
#[must_use = "a job is enqueued when this is awaited"]
pub struct Enqueueing<'a> {
    connection: &'a mut Connection,
    store: &'a Store,
    new: Result<New>,
}

impl Enqueue for Cx<'_> {
    fn enqueue<J: Job>(&mut self, job: &J) -> Enqueueing<'_> {
        Enqueueing { connection: &mut *self.connection, store: self.store, new: new(job) }
    }
}

/// Like [`Enqueue::enqueue`], in its own transaction, for routes and the like.
pub async fn enqueue<J: Job>(store: &Store, job: &J) -> Result<Uuid> {
    let mut transaction = store.writes.begin().await?;
    let enqueueing = Enqueueing { connection: &mut transaction, store, new: new(job) };
    let id = enqueueing.await?;
    transaction.commit().await?;
    Ok(id)
}

impl Enqueueing<'_> {
    /// Runs the job no earlier than this moment.
    pub fn at(self, moment: Timestamp) -> Self {
        self.with(|new| new.at = Some(moment))
    }

    /// Runs the job no earlier than after this time.
    pub fn after(self, time: impl TryInto<Duration>) -> Self {
        // A negative time counts as zero.
        self.with(|new| new.after = time.try_into().unwrap_or_default())
    }

    fn with(mut self, change: impl FnOnce(&mut New)) -> Self {
        if let Ok(new) = &mut self.new {
            change(new);
        }
        self
    }
}

impl<'a> IntoFuture for Enqueueing<'a> {
    type Output = Result<Uuid>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Uuid>> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let id = queue::insert(self.connection, &self.new?).await?;
            self.connection.ring_at_commit(&self.store.bells.jobs);
            Ok(id)
        })
    }
}

pub(crate) fn new<J: Job>(job: &J) -> Result<New> {
    let payload = serde_json::to_string(job);
    let payload =
        payload.map_err(|error| Error::internal(format!("a job `{}` cannot be written as JSON: {error}", J::KIND)))?;
    let key = job.key();
    let wrong = |what: String| Error::new(Code::BadUserInput, format!("a job `{}`: {what}", J::KIND));
    // PostgreSQL would reject these and abort the transaction.
    if payload.len() > LONGEST_PAYLOAD {
        return Err(wrong(format!("its payload has {} bytes, the limit is {LONGEST_PAYLOAD}", payload.len())));
    }
    if payload.contains("\\u0000") && has_nul(&serde_json::from_str(&payload).map_err(Error::internal)?) {
        return Err(wrong("its payload contains the character U+0000".to_owned()));
    }
    if let Some(key) = key.as_ref().filter(|key| key.len() > LONGEST_KEY || key.contains('\0')) {
        return Err(wrong(format!(
            "its key must have at most {LONGEST_KEY} bytes and no U+0000, it has {}",
            key.len()
        )));
    }
    Ok(New { kind: J::KIND, payload, key, priority: J::PRIORITY, at: None, after: Duration::ZERO })
}

fn has_nul(json: &Json) -> bool {
    match json {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}
