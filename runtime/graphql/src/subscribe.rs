//! `Subscription`: the changes of entries that an actor may see, one after the other.
//!
//! A change is a hint: the entry is read again for each subscription, with its filter and the actor's rules. Whether an entry that is
//! not found may be reported as gone is decided by `Known`.

mod known;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use serde_json::{Value as Json, json};
use tokio::time::sleep;
use uuid::Uuid;

use self::known::Known;
use super::answer::{Answer, Failure};
use super::changes::{Asked, Changes};
use super::coerce::Variables;
use super::compile::{Compiled, Prepared, RootField, What};
use super::execute::Execution;
use super::pieces::Pieces;
use super::{Api, Meter, Ready, Request, Verb};
use base::background::backoff;
use base::error::{Code, Error, Problem, Result};
use base::memory::Ration;
use store::access::{Actor, Grant};
use store::feed::{Heard, Listener, Signal};
use store::hooks::EventKind;
use store::{OPERATION, Stage, Store, find, id, outbox};

/// Changes that a subscription can be behind, of all types: more are not read from the outbox.
pub const MOST_BEHIND: i64 = 10_000;
/// Changes that are read from the outbox at once.
const PART: i64 = 100;
/// Attempts to read a change while the database does not answer.
const ATTEMPTS: u32 = 5;
const FIRST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(5);

/// Lets a subscription read a change: the client may still see it, has not used up what it may read, and there is memory for it.
pub trait Gate: Sync {
    fn admit(&self, cost: u64) -> impl Future<Output = Result<Arc<Ration>, Failure>> + Send;
}

/// What became of a request over a transport that can answer several times.
pub enum Started {
    /// A query, a mutation, or a refusal.
    Answered(Answer),
    Subscribed(Box<Subscription>),
}

/// An answer of a subscription.
#[derive(Debug)]
pub struct Event {
    /// `{"data": ...}` as JSON.
    pub body: Pieces,
    pub position: i64,
}

pub struct Subscription {
    prepared: Arc<Prepared>,
    compiled: Arc<Compiled>,
    variables: Variables,
    /// As the actor had it when it began.
    store: Store,
    stage: Stage,
    id: Option<Uuid>,
    filter: Option<Json>,
    /// Of one change.
    cost: u64,
    known: Known,
    listener: Listener,
    /// The position up to which changes were read.
    read: i64,
    /// The position up to which the outbox is read instead of the feed.
    behind: Option<i64>,
    /// Read, and not told.
    pending: VecDeque<Arc<Signal>>,
}

impl Api {
    /// Whether the request is a valid subscription.
    pub async fn is_subscription(&self, request: &Request) -> bool {
        self.prepare(request).await.is_ok_and(|prepared| prepared.ty == OperationType::Subscription)
    }

    /// Runs a client's request over a transport of subscriptions. `resume` replaces the argument `after`.
    pub async fn start(
        &self,
        ration: &Arc<Ration>,
        meter: &impl Meter,
        request: &Request,
        (actor, verb): (Actor, Verb),
        resume: Option<i64>,
    ) -> Started {
        let prepared = self.prepare(request).await.ok();
        let Some(prepared) = prepared.filter(|prepared| prepared.ty == OperationType::Subscription) else {
            return Started::Answered(self.execute_within(ration, meter, request, (actor, None), verb).await);
        };
        let introspects = self.introspects(&actor);
        let store = self.database.acting(actor).of_client(Arc::clone(ration), Arc::clone(&self.standing));
        match self.subscribe(prepared, store, meter, request, resume).await {
            Ok(subscription) => Started::Subscribed(Box::new(subscription)),
            Err(failures) => Started::Answered(Self::refused(failures, introspects)),
        }
    }

