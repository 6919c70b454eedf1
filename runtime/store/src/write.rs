//! The write path: creates, updates, publishes and deletes entries. Each call is one transaction.
//!
//! Inputs are the JSON of the API (`ProductCreateInput`, `ProductUpdateInput`, ...), already coerced. All problems are reported at once.
//! Their paths start at the arguments of the mutation: `["input", "variants", "set", 2, "price"]`.

mod batch;
mod bin;
mod bulk;
pub mod check;
mod compose;
mod conflict;
mod dependencies;
pub mod diff;
mod draft;
pub mod entries;
pub mod failure;
mod fit;
mod given;
pub mod guard;
mod history;
mod input;
mod inside;
mod keep;
mod keys;
mod large;
pub mod live;
pub mod load;
mod merge;
mod nested;
mod paths;
mod pointers;
mod prepare;
mod publishable;
mod put_back;
mod remove;
mod restore;
pub mod review;
pub mod revisions;
pub mod row;
mod save;
mod sheet;
mod slug;
pub mod table;
pub mod together;
mod trail;
mod transact;
mod undelete;
mod unique;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::Store;
use crate::hooks::HookSet;
use crate::search::document::When;
use base::error::{Error, Result, Step};
use batch::{Input, Request, Target};
use entries::Version;
use model::content::ContentInfo;
use remove::{Parting, Subject};

pub use bulk::{BulkOptions, Outcome, Rehearsal, UpsertItem, save_batch};
pub use dependencies::{Dependency, dependencies};
pub use diff::FieldDiff;
pub use publishable::publish_check;
pub use slug::slugify;
pub(crate) use transact::Work;
use transact::commit;
pub use transact::{Transacted, transact};

/// `createProduct(input, publish)`: `input` is a `ProductCreateInput`.
pub async fn create(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    input: &Map<String, Json>,
    publish: bool,
) -> Result<Uuid> {
    one(store, hooks, info, Target::New, input, publish, false).await
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
    one(store, hooks, info, Target::Id { id, revision }, input, publish, false).await
}

/// `updateProduct(id, revision, input, publish, onConflict: MERGE)`.
pub async fn merge(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
    input: &Map<String, Json>,
    publish: bool,
) -> Result<Uuid> {
    one(store, hooks, info, Target::Id { id, revision }, input, publish, true).await
}

async fn one(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    target: Target<'_>,
    data: &Map<String, Json>,
    publish: bool,
    merge: bool,
) -> Result<Uuid> {
    let input = Input { root: 0, target, data, publish, merge, path: vec!["input".into()], outer: Vec::new() };
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
    upsert_all(store, hooks, info, items, publish, false).await
}

/// `upsertProducts(input, publish, onConflict: MERGE)`.
pub async fn upsert_merging(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[Json],
    publish: bool,
) -> Result<Vec<Uuid>> {
    upsert_all(store, hooks, info, items, publish, true).await
}

async fn upsert_all(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[Json],
    publish: bool,
    merge: bool,
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
        Input { root, target, data, publish, merge, path, outer }
    });
    save_all(store, hooks, info, inputs.collect()).await
}

async fn save_all(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    inputs: Vec<Input<'_>>,
) -> Result<Vec<Uuid>> {
    let entries = commit(store, hooks, &Work::Save(save(info, inputs))).await?;
    Ok(entries.into_iter().map(|(id, _)| id).collect())
}

/// A request with the options of client mutations.
fn save<'a>(info: &'static ContentInfo, inputs: Vec<Input<'a>>) -> Request<'a> {
    Request { info, inputs, reuse: false, keep_ids: false, import: false, index: When::Now, ask_unique: true }
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

/// `publishProduct(id, revision, withDependencies: true)`.
pub async fn publish_with_dependencies(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Uuid> {
    commit(store, hooks, &Work::PublishWith(Subject { info, id, revision })).await?;
    Ok(id)
}

/// Publishes the entry as it is, whatever its revision.
pub async fn publish_latest(store: &Store, hooks: &HookSet, info: &'static ContentInfo, id: Uuid) -> Result<()> {
    commit(store, hooks, &Work::PublishRevision(Version { info, id, revision: None })).await?;
    Ok(())
}

/// `publishProducts(ids)`: all or nothing.
pub async fn publish_all(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    ids: &[Uuid],
) -> Result<Vec<Uuid>> {
    commit(store, hooks, &Work::PublishAll { info, ids }).await?;
    Ok(ids.to_vec())
}

/// `discardProductDraft(id, revision)`.
pub async fn discard_draft(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Uuid> {
    commit(store, hooks, &Work::Discard(Subject { info, id, revision })).await?;
    Ok(id)
}

/// `restoreProduct(id, revision, from, input)`.
pub async fn restore(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
    from: i64,
    input: &Map<String, Json>,
) -> Result<Uuid> {
    commit(store, hooks, &Work::Restore(Subject { info, id, revision }, from, input)).await?;
    Ok(id)
}

/// `undeleteProduct(id, input)`.
pub async fn undelete(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    input: &Map<String, Json>,
) -> Result<Uuid> {
    commit(store, hooks, &Work::Undelete { info, id, input }).await?;
    Ok(id)
}

/// `duplicateProduct(id, input)`: `input` is a `ProductUpdateInput`.
pub async fn duplicate(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    input: &Map<String, Json>,
) -> Result<Uuid> {
    let entries = commit(store, hooks, &Work::Duplicate { info, id, data: input }).await?;
    entries.first().map(|(id, _)| *id).ok_or_else(|| Error::internal("a saved entry has no id"))
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
    let parting = if force { Parting::Forced } else { Parting::Checked };
    commit(store, hooks, &Work::Unpublish(Subject { info, id, revision }, parting)).await?;
    Ok(id)
}
