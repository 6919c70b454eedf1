//! Answers of the cache: responses that are given again, and those that are read for all who ask for the same at once.

use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::OperationType;

use super::answer::{Answer, Failure, Outcome};
use super::compile::{Compiled, Prepared, What};
use super::execute::Execution;
use super::pieces::Pieces;
use super::{Api, Meter, Preview, Ready, Request};
use base::memory::Ration;
use base::seen;
use cache::{Cached, Found, Kept, Key, New, Responses, Turn, Why};
use store::{Stage, Store};

/// A client's request, as the cache sees it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    responses: &'a Responses,
    /// Or why its response is not kept.
    key: Result<Key, Why>,
    /// What was asked for before, and cannot be kept.
    never: Option<Why>,
}

/// How the cache answers.
pub enum Looked<'a> {
    Kept(Arc<Kept>),
    Asked(Asked<'a>),
}

impl Api {
    /// Keeps responses to visitors, with at most this many bytes; 0 keeps none. Something must follow the changes of other nodes.
    pub fn with_responses(self, bytes: usize) -> Self {
        let responses = (bytes > 0).then(|| Responses::new(Arc::clone(&self.database.generations), bytes));
        Self { responses, ..self }
    }

    /// The responses that are kept.
    pub fn responses(&self) -> Option<&Responses> {
        self.responses.as_ref()
    }

    /// Looks a request up, by its text and the class of its sender: only those who have the same rights share responses.
    pub(crate) async fn looked_up(
        &self,
        store: &Store,
        request: &Request,
        preview: Option<&Preview>,
    ) -> Option<Looked<'_>> {
        let responses = self.responses.as_ref()?;
        let is_known = !store.access.actor.is_anonymous();
        let class = store.access.class().filter(|_| preview.is_none() && !(is_known && request.anew));
        let Some(class) = class else {
            return Some(Looked::Asked(Asked { responses, key: Err(Why::Sender), never: None }));
        };
        let key = Key::of(&class, &request.query, request.operation_name.as_deref(), &request.variables);
        Some(match responses.find(&key) {
            Found::Kept(kept) if responses.is_confirmed(&kept).await => Looked::Kept(kept),
            Found::Kept(_) | Found::Nothing => Looked::Asked(Asked { responses, key: Ok(key), never: None }),
            Found::Never(why) => Looked::Asked(Asked { responses, key: Ok(key), never: Some(why) }),
        })
    }

    /// Gives a response again. It costs what it would cost if it were read.
    pub(crate) async fn again(
        &self,
        kept: Arc<Kept>,
        ration: &Ration,
        meter: &impl Meter,
    ) -> Result<Answer, Vec<Failure>> {
        seen::operation(kept.about());
        meter.pay(kept.cost()).await.map_err(|refused| vec![refused])?;
        self.hit(kept, ration)
    }

    fn hit(&self, kept: Arc<Kept>, ration: &Ration) -> Result<Answer, Vec<Failure>> {
        let exceeded = ration.write(kept.body().len()).err();
        if let Some(error) = exceeded {
            return Err(error.problems.into_iter().map(Failure::from).collect());
        }
        let cached = Cached::Hit { age: kept.age() };
        if let Some(responses) = &self.responses {
            responses.count(cached);
        }
        let body = Pieces::shared(ration.memory(), kept);
        Ok(Answer { outcome: Outcome::Executed, code: None, body, cached: Some(cached) })
    }

    /// Reads a response, or waits for another request that reads the same.
    pub(crate) async fn read_once(
        &self,
        asked: Asked<'_>,
        prepared: &Prepared,
        ready: Ready,
        preview: Option<&Preview>,
    ) -> Result<Answer, Vec<Failure>> {
        let Asked { responses, key, never } = asked;
        let key = match key {
            Ok(_) if !ready.is_of_live => Err(Why::Operation),
            key => key,
        };
        let key = match key {
            Ok(key) => key,
            Err(why) => {
                let answer = self.executed(prepared, ready, preview).await;
                return Ok(counted(responses, answer, Cached::Bypass(why)));
            }
        };
        let generations = responses.generations();
        let mut shared = generations.shared_now().await;
        let turn = match never {
            Some(why) => Err(why),
            None => loop {
                // As without a cache.
                if !generations.is_current() || shared.is_none() {
                    break Err(Why::Unknown);
                }
                let turn = match responses.turn(key) {
                    Turn::Mine(flight) => Ok(flight),
                    Turn::Other(mut end) => match end.changed().await {
                        Ok(()) => Err(Why::Changed),
                        Err(_) => continue,
                    },
                };
                // Another request may have read it since this one has looked.
                match responses.find(&key) {
                    Found::Kept(kept) if responses.is_confirmed(&kept).await => {
                        return self.hit(kept, &ready.store.ration);
                    }
                    Found::Kept(_) | Found::Nothing | Found::Never(_) => break turn,
                }
            },
        };
        if turn.is_ok() && generations.is_strict() {
            // Another one may have kept this one waiting.
            shared = generations.shared_now().await;
        }
        let (begun, capture) = (Instant::now(), generations.capture());
        let (cost, memory) = (ready.spent.requested, Arc::clone(ready.store.ration.memory()));
        let (store, touched) = ready.store.noting();
        let mut answer = self.executed(prepared, Ready { store, ..ready }, preview).await;
        let kept = match (&turn, capture) {
            (Err(why), _) => Err(*why),
            (Ok(_), None) => Err(Why::Unknown),
            (Ok(_), _) if shared.is_none() => Err(Why::Unknown),
            (Ok(_), Some(_)) if answer.outcome != Outcome::Executed || answer.code.is_some() => Err(Why::Errors),
            (Ok(flight), Some(capture)) => match generations.read_from(&capture, &touched) {
                None => {
                    responses.never(key, Why::Sources);
                    Err(Why::Sources)
                }
                Some(mut read) => {
                    let is_steady = generations.stamp(&mut read, shared.flatten()).await;
                    let body = answer.body.to_vec().into_boxed_slice();
                    let new = New { body, cost, about: Arc::clone(&prepared.about), read, begun };
                    if is_steady { responses.keep(flight, new) } else { Err(Why::Changed) }
                }
            },
        };
        let cached = match kept {
            Ok(kept) => {
                answer.body = Pieces::shared(&memory, kept);
                Cached::Miss
            }
            Err(why) => {
                responses.pass_by(&key);
                Cached::Bypass(why)
            }
        };
        if let Ok(flight) = turn {
            flight.end();
        }
        Ok(counted(responses, answer, cached))
    }
}

fn counted(responses: &Responses, answer: Answer, cached: Cached) -> Answer {
    responses.count(cached);
    Answer { cached: Some(cached), ..answer }
}

/// Whether the operation reads published entries and nothing else, as far as its text and arguments tell.
pub fn is_of_live(ty: OperationType, execution: &Execution<'_>, compiled: &Compiled) -> bool {
    ty == OperationType::Query
        && compiled.fields.iter().all(|field| match &field.what {
            What::Typename(_) | What::Introspection(_) => true,
            What::Read(root) => root.stage(execution) == Stage::Live && root.ahead(execution).is_none(),
            What::Own { operation, is_mutation: false, .. } => operation.depends_on.is_some(),
            _ => false,
        })
}
