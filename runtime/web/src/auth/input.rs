//! The JSON bodies of requests to `/auth`, and of the responses.

use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use base::error::{Code, Error, Result};
use base::response;

use crate::{accept, body};
use store::id;

/// Bytes of a body: a password and little more.
const LIMIT: usize = 16 * 1024;

/// Reads the body of a request. Only JSON is accepted, because forms of other sites cannot send it (CSRF). Unknown
/// fields are refused.
pub async fn read<T: DeserializeOwned>(request: Request) -> Result<(Parts, T), Response> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accept::is_json(content_type) {
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be `application/json` in UTF-8"));
    }
    if body::is_encoded(&parts.headers) {
        let message = "the body must not have a `Content-Encoding`";
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let bytes = match body::read(body, LIMIT).await {
        Ok(bytes) => bytes,
        Err(malformed) => {
            return Err(response::response(&Error::new(malformed.code, malformed.message), malformed.status));
        }
    };
    if holds_nul(&bytes) {
        return Err(refused(StatusCode::BAD_REQUEST, "a string must not contain the character U+0000"));
    }
    match serde_json::from_slice(&bytes) {
        Ok(parsed) => Ok((parts, parsed)),
        Err(error) => Err(refused(StatusCode::BAD_REQUEST, format!("the body is not as expected: {}", plain(&error)))),
    }
}

/// As [`read`]; an empty body gives the default.
pub async fn read_if_any<T: DeserializeOwned + Default>(request: Request) -> Result<(Parts, T), Response> {
    if !request.body().is_end_stream() {
        return read(request).await;
    }
    Ok((request.into_parts().0, T::default()))
}

/// PostgreSQL cannot store this character, so no account, token or code contains it.
fn holds_nul(bytes: &[u8]) -> bool {
    fn in_json(json: &Json) -> bool {
        match json {
            Json::String(text) => text.contains('\0'),
            Json::Array(items) => items.iter().any(in_json),
            Json::Object(fields) => fields.iter().any(|(name, field)| name.contains('\0') || in_json(field)),
            _ => false,
        }
    }
    // JSON must escape it, but the six characters may also be an escaped backslash and text.
    let may = bytes.windows(6).any(|window| window == b"\\u0000");
    may && serde_json::from_slice(bytes).is_ok_and(|json| in_json(&json))
}

/// The position and kind of the error without the value, which may be a password.
fn plain(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            let is_named = text.starts_with("missing field") || text.starts_with("unknown field");
            if is_named {
                text
            } else {
                format!("a value of the wrong type at line {} column {}", error.line(), error.column())
            }
        }
        _ => format!("not JSON at line {} column {}", error.line(), error.column()),
    }
}

fn refused(status: StatusCode, message: impl Into<String>) -> Response {
    response::response(&Error::new(Code::BadRequest, message), status)
}

/// A JSON response that must not be cached, since it is about one person or holds tokens.
pub fn answer(status: StatusCode, json: &Json) -> Response {
    let mut response = (status, json.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub fn done() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pub fn agent(parts: &Parts) -> Option<&str> {
    parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok())
}

/// Parses the id in a path: `user_...`. An id of another kind is not found.
pub fn id(kind: &str, text: &str) -> Result<uuid::Uuid> {
    id::decode_as(kind, text).ok_or_else(|| Error::new(Code::NotFound, format!("`{text}` does not exist")))
}
