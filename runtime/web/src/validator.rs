//! ETags of responses to GET (RFC 9110, 8.8.3 and 13.1.2): a client that has the response already gets 304 without a body, which is
//! not even compressed.

use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use ::graphql::answer::{Answer, Outcome};
use ::graphql::pieces::Pieces;
use base::encoding::Encoding;

/// Bytes of the hash: enough that two responses never have the same by chance.
const BYTES: usize = 16;

/// The strong validator of a response; `None` if it has errors, which are not to be kept. A response in another media type or coding is another one.
pub fn of(answer: &Answer, content_type: &str, encoding: Option<Encoding>) -> Option<HeaderValue> {
    let is_whole = matches!(answer.outcome, Outcome::Executed) && answer.code.is_none();
    is_whole.then(|| tag(&answer.body, content_type, encoding)).flatten()
}

/// The hash of a kept response is known.
fn tag(body: &Pieces, content_type: &str, encoding: Option<Encoding>) -> Option<HeaderValue> {
    let hash = Sha256::new().chain_update(content_type).chain_update(encoding.map_or("", Encoding::name));
    let hash = match body.kept() {
        Some(kept) => hash.chain_update(kept.digest()),
        None => {
            let mut of_body = Sha256::new();
            body.slices().for_each(|slice| of_body.update(slice));
            hash.chain_update(of_body.finalize())
        }
    };
    let digits: String = hash.finalize()[..BYTES].iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::try_from(format!("\"{digits}\"")).ok()
}

/// Whether the client has it: the comparison is weak, since a proxy that compresses may weaken it.
pub fn is_known(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let lines = asked.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let mut known = lines.flat_map(|line| line.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    known.any(|one| one == "*" || one.as_bytes() == tag.as_bytes())
}

pub fn not_modified() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// Caches keep the response, and ask each time whether it still holds. Only the client's own keeps what an account may read.
pub fn add(response: &mut Response, tag: HeaderValue, is_anonymous: bool) {
    let headers = response.headers_mut();
    headers.insert(ETAG, tag);
    let control = if is_anonymous { "no-cache" } else { "private, no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
}
