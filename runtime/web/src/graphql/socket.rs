//! GraphQL over WebSocket: a connection is one task, which reads messages, runs operations side by side and sends what they answer.
//!
//! While the client does not take what it was sent, nothing more is read from the database: a connection holds one answer at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::HeaderValue;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures_util::stream::FuturesUnordered;
use tokio::time::error::Elapsed;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::frames::{Frames, Received};
use super::message::{self, Close, Incoming};
use super::subscriber::{LOOK, Subscriber};
use crate::subscriptions::{End, OpenSocket, Seat};
use crate::{App, Peer, auth};
use ::graphql::answer::{Answer, Failure, Outcome};
use ::graphql::subscribe::{Event, Started, Subscription};
use ::graphql::{self, Verb};
use base::background::Stop;
use base::error::{Code, Error, Result};
use base::seen;

/// From the handshake to `connection_init`.
const INIT_TIME: Duration = Duration::from_secs(3);
/// A client that is there answers a ping.
const PING: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(65);
/// For a client to close after it was told to.
const FAREWELL: Duration = Duration::from_secs(2);

/// Without `parts`, the client speaks another protocol.
pub async fn serve(app: Arc<App>, stream: Frames, parts: Option<Parts>, _open: OpenSocket) {
    let began = Instant::now();
    let stop = app.protection.subscriptions.stopping();
    let patience = app.protection.bounds.patience;
    let mut socket = Socket { app, stream, stop, patience, heard: began, operations: 0, events: 0 };
    let over = match parts {
        Some(parts) => socket.converse(parts).await,
        None => Over::Closed(Close::NO_PROTOCOL),
    };
    let code = match over {
        Over::Gone => None,
        Over::Closed(close) => {
            let code = close.code;
            socket.close(close).await;
            Some(code)
        }
    };
    let (operations, events) = (socket.operations, socket.events);
    let milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(code, operations, events, milliseconds, "a WebSocket was closed");
}

/// How a conversation ends.
enum Over {
    /// The client has closed it, or does not answer.
    Gone,
    Closed(Close),
}

type Step = Result<(), Over>;

/// An operation under way.
struct Running {
    id: String,
    seat: Seat,
    what: Progress,
}

enum Progress {
    Answered(Answer),
    Told(Box<Subscription>, Event),
    Failed(Vec<Failure>),
}

type Operations = FuturesUnordered<Abortable<BoxFuture<'static, Running>>>;

struct Socket {
    app: Arc<App>,
    stream: Frames,
    stop: Stop,
    patience: Duration,
    /// When the client said something last.
    heard: Instant,
    operations: u64,
    events: u64,
}

impl Socket {
    async fn converse(&mut self, parts: Parts) -> Over {
        let subscriber = match self.initialise(parts).await {
            Ok(subscriber) => Arc::new(subscriber),
            Err(over) => return over,
        };
        let mut handles = HashMap::new();
        let over = match self.operate(&subscriber, &mut handles).await {
            Err(over) => over,
            Ok(()) => Over::Gone,
        };
        let why = match &over {
            Over::Gone => End::Client,
            Over::Closed(close) if *close == Close::GOING_AWAY => End::Stop,
            Over::Closed(close) if *close == Close::TOO_SLOW => End::Slow,
            Over::Closed(close) if close.code == 4403 => End::Rights,
            Over::Closed(_) => End::Failed,
        };
        handles.values().for_each(|_| self.app.protection.subscriptions.ended(why));
        if why == End::Slow {
            tracing::warn!(subscriptions = handles.len(), "a WebSocket whose client reads too slowly was cut off");
        }
        over
    }

    /// Until the client has said who it is.
    async fn initialise(&mut self, parts: Parts) -> Result<Subscriber, Over> {
        let stop = self.stop.clone();
        let first = async {
            loop {
                match self.receive().await? {
                    Incoming::Init(token) => return Ok(token),
                    Incoming::Ping(payload) => self.send(message::pong(payload.as_ref())).await?,
                    Incoming::Subscribe(..) => return Err(Over::Closed(Close::UNAUTHORIZED)),
                    Incoming::Pong | Incoming::Complete(_) => {}
                }
            }
        };
        let token = tokio::select! {
            first = timeout(INIT_TIME, first) => first.unwrap_or(Err(Over::Closed(Close::NOT_INITIALISED)))?,
            () = stop.draining() => return Err(Over::Closed(Close::GOING_AWAY)),
        };
        let subscriber = authenticate(&self.app, parts, token).await.map_err(Over::Closed)?;
        self.send(message::ack()).await?;
        Ok(subscriber)
    }

