//! Parses request bodies: checks their size, and reads the GraphQL requests in them.

use std::error::Error as _;

use axum::body::{Body, HttpBody as _};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::{Map, Value as Json};

use super::intake::{Intake, TooMuch};
use ::graphql::Request;
use base::error::Code;
use model::json;

/// Bytes that a parsed value takes, and again for each member of an object, with room to grow.
const VALUE: usize = 128;
const MEMBER: usize = 128;

/// Why a request is refused before it reaches GraphQL.
#[derive(Debug)]
pub struct Malformed {
    pub status: StatusCode,
    pub code: Code,
    pub message: String,
}

/// One request, or a batch.
#[derive(Debug)]
pub enum Requests {
    One(Request),
    Batch(Vec<Request>),
}

/// Whether a body is compressed. Such a body is refused: a small one could expand to a large one (RFC 9110, 8.4 and
/// 15.5.16).
pub fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// A body mostly arrives in one piece, which is not copied.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Malformed> {
    let too_large = || malformed(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut chunks = body.into_data_stream();
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(not_arrived)?;
        if first.len().max(whole.len()) + chunk.len() > limit {
            return Err(too_large());
        }
        if first.is_empty() {
            first = chunk;
            continue;
        }
        if whole.is_empty() {
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(if whole.is_empty() { first } else { whole.into() })
}

fn not_arrived(error: axum::Error) -> Malformed {
    match error.source().and_then(|cause| cause.downcast_ref::<TooMuch>()) {
        Some(too_much) => (*too_much).into(),
        None => malformed(StatusCode::BAD_REQUEST, format!("the body did not arrive: {error}")),
    }
}

impl From<TooMuch> for Malformed {
    fn from(why: TooMuch) -> Self {
        let (status, code) = match why {
            TooMuch::All => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            TooMuch::OfNetwork => (StatusCode::TOO_MANY_REQUESTS, Code::RateLimited),
            TooMuch::Time => (StatusCode::REQUEST_TIMEOUT, Code::BadRequest),
            TooMuch::One(_) => (StatusCode::PAYLOAD_TOO_LARGE, Code::LimitExceeded),
        };
        Self { status, code, message: why.to_string() }
    }
}

/// Reserves memory for these texts once parsed: a few bytes can become a value of a hundred.
pub async fn hold(intake: &Intake, texts: impl Iterator<Item = &[u8]>) -> Result<(), Malformed> {
    let bytes = texts.map(weight).sum();
    Ok(intake.hold_soon(bytes).await?)
}

fn weight(json: &[u8]) -> usize {
    let (mut values, mut members) = (0, 0);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' | b'[' | b'{' => values += 1,
            b':' => members += 1,
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => _ = bytes.next(),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    2 * json.len() + values * VALUE + members * MEMBER
}

/// Parses the body of a POST.
pub fn parse(bytes: &[u8], largest_batch: u32) -> Result<Requests, Malformed> {
    let json = json::parse(bytes).map_err(|message| bad_request(format!("the body is not JSON: {message}")))?;
    match json {
        Json::Array(items) if items.is_empty() => Err(bad_request("the batch is empty")),
        Json::Array(items) if items.len() > largest_batch as usize => {
            Err(bad_request(format!("the batch has {} requests, the limit is {largest_batch}", items.len())))
        }
        Json::Array(items) => items.into_iter().map(request).collect::<Result<_, _>>().map(Requests::Batch),
        one => request(one).map(Requests::One),
    }
}

/// Parses the parameters of a GET.
pub fn from_parameters(parameters: Vec<(String, String)>) -> Result<Request, Malformed> {
    let mut fields = Map::new();
    for (name, value) in parameters {
        let value = match name.as_str() {
            "query" | "operationName" | "documentId" => Json::from(value),
            // Some clients send the names of parameters that they omit.
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => json::parse(value.as_bytes())
                .map_err(|message| bad_request(format!("`{name}` is not JSON: {message}")))?,
            _ => continue,
        };
        if fields.insert(name.clone(), value).is_some() {
            return Err(bad_request(format!("`{name}` is given twice")));
        }
    }
    request(Json::Object(fields))
}

/// The parameters of a request.
pub fn request(json: Json) -> Result<Request, Malformed> {
    let Json::Object(mut fields) = json else { return Err(bad_request("a request must be a JSON object")) };
    let document = document(&mut fields)?;
    let query = match fields.remove("query") {
        Some(Json::String(query)) => query,
        None | Some(Json::Null) if document.is_some() => String::new(),
        Some(_) => return Err(bad_request("`query` must be a string")),
        None => return Err(bad_request("`query` is missing: it must contain the document")),
    };
    let operation_name = match fields.remove("operationName") {
        None | Some(Json::Null) => None,
        Some(Json::String(name)) => Some(name).filter(|name| !name.is_empty()),
        Some(_) => return Err(bad_request("`operationName` must be a string")),
    };
    let variables = match fields.remove("variables") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(variables)) => variables,
        Some(_) => return Err(bad_request("`variables` must be an object")),
    };
    match fields.remove("extensions") {
        None | Some(Json::Null | Json::Object(_)) => {
            Ok(Request { query, document, operation_name, variables, anew: false })
        }
        Some(_) => Err(bad_request("`extensions` must be an object")),
    }
}

/// The id of a known document: `documentId`, or in the form of Apollo's clients.
fn document(fields: &mut Map<String, Json>) -> Result<Option<String>, Malformed> {
    match fields.remove("documentId") {
        None | Some(Json::Null) => {}
        Some(Json::String(id)) => return Ok(Some(id)),
        Some(_) => return Err(bad_request("`documentId` must be a string")),
    }
    let persisted = fields.get("extensions").and_then(|extensions| extensions.get("persistedQuery"));
    Ok(persisted.and_then(|persisted| Some(persisted.get("sha256Hash")?.as_str()?.to_owned())))
}

fn bad_request(message: impl Into<String>) -> Malformed {
    malformed(StatusCode::BAD_REQUEST, message)
}

fn malformed(status: StatusCode, message: impl Into<String>) -> Malformed {
    Malformed { status, code: Code::BadRequest, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_values_weigh_what_they_take() {
        let zeros = format!("[{}0]", "0,".repeat(100_000));
        assert!(weight(zeros.as_bytes()) > 100_000 * size_of::<Json>());
        let text = format!("[\"{}\"]", r#"a,b:c{[\"\\"#.repeat(1000));
        assert_eq!(weight(text.as_bytes()), 2 * text.len() + VALUE);
        assert_eq!(weight(br#"{"a":{"b":[1]},"c":"d"}"#), 2 * 23 + 4 * VALUE + 3 * MEMBER);
    }
}
