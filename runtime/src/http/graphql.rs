//! GraphQL over HTTP (<https://graphql.github.io/graphql-over-http/>): methods, media types, status codes, batches.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{ACCEPT, ALLOW, CONTENT_TYPE, VARY, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::accept::{self, Media};
use super::body::{self, Malformed, Requests};
use super::{App, auth};
use crate::access::Actor;
use crate::error::Code;
use crate::graphql::answer::{Answer, Failure, Outcome};
use crate::graphql::{self, Verb};

/// A request that takes longer is given up.
const REQUEST_TIME: Duration = Duration::from_secs(30);

pub async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let accept = joined(request.headers());
    let Some(media) = accept::negotiate(accept.as_deref()) else {
        let message = "the answer can be `application/graphql-response+json` or `application/json`";
        return refused(Media::Legacy, StatusCode::NOT_ACCEPTABLE, message);
    };
    match *request.method() {
        // The server of HTTP leaves the body of a HEAD's answer out.
        Method::GET | Method::HEAD => get(&app, media, request).await,
        Method::POST => post(&app, media, request).await,
        Method::OPTIONS => allow(StatusCode::NO_CONTENT.into_response(), "GET, POST, OPTIONS"),
        _ => {
            let refused = refused(media, StatusCode::METHOD_NOT_ALLOWED, "GraphQL is asked by GET or POST");
            allow(refused, "GET, POST, OPTIONS")
        }
    }
}

async fn get(app: &App, media: Media, request: Request) -> Response {
    let parameters = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let Ok(Query(parameters)) = parameters else {
        return refused(media, StatusCode::BAD_REQUEST, "the parameters of the address cannot be read");
    };
    let (parts, _) = request.into_parts();
    let actor = match auth::authenticate(app, &parts).await {
        Ok(actor) => actor,
        Err(error) => return unauthenticated(media, error),
    };
    match body::from_parameters(parameters) {
        Ok(request) => respond(media, execute(app, request, actor, Verb::Get).await),
        Err(malformed) => malformed.respond(media),
    }
}

async fn post(app: &App, media: Media, request: Request) -> Response {
    let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept::is_json(content_type) {
        return refused(media, StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be `application/json` in UTF-8");
    }
    if body::is_encoded(request.headers()) {
        let message = "the body must come as it is, without `Content-Encoding`";
        return refused(media, StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    }
    let (parts, body) = request.into_parts();
    let actor = match auth::authenticate(app, &parts).await {
        Ok(actor) => actor,
        Err(error) => return unauthenticated(media, error),
    };
    let limits = app.api.limits();
    let parsed = match body::read(body, limits.body as usize * 1024).await {
        Ok(bytes) => body::parse(&bytes, limits.batch),
        Err(malformed) => Err(malformed),
    };
    match parsed {
        Ok(Requests::One(request)) => respond(media, execute(app, request, actor, Verb::Post).await),
        Ok(Requests::Batch(requests)) => answer(media, StatusCode::OK, batch(app, requests, actor).await),
        Err(malformed) => malformed.respond(media),
    }
}

/// The answer to a request that is not looked into.
pub fn refused_by(headers: &HeaderMap, error: crate::Error) -> Response {
    let media = accept::negotiate(joined(headers).as_deref()).unwrap_or(Media::Legacy);
    unauthenticated(media, error)
}

/// A token that is not valid is told by the status, also to clients that expect 200 for what GraphQL refuses.
fn unauthenticated(media: Media, error: crate::Error) -> Response {
    let failures: Vec<_> = error.problems.into_iter().map(Failure::from).collect();
    let refused = Answer::refused(&failures);
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

/// One after the other, so that a batch has no more of the server than a request.
async fn batch(app: &App, requests: Vec<graphql::Request>, actor: Actor) -> Vec<u8> {
    let mut body = vec![b'['];
    for (index, request) in requests.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.append(&mut execute(app, request, actor.clone(), Verb::Post).await.body);
    }
    body.push(b']');
    body
}

async fn execute(app: &App, mut request: graphql::Request, actor: Actor, verb: Verb) -> Answer {
    if let Err(unknown) = app.protection.documents.resolve(&mut request) {
        return Answer::refused(&[unknown]);
    }
    let executed = tokio::time::timeout(REQUEST_TIME, app.api.execute(&request, actor, verb)).await;
    executed.unwrap_or_else(|_| {
        tracing::error!(seconds = REQUEST_TIME.as_secs(), "a request took too long and was given up");
        Answer::refused(&[Failure::new(Code::Internal, "the request took too long and was given up")])
    })
}

fn respond(media: Media, answered: Answer) -> Response {
    let mut response = answer(media, status(media, answered.outcome), answered.body);
    match answered.outcome {
        Outcome::Refused(Code::Unauthenticated) => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Outcome::MutationByGet => return allow(response, "POST"),
        Outcome::Executed | Outcome::Refused(_) => {}
    }
    response
}

fn status(media: Media, outcome: Outcome) -> StatusCode {
    match (media, outcome) {
        (_, Outcome::MutationByGet) => StatusCode::METHOD_NOT_ALLOWED,
        (_, Outcome::Executed) => StatusCode::OK,
        (_, Outcome::Refused(Code::BadRequest)) => StatusCode::BAD_REQUEST,
        (_, Outcome::Refused(Code::Internal)) => StatusCode::INTERNAL_SERVER_ERROR,
        (Media::Legacy, Outcome::Refused(_)) => StatusCode::OK,
        (Media::Response, Outcome::Refused(Code::Unauthenticated)) => StatusCode::UNAUTHORIZED,
        (Media::Response, Outcome::Refused(Code::Forbidden)) => StatusCode::FORBIDDEN,
        (Media::Response, Outcome::Refused(_)) => StatusCode::BAD_REQUEST,
    }
}

fn refused(media: Media, status: StatusCode, message: &str) -> Response {
    answer(media, status, Answer::refused(&[Failure::new(Code::BadRequest, message)]).body)
}

impl Malformed {
    fn respond(&self, media: Media) -> Response {
        refused(media, self.status, &self.message)
    }
}

fn answer(media: Media, status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(VARY, HeaderValue::from_static("Accept, Authorization, Cookie"));
    response
}

fn allow(mut response: Response, methods: &'static str) -> Response {
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}

/// The header may come in several lines.
fn joined(headers: &HeaderMap) -> Option<String> {
    let lines: Vec<_> = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}
