//! Saves batches in the order in which they arrive, then connects the relations that had to wait for all records.

use std::pin::pin;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use tokio::sync::{RwLock, mpsc, oneshot};

use crate::import::apply::Item;
use crate::import::bulk::{Bulk, Claims, Saved, can_leave_out, leave_out};
use crate::import::native::has_target;
use crate::import::read::{Batch, Line, Reader};
use crate::import::report::Report;
use crate::import::waiting::{Queue, Waited, Waiting};
use crate::import::yaml::Fault;
use crate::import::{Options, Summary};
use base::error::Problem;
use model::content::ContentInfo;
use store::Store;
use store::hooks::HookSet;
use store::search::document::When;
use store::write::{BulkOptions, Outcome, Rehearsal};

/// Batches that are read ahead.
const AHEAD: usize = 2;
/// Batches that are saved in parallel: PostgreSQL works on one while another is prepared.
const TOGETHER: usize = 2;

pub struct Saver<'a> {
    bulk: Bulk<'a>,
    batch: usize,
    summary: Summary,
    /// References to entries that may come later.
    references: Queue,
    /// The published content of new entries that were changed since, followed by the changes.
    lives: Queue,
    drafts: Queue,
    last_line: u64,
}

impl<'a> Saver<'a> {
    pub fn new(
        store: &'a Store,
        hooks: &'a HookSet,
        info: &'static ContentInfo,
        options: &Options,
        rehearsal: Option<&'a Rehearsal>,
    ) -> Self {
        let publish = options.publish && info.drafts;
        let bulk = BulkOptions { import: true, publish, reuse: true, keep_ids: true, index: When::Now };
        Self {
            bulk: Bulk { store, hooks, info, options: bulk, rehearsal },
            batch: options.batch as usize,
            summary: Summary::default(),
            references: Queue::default(),
            lives: Queue::default(),
            drafts: Queue::default(),
            last_line: 0,
        }
    }

