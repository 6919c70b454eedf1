//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/>): methods, media types, status codes, batches. Its submodules
//! are the transports of subscriptions.

mod events;
mod frames;
mod handshake;
mod message;
mod socket;
mod subscriber;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::accept::{self, Events, Media};
use super::body::{self, Malformed, Requests};
use super::freshness::{self, Steady};
use super::intake::Intake;
use super::{App, Environment, Peer, auth, encoded, preview, sent, validator};
use ::graphql::answer::{Answer, Cached, Failure, Outcome};
use ::graphql::limits;
use ::graphql::pieces::Pieces;
use ::graphql::{self, Meter, Preview, Verb};
use base::encoding::Encoding;
use base::error::{Code, Error};
use base::memory::Ration;
use base::seen::{self, Seen};
use store::access::Actor;
use store::access::Network;

/// A request that takes longer is aborted.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// The actor is looked up again if its body took longer than this.
const FRESH: Duration = Duration::from_secs(1);

pub async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    if handshake::is_asked(&request) {
        return handshake::open(app, request).await;
    }
    let accept = joined(request.headers());
    let events = accept::events(accept.as_deref());
    let media = accept::negotiate(accept.as_deref()).or((events != Events::No).then_some(Media::Legacy));
    let Some(media) = media else {
        let message =
            "the response can be `application/graphql-response+json`, `application/json` or `text/event-stream`";
        return refused(Media::Legacy, StatusCode::NOT_ACCEPTABLE, message);
    };
    match *request.method() {
        // The HTTP server omits the body of a response to HEAD.
        Method::GET => get(&app, (media, events), request).await,
        Method::HEAD => get(&app, (media, Events::No), request).await,
        Method::POST => post(&app, (media, events), request).await,
        Method::OPTIONS => allow(StatusCode::NO_CONTENT.into_response(), "GET, POST, OPTIONS"),
        _ => {
            let refused = refused(media, StatusCode::METHOD_NOT_ALLOWED, "use GET or POST for GraphQL");
            allow(refused, "GET, POST, OPTIONS")
        }
    }
}

async fn get(app: &Arc<App>, (media, events): (Media, Events), request: Request) -> Response {
    let parameters = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let Ok(Query(parameters)) = parameters else {
        return refused(media, StatusCode::BAD_REQUEST, "the query parameters cannot be read");
    };
    let (parts, _) = request.into_parts();
    let actor = match auth::authenticate(app, &parts).await {
        Ok(actor) => actor,
        Err(error) => return unauthenticated(media, error),
    };
    let intake = app.protection.bodies.intake(network(&parts));
    let texts = parameters.iter().map(|(_, value)| value.as_bytes());
    let request = match body::hold(&intake, texts).await {
        Ok(()) => body::from_parameters(parameters),
        Err(malformed) => Err(malformed),
    };
    match request {
        Ok(request) if as_events(app, events, &request).await => {
            events::respond(app, &parts, request, actor, Verb::Get).await
        }
        Ok(request) => {
            let purse = match Purse::new(app, &parts, &actor).await {
                Ok(purse) => purse,
                Err(error) => return unauthenticated(media, error),
            };
            let mut answered = execute(&purse, &app.protection.ration(), request, actor.clone(), Verb::Get).await;
            let tag = |answered: &Answer, encoding| {
                validator::of(answered, media.content_type(), encoding).filter(|_| purse.preview.is_none())
            };
            let cached = answered.cached;
            let chosen = purse.encoding(&actor, &answered.body);
            let steady = purse.steady(&actor, &answered.body);
            let mut known = tag(&answered, chosen);
            let mut response = match &known {
                Some(known) if validator::is_known(&parts.headers, known) => varying(validator::not_modified()),
                _ => {
                    let encoding = encoded::encode(app, &mut answered.body, chosen).await;
                    if encoding != chosen {
                        known = tag(&answered, encoding);
                    }
                    let mut response = respond(media, answered);
                    encoded::tell(&mut response, encoding);
                    response
                }
            };
            if let Some(tag) = known {
                validator::add(&mut response, tag, actor.is_anonymous());
                if let Some(steady) = steady {
                    app.protection.freshness.tell(&mut response, &steady);
                }
            }
            purse.told(response, cached)
        }
        Err(malformed) => malformed.respond(media),
    }
}

