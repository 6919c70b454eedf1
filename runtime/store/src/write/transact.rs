//! Write transactions: retried on conflicts with other writers, committed as a whole, then announced.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::connection::slow::{self, End};
use crate::hooks::{Cx, Happened, HookSet, Transcript, after_commit};
use crate::write::batch::{self, Change, Request, Saved};
use crate::write::entries::Version;
use crate::write::failure::Failure;
use crate::write::remove::{self, Parting, Subject};
use crate::write::{dependencies, draft, entries, restore, undelete};
use crate::{Connection, Store};
use base::error::{Error, Result, caught};
use model::content::ContentInfo;

/// How often a write that conflicts with other writers is attempted at most.
pub(super) const ATTEMPTS: u32 = 12;
/// The longest pause before the first retry. It doubles with each retry, up to `LAST_PAUSE`.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LAST_PAUSE: Duration = Duration::from_millis(250);

/// Custom code of the site that runs in one transaction.
pub trait Transacted: Sync {
    type Output: Send;

    /// May be called again in a new transaction after a conflict with other writers, so effects outside of the database may repeat.
    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> BoxFuture<'c, Result<Self::Output>>;
}

/// Runs the work for the actor of the store and commits.
pub async fn transact<T: Transacted>(store: &Store, hooks: &HookSet, work: &T) -> Result<T::Output> {
    let mut attempts = 1;
    loop {
        let failure = match once(store, hooks, &Own(work), attempts > 1).await {
            Ok((output, events)) => {
                after_commit(store, hooks, &events).await;
                return Ok(output);
            }
            Err(failure) => failure,
        };
        if !failure.is_race() || attempts == ATTEMPTS {
            return Err(failure.into_error(store.schema, false));
        }
        pause(attempts).await;
        attempts += 1;
    }
}

/// The work of one transaction.
pub(crate) enum Work<'a> {
    Save(Request<'a>),
    Delete(Subject),
    Publish(Subject),
    /// With what it depends on.
    PublishWith(Subject),
    PublishAll {
        info: &'static ContentInfo,
        ids: &'a [Uuid],
    },
    Unpublish(Subject, Parting),
    Discard(Subject),
    PublishRevision(Version),
    /// All or none, of any types.
    PublishTogether(&'a [Version]),
    /// With an input that is laid over the revision.
    Restore(Subject, i64, &'a Map<String, Json>),
    Undelete {
        info: &'static ContentInfo,
        id: Uuid,
        input: &'a Map<String, Json>,
    },
    Duplicate {
        info: &'static ContentInfo,
        id: Uuid,
        data: &'a Map<String, Json>,
    },
}

/// Work that runs in its own transaction.
pub(super) trait Attempt: Sync {
    type Output: Send;

    /// `again`: the previous attempt conflicted with other writers.
    fn attempt<'c>(&'c self, cx: &'c mut Cx<'_>, again: bool) -> BoxFuture<'c, Result<Self::Output, Failure>>;
}

impl Work<'_> {
    pub(crate) async fn attempt(&self, cx: &mut Cx<'_>, again: bool) -> Result<Saved, Failure> {
        let events = match self {
            Self::Save(request) => return batch::run(cx, request, again).await,
            Self::Duplicate { info, id, data } => return draft::duplicate(cx, info, *id, data, again).await,
            Self::Undelete { info, id, input } => return undelete::undelete(cx, info, *id, input, again).await,
            Self::PublishRevision(version) => entries::publish_versions(cx, &[*version], &|_| Vec::new()).await?,
            Self::PublishTogether(versions) => entries::publish_versions(cx, versions, &Version::path).await?,
            Self::Restore(subject, from, input) => restore::restore(cx, *subject, *from, input, again).await?,
            Self::Delete(subject) => remove::delete(cx, *subject).await?,
            Self::Publish(subject) => batch::publish(cx, *subject).await?,
            Self::PublishWith(subject) => dependencies::publish(cx, *subject).await?,
            Self::PublishAll { info, ids } => draft::publish_all(cx, info, ids).await?,
            Self::Discard(subject) => draft::discard(cx, *subject).await?,
            Self::Unpublish(subject, parting) => remove::unpublish(cx, *subject, *parting).await?,
        };
        Ok(Saved { entries: Vec::new(), events })
    }

    /// Runs the work as part of the caller's transaction.
    pub(super) async fn alone(
        &self,
        connection: &mut Connection,
        store: &Store,
        hooks: &HookSet,
        again: bool,
    ) -> Result<Saved, Failure> {
        let mut transcript = Transcript::new(store);
        let mut saved = self.attempt(&mut transcript.cx(store, hooks, connection), again).await?;
        saved.events.splice(0..0, transcript.done.events);
        Ok(saved)
    }

    /// The database knows nothing of inputs. If there is only one, the database's error is about it.
    pub(crate) fn error(&self, failure: Failure, store: &Store) -> Error {
        let refused_by_database = matches!(failure, Failure::Database(_));
        let mut error = failure.into_error(store.schema, matches!(self, Self::Delete(_) | Self::Unpublish(..)));
        if let (Self::Save(Request { inputs, .. }), true) = (self, refused_by_database)
            && let [input] = inputs.as_slice()
        {
            for problem in error.problems.iter_mut().filter(|problem| !problem.path.is_empty()) {
                problem.path.splice(0..0, input.path.iter().cloned());
            }
        }
        error
    }
}

