//! The write path: creating, updating, publishing and deleting entries, each call one transaction.
//!
//! Inputs are the API's own JSON (`ProductCreateInput`, `ProductUpdateInput`, ...), already coerced. Problems come all at once, their paths
//! start at the mutation's arguments: `["input", "variants", "set", 2, "price"]`.

mod batch;
mod check;
mod failure;
mod input;
mod keys;
mod live;
mod load;
mod nested;
mod pointers;
mod remove;
mod row;
mod save;
mod sheet;
mod slug;
mod table;
mod unique;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::content::ContentInfo;
use crate::error::{Error, Problem, Result, Step};
use crate::hooks::HookSet;
use crate::store::Store;
use batch::{Change, Happened, Input, Request, Saved, Target};
use failure::Failure;
use remove::Subject;
use row::Faults;

pub use slug::slugify;

/// One record of a bulk save.
#[derive(Clone, Copy, Debug)]
pub struct UpsertItem<'a> {
    /// `{"slug": "chair"}` or `{"id": "product_..."}`, as `ProductKey`. Absent: always a new entry.
    pub key: Option<&'a Json>,
    /// `ProductUpdateInput`.
    pub data: &'a Map<String, Json>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct BulkOptions {
    pub publish: bool,
    /// A nested `create` whose natural key (its first single unique field that is given) exists becomes a connection, so that
    /// `{"create": {"slug": "chairs", "name": "Chairs"}}` makes the category once.
    pub reuse: bool,
    /// An `id` key that is not found makes an entry with that id.
    pub keep_ids: bool,
    /// Everything is checked and rolled back.
    pub dry_run: bool,
}

/// What became of one item of a bulk save.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Created(Uuid),
    Updated(Uuid),
    /// It held all of this already: its revision stays.
    Unchanged(Uuid),
    /// Nothing of it is stored. Paths start at the item's data.
    Rejected(Vec<Problem>),
}

/// How often a write that other writers were in the way of is done anew.
const ATTEMPTS: u32 = 6;

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
    let input = Input { root: 0, target, data, path: vec!["input".into()], outer: Vec::new() };
    let saved = save_all(store, hooks, info, vec![input], publish).await?;
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
        Input { root, target, data: item.get("data").and_then(Json::as_object).unwrap_or(&nothing), path, outer }
    });
    save_all(store, hooks, info, inputs.collect(), publish).await
}

async fn save_all(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    inputs: Vec<Input<'_>>,
    publish: bool,
) -> Result<Vec<Uuid>> {
    let request = Request { info, inputs, publish, reuse: false, keep_ids: false, ask_unique: true };
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
    async fn attempt(&self, connection: &mut PgConnection, store: &Store, hooks: &HookSet) -> Result<Saved, Failure> {
        let events = match self {
            Self::Save(request) => return batch::run(connection, store, hooks, request).await,
            Self::Delete(subject) => remove::delete(connection, store, hooks, *subject).await?,
            Self::Publish(subject) => batch::publish(connection, store, hooks, *subject).await?,
            Self::Unpublish(subject, force) => remove::unpublish(connection, store, hooks, *subject, *force).await?,
        };
        Ok(Saved { entries: Vec::new(), events })
    }
}

/// Attempts the work anew when other writers were in the way; then come the hooks that wait for the commit.
async fn commit(store: &Store, hooks: &HookSet, work: &Work<'_>) -> Result<Vec<(Uuid, Change)>> {
    let mut attempts = 1;
    loop {
        match once(store, hooks, work, false).await {
            Ok(Saved { entries, events }) => {
                after_commit(store, hooks, &events).await;
                return Ok(entries);
            }
            Err(failure) if failure.is_race() && attempts < ATTEMPTS => attempts += 1,
            Err(failure) => return Err(failure.into_error(store.schema)),
        }
    }
}

/// The connection is given back before anything else is asked of the pool.
async fn once(store: &Store, hooks: &HookSet, work: &Work<'_>, dry_run: bool) -> Result<Saved, Failure> {
    let mut transaction = store.pool.begin().await?;
    match work.attempt(&mut transaction, store, hooks).await {
        Ok(done) if !dry_run => {
            transaction.commit().await?;
            Ok(done)
        }
        done => {
            transaction.rollback().await?;
            done
        }
    }
}

async fn after_commit(store: &Store, hooks: &HookSet, events: &[Happened]) {
    for event in events {
        if let Some(hook) = hooks.of(event.info) {
            hook.after_commit(store, event.kind, event.id, event.revision).await;
        }
    }
}

/// Saves a batch: what is wrong is rejected alone, all else is saved in one transaction. An error is a failure of the whole.
pub async fn save_batch(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[UpsertItem<'_>],
    options: BulkOptions,
) -> Result<Vec<Outcome>> {
    let mut rejected: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
    let mut races = 0;
    let saved = loop {
        let good = items.iter().enumerate().filter(|(root, _)| !rejected.contains_key(root));
        let inputs: Vec<Input<'_>> = good.map(|(root, item)| bulk_input(root, item)).collect();
        if inputs.is_empty() {
            break Vec::new();
        }
        let roots: Vec<usize> = inputs.iter().map(|input| input.root).collect();
        let BulkOptions { publish, reuse, keep_ids, dry_run } = options;
        // The database refuses a value that is taken as well, so asking first pays only when it has done so.
        let ask_unique = races > 0 || dry_run;
        let work = Work::Save(Request { info, inputs, publish, reuse, keep_ids, ask_unique });
        match once(store, hooks, &work, dry_run).await {
            Ok(Saved { entries, events }) => {
                if !dry_run {
                    after_commit(store, hooks, &events).await;
                }
                break roots.into_iter().zip(entries).collect();
            }
            Err(Failure::Faults(Faults(faults))) => {
                for (root, problem) in faults {
                    rejected.entry(root).or_default().push(problem);
                }
            }
            Err(failure) if failure.is_race() && races < ATTEMPTS => races += 1,
            Err(failure) => return Err(failure.into_error(store.schema)),
        }
    };
    let outcome = |(id, change)| match change {
        Change::Created => Outcome::Created(id),
        Change::Updated => Outcome::Updated(id),
        Change::None => Outcome::Unchanged(id),
    };
    let mut outcomes: BTreeMap<usize, Outcome> =
        saved.into_iter().map(|(root, entry)| (root, outcome(entry))).collect();
    outcomes.extend(rejected.into_iter().map(|(root, problems)| (root, Outcome::Rejected(problems))));
    Ok(outcomes.into_values().collect())
}

fn bulk_input<'a>(root: usize, item: &UpsertItem<'a>) -> Input<'a> {
    let target = item.key.map_or(Target::New, |key| Target::Key { key, revision: None });
    Input { root, target, data: item.data, path: Vec::new(), outer: Vec::new() }
}
