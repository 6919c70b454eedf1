//! `/auth`: accounts, sessions and tokens over HTTP, and authentication of requests. `docs/auth.md` describes every
//! route.

mod account;
mod authenticate;
pub mod cookie;
mod input;
mod manage;
#[cfg(feature = "oidc")]
mod oidc;
mod sessions;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};

use super::App;

pub use authenticate::{authenticate, authenticate_again, gives_cookie, gives_something, prove};
pub use cookie::is_own_page;

pub fn routes() -> Router<Arc<App>> {
    let routes = Router::new();
    #[cfg(feature = "oidc")]
    let routes = routes.merge(oidc::routes());
    routes
        .route("/.well-known/jwks.json", get(jwks))
        .route("/auth/sign-in", post(sessions::sign_in))
        .route("/auth/refresh", post(sessions::refresh))
        .route("/auth/sign-out", post(sessions::sign_out))
        .route("/auth/sign-out-everywhere", post(sessions::sign_out_everywhere))
        .route("/auth/sessions", get(sessions::list))
        .route("/auth/sessions/{id}", delete(sessions::end))
        .route("/auth/me", get(sessions::me))
        .route("/auth/password", post(account::password))
        .route("/auth/password/reset-request", post(account::reset_request))
        .route("/auth/password/reset", post(account::reset))
        .route("/auth/invitation/accept", post(account::accept_invitation))
        .route("/auth/totp/enrol", post(account::enrol))
        .route("/auth/totp/confirm", post(account::confirm))
        .route("/auth/totp/disable", post(account::disable))
        .route("/auth/users", get(manage::users).post(manage::invite))
        .route("/auth/users/{id}", patch(manage::change_user))
        .route("/auth/users/{id}/invitation", post(manage::invite_again))
        .route("/auth/tokens", get(manage::tokens).post(manage::create_token))
        .route("/auth/tokens/{id}", delete(manage::revoke_token))
}

/// Public keys (RFC 7517). A new key appears here a minute before it signs, so clients may cache them for half of that.
async fn jwks(State(app): State<Arc<App>>) -> Response {
    let headers = [(CACHE_CONTROL, "public, max-age=30"), (CONTENT_TYPE, "application/jwk-set+json")];
    (headers, app.accounts.tokens.keys.jwks().to_string()).into_response()
}
