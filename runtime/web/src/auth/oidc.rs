//! Sign-in with other providers: browsers are redirected to a provider and come back with a code.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::{cookie, input};
use crate::rate::Strict;
use crate::traffic::{self, Way};
use crate::{App, origin};
use base::error::{Error, Result};
use identity::oidc::{Finished, From, LIFETIME, Outcome, Returned};

/// The site's own page that asks for a code, and sends it to `/auth/oidc/{provider}/code`.
const CODE_PAGE: &str = "/second-factor";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    return_to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    code: String,
    /// Which of this browser's pending sign-ins.
    attempt: String,
}

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/auth/providers", get(list))
        .route("/auth/oidc/{provider}", get(begin))
        .route("/auth/oidc/{provider}/callback", get(callback))
        .route("/auth/oidc/{provider}/code", post(code))
}

async fn list(State(app): State<Arc<App>>) -> Response {
    let provider = |name: &str| json!({ "name": name, "url": format!("/auth/oidc/{name}") });
    let providers: Vec<_> = app.accounts.providers().map(provider).collect();
    input::answer(StatusCode::OK, &json!({ "providers": providers }))
}

async fn begin(
    State(app): State<Arc<App>>,
    Path(provider): Path<String>,
    Query(query): Query<Begin>,
    parts: Parts,
) -> Result<Response> {
    app.protection.limiter.strict(Strict::Provider, &parts, None).await?;
    let begun = app.accounts.begin_with(&provider, query.return_to.as_deref().unwrap_or("/")).await?;
    let mut response = redirect(&begun.url)?;
    cookie::forget_attempts(&app.accounts, &parts.headers, response.headers_mut());
    cookie::set_attempt(&app.accounts, response.headers_mut(), &begun.attempt, &begun.sealed, LIFETIME);
    Ok(response)
}

/// The cookie is removed whatever the outcome, except after too many requests, so that the client can retry.
async fn callback(
    State(app): State<Arc<App>>,
    Path(provider): Path<String>,
    Query(returned): Query<Returned>,
    parts: Parts,
) -> Response {
    if let Err(error) = app.protection.limiter.strict(Strict::Return, &parts, None).await {
        app.traffic.sign_in(Way::Provider, traffic::Outcome::of(&error));
        return error.into_response();
    }
    let attempt = returned.attempt();
    let sealed = cookie::attempt(&app.accounts, &parts.headers, &attempt);
    let origin = origin(&parts);
    let from = From { origin: &origin, agent: input::agent(&parts) };
    let finished = app.accounts.finish_with(&provider, sealed, returned, from).await;
    count(&app, &finished);
    let answered = finished.and_then(|finished| answer(&app, &provider, &attempt, &finished));
    answered.unwrap_or_else(|error| {
        let mut response = error.into_response();
        cookie::set_attempt(&app.accounts, response.headers_mut(), &attempt, "", 0);
        response
    })
}

fn answer(app: &App, provider: &str, attempt: &str, finished: &Finished) -> Result<Response> {
    match &finished.outcome {
        Outcome::SignedIn(tokens) => {
            let mut response = redirect(&finished.return_to)?;
            cookie::set(&app.accounts, response.headers_mut(), tokens);
            cookie::set_attempt(&app.accounts, response.headers_mut(), attempt, "", 0);
            Ok(response)
        }
        Outcome::NeedsCode(sealed) => {
            let mut response = redirect(&format!("{CODE_PAGE}#provider={provider}&attempt={attempt}"))?;
            cookie::set_attempt(&app.accounts, response.headers_mut(), attempt, sealed, LIFETIME);
            Ok(response)
        }
    }
}

async fn code(
    State(app): State<Arc<App>>,
    Path(provider): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = input::read::<CodeBody>(request).await?;
    with_code(&app, &provider, &parts, &body).await.map_err(Error::into_response)
}

async fn with_code(app: &App, provider: &str, parts: &Parts, body: &CodeBody) -> Result<Response> {
    cookie::check_same_origin(app, parts)?;
    let is_name = cookie::is_attempt(&body.attempt);
    let sealed = cookie::attempt(&app.accounts, &parts.headers, &body.attempt).filter(|_| is_name);
    let account = app.accounts.waited_for(provider, sealed);
    app.protection.limiter.strict(Strict::Code, parts, account.as_deref()).await?;
    let origin = origin(parts);
    let from = From { origin: &origin, agent: input::agent(parts) };
    let finished = app.accounts.finish_with_code(provider, sealed, &body.code, from).await;
    count(app, &finished);
    let finished = finished?;
    let mut response = input::answer(StatusCode::OK, &json!({ "returnTo": finished.return_to }));
    if let Outcome::SignedIn(tokens) = &finished.outcome {
        cookie::set(&app.accounts, response.headers_mut(), tokens);
    }
    cookie::set_attempt(&app.accounts, response.headers_mut(), &body.attempt, "", 0);
    Ok(response)
}

fn count(app: &App, finished: &Result<Finished>) {
    let outcome = match finished {
        Ok(Finished { outcome: Outcome::SignedIn(_), .. }) => traffic::Outcome::Done,
        Ok(Finished { outcome: Outcome::NeedsCode(_), .. }) => traffic::Outcome::CodeNeeded,
        Err(error) => traffic::Outcome::of(error),
    };
    app.traffic.sign_in(Way::Provider, outcome);
}

/// Must not be cached: it contains one-time values.
fn redirect(to: &str) -> Result<Response> {
    let location = HeaderValue::from_str(to).map_err(Error::internal)?;
    let headers = [(LOCATION, location), (CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::FOUND, headers).into_response())
}