impl Attempt for Work<'_> {
    type Output = Saved;

    fn attempt<'c>(&'c self, cx: &'c mut Cx<'_>, again: bool) -> BoxFuture<'c, Result<Saved, Failure>> {
        Self::attempt(self, cx, again).boxed()
    }
}

/// Runs custom code as an [`Attempt`].
struct Own<'a, T>(&'a T);

impl<T: Transacted> Attempt for Own<'_, T> {
    type Output = T::Output;

    fn attempt<'c>(&'c self, cx: &'c mut Cx<'_>, _: bool) -> BoxFuture<'c, Result<T::Output, Failure>> {
        async move {
            let done = caught(self.0.run(cx)).await.and_then(|done| done);
            let done = match done {
                Ok(output) => {
                    // If the site's code ignores an error of its own SQL, PostgreSQL rolls back at the commit without reporting an error.
                    let whole = match cx.connection.check_whole() {
                        Ok(()) => cx.connection.ping().await.map_err(Error::from),
                        given_up => given_up,
                    };
                    whole.map(|()| output)
                }
                failed => failed,
            };
            // The site's own SQL reports a conflict only by its error.
            let is_race = |error: &Error| cx.done.race || *error == Error::in_the_way();
            done.map_err(|error| if is_race(&error) { Failure::Again(error) } else { Failure::Refused(error) })
        }
        .boxed()
    }
}

/// Retries the work on conflicts with other writers, then calls the `after_commit` hooks.
pub(super) async fn commit(store: &Store, hooks: &HookSet, work: &Work<'_>) -> Result<Vec<(Uuid, Change)>> {
    let mut attempts = 1;
    loop {
        match save_once(store, hooks, work, attempts > 1).await {
            Ok(Saved { entries, events }) => {
                after_commit(store, hooks, &events).await;
                return Ok(entries);
            }
            Err(failure) if failure.is_race() && attempts < ATTEMPTS => {
                pause(attempts).await;
                attempts += 1;
            }
            Err(failure) => return Err(work.error(failure, store)),
        }
    }
}

pub(super) async fn save_once(store: &Store, hooks: &HookSet, work: &Work<'_>, again: bool) -> Result<Saved, Failure> {
    let (mut saved, events) = once(store, hooks, work, again).await?;
    saved.events.splice(0..0, events);
    Ok(saved)
}

/// Returns the output and the changes that the work made. The connection goes back to the pool before the pool is used again.
async fn once<A: Attempt>(
    store: &Store,
    hooks: &HookSet,
    work: &A,
    again: bool,
) -> Result<(A::Output, Vec<Happened>), Failure> {
    let mut transaction = store.writes.begin().await?;
    store.check_actor(&mut transaction).await?;
    let mut transcript = Transcript::new(store);
    match work.attempt(&mut transcript.cx(store, hooks, &mut transaction), again).await {
        Ok(_) if let Err(given_up) = transaction.check_whole() => {
            transaction.rollback().await?;
            Err(Failure::Refused(given_up))
        }
        Ok(output) => {
            // In its own task, so that a commit in progress is not cancelled when the request is dropped.
            let begun = Instant::now();
            let committed = tokio::spawn(transaction.commit()).await.map_err(Error::internal)?;
            // That task does not have the request's trace, so the commit is traced here.
            slow::trace("commit", begun, committed.as_ref().map_or_else(End::Failed, |()| End::Answered));
            committed?;
            Ok((output, transcript.done.events))
        }
        Err(failure) => {
            transaction.rollback().await?;
            Err(failure)
        }
    }
}

/// Waits for a random time, so that conflicting writers do not collide again at once.
pub(super) async fn pause(attempts: u32) {
    let longest = FIRST_PAUSE.saturating_mul(1 << attempts.min(16)).min(LAST_PAUSE);
    // A new id is the source of randomness.
    let random = u32::try_from(Uuid::new_v4().as_u128() & 0xffff).unwrap_or_default();
    tokio::time::sleep(longest * random / 0xffff).await;
}
