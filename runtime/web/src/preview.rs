//! Preview links over HTTP: `/preview` exchanges a token for a cookie, and requests read what the token or cookie shows.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;

use super::App;
use crate::auth::cookie;
use ::graphql::Preview;
use base::error::{Code, Error, Result};
use store::access::Actor;

/// The header with the token of a link, for servers that read for a visitor.
pub const HEADER: HeaderName = HeaderName::from_static("typecase-preview");

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/preview", get(open)).route("/preview/end", get(end))
}

#[derive(Deserialize)]
struct Asked {
    token: Option<String>,
}

/// Sets the cookie, and leads to the page of the entry if its type has an address for that.
async fn open(State(app): State<Arc<App>>, Query(asked): Query<Asked>) -> Response {
    let token = asked.token.unwrap_or_default();
    let shown = match find(&app, &token).await {
        Ok(Some(shown)) => shown,
        Ok(None) => return refused(StatusCode::NOT_FOUND, Code::NotFound, ENDED),
        Err(error) => {
            let code = error.problems.first().map_or(Code::Internal, |problem| problem.code);
            return refused(
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "the preview cannot be opened now: try again shortly",
            );
        }
    };
    let mut response = match app.api.preview_page(&shown, &token).await {
        Ok(Some(address)) => match HeaderValue::from_str(&address) {
            Ok(address) => (StatusCode::SEE_OTHER, [(LOCATION, address)]).into_response(),
            Err(_) => told(&shown),
        },
        _ => told(&shown),
    };
    protect(response.headers_mut());
    cookie::set_preview(&app.accounts, response.headers_mut(), &token, shown.lasts());
    response
}

fn told(shown: &Preview) -> Response {
    axum::Json(json!({ "preview": shown.about })).into_response()
}

async fn end(State(app): State<Arc<App>>) -> Response {
    let mut response = axum::Json(json!({ "preview": null })).into_response();
    protect(response.headers_mut());
    cookie::set_preview(&app.accounts, response.headers_mut(), "", 0);
    response
}

const ENDED: &str = "the preview link is not valid: it may have expired or been revoked";

fn refused(status: StatusCode, code: Code, message: &str) -> Response {
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": code.as_str() } }] });
    let mut response = (status, axum::Json(body)).into_response();
    protect(response.headers_mut());
    response
}

/// What the request reads by a preview link. A header that is not valid is an error, since the sender would take what is published for
/// drafts; a cookie that has ended is left out.
pub async fn of(app: &App, parts: &Parts, actor: &Actor) -> Result<Option<Preview>> {
    if let Some(given) = parts.headers.get(&HEADER) {
        let token = given.to_str().unwrap_or_default();
        let found = find(app, token).await?;
        return found.map(Some).ok_or_else(|| Error::new(Code::Unauthenticated, ENDED));
    }
    let Some(token) = cookie::preview(&app.accounts, &parts.headers) else { return Ok(None) };
    // Whoever is signed in and works in a page of this server sees what is there.
    if !actor.is_anonymous() && !is_from_elsewhere(app, &parts.headers) {
        return Ok(None);
    }
    Ok(find(app, token).await?.map(Preview::by_cookie))
}

async fn find(app: &App, token: &str) -> Result<Option<Preview>> {
    match app.accounts.tokens.verify_preview(token).await? {
        Some(link) => app.api.preview(link).await,
        None => Ok(None),
    }
}

/// Whether a page of another origin, such as the shop, has sent the request.
fn is_from_elsewhere(app: &App, headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.is_some_and(|origin| *origin != *app.accounts.public_url)
}

/// What is not published is for nobody else.
pub fn protect(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
}
