//! Who asks: until users exist, whoever has the development token may do all, and everybody may read what is live.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use crate::error::Code;
use crate::graphql::Actor;
use crate::graphql::answer::Failure;

/// A token that is given must be right: a client with a wrong one would else read `live` and wonder.
pub fn actor(expected: Option<&str>, headers: &HeaderMap) -> Result<Actor, Failure> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(Actor::Anonymous) };
    let given = header.to_str().ok().and_then(bearer);
    match (given, expected) {
        (Some(given), Some(expected)) if same(given.as_bytes(), expected.as_bytes()) => Ok(Actor::Developer),
        _ => Err(Failure::new(Code::Unauthenticated, "the token is not valid: `Authorization: Bearer <token>`")),
    }
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Takes the same time wherever the two differ.
fn same(given: &[u8], expected: &[u8]) -> bool {
    let differences = given.iter().zip(expected).fold(0, |differences, (one, other)| differences | (one ^ other));
    given.len() == expected.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: Option<&str>) -> Option<Actor> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        actor(Some("secret"), &headers).ok()
    }

    #[test]
    fn only_the_whole_token_is_taken() {
        assert_eq!(of(Some("Bearer secret")), Some(Actor::Developer));
        assert_eq!(of(Some("bearer  secret ")), Some(Actor::Developer));
        assert_eq!(of(None), Some(Actor::Anonymous));
        for wrong in ["Bearer secre", "Bearer secret1", "Bearer ", "Bearer", "Basic secret", "secret", ""] {
            assert_eq!(of(Some(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn without_a_token_configured_none_is_right() {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, "Bearer ".parse().unwrap())]);
        assert!(actor(None, &headers).is_err());
    }
}
