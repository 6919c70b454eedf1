//! Identifies the sender of a request: by a bearer token (an access token, an API token, the development token), by a cookie, or as
//! anonymous. Invalid credentials are an error: otherwise a client with an expired token would silently read only public content.

use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::cookie;
use crate::rate::Strict;
use crate::{App, origin};
use base::error::{Code, Error, Result};
use base::seen;
use identity::{access_token, api_token, secret};
use store::access::{Actor, Identity};

/// How long a look-up is valid; then it is repeated.
const FRESH: Duration = Duration::from_secs(1);

/// The sender of a request, and whether they are restricted.
#[derive(Clone, Debug)]
pub struct Caller {
    pub actor: Actor,
    /// May only set up a second factor.
    pub restricted: bool,
}

/// The result of the look-up, as an extension of the request, so that it is not counted twice.
#[derive(Clone)]
struct Found {
    caller: Result<Caller>,
    at: Instant,
}

/// Whether a request has credentials in a form that we use.
pub fn gives_something(app: &App, headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || gives_cookie(app, headers)
}

pub fn gives_cookie(app: &App, headers: &HeaderMap) -> bool {
    cookie::access(&app.accounts, headers).is_some()
}

/// The actor of a request; fails for one that must set up a second factor first.
pub async fn authenticate(app: &App, parts: &Parts) -> Result<Actor> {
    whole(identify(app, parts).await?)
}

/// As [`authenticate`], for an action that follows a while later, or after another one.
pub async fn authenticate_again(app: &App, parts: &Parts) -> Result<Actor> {
    whole(find(app, parts).await?)
}

fn whole(caller: Caller) -> Result<Actor> {
    if caller.restricted {
        let message = "your role needs a second factor: set one up with `/auth/totp/enrol`";
        return Err(Error::new(Code::EnrolmentRequired, message));
    }
    Ok(caller.actor)
}

/// Identifies the sender. Too many requests of the actor, or too many invalid tokens, are refused here.
pub async fn identify(app: &App, parts: &Parts) -> Result<Caller> {
    match parts.extensions.get::<Found>() {
        Some(found) if found.at.elapsed() < FRESH => found.caller.clone(),
        Some(_) => find(app, parts).await,
        None => counted(app, parts).await,
    }
}

/// Runs before every route. It fails only for too many requests; a route that needs a user refuses other errors itself.
pub async fn prove(app: &App, parts: &mut Parts) -> Result<()> {
    let caller = counted(app, parts).await;
    if let Err(error) = &caller
        && error.problems.iter().any(|problem| problem.code == Code::RateLimited)
    {
        return caller.map(drop);
    }
    parts.extensions.insert(Found { caller, at: Instant::now() });
    Ok(())
}

async fn counted(app: &App, parts: &Parts) -> Result<Caller> {
    let found = find(app, parts).await;
    app.protection.limiter.actor(parts, found.as_ref().ok().map(|caller| &caller.actor)).await?;
    let is_wrong = |error: &Error| error.problems.iter().any(|problem| problem.code == Code::Unauthenticated);
    if found.as_ref().err().is_some_and(is_wrong) && could_be_guessed(&parts.headers) {
        app.protection.limiter.strict(Strict::Token, parts, None).await?;
    }
    found
}

/// Whether the credential is a secret. A signed token is not, and expired ones are frequent.
fn could_be_guessed(headers: &HeaderMap) -> bool {
    matches!(bearer(headers), Ok(Some(token)) if !access_token::looks_like_one(token))
}

async fn find(app: &App, parts: &Parts) -> Result<Caller> {
    let found = look_up(app, parts).await;
    match &found {
        Ok(Caller { actor, .. }) => match actor.identity {
            Identity::Anonymous => seen::actor("anonymous", ""),
            Identity::User { .. } => seen::actor("user", &actor.role),
            Identity::Token { .. } => seen::actor("token", &actor.role),
            Identity::Developer => seen::actor("developer", &actor.role),
            Identity::System => seen::actor("system", ""),
        },
        Err(_) => seen::actor("unknown", ""),
    }
    found
}

async fn look_up(app: &App, parts: &Parts) -> Result<Caller> {
    let origin = origin(parts);
    let Some(token) = bearer(&parts.headers)? else {
        let Some(token) = cookie::access(&app.accounts, &parts.headers) else {
            return Ok(Caller { actor: Actor::anonymous(origin), restricted: false });
        };
        cookie::check_same_origin(app, parts)?;
        return of_session(app, token, parts).await;
    };
    if app.token.as_ref().is_some_and(|expected| secret::same(token.as_bytes(), expected.as_bytes())) {
        return Ok(Caller { actor: Actor::developer(origin), restricted: false });
    }
    if access_token::looks_like_one(token) {
        return of_session(app, token, parts).await;
    }
    if !token.starts_with(api_token::PREFIX) {
        return Err(invalid());
    }
    let mut lent = app.api.database.lend().await?;
    let (identity, role, scopes) = app.accounts.token_bearer(&mut lent, token).await?.ok_or_else(invalid)?;
    Ok(Caller { actor: Actor { identity, role, scopes, origin }, restricted: false })
}

/// The token names the session; the database tells whether the session is alive and which role its user has now.
async fn of_session(app: &App, token: &str, parts: &Parts) -> Result<Caller> {
    let bearer = app.accounts.tokens.verify(token).await?.ok_or_else(invalid)?;
    let mut lent = app.api.database.lend().await?;
    let live = app.accounts.live(&mut lent, bearer).await?.ok_or_else(invalid)?;
    let identity = Identity::User { id: bearer.user, session: bearer.session };
    let actor = Actor { identity, role: live.role, scopes: None, origin: origin(parts) };
    Ok(Caller { actor, restricted: live.restricted })
}

/// RFC 6750, 2.1. Tokens in URLs and forms are not accepted.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (given.next(), given.next()) else {
        return if headers.contains_key(AUTHORIZATION) { Err(invalid()) } else { Ok(None) };
    };
    let (scheme, token) = header.to_str().ok().and_then(|header| header.split_once(' ')).ok_or_else(invalid)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(invalid());
    }
    Ok(Some(token))
}

fn invalid() -> Error {
    Error::new(Code::Unauthenticated, "the token is not valid: `Authorization: Bearer <token>`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_bearer_token_is_taken() {
        let of = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (AUTHORIZATION, line.parse().unwrap()));
            bearer(&HeaderMap::from_iter(lines)).map(|token| token.map(str::to_owned)).map_err(drop)
        };
        assert_eq!(of(&["Bearer secret"]), Ok(Some("secret".to_owned())));
        assert_eq!(of(&["bearer  secret "]), Ok(Some("secret".to_owned())));
        assert_eq!(of(&[]), Ok(None));
        for wrong in [&["Bearer "][..], &["Bearer"], &["Basic secret"], &["secret"], &[""], &["Bearer a", "Bearer b"]] {
            assert_eq!(of(wrong), Err(()), "{wrong:?}");
        }
    }
}
