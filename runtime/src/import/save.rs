//! Saves batches as they come, then connects what had to wait until all records are in.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};
use std::pin::pin;

use futures_util::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tokio::sync::{RwLock, mpsc};

use crate::content::{ContentInfo, FieldInfo, Shape};
use crate::error::{Code, Problem, Result as Attempt, Step};
use crate::hooks::HookSet;
use crate::import::apply::Item;
use crate::import::native::has_target;
use crate::import::read::{Batch, Line, Reader};
use crate::import::report::Report;
use crate::import::{Options, Summary};
use crate::store::Store;
use crate::store::write::{BulkOptions, Outcome, UpsertItem, save_batch};

/// Batches that are read ahead.
const AHEAD: usize = 2;
/// Batches that are saved at the same time: PostgreSQL works on one while another is prepared.
const TOGETHER: usize = 2;

pub struct Saver<'a> {
    bulk: Bulk<'a>,
    batch: usize,
    summary: Summary,
    /// Fields that wait, one record a line.
    waiting: BufWriter<File>,
    last_line: u64,
}

/// What it takes to save records.
#[derive(Clone, Copy)]
struct Bulk<'a> {
    store: &'a Store,
    hooks: &'a HookSet,
    info: &'static ContentInfo,
    options: BulkOptions,
}

/// What became of a batch.
struct Saved {
    batch: Batch,
    /// Of the batch's items.
    outcomes: Vec<Outcome>,
    /// References to what does not exist, by line.
    left_out: Vec<(u64, Vec<Problem>)>,
}

/// Fields of a record that wait, with what happened to the record itself.
#[derive(Deserialize, Serialize)]
struct Waiting {
    line: u64,
    key: Json,
    data: Map<String, Json>,
    optional: Vec<String>,
    unchanged: bool,
}

impl<'a> Saver<'a> {
    pub fn new(
        store: &'a Store,
        hooks: &'a HookSet,
        info: &'static ContentInfo,
        options: &Options,
    ) -> Result<Self, String> {
        let bulk = BulkOptions {
            import: true,
            publish: options.publish && info.drafts,
            reuse: true,
            keep_ids: true,
            dry_run: options.dry_run,
        };
        let waiting = tempfile::tempfile().map_err(|error| format!("no temporary file can be made: {error}"))?;
        Ok(Self {
            bulk: Bulk { store, hooks, info, options: bulk },
            batch: options.batch as usize,
            summary: Summary::default(),
            waiting: BufWriter::new(waiting),
            last_line: 0,
        })
    }

    /// Reads and maps on a thread of its own while this task saves.
    pub async fn save_all(&mut self, mut reader: Reader, report: &mut Report) -> Result<(), String> {
        let (sender, batches) = mpsc::channel(AHEAD);
        let reading = tokio::task::spawn_blocking(move || {
            loop {
                let batch = reader.next();
                let last = !matches!(batch, Ok(Some(_)));
                // The receiver is gone when saving has failed.
                if sender.blocking_send(batch).is_err() || last {
                    break;
                }
            }
        });
        let batches = stream::unfold(batches, async |mut batches| {
            let batch: Result<Option<Batch>, String> = batches.recv().await?;
            Some((batch.transpose()?, batches))
        });
        let (bulk, turns) = (self.bulk, RwLock::new(()));
        let saves = batches.enumerate().map(|(place, batch)| {
            let turns = &turns;
            async move {
                let batch = batch?;
                let (_shared, _alone) = match place > 0 && bulk.can_share(&batch) {
                    true => (Some(turns.read().await), None),
                    false => (None, Some(turns.write().await)),
                };
                Ok::<_, String>(bulk.save(batch).await)
            }
        });
        let mut saves = pin!(saves.buffered(TOGETHER));
        while let Some(saved) = saves.next().await {
            let saved = saved?.map_err(|error| self.stopped(&error))?;
            self.note(saved, report)?;
        }
        reading.await.map_err(|error| format!("reading stopped: {error}"))
    }

