//! Saves batches as they come, then connects what had to wait until all records are in.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek, Write};

use futures_util::future::try_join;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tokio::sync::mpsc;

use crate::content::{ContentInfo, FieldInfo, Shape};
use crate::error::{Code, Problem, Step};
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
/// Batches of fewer records are saved as one.
const HALVED: usize = 100;

pub struct Saver<'a> {
    store: &'a Store,
    hooks: &'a HookSet,
    info: &'static ContentInfo,
    options: BulkOptions,
    batch: usize,
    summary: Summary,
    /// Fields that wait, one record a line.
    waiting: BufWriter<File>,
    last_line: u64,
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
            publish: options.publish && info.drafts,
            reuse: true,
            keep_ids: true,
            dry_run: options.dry_run,
        };
        let waiting = tempfile::tempfile().map_err(|error| format!("no temporary file can be made: {error}"))?;
        Ok(Self {
            store,
            hooks,
            info,
            options: bulk,
            batch: options.batch as usize,
            summary: Summary::default(),
            waiting: BufWriter::new(waiting),
            last_line: 0,
        })
    }

    /// Reads and maps on a thread of its own while this task saves.
    pub async fn save_all(&mut self, mut reader: Reader, report: &mut Report) -> Result<(), String> {
        let (sender, mut batches) = mpsc::channel(AHEAD);
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
        while let Some(batch) = batches.recv().await {
            match batch? {
                Some(batch) => self.save(batch, report).await?,
                None => break,
            }
        }
        reading.await.map_err(|error| format!("reading stopped: {error}"))
    }

    async fn save(&mut self, batch: Batch, report: &mut Report) -> Result<(), String> {
        self.summary.read += batch.read;
        self.summary.skipped += batch.skipped;
        for line in &batch.rejected {
            self.reject(report, line.number, &line.of, line.source.as_deref())?;
        }
        let outcomes = self.outcomes(batch.items.iter().map(|line| (&line.of.key, &line.of.data))).await?;
        let mut again = Vec::new();
        for (mut line, outcome) in batch.items.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Rejected(problems) if can_leave_out(&line.of.optional, &problems) => {
                    self.leave_out(report, line.number, &mut line.of.data, &problems);
                    again.push(line);
                }
                outcome => self.saved(report, &line, outcome)?,
            }
        }
        let outcomes = self.outcomes(again.iter().map(|line| (&line.of.key, &line.of.data))).await?;
        again.iter().zip(outcomes).try_for_each(|(line, outcome)| self.saved(report, line, outcome))
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
        if !self.options.dry_run {
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
        let mut outcomes = self.outcomes(chunk.iter().map(|waiting| (&waiting.key, &waiting.data))).await?;
        for (waiting, outcome) in chunk.iter_mut().zip(&mut outcomes) {
            if let Outcome::Rejected(problems) = outcome
                && can_leave_out(&waiting.optional, problems)
            {
                self.leave_out(report, waiting.line, &mut waiting.data, problems);
                let again = self.outcomes([(&waiting.key, &waiting.data)].into_iter()).await?;
                again.into_iter().for_each(|again| *outcome = again);
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

    async fn outcomes<'i>(
        &self,
        items: impl Iterator<Item = (&'i Json, &'i Map<String, Json>)>,
    ) -> Result<Vec<Outcome>, String> {
        let items: Vec<_> = items.map(|(key, data)| UpsertItem { key: Some(key), data }).collect();
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let save = |items| save_batch(self.store, self.hooks, self.info, items, self.options);
        let saved = if self.can_halve(&items) {
            // PostgreSQL works on one half while the other is prepared.
            let (first, second) = items.split_at(items.len() / 2);
            try_join(save(first), save(second)).await.map(|(first, second)| first.into_iter().chain(second).collect())
        } else {
            save(&items).await
        };
        saved.map_err(|error| format!("the import stopped: {error}; the records up to line {} are in, and running it again goes on from there", self.last_line))
    }

    /// The first batch makes most of what the others share, such as brands; two halves would both try. And what
    /// points at entries of its own type may point into the other half.
    fn can_halve(&self, items: &[UpsertItem<'_>]) -> bool {
        let points_at_own = |field: &&FieldInfo| match field.shape {
            Shape::One(relation) | Shape::Many(relation) => {
                relation.to.iter().any(|target| std::ptr::eq(*target, self.info))
            }
            _ => false,
        };
        let own: Vec<_> = self.info.fields.iter().filter(points_at_own).collect();
        let apart = |item: &UpsertItem<'_>| !own.iter().any(|field| item.data.get(field.name).is_some_and(has_target));
        self.last_line > 0 && items.len() >= HALVED && items.iter().all(apart)
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

    /// Removes the references that the problems name.
    fn leave_out(&mut self, report: &Report, line: u64, data: &mut Map<String, Json>, problems: &[Problem]) {
        let mut indices: Vec<(String, usize)> = Vec::new();
        for problem in problems {
            self.summary.left_out += 1;
            report.left_out(line, problem);
            match problem.path.as_slice() {
                [Step::Key(field), Step::Key(_), Step::Index(index), ..] => indices.push((field.clone(), *index)),
                [Step::Key(field), ..] => _ = data.shift_remove(field),
                _ => {}
            }
        }
        indices.sort_by_key(|(_, index)| std::cmp::Reverse(*index));
        indices.dedup();
        for (field, index) in indices {
            if let Some(Json::Array(list)) = data.get_mut(&field).and_then(|value| value.get_mut("set"))
                && index < list.len()
            {
                list.remove(index);
            }
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
