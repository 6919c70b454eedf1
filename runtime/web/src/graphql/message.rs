//! The messages of `graphql-transport-ws` (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>), and the codes by which a
//! connection is closed.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::body;
use ::graphql::Request;
use model::json;

/// The subprotocol.
pub const PROTOCOL: &str = "graphql-transport-ws";
/// Of the ids that clients choose.
const LONGEST_ID: usize = 256;
/// Of a reason for closing, in bytes (RFC 6455, 5.5).
const LONGEST_REASON: usize = 123;

/// A message of a client.
#[derive(Debug)]
pub enum Incoming {
    /// With the payload's `authorization`.
    Init(Option<String>),
    Ping(Option<Json>),
    Pong,
    Subscribe(String, Request),
    Complete(String),
}

/// Why a connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: Cow<'static, str>,
}

impl Close {
    pub const GOING_AWAY: Self = Self::of(1001, "the server stops");
    pub const TOO_LARGE: Self = Self::of(1009, "the message is too large");
    pub const TRY_AGAIN: Self = Self::of(1013, "too many requests: try again later");
    pub const UNAUTHORIZED: Self = Self::of(4401, "Unauthorized");
    pub const NO_PROTOCOL: Self = Self::of(4406, "Subprotocol not acceptable");
    pub const NOT_INITIALISED: Self = Self::of(4408, "Connection initialisation timeout");
    pub const INITIALISED_TWICE: Self = Self::of(4429, "Too many initialisation requests");
    /// Of our own.
    pub const TOO_SLOW: Self = Self::of(4508, "the client reads too slowly");

    const fn of(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    pub fn invalid(reason: impl Into<String>) -> Self {
        Self { code: 4400, reason: short(reason.into()).into() }
    }

    pub fn forbidden(reason: &str) -> Self {
        Self { code: 4403, reason: short(format!("Forbidden: {reason}")).into() }
    }

    pub fn duplicate(id: &str) -> Self {
        Self { code: 4409, reason: short(format!("Subscriber for {id} already exists")).into() }
    }
}

fn short(mut reason: String) -> String {
    let end = (0..=LONGEST_REASON.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    reason.truncate(end.unwrap_or_default());
    reason
}

/// The error is what is wrong with the message.
pub fn parse(text: &str) -> Result<Incoming, String> {
    let json = json::parse(text.as_bytes()).map_err(|message| format!("Invalid message: it is not JSON: {message}"))?;
    let Json::Object(mut fields) = json else { return Err("Invalid message: it is not an object".to_owned()) };
    let ty = fields.get("type").and_then(Json::as_str).ok_or("Invalid message: it has no `type`")?.to_owned();
    match ty.as_str() {
        "connection_init" => Ok(Incoming::Init(authorization(payload(&mut fields)?))),
        "ping" => Ok(Incoming::Ping(payload(&mut fields)?.map(Json::Object))),
        "pong" => payload(&mut fields).map(|_| Incoming::Pong),
        "subscribe" => {
            let id = id(&mut fields)?;
            let payload = fields.remove("payload").filter(Json::is_object);
            let payload = payload.ok_or("Invalid message: `payload` is not an object")?;
            let request = body::request(payload).map_err(|wrong| format!("Invalid message: {}", wrong.message))?;
            Ok(Incoming::Subscribe(id, request))
        }
        "complete" => id(&mut fields).map(Incoming::Complete),
        _ => Err("Invalid message: its `type` is unknown".to_owned()),
    }
}

fn payload(fields: &mut Map<String, Json>) -> Result<Option<Map<String, Json>>, String> {
    match fields.remove("payload") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(payload)) => Ok(Some(payload)),
        Some(_) => Err("Invalid message: `payload` is not an object".to_owned()),
    }
}

/// As the header of this name, in the payload itself or among its `headers`.
fn authorization(payload: Option<Map<String, Json>>) -> Option<String> {
    let payload = payload?;
    let find = |fields: &Map<String, Json>| {
        let mut found = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        found.find_map(|(_, value)| value.as_str().map(str::to_owned))
    };
    find(&payload).or_else(|| find(payload.get("headers")?.as_object()?))
}