    fn note(&mut self, Saved { batch, outcomes, left_out }: Saved, report: &mut Report) -> Result<(), String> {
        self.summary.read += batch.read;
        self.summary.skipped += batch.skipped;
        for line in &batch.rejected {
            self.reject(report, line.number, &line.of, line.source.as_deref())?;
        }
        for (line, problems) in &left_out {
            self.left_out(report, *line, problems);
        }
        batch.items.iter().zip(outcomes).try_for_each(|(line, outcome)| self.saved(report, line, outcome))
    }

    fn saved(&mut self, report: &mut Report, line: &Line<Box<Item>>, outcome: Outcome) -> Result<(), String> {
        let unchanged = matches!(outcome, Outcome::Unchanged(_));
        if let Outcome::Rejected(problems) = &outcome {
            return self.reject(report, line.number, problems, line.source.as_deref());
        }
        self.count(&outcome);
        self.last_line = self.last_line.max(line.number);
        // A new entry points at nothing already.
        let is_new = matches!(outcome, Outcome::Created(_));
        if is_new && !line.of.later.values().any(has_target) || line.of.later.is_empty() {
            return Ok(());
        }
        let waiting = Waiting {
            line: line.number,
            key: line.of.key.clone(),
            data: line.of.later.clone(),
            optional: line.of.optional.iter().map(|&field| field.to_owned()).collect(),
            unchanged,
        };
        let written = serde_json::to_writer(&mut self.waiting, &waiting).map_err(std::io::Error::from);
        written
            .and_then(|()| self.waiting.write_all(b"\n"))
            .map_err(|error| format!("the temporary file cannot be written: {error}"))
    }

    /// Connects what waited. In a dry run the targets are not there, so nothing is tried.
    pub async fn finish(mut self, report: &mut Report) -> Result<Summary, String> {
        let fail = |error: std::io::Error| format!("the temporary file cannot be read: {error}");
        if !self.bulk.options.dry_run {
            self.waiting.flush().map_err(fail)?;
            let mut file = self.waiting.get_ref().try_clone().map_err(fail)?;
            file.rewind().map_err(fail)?;
            let mut lines = BufReader::new(file).lines();
            loop {
                let mut chunk: Vec<Waiting> = Vec::with_capacity(self.batch);
                for line in lines.by_ref().take(self.batch) {
                    let line = line.map_err(fail)?;
                    chunk.push(serde_json::from_str(&line).map_err(|error| fail(error.into()))?);
                }
                if chunk.is_empty() {
                    break;
                }
                self.connect(chunk, report).await?;
            }
        }
        Ok(self.summary)
    }

