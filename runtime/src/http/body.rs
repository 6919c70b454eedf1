//! Requests as they come in: bodies within size and time, and the GraphQL requests that they hold.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use serde_json::{Map, Value as Json};

use crate::graphql::Request;

/// A whole body has to arrive within this time.
const BODY_TIME: Duration = Duration::from_secs(10);
/// A JSON value with this key alone would be taken for text of `serde_json` itself.
const RESERVED_KEY: &str = "$serde_json::private";

/// Why a request is refused before it reaches GraphQL.
#[derive(Debug)]
pub struct Malformed {
    pub status: StatusCode,
    pub message: String,
}

/// One request, or a batch.
#[derive(Debug)]
pub enum Requests {
    One(Request),
    Batch(Vec<Request>),
}

/// Whether a body is compressed. None is unpacked: a small one could become a large one (RFC 9110, 8.4 and 15.5.16).
pub fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

pub async fn read(body: Body, limit: usize) -> Result<Vec<u8>, Malformed> {
    let read = tokio::time::timeout(BODY_TIME, collect(body, limit)).await;
    read.unwrap_or_else(|_| Err(malformed(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive")))
}

async fn collect(body: Body, limit: usize) -> Result<Vec<u8>, Malformed> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|error| malformed(StatusCode::BAD_REQUEST, format!("the body did not arrive: {error}")))?;
        if bytes.len() + chunk.len() > limit {
            let message = format!("the body has more than {limit} bytes");
            return Err(malformed(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The body of a POST.
pub fn parse(bytes: &[u8], largest_batch: u32) -> Result<Requests, Malformed> {
    let json = json(bytes).map_err(|message| bad_request(format!("the body is not JSON: {message}")))?;
    match json {
        Json::Array(items) if items.is_empty() => Err(bad_request("the batch is empty")),
        Json::Array(items) if items.len() > largest_batch as usize => {
            Err(bad_request(format!("the batch has {} requests, the limit is {largest_batch}", items.len())))
        }
        Json::Array(items) => items.into_iter().map(request).collect::<Result<_, _>>().map(Requests::Batch),
        one => request(one).map(Requests::One),
    }
}

/// The parameters of a GET.
pub fn from_parameters(parameters: Vec<(String, String)>) -> Result<Request, Malformed> {
    let mut fields = Map::new();
    for (name, value) in parameters {
        let value = match name.as_str() {
            "query" | "operationName" | "documentId" => Json::from(value),
            // Some clients send the names of parameters that they leave out.
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => {
                json(value.as_bytes()).map_err(|message| bad_request(format!("`{name}` is not JSON: {message}")))?
            }
            _ => continue,
        };
        if fields.insert(name.clone(), value).is_some() {
            return Err(bad_request(format!("`{name}` is given twice")));
        }
    }
    request(Json::Object(fields))
}

fn json(bytes: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    if text.contains(RESERVED_KEY) {
        return Err(format!("it has a key that starts with `{RESERVED_KEY}`"));
    }
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn request(json: Json) -> Result<Request, Malformed> {
    let Json::Object(mut fields) = json else { return Err(bad_request("a request is a JSON object")) };
    let document = document(&mut fields)?;
    let query = match fields.remove("query") {
        Some(Json::String(query)) => query,
        None | Some(Json::Null) if document.is_some() => String::new(),
        Some(_) => return Err(bad_request("`query` must be a text")),
        None => return Err(bad_request("`query` is missing: it holds the document")),
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Json::Null) => None,
        Some(Json::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(bad_request("`operationName` must be a text")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(variables)) => variables,
        Some(_) => return Err(bad_request("`variables` must be an object")),
    };
    match fields.remove("extensions") {
        None | Some(Json::Null | Json::Object(_)) => Ok(Request { query, document, operation_name, variables }),
        Some(_) => Err(bad_request("`extensions` must be an object")),
    }
}

/// The id of a known document: `documentId`, or as Apollo's clients send it.
fn document(fields: &mut Map<String, Json>) -> Result<Option<String>, Malformed> {
    match fields.remove("documentId") {
        None | Some(Json::Null) => {}
        Some(Json::String(id)) => return Ok(Some(id)),
        Some(_) => return Err(bad_request("`documentId` must be a text")),
    }
    let persisted = fields.get("extensions").and_then(|extensions| extensions.get("persistedQuery"));
    Ok(persisted.and_then(|persisted| Some(persisted.get("sha256Hash")?.as_str()?.to_owned())))
}

fn bad_request(message: impl Into<String>) -> Malformed {
    malformed(StatusCode::BAD_REQUEST, message)
}

fn malformed(status: StatusCode, message: impl Into<String>) -> Malformed {
    Malformed { status, message: message.into() }
}
