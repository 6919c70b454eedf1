//! The write path: creating, updating, publishing and deleting entries, each call one transaction.
//!
//! Inputs are the API's own JSON (`ProductCreateInput`, `ProductUpdateInput`, ...), already coerced. Problems come all at once, their paths
//! start at the mutation's arguments: `["input", "variants", "set", 2, "price"]`.

mod batch;
mod bulk;
pub mod check;
pub mod failure;
pub mod guard;
mod input;
mod keys;
pub mod live;
pub mod load;
mod nested;
mod pointers;
mod prepare;
mod remove;
pub mod row;
mod save;
mod sheet;
mod slug;
pub mod table;
mod trail;
mod unique;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::hooks::HookSet;
use crate::{Connection, Store};
use base::error::{Error, Result, Step, caught};
use batch::{Change, Happened, Input, Request, Saved, Target};
use failure::Failure;
use model::content::ContentInfo;
use remove::Subject;

pub use bulk::{BulkOptions, Outcome, Rehearsal, UpsertItem, save_batch};
pub use slug::slugify;

/// How often a write that other writers were in the way of is done anew.
const ATTEMPTS: u32 = 12;

/// `createProduct(input, publish)`: `input` is a `ProductCreateInput`.
pub async fn create(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    input: &Map<String, Json>,
    publish: bool,
) -> Result<Uuid> {
    one(store, hooks, info, Target::New, input, publish).await
}

/// `updateProduct(id, revision, input, publish)`.
pub async fn update(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
    input: &Map<String, Json>,
    publish: bool,
) -> Result<Uuid> {
    one(store, hooks, info, Target::Id { id, revision }, input, publish).await
}

async fn one(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    target: Target<'_>,
    data: &Map<String, Json>,
    publish: bool,
) -> Result<Uuid> {
    let input = Input { root: 0, target, data, publish, path: vec!["input".into()], outer: Vec::new() };
    let saved = save_all(store, hooks, info, vec![input]).await?;
    saved.first().copied().ok_or_else(|| Error::internal("a saved entry has no id"))
}

/// `upsertProducts(input, publish)`: `items` are `ProductUpsertInput`s; all or nothing.
pub async fn upsert(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[Json],
    publish: bool,
) -> Result<Vec<Uuid>> {
    let nothing = Map::new();
    let inputs = items.iter().enumerate().map(|(root, item)| {
        let outer: Vec<Step> = vec!["input".into(), root.into()];
        let path = outer.iter().cloned().chain([Step::from("data")]).collect();
        let target = Target::Key {
            key: item.get("key").unwrap_or(&Json::Null),
            revision: item.get("revision").and_then(Json::as_i64),
        };
        let data = item.get("data").and_then(Json::as_object).unwrap_or(&nothing);
        Input { root, target, data, publish, path, outer }
    });
    save_all(store, hooks, info, inputs.collect()).await
}

async fn save_all(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    inputs: Vec<Input<'_>>,
) -> Result<Vec<Uuid>> {
    let request = Request { info, inputs, reuse: false, keep_ids: false, import: false, ask_unique: true };
    let entries = commit(store, hooks, &Work::Save(request)).await?;
    Ok(entries.into_iter().map(|(id, _)| id).collect())
}

/// `deleteProduct(id, revision)`.
pub async fn delete(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Uuid> {
    commit(store, hooks, &Work::Delete(Subject { info, id, revision })).await?;
    Ok(id)
}

/// `publishProduct(id, revision)`.
pub async fn publish(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Uuid> {
    commit(store, hooks, &Work::Publish(Subject { info, id, revision })).await?;
    Ok(id)
}

/// `unpublishProduct(id, revision, force)`.
pub async fn unpublish(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
    force: bool,
) -> Result<Uuid> {
    commit(store, hooks, &Work::Unpublish(Subject { info, id, revision }, force)).await?;
    Ok(id)
}

/// What a transaction is to do.
enum Work<'a> {
    Save(Request<'a>),
    Delete(Subject),
    Publish(Subject),
    Unpublish(Subject, bool),
}

impl Work<'_> {
    /// `again`: others were in the way of the attempt before.
    async fn attempt(
        &self,
        connection: &mut Connection,
        store: &Store,
        hooks: &HookSet,
        again: bool,
    ) -> Result<Saved, Failure> {
        let events = match self {
            Self::Save(request) => return batch::run(connection, store, hooks, request, again).await,
            Self::Delete(subject) => remove::delete(connection, store, hooks, *subject).await?,
            Self::Publish(subject) => batch::publish(connection, store, hooks, *subject).await?,
            Self::Unpublish(subject, force) => remove::unpublish(connection, store, hooks, *subject, *force).await?,
        };
        Ok(Saved { entries: Vec::new(), events })
    }

    /// The database does not know of inputs, so what it refuses is about the only one, if there is only one.
    fn error(&self, failure: Failure, store: &Store) -> Error {
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

/// Attempts the work anew when other writers were in the way; then come the hooks that wait for the commit.
async fn commit(store: &Store, hooks: &HookSet, work: &Work<'_>) -> Result<Vec<(Uuid, Change)>> {
    let mut attempts = 1;
    loop {
        match once(store, hooks, work, attempts > 1).await {
            Ok(Saved { entries, events }) => {
                after_commit(store, hooks, &events).await;
                return Ok(entries);
            }
            Err(failure) if failure.is_race() && attempts < ATTEMPTS => attempts += 1,
            Err(failure) => return Err(work.error(failure, store)),
        }
    }
}

/// The connection is given back before anything else is asked of the pool.
async fn once(store: &Store, hooks: &HookSet, work: &Work<'_>, again: bool) -> Result<Saved, Failure> {
    let mut transaction = store.writes.begin().await?;
    store.check_actor(&mut transaction).await?;
    match work.attempt(&mut transaction, store, hooks, again).await {
        Ok(done) => {
            transaction.commit().await?;
            Ok(done)
        }
        failed => {
            transaction.rollback().await?;
            failed
        }
    }
}

async fn after_commit(store: &Store, hooks: &HookSet, events: &[Happened]) {
    for event in events {
        if let Some(hook) = hooks.of(event.info) {
            // The change is made, so nothing is to be refused any more; the cause is in the log.
            let _ = caught(hook.after_commit(store, event.kind, event.id, event.revision)).await;
        }
    }
}
