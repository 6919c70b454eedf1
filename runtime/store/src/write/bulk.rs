//! Bulk saves: rejects invalid entries one by one and saves all others, with one transaction per batch.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::hooks::{HookSet, after_commit};
use crate::search::document::When;
use crate::write::batch::{Change, Input, Request, Saved, Target};
use crate::write::failure::Failure;
use crate::write::row::Faults;
use crate::write::transact::{ATTEMPTS, Work, pause, save_once};
use crate::{Store, Transaction};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;

/// Marks paths that lead to an item's key instead of its data.
const OUTER: Step = Step::Index(usize::MAX);

/// One record of a bulk save.
#[derive(Clone, Copy, Debug)]
pub struct UpsertItem<'a> {
    /// `{"slug": "chair"}` or `{"id": "product_..."}`, as in `ProductKey`. `None` always creates an entry.
    pub key: Option<&'a Json>,
    /// A `ProductUpdateInput`.
    pub data: &'a Map<String, Json>,
    pub publish: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct BulkOptions {
    /// Publish every entry.
    pub publish: bool,
    /// A nested `create` whose natural key (its first single unique field with a value) exists connects that entry, so that
    /// `{"create": {"slug": "chairs", "name": "Chairs"}}` creates the category only once.
    pub reuse: bool,
    /// An `id` key that does not exist creates an entry with that id.
    pub keep_ids: bool,
    /// Require the right to import each type, besides the rights to create and update it.
    pub import: bool,
    /// When the entries can be searched.
    pub index: When,
}

/// A dry run: all batches are saved in one transaction, so that each sees the ones before it, and then rolled back.
pub struct Rehearsal(Mutex<Transaction>);

impl Rehearsal {
    pub async fn begin(store: &Store) -> Result<Self> {
        let mut transaction = store.writes.begin().await?;
        // Reading the file between two batches may take any time.
        sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *transaction).await?;
        Ok(Self(Mutex::new(transaction)))
    }

    pub async fn end(self) -> Result<()> {
        Ok(self.0.into_inner().rollback().await?)
    }

    /// Runs a batch like a transaction of its own, except that it does not block other writers from making slugs, and runs the deferred
    /// checks of a commit immediately.
    async fn once(&self, store: &Store, hooks: &HookSet, work: &Work<'_>) -> std::result::Result<Saved, Failure> {
        let mut outer = self.0.lock().await;
        outer.run("savepoint batch", true).await?;
        let attempted = work.alone(&mut outer, store, hooks, false).await;
        let done = match attempted {
            Ok(done) => match sqlx::query("set constraints all immediate").execute(&mut **outer).await {
                Ok(_) => Ok(done),
                Err(error) => Err(Failure::from(error)),
            },
            Err(failure) => Err(failure),
        };
        match done {
            Ok(done) => {
                sqlx::query("set constraints all deferred").execute(&mut **outer).await?;
                outer.run("release savepoint batch", true).await?;
                Ok(done)
            }
            failed => {
                outer.run("rollback to savepoint batch", true).await?;
                failed
            }
        }
    }
}

/// The result of one item of a bulk save.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Created(Uuid),
    Updated(Uuid),
    /// The entry already had these values: its revision stays.
    Unchanged(Uuid),
    /// Nothing of the item is stored. Paths start at the item's data.
    Rejected(Vec<Problem>),
}

/// Saves a batch. Returns an error if the whole batch fails: the database is down, the server has a bug, or the actor lacks the rights.
pub async fn save_batch(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[UpsertItem<'_>],
    options: BulkOptions,
    rehearsal: Option<&Rehearsal>,
) -> Result<Vec<Outcome>> {
    let bulk = Bulk { store, hooks, info, items, options, rehearsal };
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut parts: Vec<Vec<usize>> = vec![(0..items.len()).collect()];
    while let Some(part) = parts.pop() {
        if let Some(error) = bulk.save(part.clone(), &mut outcomes).await? {
            // The database does not say which item violates a constraint, so the batch is split in halves to find it.
            match part.as_slice() {
                [alone] => _ = outcomes.insert(*alone, Outcome::Rejected(error.problems)),
                part => {
                    let open: Vec<usize> = part.iter().copied().filter(|root| !outcomes.contains_key(root)).collect();
                    let (first, second) = open.split_at(open.len().div_ceil(2));
                    parts.extend([second, first].into_iter().filter(|half| !half.is_empty()).map(<[usize]>::to_vec));
                }
            }
        }
    }
    Ok(outcomes.into_values().collect())
}

struct Bulk<'a> {
    store: &'a Store,
    hooks: &'a HookSet,
    info: &'static ContentInfo,
    items: &'a [UpsertItem<'a>],
    options: BulkOptions,
    rehearsal: Option<&'a Rehearsal>,
}