async fn post(app: &Arc<App>, (media, events): (Media, Events), request: Request) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept::is_json(content_type) {
        return refused(media, StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be `application/json` in UTF-8");
    }
    if body::is_encoded(request.headers()) {
        let message = "the body must not have a `Content-Encoding`";
        return refused(media, StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let (parts, body) = request.into_parts();
    let actor = match auth::authenticate(app, &parts).await {
        Ok(actor) => actor,
        Err(error) => return unauthenticated(media, error),
    };
    let began = Instant::now();
    let intake = parts.extensions.get().cloned().unwrap_or_else(|| app.protection.bodies.intake(network(&parts)));
    let parsed = parse(app, body, &intake).await;
    let actor = match parsed.is_ok() && began.elapsed() > FRESH && !actor.is_anonymous() {
        true => auth::authenticate_again(app, &parts).await,
        false => Ok(actor),
    };
    let actor = match actor {
        Ok(actor) => actor,
        Err(error) => return unauthenticated(media, error),
    };
    let purse = match Purse::new(app, &parts, &actor).await {
        Ok(purse) => purse,
        Err(error) => return unauthenticated(media, error),
    };
    match parsed {
        Ok(Requests::One(request)) if as_events(app, events, &request).await => {
            events::respond(app, &parts, request, actor, Verb::Post).await
        }
        Ok(Requests::One(request)) => {
            let mut answered = execute(&purse, &app.protection.ration(), request, actor.clone(), Verb::Post).await;
            let cached = answered.cached;
            let encoding = purse.encoding(&actor, &answered.body);
            if app.environment == Environment::Development {
                answered = answered.telling();
            }
            let encoding = encoded::encode(app, &mut answered.body, encoding).await;
            let mut response = respond(media, answered);
            encoded::tell(&mut response, encoding);
            purse.told(response, cached)
        }
        Ok(Requests::Batch(requests)) => {
            let mut body = batch(&purse, requests, actor.clone()).await;
            let encoding = purse.encoding(&actor, &body);
            let encoding = encoded::encode(app, &mut body, encoding).await;
            let mut response = answer(media, StatusCode::OK, body);
            encoded::tell(&mut response, encoding);
            purse.told(response, None)
        }
        Err(malformed) => malformed.respond(media),
    }
}

/// Whether the answers are streamed.
async fn as_events(app: &App, events: Events, request: &graphql::Request) -> bool {
    match events {
        Events::No => false,
        Events::Only => true,
        Events::Also => {
            let mut request = request.clone();
            app.protection.documents.resolve(&mut request).is_ok() && app.api.is_subscription(&request).await
        }
    }
}

async fn parse(app: &App, body: Body, intake: &Intake) -> Result<Requests, Malformed> {
    let limits = app.api.limits();
    let bytes = body::read(body, limits.body as usize * 1024).await?;
    body::hold(intake, [&*bytes].into_iter()).await?;
    body::parse(&bytes, limits.batch)
}

fn network(parts: &Parts) -> Network {
    Network::of(parts.extensions.get::<Peer>().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0))
}

/// The response to a request that is refused before it is parsed.
pub fn refused_by(headers: &HeaderMap, error: Error) -> Response {
    let media = accept::negotiate(joined(headers).as_deref()).unwrap_or(Media::Legacy);
    unauthenticated(media, error)
}

/// An invalid token is reported by the status, also to clients that otherwise expect 200 for GraphQL errors.
fn unauthenticated(media: Media, error: Error) -> Response {
    let refused = refusal(error);
    let status = match refused.outcome {
        Outcome::Refused(Code::Unauthenticated) => StatusCode::UNAUTHORIZED,
        Outcome::Refused(Code::Forbidden | Code::EnrolmentRequired) => StatusCode::FORBIDDEN,
        Outcome::Refused(Code::RateLimited) => StatusCode::TOO_MANY_REQUESTS,
        outcome => status(media, outcome),
    };
    let mut response = respond(media, refused);
    *response.status_mut() = status;
    response
}

/// What all operations of one HTTP request share: their cost so far, and what a preview link shows.
struct Purse<'a> {
    app: &'a App,
    parts: &'a Parts,
    preview: Option<Preview>,
    spent: AtomicU64,
}