    /// Reads and maps on a separate thread while this task saves. Returns the problems of the mapping when everything
    /// is read.
    pub async fn save_all(&mut self, mut reader: Reader, report: &mut Report) -> Result<Vec<Fault>, String> {
        let (sender, batches) = mpsc::channel(AHEAD);
        let reading = tokio::task::spawn_blocking(move || {
            loop {
                let batch = reader.next();
                let last = !matches!(batch, Ok(Some(_)));
                // The receiver is gone if saving has failed.
                if sender.blocking_send(batch).is_err() || last {
                    break reader.unread();
                }
            }
        });
        let batches = stream::unfold(batches, async |mut batches| {
            let batch: Result<Option<Batch>, String> = batches.recv().await?;
            Some((batch.transpose()?, batches))
        });
        let (bulk, turns) = (self.bulk, RwLock::new(()));
        let mut before: Option<Claims> = None;
        let mut last: Option<oneshot::Receiver<()>> = None;
        let saves = batches.map(|batch| {
            let turns = &turns;
            let claims = batch.as_ref().map_or_else(|_| Claims::default(), |batch| bulk.claims(batch));
            let shares = before.as_ref().is_some_and(|before| before.is_disjoint(&claims));
            before = Some(Arc::clone(&claims));
            // Dropped when the batch is finished, whatever its outcome.
            let (done, is_done) = oneshot::channel::<()>();
            let earlier = last.replace(is_done);
            async move {
                let _done = done;
                let batch = batch?;
                if !shares || !bulk.can_share(&batch) {
                    wait_for(earlier).await;
                    let _alone = turns.write().await;
                    return Ok::<_, String>(bulk.save(batch).await);
                }
                let saved = {
                    let _shared = turns.read().await;
                    bulk.save(batch).await
                };
                Ok(match saved {
                    Ok(saved) if saved.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Rejected(_))) => {
                        wait_for(earlier).await;
                        let _alone = turns.write().await;
                        bulk.save_rest(saved).await
                    }
                    saved => saved,
                })
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
        batch.items.iter().zip(outcomes).try_for_each(|(line, outcome)| self.saved(report, line, &outcome))
    }

    fn saved(&mut self, report: &mut Report, line: &Line<Box<Item>>, outcome: &Outcome) -> Result<(), String> {
        if let Outcome::Rejected(problems) = outcome {
            return self.reject(report, line.number, problems, line.source.as_deref());
        }
        self.count(outcome);
        self.last_line = self.last_line.max(line.number);
        let item = &line.of;
        let waiting = |data| Waiting {
            line: line.number,
            key: item.key.clone(),
            data,
            publish: item.publish,
            optional: item.optional.iter().map(|&field| field.to_owned()).collect(),
            unchanged: matches!(outcome, Outcome::Unchanged(_)),
        };
        // A new entry has no references yet.
        let is_new = matches!(outcome, Outcome::Created(_));
        if let Some(live) = item.live.as_ref().filter(|_| is_new) {
            let draft = item.data.iter().chain(&item.later).map(|(name, value)| (name.clone(), value.clone()));
            self.lives.push(&Waiting { publish: true, ..waiting(live.clone()) })?;
            return self.drafts.push(&Waiting { publish: false, ..waiting(draft.collect()) });
        }
        match is_new && !item.later.values().any(has_target) || item.later.is_empty() {
            true => Ok(()),
            false => self.references.push(&waiting(item.later.clone())),
        }
    }

    /// Connects the relations that waited.
    pub async fn finish(mut self, report: &mut Report) -> Result<Summary, String> {
        let [references, lives, drafts] = [&mut self.references, &mut self.lives, &mut self.drafts].map(std::mem::take);
        for queue in [references, lives, drafts] {
            if let Some(waited) = queue.finish()? {
                self.connect(waited, report).await?;
            }
        }
        Ok(self.summary)
    }

    async fn connect(&mut self, mut waited: Waited, report: &mut Report) -> Result<(), String> {
        loop {
            let mut chunk = waited.next(self.batch)?;
            if chunk.is_empty() {
                return Ok(());
            }
            self.connect_some(&mut chunk, report).await?;
        }
    }

    async fn connect_some(&mut self, chunk: &mut [Waiting], report: &mut Report) -> Result<(), String> {
        let outcomes = self.bulk.outcomes(chunk.iter().map(|each| (&each.key, &each.data, each.publish))).await;
        let mut outcomes = outcomes.map_err(|error| self.stopped(&error))?;
        for (waiting, outcome) in chunk.iter_mut().zip(&mut outcomes) {
            if let Outcome::Rejected(problems) = outcome
                && can_leave_out(&waiting.optional, problems)
            {
                self.left_out(report, waiting.line, problems);
                leave_out(&mut waiting.data, problems);
                let entry = (&waiting.key, &waiting.data, waiting.publish);
                let again = self.bulk.outcomes([entry].into_iter()).await;
                again.map_err(|error| self.stopped(&error))?.into_iter().for_each(|again| *outcome = again);
            }
        }
        for (waiting, outcome) in chunk.iter().zip(&outcomes) {
            match outcome {
                // The entry itself is saved, without these references.
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

    fn stopped(&self, error: &base::error::Error) -> String {
        let line = self.last_line;
        // The first batch is saved alone, so nothing can have been saved before it is read.
        let what = match line {
            _ if self.bulk.rehearsal.is_some() || self.summary.read == 0 => "nothing was imported".to_owned(),
            0 => "running it again is safe".to_owned(),
            _ => format!("the records up to line {line} are imported, and running it again continues from there"),
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

    fn left_out(&mut self, report: &mut Report, line: u64, problems: &[Problem]) {
        for problem in problems {
            self.summary.left_out += 1;
            report.left_out(line, problem);
        }
    }
}

/// Values that an earlier batch releases must be free, even if that batch itself is retried.
async fn wait_for(earlier: Option<oneshot::Receiver<()>>) {
    if let Some(earlier) = earlier {
        let _ = earlier.await;
    }
}

/// A problem with a waiting field; the entry itself has been saved.
fn without(problem: Problem) -> Problem {
    let message = format!("{} (the entry was imported without this)", problem.message);
    Problem { message, ..problem }
}