impl Bulk<'_> {
    /// Saves the items with these indexes without the invalid ones. Returns the database's error if it rejects all that remain.
    async fn save(&self, mut open: Vec<usize>, outcomes: &mut BTreeMap<usize, Outcome>) -> Result<Option<Error>> {
        let mut races = 0;
        while !open.is_empty() {
            // The database rejects duplicates as well, so looking for them first pays only after a conflict.
            let ask_unique = races > 0;
            let work = Work::Save(self.request(&open, ask_unique));
            let done = match self.rehearsal {
                Some(rehearsal) => rehearsal.once(self.store, self.hooks, &work).await,
                None => save_once(self.store, self.hooks, &work, races > 0).await,
            };
            match done {
                Ok(Saved { entries, events }) => {
                    if self.rehearsal.is_none() {
                        after_commit(self.store, self.hooks, &events).await;
                    }
                    outcomes.extend(open.into_iter().zip(entries.into_iter().map(outcome)));
                    return Ok(None);
                }
                Err(Failure::Faults(Faults(faults))) => {
                    let mut wrong: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
                    for (root, problem) in faults {
                        wrong.entry(root).or_default().push(self.placed(root, problem));
                    }
                    open.retain(|root| !wrong.contains_key(root));
                    outcomes.extend(wrong.into_iter().map(|(root, problems)| (root, Outcome::Rejected(problems))));
                }
                Err(failure) if failure.is_race() && races < ATTEMPTS => {
                    races += 1;
                    pause(races).await;
                }
                Err(failure) => {
                    let error = failure.into_error(self.store.schema, false);
                    // A server error, or a right that the actor lacks for every item.
                    let is_denied = |problem: &Problem| matches!(problem.code, Code::Forbidden | Code::Unauthenticated);
                    let is_of_all = error.is_of_the_server() || error.problems.iter().any(is_denied);
                    return if is_of_all { Err(error) } else { Ok(Some(error)) };
                }
            }
        }
        Ok(None)
    }

    /// A problem of the key gets the path of the key's field, since a record has no `key`.
    fn placed(&self, root: usize, mut problem: Problem) -> Problem {
        if problem.path.first() == Some(&OUTER) {
            let key = self.items[root].key.and_then(Json::as_object).and_then(|key| key.keys().next());
            // Drops the marker and the word `key`; the field's name may follow already.
            problem.path.drain(..problem.path.len().min(2));
            if problem.path.is_empty() {
                problem.path.extend(key.map(|key| Step::from(key.as_str())));
            }
        }
        problem
    }

    fn request(&self, roots: &[usize], ask_unique: bool) -> Request<'_> {
        let BulkOptions { publish: every, reuse, keep_ids, import, index } = self.options;
        let inputs = roots.iter().map(|&root| {
            let UpsertItem { key, data, publish } = self.items[root];
            let target = key.map_or(Target::New, |key| Target::Key { key, revision: None });
            Input { root, target, data, publish: publish || every, merge: false, path: Vec::new(), outer: vec![OUTER] }
        });
        Request { info: self.info, inputs: inputs.collect(), reuse, keep_ids, import, index, ask_unique }
    }
}

fn outcome((id, change): (Uuid, Change)) -> Outcome {
    match change {
        Change::Created => Outcome::Created(id),
        Change::Updated => Outcome::Updated(id),
        Change::None => Outcome::Unchanged(id),
    }
}