/// The actor for whom an operation is counted.
struct Payer<'a> {
    purse: &'a Purse<'a>,
    actor: &'a Actor,
}

impl<'a> Purse<'a> {
    async fn new(app: &'a App, parts: &'a Parts, actor: &Actor) -> Result<Self, Error> {
        Ok(Self { preview: preview::of(app, parts, actor).await?, ..Self::without_preview(app, parts) })
    }

    fn without_preview(app: &'a App, parts: &'a Parts) -> Self {
        Self { app, parts, preview: None, spent: AtomicU64::new(0) }
    }

    /// In which coding a response with this body is sent.
    fn encoding(&self, actor: &Actor, body: &Pieces) -> Option<Encoding> {
        encoded::choose(self.app, self.parts, (actor, self.preview.is_some()), body)
    }

    /// What is known of a response that the server keeps, and others may keep too.
    fn steady(&self, actor: &Actor, body: &Pieces) -> Option<Steady> {
        let Self { app, preview, .. } = self;
        let is_for_all = actor.is_anonymous() && preview.is_none() && app.protection.freshness.is_any();
        let kept = body.kept().filter(|_| is_for_all)?;
        let (lasts, tags) = app.api.responses()?.steady(kept);
        Some(Steady { lasts, tags })
    }

    /// Keeps what a preview shows out of caches and search engines, and tells developers what the server's own cache did.
    fn told(&self, mut response: Response, cached: Option<Cached>) -> Response {
        if self.preview.is_some() {
            preview::protect(response.headers_mut());
        }
        if let Some(cached) = cached.filter(|_| self.app.environment == Environment::Development)
            && let Ok(value) = HeaderValue::try_from(cached.to_string())
        {
            response.headers_mut().insert("typecase-cache", value);
        }
        response
    }

    /// For each operation of a batch after the first, which was counted as the request itself.
    async fn another(&self, actor: &Actor) -> Result<(), Error> {
        self.app.protection.limiter.more(self.parts, actor, 1).await
    }
}

impl Meter for Payer<'_> {
    /// A batch may cost no more than a single operation.
    async fn pay(&self, cost: u64) -> Result<(), Failure> {
        let Purse { app, parts, spent, .. } = self.purse;
        let before = spent.fetch_add(cost, Ordering::Relaxed);
        limits::cost::check_batch(before, cost, app.api.limits())?;
        let allowed = app.protection.limiter.operation(parts, self.actor, cost).await;
        allowed.map_err(|error| match error.problems.into_iter().next() {
            Some(problem) => problem.into(),
            None => Failure::new(Code::RateLimited, "too many requests"),
        })
    }
}

/// Runs the operations one after the other, so that a batch takes no more resources than a request. The actor is looked
/// up before each one: a disabled account, a changed role or a revoked token takes effect at once.
async fn batch(purse: &Purse<'_>, requests: Vec<graphql::Request>, actor: Actor) -> Pieces {
    let Purse { app, parts, .. } = purse;
    let ration = app.protection.ration();
    let mut body = Pieces::new(&app.protection.answers, 256);
    let mut actor = Ok(actor);
    for (index, request) in requests.into_iter().enumerate() {
        if index > 0 && actor.as_ref().is_ok_and(|actor| !actor.is_anonymous()) {
            actor = auth::authenticate_again(app, parts).await;
        }
        body.push(if index > 0 { b"," } else { b"[" });
        let allowed = match &actor {
            Ok(actor) if index > 0 => purse.another(actor).await.and_then(|()| ration.check()),
            _ => ration.check(),
        };
        let answer = match (&actor, allowed) {
            (Ok(actor), Ok(())) => execute(purse, &ration, request, actor.clone(), Verb::Post).await,
            (Err(error), _) => refusal(error.clone()),
            (_, Err(error)) => refusal(error),
        };
        body.append(answer.body);
    }
    body.push(b"]");
    body
}

fn refusal(error: Error) -> Answer {
    let failures: Vec<_> = error.problems.into_iter().map(Failure::from).collect();
    Answer::refused(&failures)
}

