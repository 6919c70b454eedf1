//! Routes for signing in and out, refreshing, and listing sessions.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::authenticate::{authenticate, identify};
use super::{cookie, input};
use crate::rate::Strict;
use crate::traffic::{Outcome, Way};
use crate::{App, origin};
use base::error::{Code, Error, Result};
use identity::session::{IDLE, Tokens};
use identity::{SignIn, access_token};
use store::access::Identity;
use store::id;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInBody {
    email: String,
    password: String,
    code: Option<String>,
    #[serde(default)]
    cookies: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RefreshBody {
    refresh_token: Option<String>,
}

pub async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<SignInBody>(request).await?;
    let limited = app.protection.limiter.strict(Strict::SignIn, &parts, Some(&body.email)).await;
    limited.map_err(|error| not_signed_in(&app, error))?;
    if body.cookies {
        // Otherwise another site could sign its visitors in to an account of its own.
        cookie::check_same_origin(&app, &parts).map_err(Error::into_response)?;
    }
    let given = SignIn {
        email: &body.email,
        password: &body.password,
        code: body.code.as_deref(),
        origin: &origin(&parts),
        agent: input::agent(&parts),
    };
    let tokens = app.accounts.sign_in(given).await.map_err(|error| not_signed_in(&app, error))?;
    app.traffic.sign_in(Way::Password, Outcome::Done);
    Ok(give(&app, &tokens, body.cookies))
}

fn not_signed_in(app: &App, error: Error) -> Response {
    app.traffic.sign_in(Way::Password, Outcome::of(&error));
    error.into_response()
}

/// Uses the refresh token of the body, or else of the cookie; the response returns the next one in the same way.
pub async fn refresh(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read_if_any::<RefreshBody>(request).await?;
    let by_cookie = body.refresh_token.is_none();
    let token = body.refresh_token.as_deref().or_else(|| cookie::refresh(&app.accounts, &parts.headers));
    app.protection.limiter.strict(Strict::Refresh, &parts, token).await.map_err(Error::into_response)?;
    if by_cookie {
        cookie::check_same_origin(&app, &parts).map_err(Error::into_response)?;
    }
    let missing =
        || Error::new(Code::Unauthenticated, "the refresh token is missing: send `refreshToken` or the cookie");
    let refreshed = match token {
        Some(token) => app.accounts.refresh(token, &origin(&parts)).await,
        None => Err(missing()),
    };
    match refreshed {
        Ok(tokens) => Ok(give(&app, &tokens, by_cookie)),
        Err(error) => Err(forgotten(&app, error, by_cookie)),
    }
}

/// A browser whose session has ended no longer needs its cookies.
fn forgotten(app: &App, error: Error, by_cookie: bool) -> Response {
    let is_over = error.problems.first().is_some_and(|problem| problem.code == Code::Unauthenticated);
    let mut response = error.into_response();
    if by_cookie && is_over {
        cookie::clear(&app.accounts, response.headers_mut());
    }
    response
}

fn give(app: &App, tokens: &Tokens, by_cookie: bool) -> Response {
    let mut body = json!({
        "tokenType": "Bearer",
        "expiresIn": access_token::LIFETIME.as_secs(),
        "refreshExpiresIn": IDLE,
        "session": id::encode("session", tokens.session),
        "restricted": tokens.restricted,
    });
    if !by_cookie {
        body["accessToken"] = json!(tokens.access);
        body["refreshToken"] = json!(tokens.refresh);
    }
    let mut response = input::answer(StatusCode::OK, &body);
    if by_cookie {
        cookie::set(&app.accounts, response.headers_mut(), tokens);
    }
    response
}

/// Also works with an expired access token, by the refresh token: signing out must always be possible.
pub async fn sign_out(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read_if_any::<RefreshBody>(request).await?;
    ended(&app, &parts, body.refresh_token.as_deref()).await.map_err(Error::into_response)?;
    let mut response = input::done();
    cookie::clear(&app.accounts, response.headers_mut());
    Ok(response)
}

async fn ended(app: &App, parts: &Parts, given: Option<&str>) -> Result<()> {
    if let Some(token) = given {
        return app.accounts.end_session_of(token, &origin(parts)).await;
    }
    if let Some(token) = cookie::refresh(&app.accounts, &parts.headers) {
        cookie::check_same_origin(app, parts)?;
        return app.accounts.end_session_of(token, &origin(parts)).await;
    }
    let actor = identify(app, parts).await?.actor;
    match actor.identity {
        Identity::User { session, .. } => app.accounts.end_session(&actor, session).await,
        _ => Err(Error::new(Code::Unauthenticated, "no session to end")),
    }
}

pub async fn sign_out_everywhere(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    let actor = identify(&app, &parts).await?.actor;
    app.accounts.end_sessions(&actor).await?;
    let mut response = input::done();
    cookie::clear(&app.accounts, response.headers_mut());
    Ok(response)
}

pub async fn list(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    let actor = authenticate(&app, &parts).await?;
    let sessions = app.accounts.sessions(&actor).await?;
    Ok(input::answer(StatusCode::OK, &json!({ "sessions": sessions })))
}

pub async fn end(State(app): State<Arc<App>>, Path(session): Path<String>, parts: Parts) -> Result<Response> {
    let actor = authenticate(&app, &parts).await?;
    app.accounts.end_session(&actor, input::id("session", &session)?).await?;
    Ok(input::done())
}

/// The current user; also for a session that must set up a second factor first.
pub async fn me(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    let caller = identify(&app, &parts).await?;
    let mut shown = Map::new();
    let kind = match caller.actor.identity {
        Identity::User { id, session } => {
            shown.insert("user".into(), json!(app.accounts.user(id).await?));
            shown.insert("session".into(), json!(id::encode("session", session)));
            "user"
        }
        Identity::Token { id } => {
            shown.insert("token".into(), json!(app.accounts.api_token(id).await?));
            "token"
        }
        Identity::Developer => "developer",
        Identity::Anonymous | Identity::System => {
            return Err(Error::new(Code::Unauthenticated, "nobody is signed in"));
        }
    };
    shown.insert("kind".into(), json!(kind));
    shown.insert("role".into(), json!(caller.actor.role));
    shown.insert("restricted".into(), json!(caller.restricted));
    Ok(input::answer(StatusCode::OK, &Json::Object(shown)))
}
