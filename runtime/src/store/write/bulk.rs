//! Bulk saves: what is wrong is rejected alone, all else is saved, a transaction a batch.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::content::ContentInfo;
use crate::error::{Code, Error, Problem, Result};
use crate::hooks::HookSet;
use crate::store::Store;
use crate::store::write::batch::{Change, Input, Request, Saved, Target};
use crate::store::write::failure::Failure;
use crate::store::write::row::Faults;
use crate::store::write::{ATTEMPTS, Work, after_commit, once};

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
    /// It takes the right to import each type, beside that to create and to change it.
    pub import: bool,
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

/// Saves a batch. An error is a failure of the whole: the database is gone, the server has a fault, or the actor may do nothing of it.
pub async fn save_batch(
    store: &Store,
    hooks: &HookSet,
    info: &'static ContentInfo,
    items: &[UpsertItem<'_>],
    options: BulkOptions,
) -> Result<Vec<Outcome>> {
    let bulk = Bulk { store, hooks, info, items, options };
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut parts: Vec<Vec<usize>> = vec![(0..items.len()).collect()];
    while let Some(part) = parts.pop() {
        if let Some(error) = bulk.save(part.clone(), &mut outcomes).await? {
            // The database refuses what was not foreseen, without saying which item is to blame: halves find it.
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
}

impl Bulk<'_> {
    /// Saves the items with these indexes, those that are wrong left out; the database's refusal of all that remain, if it refuses.
    async fn save(&self, mut open: Vec<usize>, outcomes: &mut BTreeMap<usize, Outcome>) -> Result<Option<Error>> {
        let mut races = 0;
        while !open.is_empty() {
            // The database refuses a value that is taken as well, so asking first pays only when it has done so.
            let ask_unique = races > 0 || self.options.dry_run;
            let work = Work::Save(self.request(&open, ask_unique));
            match once(self.store, self.hooks, &work, self.options.dry_run).await {
                Ok(Saved { entries, events }) => {
                    if !self.options.dry_run {
                        after_commit(self.store, self.hooks, &events).await;
                    }
                    outcomes.extend(open.into_iter().zip(entries.into_iter().map(outcome)));
                    return Ok(None);
                }
                Err(Failure::Faults(Faults(faults))) => {
                    let mut wrong: BTreeMap<usize, Vec<Problem>> = BTreeMap::new();
                    for (root, problem) in faults {
                        wrong.entry(root).or_default().push(problem);
                    }
                    open.retain(|root| !wrong.contains_key(root));
                    outcomes.extend(wrong.into_iter().map(|(root, problems)| (root, Outcome::Rejected(problems))));
                }
                Err(failure) if failure.is_race() && races < ATTEMPTS => races += 1,
                Err(failure) => {
                    let error = failure.into_error(self.store.schema);
                    // A fault of the server, or what the actor may not do whatever the items are.
                    let of_all = [Code::Internal, Code::Forbidden, Code::Unauthenticated];
                    let ours = error.problems.iter().any(|problem| of_all.contains(&problem.code));
                    return if ours { Err(error) } else { Ok(Some(error)) };
                }
            }
        }
        Ok(None)
    }

    fn request(&self, roots: &[usize], ask_unique: bool) -> Request<'_> {
        let BulkOptions { publish, reuse, keep_ids, import, .. } = self.options;
        let inputs = roots.iter().map(|&root| {
            let UpsertItem { key, data } = self.items[root];
            let target = key.map_or(Target::New, |key| Target::Key { key, revision: None });
            Input { root, target, data, path: Vec::new(), outer: Vec::new() }
        });
        Request { info: self.info, inputs: inputs.collect(), publish, reuse, keep_ids, import, ask_unique }
    }
}

fn outcome((id, change): (Uuid, Change)) -> Outcome {
    match change {
        Change::Created => Outcome::Created(id),
        Change::Updated => Outcome::Updated(id),
        Change::None => Outcome::Unchanged(id),
    }
}