/// Runs one operation, and counts it under its known name.
async fn execute(
    purse: &Purse<'_>,
    ration: &Arc<Ration>,
    mut request: graphql::Request,
    actor: Actor,
    verb: Verb,
) -> Answer {
    let app = purse.app;
    let began = Instant::now();
    seen::begin_operation();
    request.anew = freshness::is_wanted(&purse.parts.headers);
    let resolved = app.protection.documents.resolve(&mut request);
    let is_known = matches!(resolved, Ok(true));
    let answer = match resolved {
        Ok(_) => run(purse, ration, &request, actor, verb).await,
        Err(unknown) => Answer::refused(&[unknown]),
    };
    let about = seen::with(Seen::operation);
    let name = about.as_ref().and_then(|about| if is_known { Some(&*about.name) } else { about.own });
    app.traffic.operation(name, answer.code, began.elapsed());
    answer
}

async fn run(purse: &Purse<'_>, ration: &Arc<Ration>, request: &graphql::Request, actor: Actor, verb: Verb) -> Answer {
    if let Err(full) = ration.memory().has_room().await {
        return refusal(full);
    }
    let payer = Payer { purse, actor: &actor };
    let sender = (actor.clone(), purse.preview.as_ref());
    let run = purse.app.api.execute_within(ration, &payer, request, sender, verb);
    let executed = tokio::time::timeout(REQUEST_TIME, run).await;
    executed.unwrap_or_else(|_| {
        tracing::error!(seconds = REQUEST_TIME.as_secs(), "a request exceeded its time limit");
        Answer::refused(&[Failure::new(Code::Timeout, "the request exceeded its time limit")])
    })
}

fn respond(media: Media, answered: Answer) -> Response {
    let mut response = answer(media, status(media, answered.outcome), answered.body);
    match answered.outcome {
        Outcome::Refused(Code::Unauthenticated) => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Outcome::Refused(Code::Unavailable) => {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        Outcome::MutationByGet => return allow(response, "POST"),
        Outcome::Executed | Outcome::Failed | Outcome::Refused(_) => {}
    }
    response
}

fn status(media: Media, outcome: Outcome) -> StatusCode {
    match (media, outcome) {
        (_, Outcome::MutationByGet) => StatusCode::METHOD_NOT_ALLOWED,
        (_, Outcome::Executed) => StatusCode::OK,
        (_, Outcome::Refused(Code::BadRequest)) => StatusCode::BAD_REQUEST,
        (_, Outcome::Failed | Outcome::Refused(Code::Internal)) => StatusCode::INTERNAL_SERVER_ERROR,
        (_, Outcome::Refused(Code::Unavailable)) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Outcome::Refused(Code::RateLimited)) => StatusCode::TOO_MANY_REQUESTS,
        (_, Outcome::Refused(Code::Timeout)) => StatusCode::GATEWAY_TIMEOUT,
        (Media::Legacy, Outcome::Refused(_)) => StatusCode::OK,
        (Media::Response, Outcome::Refused(Code::Unauthenticated)) => StatusCode::UNAUTHORIZED,
        (Media::Response, Outcome::Refused(Code::Forbidden)) => StatusCode::FORBIDDEN,
        (Media::Response, Outcome::Refused(_)) => StatusCode::BAD_REQUEST,
    }
}

fn refused(media: Media, status: StatusCode, message: &str) -> Response {
    Malformed { status, code: Code::BadRequest, message: message.to_owned() }.respond(media)
}

impl Malformed {
    fn respond(&self, media: Media) -> Response {
        let failure = Failure::new(self.code, self.message.as_str());
        answer(media, self.status, Answer::refused(&[failure]).body)
    }
}

fn answer(media: Media, status: StatusCode, body: Pieces) -> Response {
    let mut response = Response::new(sent::body(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    varying(response)
}

fn varying(mut response: Response) -> Response {
    let by = HeaderValue::from_static("Accept, Accept-Encoding, Authorization, Cookie, Typecase-Preview");
    response.headers_mut().insert(VARY, by);
    response
}

fn allow(mut response: Response, methods: &'static str) -> Response {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// The header may be split over several lines.
fn joined(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}