    async fn subscribe(
        &self,
        prepared: Arc<Prepared>,
        store: Store,
        meter: &impl Meter,
        request: &Request,
        resume: Option<i64>,
    ) -> Result<Subscription, Vec<Failure>> {
        base::seen::operation(&prepared.about);
        let Ready { store, variables, compiled, spent, .. } = self.ready(&prepared, store, request, meter).await?;
        let (field, changes) = root(&compiled);
        let asked = {
            let execution = Execution::new(self, store.clone(), &variables);
            execution.arguments(&changes.call).and_then(|arguments| changes.asked(&arguments))
        };
        let at_field = |error: Error| Failure::of_field(error, field.pos, &[field.key.as_str().into()]);
        let Asked { stage, id, filter, after } = asked.map_err(at_field)?;
        let after = resume.or(after);
        let begun = async {
            let listener = self.database.feed.listen().await?;
            let is_open = is_open(store.at(stage).reads(changes.info));
            let mut known = Known::new(is_open, filter.is_some() || !is_open);
            if known.needs_ids() {
                let conditions = conditions(changes, id, filter.as_ref());
                let ids = find::ids(store.at(stage), changes.info, &conditions, known::MOST + 1).await?;
                known.begin(ids, after.is_some());
            }
            let (read, behind) = match after {
                Some(after) => self.resumed(after, listener.start).await?,
                None => (listener.start, None),
            };
            Ok((listener, known, read, behind))
        };
        let (listener, known, read, behind) = begun.await.map_err(at_field)?;
        store.ration.forget_rows();
        let (cost, pending) = (spent.requested, VecDeque::new());
        Ok(Subscription {
            prepared,
            compiled,
            variables,
            store,
            stage,
            id,
            filter,
            cost,
            known,
            listener,
            read,
            behind,
            pending,
        })
    }

    /// Where a subscription goes on after a position, and up to where the outbox is read.
    async fn resumed(&self, after: i64, start: i64) -> Result<(i64, Option<i64>)> {
        let span = outbox::span(&self.database, after, MOST_BEHIND).await?;
        if after > span.head || span.head - after > MOST_BEHIND || !span.is_whole {
            let message = "the changes after this position are no longer kept: load the entries again";
            return Err(Problem::new(Code::PositionGone, message).at(["after".into()]).into());
        }
        Ok((after, (after < start).then_some(start)))
    }
}

impl Subscription {
    /// The position from which on it tells of changes.
    pub fn position(&self) -> i64 {
        self.read
    }

