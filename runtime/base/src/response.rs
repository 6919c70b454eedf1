//! Errors as responses outside GraphQL: problem details (RFC 9457) with our codes.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use crate::error::{Code, Error, Problem};
use crate::seen;

/// The `Retry-After` of a rejected request, in seconds.
const AGAIN: HeaderValue = HeaderValue::from_static("10");

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        response(&self, status(code(&self)))
    }
}

/// With a status that is more specific than the code.
pub fn response(error: &Error, status: StatusCode) -> Response {
    seen::codes(error.problems.iter().map(|problem| problem.code));
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "code": code(error).as_str(),
        "message": error.to_string(),
        "errors": error.problems.iter().map(shown).collect::<Vec<_>>(),
    });
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, AGAIN);
        }
        _ => {}
    }
    response
}

fn code(error: &Error) -> Code {
    error.problems.first().map_or(Code::Internal, |problem| problem.code)
}

fn status(code: Code) -> StatusCode {
    match code {
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict | Code::RevisionMismatch | Code::Referenced => StatusCode::CONFLICT,
        Code::Unauthenticated | Code::SecondFactorRequired => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::EnrolmentRequired => StatusCode::FORBIDDEN,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn shown(problem: &Problem) -> Json {
    let mut shown = json!({ "code": problem.code.as_str(), "message": problem.message });
    if !problem.path.is_empty() {
        shown["path"] = json!(problem.path);
    }
    shown
}