    async fn operate(&mut self, subscriber: &Arc<Subscriber>, handles: &mut HashMap<String, AbortHandle>) -> Step {
        let mut operations = Operations::new();
        let stop = self.stop.clone();
        let mut look = interval(LOOK);
        let mut ping = interval(PING);
        for timer in [&mut look, &mut ping] {
            timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
            timer.reset();
        }
        loop {
            tokio::select! {
                incoming = self.receive() => match incoming? {
                    Incoming::Init(_) => return Err(Over::Closed(Close::INITIALISED_TWICE)),
                    Incoming::Ping(payload) => self.send(message::pong(payload.as_ref())).await?,
                    Incoming::Pong => {}
                    Incoming::Subscribe(id, _) if handles.contains_key(&id) => {
                        return Err(Over::Closed(Close::duplicate(&id)));
                    }
                    Incoming::Subscribe(id, request) => {
                        match self.begin(subscriber, handles.len(), &id).await? {
                            Some(seat) => {
                                let work = start(Arc::clone(subscriber), id.clone(), request, seat);
                                handles.insert(id, push(&operations, work.boxed()));
                            }
                            None => continue,
                        }
                    }
                    Incoming::Complete(id) => {
                        if let Some(handle) = handles.remove(&id) {
                            handle.abort();
                            self.app.protection.subscriptions.ended(End::Client);
                        }
                    }
                },
                Some(done) = operations.next(), if !operations.is_empty() => {
                    // One that was completed is forgotten already.
                    let Ok(running) = done else { continue };
                    let id = running.id.clone();
                    match self.answer(subscriber, running).await? {
                        Some(next) => _ = handles.insert(id, push(&operations, next)),
                        None => _ = handles.remove(&id),
                    }
                }
                _ = look.tick() => {
                    if let Err(over) = subscriber.check().await {
                        return Err(Over::Closed(forbidden(over)));
                    }
                }
                _ = ping.tick() => {
                    if self.heard.elapsed() > SILENCE {
                        return Err(Over::Gone);
                    }
                    let pinged = timeout(self.patience, self.stream.ping()).await;
                    taken(pinged)?;
                }
                () = stop.draining() => return Err(Over::Closed(Close::GOING_AWAY)),
            }
        }
    }

    /// The place of one more operation; without one, the client is told.
    async fn begin(&mut self, subscriber: &Subscriber, running: usize, id: &str) -> Result<Option<Seat>, Over> {
        self.operations += 1;
        let subscriptions = &subscriber.app.protection.subscriptions;
        let most = subscriptions.by_connection;
        let seat = match running < most {
            true => {
                let address = subscriber.parts.extensions.get::<Peer>().map(|peer| peer.0);
                subscriptions.take(&subscriber.actor, address)
            }
            false => {
                let message = format!("the connection has {running} operations, the limit is {most}");
                Err(Error::new(Code::LimitExceeded, message))
            }
        };
        match seat {
            Ok(seat) => Ok(Some(seat)),
            Err(refused) => {
                let errors = super::refusal(refused).errors();
                self.send(message::with_payload("error", id, &errors)).await?;
                Ok(None)
            }
        }
    }