    /// The next change that the actor may see. After an error the subscription is over.
    pub async fn next(&mut self, api: &Api, gate: &impl Gate) -> Result<Event, Vec<Failure>> {
        loop {
            let signal = self.signal(api).await.map_err(|error| self.failed(error))?;
            let name = Arc::clone(&self.prepared.about.name);
            let event = OPERATION.scope(name, self.told(api, gate, &signal)).await?;
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// The next change of the type that can matter.
    async fn signal(&mut self, api: &Api) -> Result<Arc<Signal>> {
        let mut failures = 0;
        loop {
            if let Some(signal) = self.pending.pop_front() {
                return Ok(signal);
            }
            let Some(until) = self.behind else {
                match self.listener.hear().await {
                    Heard::Signal(signal) if signal.position <= self.read => {}
                    Heard::Signal(signal) => {
                        self.read = signal.position;
                        if self.takes(&signal) {
                            return Ok(signal);
                        }
                    }
                    Heard::Missed => {
                        self.listener.skip();
                        let head = self.listener.head();
                        if head - self.read > MOST_BEHIND {
                            return Err(too_slow());
                        }
                        self.behind = Some(head);
                    }
                }
                continue;
            };
            let info = root(&self.compiled).1.info;
            match outbox::after(&api.database, (self.read, until), Some(info), PART).await {
                Ok(part) => {
                    failures = 0;
                    self.read = part.reached;
                    self.behind = Some(until).filter(|until| part.reached < *until);
                    let taken = part.signals.into_iter().filter(|signal| self.takes(signal)).map(Arc::new);
                    let taken: Vec<_> = taken.collect();
                    self.pending.extend(taken);
                }
                Err(error) => {
                    failures += 1;
                    if failures >= ATTEMPTS {
                        return Err(error);
                    }
                    sleep(backoff(failures, FIRST, MOST)).await;
                }
            }
        }
    }

    /// Whether a change matters at the stage. An entry without drafts is live whenever it is saved.
    fn takes(&self, signal: &Signal) -> bool {
        let info = root(&self.compiled).1.info;
        if signal.of.table != info.table || self.id.is_some_and(|id| id != signal.entry) {
            return false;
        }
        match signal.kind {
            EventKind::Created | EventKind::Updated => self.stage == Stage::Draft || !info.drafts,
            EventKind::Published | EventKind::Unpublished => info.drafts,
            EventKind::Deleted => {
                let was_live = !info.drafts || signal.fields.iter().any(|field| field == outbox::WAS_LIVE);
                self.stage == Stage::Draft || was_live || self.known.has_shown(signal.entry)
            }
        }
    }

    /// The answer for a change; `None` if the actor must not hear of it.
    async fn told(&mut self, api: &Api, gate: &impl Gate, signal: &Signal) -> Result<Option<Event>, Vec<Failure>> {
        let mut failures = 0;
        loop {
            let ration = gate.admit(self.cost).await.map_err(|refused| vec![refused])?;
            match self.read(api, ration, signal).await {
                Ok(event) => return Ok(event),
                Err(failed) => {
                    failures += 1;
                    if failures >= ATTEMPTS {
                        return Err(failed);
                    }
                    sleep(backoff(failures, FIRST, MOST)).await;
                }
            }
        }
    }

    async fn read(&mut self, api: &Api, ration: Arc<Ration>, signal: &Signal) -> Result<Option<Event>, Vec<Failure>> {
        let store = self.store.clone().of_client(Arc::clone(&ration), Arc::clone(&api.standing));
        let execution = Execution::new(api, store, &self.variables);
        let (field, changes) = root(&self.compiled);
        let at = (self.stage, signal);
        let is_away = match signal.kind {
            EventKind::Deleted => true,
            EventKind::Unpublished => self.stage == Stage::Live,
            EventKind::Created | EventKind::Updated | EventKind::Published => false,
        };
        let may_match = !is_away && self.matches(&execution.store, changes, signal).await?;
        if may_match {
            let told = changes.tell(&execution, field, at, false).await?;
            if told.is_there {
                self.known.shown(signal.entry);
                ration.forget_rows();
                return Ok(Some(event(told.data, &told.failures, &ration, signal)));
            }
        }
        if !self.known.left(signal.entry) {
            return Ok(None);
        }
        let told = changes.tell(&execution, field, at, true).await?;
        Ok(Some(event(told.data, &told.failures, &ration, signal)))
    }

    /// Whether the entry matches the filter. One without a filter that is read anyway need not be asked for.
    async fn matches(&self, store: &Store, changes: &Changes, signal: &Signal) -> Result<bool, Vec<Failure>> {
        if self.filter.is_none() && changes.reads() {
            return Ok(true);
        }
        let conditions = conditions(changes, Some(signal.entry), self.filter.as_ref());
        let found = find::ids(store.at(self.stage), changes.info, &conditions, 1).await;
        found.map(|found| !found.is_empty()).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: Error) -> Vec<Failure> {
        let (field, _) = root(&self.compiled);
        Failure::of_field(error, field.pos, &[field.key.as_str().into()])
    }
}

/// The validated document has this one field.
fn root(compiled: &Compiled) -> (&RootField, &Changes) {
    let field = compiled.fields.first();
    match field.map(|field| (field, &field.what)) {
        Some((field, What::Changes(changes))) => (field, changes),
        _ => panic!("a subscription has no root field"),
    }
}

/// Whether the actor may read every entry of the type.
fn is_open(grant: Grant<'_>) -> bool {
    match grant {
        Grant::Denied => false,
        Grant::By(rule) => rule.rows.is_none(),
        Grant::Trusted => true,
    }
}

fn conditions(changes: &Changes, id: Option<Uuid>, filter: Option<&Json>) -> Vec<Json> {
    let of_id = id.map(|id| json!({ "id": { "eq": id::encode(changes.info.table, id) } }));
    of_id.into_iter().chain(filter.cloned()).collect()
}

fn event(data: Pieces, failures: &[Failure], ration: &Ration, signal: &Signal) -> Event {
    Event { body: Answer::event(data, failures, ration), position: signal.position }
}

fn too_slow() -> Error {
    Error::new(Code::TooSlow, "the subscription is too far behind: subscribe again after the last position")
}
