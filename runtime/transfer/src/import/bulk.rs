//! The data needed to save a batch of records, and which batches may be saved at the same time.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::import::apply::{Item, hash};
use crate::import::native::has_target;
use crate::import::read::{Batch, Line};
use base::error::{Code, Problem, Result as Attempt, Step};
use model::content::{ContentInfo, FieldInfo, Required, Shape};
use store::Store;
use store::hooks::HookSet;
use store::search::document::When;
use store::write::{BulkOptions, Outcome, Rehearsal, UpsertItem, save_batch};

/// Records that can be searched as soon as they are saved; a job follows with the rest.
const AT_ONCE: u64 = 1_000;

#[derive(Clone, Copy)]
pub struct Bulk<'a> {
    pub store: &'a Store,
    pub hooks: &'a HookSet,
    pub info: &'static ContentInfo,
    pub options: BulkOptions,
    /// Set for a dry run.
    pub rehearsal: Option<&'a Rehearsal>,
}

/// The result of a batch.
pub struct Saved {
    pub batch: Batch,
    /// The outcomes of the batch's items.
    pub outcomes: Vec<Outcome>,
    /// References to targets that do not exist, by line.
    pub left_out: Vec<(u64, Vec<Problem>)>,
}

/// An entry to save: its key, its fields, whether it is published.
pub type Entry<'i> = (&'i Json, &'i Map<String, Json>, bool);

/// The unique values that a batch writes, as hashes.
pub type Claims = Arc<HashSet<u64>>;

impl Bulk<'_> {
    /// Saves a batch. Records whose optional references have no target are saved without them.
    pub async fn save(mut self, mut batch: Batch) -> Attempt<Saved> {
        if batch.items.first().is_some_and(|line| line.number > AT_ONCE) {
            self.options.index = When::Later;
        }
        let mut outcomes = self.outcomes(batch.items.iter().map(|line| self.entry(line))).await?;
        let mut left_out = Vec::new();
        let mut again = Vec::new();
        for (place, (line, outcome)) in batch.items.iter_mut().zip(&outcomes).enumerate() {
            if let Outcome::Rejected(problems) = outcome
                && can_leave_out(&line.of.optional, problems)
            {
                leave_out(&mut line.of.data, problems);
                left_out.push((line.number, problems.clone()));
                again.push(place);
            }
        }
        let second = self.outcomes(again.iter().map(|place| self.entry(&batch.items[*place]))).await?;
        again.into_iter().zip(second).for_each(|(place, outcome)| outcomes[place] = outcome);
        Ok(Saved { batch, outcomes, left_out })
    }

    /// Retries records that may have conflicted with another batch, now that it is saved.
    pub async fn save_rest(self, mut saved: Saved) -> Attempt<Saved> {
        let depends = |outcome: &Outcome| match outcome {
            Outcome::Rejected(problems) => {
                problems.iter().any(|problem| matches!(problem.code, Code::Conflict | Code::NotFound))
            }
            _ => false,
        };
        let again: Vec<usize> = (0..saved.outcomes.len()).filter(|place| depends(&saved.outcomes[*place])).collect();
        let second = self.outcomes(again.iter().map(|place| self.entry(&saved.batch.items[*place]))).await?;
        again.into_iter().zip(second).for_each(|(place, outcome)| saved.outcomes[place] = outcome);
        Ok(saved)
    }

    /// An entry that cannot be published without a waiting reference is published once that is saved.
    fn entry(self, line: &Line<Box<Item>>) -> Entry<'_> {
        let Item { key, data, later, publish, live, .. } = &*line.of;
        let needed = |field: &FieldInfo| field.required == Required::Publish && later.contains_key(field.name);
        (key, data, *publish && live.is_none() && !self.info.fields.iter().any(needed))
    }

    pub async fn outcomes<'i>(self, items: impl Iterator<Item = Entry<'i>>) -> Attempt<Vec<Outcome>> {
        let may = self.info.drafts;
        let item = |(key, data, publish)| UpsertItem { key: Some(key), data, publish: may && publish };
        let items: Vec<_> = items.map(item).collect();
        match items.is_empty() {
            true => Ok(Vec::new()),
            false => save_batch(self.store, self.hooks, self.info, &items, self.options, self.rehearsal).await,
        }
    }

    /// Whether a batch may be saved in parallel with others. The first batch may not: it creates most shared targets,
    /// such as brands, which two batches would both try to create. Types that refer to themselves may not either, since
    /// an entry may refer to one in another batch.
    pub fn can_share(self, batch: &Batch) -> bool {
        let points_at_own = |field: &&FieldInfo| match field.shape {
            Shape::One(relation) | Shape::Many(relation) => {
                relation.to.iter().any(|target| std::ptr::eq(*target, self.info))
            }
            _ => false,
        };
        let own: Vec<_> = self.info.fields.iter().filter(points_at_own).collect();
        let apart =
            |line: &Line<Box<Item>>| !own.iter().any(|field| line.of.data.get(field.name).is_some_and(has_target));
        self.rehearsal.is_none() && batch.items.iter().all(apart)
    }

    /// If two batches share a value, the first must be saved first, so that the second is rejected.
    pub fn claims(self, batch: &Batch) -> Claims {
        let mut claims = HashSet::new();
        batch.items.iter().for_each(|line| claim(self.info, &line.of.data, &mut claims));
        Arc::new(claims)
    }
}

fn claim(info: &'static ContentInfo, data: &Map<String, Json>, claims: &mut HashSet<u64>) {
    for (name, value) in data {
        let Some(field) = info.fields.iter().find(|field| field.name == name) else { continue };
        match field.shape {
            Shape::Children(child) => {
                let rows = value.get("set").and_then(Json::as_array).into_iter().flatten();
                rows.filter_map(Json::as_object).for_each(|row| claim(child, row, claims));
            }
            // A value that is unique in combination with others counts as well.
            _ if field.unique.is_some() || info.unique.iter().any(|index| index.contains(&field.snake)) => {
                claims.insert(hash(&(info.table, field.snake, value.to_string())));
            }
            _ => {}
        }
    }
}

/// Removes the references that the problems name.
pub fn leave_out(data: &mut Map<String, Json>, problems: &[Problem]) {
    let mut indices: Vec<(&str, usize)> = Vec::new();
    for problem in problems {
        match problem.path.as_slice() {
            [Step::Key(field), Step::Key(_), Step::Index(index), ..] => indices.push((field, *index)),
            [Step::Key(field), ..] => _ = data.shift_remove(field),
            _ => {}
        }
    }
    indices.sort_by_key(|(_, index)| std::cmp::Reverse(*index));
    indices.dedup();
    for (field, index) in indices {
        if let Some(Json::Array(list)) = data.get_mut(field).and_then(|value| value.get_mut("set"))
            && index < list.len()
        {
            list.remove(index);
        }
    }
}

pub fn can_leave_out<T: AsRef<str>>(optional: &[T], problems: &[Problem]) -> bool {
    let missing = |problem: &Problem| {
        let field = problem.path.first();
        problem.code == Code::NotFound
            && optional.iter().any(|name| matches!(field, Some(Step::Key(key)) if key == name.as_ref()))
    };
    !problems.is_empty() && problems.iter().all(missing)
}
