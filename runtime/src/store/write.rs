//! The write path: creating, updating, publishing and deleting entries, each call one transaction.
//!
//! Inputs are the API's own JSON (`ProductCreateInput`, `ProductUpdateInput`, ...), already coerced. Problems come all at once, their paths
//! start at the mutation's arguments: `["input", "variants", "set", 2, "price"]`.

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::content::ContentInfo;
use crate::error::{Error, Problem, Result};
use crate::hooks::HookSet;
use crate::store::Store;

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

/// `createProduct(input, publish)`: `input` is a `ProductCreateInput`.
pub async fn create(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    input: &Map<String, Json>,
    publish: bool,
) -> Result<Uuid> {
    unfinished(store, hooks, (info, input, publish))
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
    unfinished(store, hooks, (info, id, revision, input, publish))
}

/// `upsertProducts(input, publish)`: `items` are `ProductUpsertInput`s; all or nothing.
pub async fn upsert(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[Json],
    publish: bool,
) -> Result<Vec<Uuid>> {
    unfinished(store, hooks, (info, items, publish))
}

/// `deleteProduct(id, revision)`.
pub async fn delete(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Uuid> {
    unfinished(store, hooks, (info, id, revision))
}

/// `publishProduct(id, revision)`.
pub async fn publish(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Uuid> {
    unfinished(store, hooks, (info, id, revision))
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
    unfinished(store, hooks, (info, id, revision, force))
}

/// Saves a batch: what is wrong is rejected alone, all else is saved in one transaction. An error is a failure of the whole.
pub async fn save_batch(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[UpsertItem<'_>],
    options: BulkOptions,
) -> Result<Vec<Outcome>> {
    unfinished(store, hooks, (info, items, options))
}

fn unfinished<T>(_: &Store, _: &HookSet, _: impl std::fmt::Debug) -> Result<T> {
    Err(Error::internal("the write path is not there yet"))
}
