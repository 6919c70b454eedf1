//! GraphQL over server-sent events, in distinct connections mode
//! (<https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md>): a request is a stream of its answers.
//!
//! The stream is made as it is sent: while a client does not read, nothing is read from the database for it, and `pace` closes the
//! connection after a while.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use tokio::time::sleep;

use super::subscriber::{LOOK, Subscriber, credentials, failure};
use super::{refused, unauthenticated};
use crate::accept::Media;
use crate::subscriptions::{End, Seat};
use crate::{App, Peer};
use ::graphql::answer::{Answer, Failure};
use ::graphql::pieces::Pieces;
use ::graphql::subscribe::{Event, Started, Subscription};
use ::graphql::{self, Verb};
use base::background::Stop;
use base::error::{Code, Result};
use base::memory::Memory;
use store::access::Actor;

/// Proxies close a connection on which nothing is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

type Coming = BoxFuture<'static, (Box<Subscription>, Result<Event, Vec<Failure>>)>;

/// A subscription as its answers are sent.
struct Streamed {
    subscriber: Arc<Subscriber>,
    _seat: Seat,
    coming: Coming,
    stop: Stop,
    /// Since something was sent.
    quiet: Duration,
    /// Of what is left to be ended.
    end: Ended,
}

/// Counts why it ended, once.
struct Ended(Arc<App>, Option<End>);

impl Drop for Ended {
    fn drop(&mut self) {
        let why = self.1.unwrap_or(End::Client);
        self.0.protection.subscriptions.ended(why);
        tracing::info!(reason = why.as_str(), "a subscription over server-sent events ended");
    }
}

/// Answers a request by a stream.
pub async fn respond(app: &Arc<App>, parts: &Parts, request: graphql::Request, actor: Actor, verb: Verb) -> Response {
    let resume = match parts.headers.get(&LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("?").trim()) {
        None | Some("") => None,
        Some(id) => match id.parse() {
            Ok(position) => Some(position),
            Err(_) => {
                return refused(
                    Media::Legacy,
                    StatusCode::BAD_REQUEST,
                    "`Last-Event-ID` is not a position of a change",
                );
            }
        },
    };
    let subscriptions = &app.protection.subscriptions;
    let stop = subscriptions.stopping();
    let seat = match subscriptions.take(&actor, parts.extensions.get::<Peer>().map(|peer| peer.0)) {
        Ok(_) if stop.is_draining() => {
            return refused(Media::Legacy, StatusCode::SERVICE_UNAVAILABLE, "the server stops");
        }
        Ok(seat) => seat,
        Err(full) => {
            let is_clients = full.problems.iter().any(|problem| problem.code == Code::LimitExceeded);
            let mut response = unauthenticated(Media::Legacy, full);
            if is_clients {
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
            }
            return response;
        }
    };
    let subscriber = Arc::new(Subscriber::new(Arc::clone(app), credentials(parts), actor));
    match subscriber.start(request, verb, resume).await {
        Started::Answered(answer) => {
            let memory = &app.protection.answers;
            let whole = [next(memory, None, answer.body), complete(memory)];
            let whole = whole.into_iter().flat_map(bytes).map(Ok::<_, Infallible>);
            streamed(Body::from_stream(stream::iter(whole.collect::<Vec<_>>())))
        }
        Started::Subscribed(subscription) => {
            let begin = format!("id: {}\n\n", subscription.position());
            let coming = coming(Arc::clone(&subscriber), subscription);
            let end = Ended(Arc::clone(app), None);
            let streaming = Streamed { subscriber, _seat: seat, coming, stop, quiet: Duration::ZERO, end };
            let answers = stream::unfold(Some(streaming), |streaming| async { Some(proceed(streaming?).await) });
            let begin = stream::iter([vec![Bytes::from(begin)]]);
            streamed(Body::from_stream(begin.chain(answers).flat_map(stream::iter).map(Ok::<_, Infallible>)))
        }
    }
}

fn coming(subscriber: Arc<Subscriber>, mut subscription: Box<Subscription>) -> Coming {
    Box::pin(async move {
        let event = subscription.next(&subscriber.app.api, &*subscriber).await;
        (subscription, event)
    })
}

/// What is sent next, and what goes on after it.
async fn proceed(mut streaming: Streamed) -> (Vec<Bytes>, Option<Streamed>) {
    let app = Arc::clone(&streaming.subscriber.app);
    let memory = &app.protection.answers;
    let pause = LOOK.min(KEEP_ALIVE);
    loop {
        let stop = streaming.stop.clone();
        tokio::select! {
            (subscription, event) = &mut streaming.coming => {
                match event {
                    Ok(event) => {
                        app.protection.subscriptions.told();
                        streaming.quiet = Duration::ZERO;
                        streaming.coming = coming(Arc::clone(&streaming.subscriber), subscription);
                        return (bytes(next(memory, Some(event.position), event.body)), Some(streaming));
                    }
                    Err(failures) => return (ending(memory, &failures, &mut streaming.end), None),
                }
            }
            () = sleep(pause) => {
                if let Err(over) = streaming.subscriber.check().await {
                    return (ending(memory, &[failure(over)], &mut streaming.end), None);
                }
                streaming.quiet += pause;
                if streaming.quiet >= KEEP_ALIVE {
                    streaming.quiet = Duration::ZERO;
                    return (vec![Bytes::from_static(b":\n\n")], Some(streaming));
                }
            }
            // Without `complete`: the client connects again, to another node.
            () = stop.draining() => {
                streaming.end.1 = Some(End::Stop);
                return (Vec::new(), None);
            }
        }
    }
}

/// The last answer: why there are no more.
fn ending(memory: &Arc<Memory>, failures: &[Failure], end: &mut Ended) -> Vec<Bytes> {
    let why = End::of(failures.first().map_or(Code::Internal, |failure| failure.problem.code));
    end.1 = Some(why);
    if why == End::Slow {
        tracing::warn!("a subscription over server-sent events that was too far behind was cut off");
    }
    let last = next(memory, None, Answer::refused(failures).body);
    [last, complete(memory)].into_iter().flat_map(bytes).collect()
}

fn next(memory: &Arc<Memory>, position: Option<i64>, body: Pieces) -> Pieces {
    let mut event = Pieces::new(memory, 64);
    if let Some(position) = position {
        event.push(format!("id: {position}\n").as_bytes());
    }
    event.push(b"event: next\ndata: ");
    event.append(body);
    event.push(b"\n\n");
    event
}

fn complete(memory: &Arc<Memory>) -> Pieces {
    let mut event = Pieces::new(memory, 32);
    event.push(b"event: complete\ndata:\n\n");
    event
}

/// JSON is written without line feeds, so an event has one line of data.
fn bytes(event: Pieces) -> Vec<Bytes> {
    event.finish().into_iter().map(Bytes::from_owner).collect()
}

fn streamed(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept, Authorization, Cookie"));
    // Else nginx collects what is sent.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
