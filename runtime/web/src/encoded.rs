//! Compression of responses: for whom, and how it shows in headers.
//!
//! Whoever can make a browser send requests, and sees the length of the encrypted responses, learns a secret in a compressed one
//! letter by letter if it also contains what they send (BREACH). So nothing is compressed that a cookie gives access to, and
//! nothing of `/auth`; a page of somebody else cannot send a token.

use axum::http::HeaderValue;
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING};
use axum::http::request::Parts;
use axum::response::Response;

use super::{App, preview};
use ::graphql::pieces::Pieces;
use base::encoding::{Encoding, LEAST};
use store::access::Actor;

/// The coding in which this body is sent.
pub fn choose(app: &App, parts: &Parts, (actor, is_preview): (&Actor, bool), body: &Pieces) -> Option<Encoding> {
    let is_by_cookie = !actor.is_anonymous() && !parts.headers.contains_key(AUTHORIZATION)
        || is_preview && !parts.headers.contains_key(&preview::HEADER);
    if !app.protection.compresses || is_by_cookie || body.len() < LEAST {
        return None;
    }
    let accepted = parts.headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    Encoding::choose(accepted, body.kept().is_some())
}

/// Compresses the body. Returns the coding that it has.
pub async fn encode(app: &App, body: &mut Pieces, encoding: Option<Encoding>) -> Option<Encoding> {
    *body = app.api.encoded(body, encoding?).await?;
    encoding
}

pub fn tell(response: &mut Response, encoding: Option<Encoding>) {
    if let Some(encoding) = encoding {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    }
}