fn id(fields: &mut Map<String, Json>) -> Result<String, String> {
    match fields.remove("id") {
        Some(Json::String(id)) if !id.is_empty() && id.len() <= LONGEST_ID => Ok(id),
        _ => Err(format!("Invalid message: `id` is not a text of 1 to {LONGEST_ID} bytes")),
    }
}

pub fn ack() -> String {
    r#"{"type":"connection_ack"}"#.to_owned()
}

pub fn pong(payload: Option<&Json>) -> String {
    match payload {
        Some(payload) => format!(r#"{{"type":"pong","payload":{payload}}}"#),
        None => r#"{"type":"pong"}"#.to_owned(),
    }
}

pub fn complete(id: &str) -> String {
    format!(r#"{{"id":{},"type":"complete"}}"#, Json::from(id))
}

/// `next` or `error`, with a payload that is JSON already.
pub fn with_payload(ty: &str, id: &str, payload: &[u8]) -> String {
    let head = format!(r#"{{"id":{},"type":"{ty}","payload":"#, Json::from(id));
    let mut message = Vec::with_capacity(head.len() + payload.len() + 1);
    message.extend_from_slice(head.as_bytes());
    message.extend_from_slice(payload);
    message.push(b'}');
    String::from_utf8(message).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_what_the_protocol_says() {
        let is = |text: &str| match parse(text) {
            Ok(Incoming::Init(token)) => format!("init {token:?}"),
            Ok(Incoming::Ping(payload)) => format!("ping {payload:?}"),
            Ok(Incoming::Pong) => "pong".to_owned(),
            Ok(Incoming::Subscribe(id, request)) => format!("subscribe {id} {}", request.query),
            Ok(Incoming::Complete(id)) => format!("complete {id}"),
            Err(_) => "wrong".to_owned(),
        };
        for (text, expected) in [
            (r#"{"type":"connection_init"}"#, "init None"),
            (r#"{"type":"connection_init","payload":{"Authorization":"Bearer x"}}"#, "init Some(\"Bearer x\")"),
            (
                r#"{"type":"connection_init","payload":{"headers":{"authorization":"Bearer x"}}}"#,
                "init Some(\"Bearer x\")",
            ),
            (r#"{"type":"connection_init","payload":1}"#, "wrong"),
            (r#"{"type":"ping"}"#, "ping None"),
            (r#"{"type":"ping","payload":"x"}"#, "wrong"),
            (r#"{"type":"pong","payload":{}}"#, "pong"),
            (r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":null}}"#, "subscribe 1 { a }"),
            (r#"{"type":"subscribe","id":"","payload":{"query":"{ a }"}}"#, "wrong"),
            (r#"{"type":"subscribe","payload":{"query":"{ a }"}}"#, "wrong"),
            (r#"{"type":"subscribe","id":"1"}"#, "wrong"),
            (r#"{"type":"subscribe","id":"1","payload":{}}"#, "wrong"),
            (r#"{"type":"subscribe","id":"1","payload":{"query":0}}"#, "wrong"),
            (r#"{"type":"subscribe","id":"1","payload":{"query":"{ a }","variables":[]}}"#, "wrong"),
            (r#"{"type":"complete","id":"1"}"#, "complete 1"),
            (r#"{"type":"next","id":"1","payload":{}}"#, "wrong"),
            (r#"{"type":1}"#, "wrong"),
            ("[]", "wrong"),
            ("", "wrong"),
        ] {
            assert_eq!(is(text), expected, "{text}");
        }
    }

    #[test]
    fn reasons_are_short() {
        let close = Close::invalid("ü".repeat(100));
        assert_eq!(close.reason.len(), 122);
        assert_eq!(with_payload("next", "a\"b", b"{}"), r#"{"id":"a\"b","type":"next","payload":{}}"#);
    }
}