    async fn connect(&mut self, mut chunk: Vec<Waiting>, report: &mut Report) -> Result<(), String> {
        let outcomes = self.bulk.outcomes(chunk.iter().map(|waiting| (&waiting.key, &waiting.data))).await;
        let mut outcomes = outcomes.map_err(|error| self.stopped(&error))?;
        for (waiting, outcome) in chunk.iter_mut().zip(&mut outcomes) {
            if let Outcome::Rejected(problems) = outcome
                && can_leave_out(&waiting.optional, problems)
            {
                self.left_out(report, waiting.line, problems);
                leave_out(&mut waiting.data, problems);
                let again = self.bulk.outcomes([(&waiting.key, &waiting.data)].into_iter()).await;
                again.map_err(|error| self.stopped(&error))?.into_iter().for_each(|again| *outcome = again);
            }
        }
        for (waiting, outcome) in chunk.iter().zip(&outcomes) {
            match outcome {
                // The entry itself is in, without these references.
                Outcome::Rejected(problems) => {
                    let counted =
                        if waiting.unchanged { &mut self.summary.unchanged } else { &mut self.summary.created };
                    *counted = counted.saturating_sub(1);
                    let problems: Vec<Problem> = problems.iter().cloned().map(without).collect();
                    self.reject(report, waiting.line, &problems, None)?;
                }
                Outcome::Updated(_) if waiting.unchanged => {
                    self.summary.unchanged -= 1;
                    self.summary.updated += 1;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn stopped(&self, error: &crate::error::Error) -> String {
        let line = self.last_line;
        // The first batch is saved alone, so before it is read nothing can be in.
        let what = match line {
            _ if self.bulk.options.dry_run || self.summary.read == 0 => "nothing was imported".to_owned(),
            0 => "running it again is safe".to_owned(),
            _ => format!("the records up to line {line} are in, and running it again goes on from there"),
        };
        format!("the import stopped: {error}; {what}")
    }

    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Created(_) => self.summary.created += 1,
            Outcome::Updated(_) => self.summary.updated += 1,
            Outcome::Unchanged(_) => self.summary.unchanged += 1,
            Outcome::Rejected(_) => self.summary.rejected += 1,
        }
    }

    fn reject(
        &mut self,
        report: &mut Report,
        line: u64,
        problems: &[Problem],
        source: Option<&str>,
    ) -> Result<(), String> {
        self.summary.rejected += 1;
        report.rejected(line, problems, source)
    }

    fn left_out(&mut self, report: &Report, line: u64, problems: &[Problem]) {
        for problem in problems {
            self.summary.left_out += 1;
            report.left_out(line, problem);
        }
    }
}

impl Bulk<'_> {
    /// Saves a batch, those records without their optional references whose targets do not exist.
    async fn save(self, mut batch: Batch) -> Attempt<Saved> {
        let mut outcomes = self.outcomes(batch.items.iter().map(|line| (&line.of.key, &line.of.data))).await?;
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
        let lines = again.iter().map(|place| &batch.items[*place].of);
        let second = self.outcomes(lines.map(|item| (&item.key, &item.data))).await?;
        again.into_iter().zip(second).for_each(|(place, outcome)| outcomes[place] = outcome);
        Ok(Saved { batch, outcomes, left_out })
    }

    async fn outcomes<'i>(
        self,
        items: impl Iterator<Item = (&'i Json, &'i Map<String, Json>)>,
    ) -> Attempt<Vec<Outcome>> {
        let items: Vec<_> = items.map(|(key, data)| UpsertItem { key: Some(key), data }).collect();
        match items.is_empty() {
            true => Ok(Vec::new()),
            false => save_batch(self.store, self.hooks, self.info, &items, self.options).await,
        }
    }

    /// Whether a batch may be saved beside others. The first makes most of what the others share, such as brands, which two
    /// would both try. And what points at entries of its own type may point into another batch.
    fn can_share(self, batch: &Batch) -> bool {
        let points_at_own = |field: &&FieldInfo| match field.shape {
            Shape::One(relation) | Shape::Many(relation) => {
                relation.to.iter().any(|target| std::ptr::eq(*target, self.info))
            }
            _ => false,
        };
        let own: Vec<_> = self.info.fields.iter().filter(points_at_own).collect();
        let apart =
            |line: &Line<Box<Item>>| !own.iter().any(|field| line.of.data.get(field.name).is_some_and(has_target));
        batch.items.iter().all(apart)
    }
}

/// Removes the references that the problems name.
fn leave_out(data: &mut Map<String, Json>, problems: &[Problem]) {
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

/// A problem of what waited, when the entry itself is in.
fn without(problem: Problem) -> Problem {
    let message = format!("{} (the entry is in, without this)", problem.message);
    Problem { message, ..problem }
}

fn can_leave_out<T: AsRef<str>>(optional: &[T], problems: &[Problem]) -> bool {
    let missing = |problem: &Problem| {
        let field = problem.path.first();
        problem.code == Code::NotFound
            && optional.iter().any(|name| matches!(field, Some(Step::Key(key)) if key == name.as_ref()))
    };
    !problems.is_empty() && problems.iter().all(missing)
}