    /// Sends what an operation has come to; what comes next of it.
    async fn answer(
        &mut self,
        subscriber: &Arc<Subscriber>,
        running: Running,
    ) -> Result<Option<BoxFuture<'static, Running>>, Over> {
        let Running { id, seat, what } = running;
        match what {
            Progress::Told(subscription, event) => {
                // Its memory is counted until it is sent.
                self.send(message::with_payload("next", &id, &event.body.to_vec())).await?;
                self.events += 1;
                self.app.protection.subscriptions.told();
                Ok(Some(go_on(Arc::clone(subscriber), id, seat, subscription).boxed()))
            }
            Progress::Answered(answer) if matches!(answer.outcome, Outcome::Executed | Outcome::Failed) => {
                self.send(message::with_payload("next", &id, &answer.body.to_vec())).await?;
                self.send(message::complete(&id)).await?;
                Ok(None)
            }
            Progress::Answered(answer) => {
                self.send(message::with_payload("error", &id, &answer.errors())).await?;
                Ok(None)
            }
            Progress::Failed(failures) => {
                let code = failures.first().map_or(Code::Internal, |failure| failure.problem.code);
                match End::of(code) {
                    End::Rights => return Err(Over::Closed(Close::forbidden(&failures[0].problem.message))),
                    End::Slow => return Err(Over::Closed(Close::TOO_SLOW)),
                    why => self.app.protection.subscriptions.ended(why),
                }
                self.send(message::with_payload("error", &id, &Answer::refused(&failures).errors())).await?;
                Ok(None)
            }
        }
    }

    /// The next message. Losing the future loses nothing.
    async fn receive(&mut self) -> Result<Incoming, Over> {
        loop {
            let received = self.stream.receive().await;
            self.heard = Instant::now();
            match received {
                Received::Text(text) => {
                    return message::parse(&text).map_err(|wrong| Over::Closed(Close::invalid(wrong)));
                }
                Received::Binary => return Err(Over::Closed(Close::invalid("Invalid message: it is not a text"))),
                Received::Beat => {}
                Received::Gone => return Err(Over::Gone),
                Received::TooLarge => return Err(Over::Closed(Close::TOO_LARGE)),
                Received::Overloaded => return Err(Over::Closed(Close::TRY_AGAIN)),
            }
        }
    }

    /// Nothing else is done until the client has taken it.
    async fn send(&mut self, text: String) -> Step {
        taken(timeout(self.patience, self.stream.send(text)).await)
    }

    /// Tells the client why, behind what it has not taken yet, and lets it close in turn: else it might never read it.
    async fn close(&mut self, close: Close) {
        let sent = timeout(self.patience, self.stream.close(close.code, close.reason.into_owned())).await;
        if matches!(sent, Ok(Ok(()))) {
            let _ = timeout(FAREWELL, self.stream.closed()).await;
        }
    }
}

fn taken<E>(sent: Result<Result<(), E>, Elapsed>) -> Step {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(Over::Gone),
        Err(_) => Err(Over::Closed(Close::TOO_SLOW)),
    }
}

fn push(operations: &Operations, work: BoxFuture<'static, Running>) -> AbortHandle {
    let (handle, registration) = AbortHandle::new_pair();
    operations.push(Abortable::new(work, registration));
    handle
}

async fn start(subscriber: Arc<Subscriber>, id: String, request: graphql::Request, seat: Seat) -> Running {
    let started = async {
        let purse = super::Purse::without_preview(&subscriber.app, &subscriber.parts);
        match purse.another(&subscriber.actor).await {
            Ok(()) => subscriber.start(request, Verb::Post, None).await,
            Err(refused) => Started::Answered(super::refusal(refused)),
        }
    };
    match seen::within(None, started).await {
        Started::Answered(answer) => Running { id, seat, what: Progress::Answered(answer) },
        Started::Subscribed(subscription) => go_on(subscriber, id, seat, subscription).await,
    }
}

async fn go_on(subscriber: Arc<Subscriber>, id: String, seat: Seat, mut subscription: Box<Subscription>) -> Running {
    let what = match subscription.next(&subscriber.app.api, &*subscriber).await {
        Ok(event) => Progress::Told(subscription, event),
        Err(failures) => Progress::Failed(failures),
    };
    Running { id, seat, what }
}

/// A token is for the whole connection.
async fn authenticate(app: &Arc<App>, mut parts: Parts, token: Option<String>) -> Result<Subscriber, Close> {
    if let Some(token) = token {
        let token = HeaderValue::from_str(&token).map_err(|_| Close::forbidden("the token is not valid"))?;
        parts.headers.insert(AUTHORIZATION, token);
        parts.headers.remove(COOKIE);
    }
    match auth::authenticate(app, &parts).await {
        Ok(actor) => Ok(Subscriber::new(Arc::clone(app), parts, actor)),
        Err(error) => Err(forbidden(error)),
    }
}

fn forbidden(error: Error) -> Close {
    match error.problems.first() {
        Some(problem) if matches!(problem.code, Code::RateLimited | Code::Unavailable | Code::Timeout) => {
            Close::TRY_AGAIN
        }
        Some(problem) => Close::forbidden(&problem.message),
        None => Close::forbidden(""),
    }
}
