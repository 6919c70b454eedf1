//! Routes for a user's own account: passwords, invitations, the second factor.

use std::sync::{Arc, LazyLock};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use super::authenticate::{authenticate, identify};
use super::input;
use crate::rate::Strict;
use crate::{App, origin};
use base::error::{Code, Error, Result};
use identity::link::Purpose;
use store::access::{Actor, Identity, USER_PREFIX};
use store::id;

/// Password resets that are processed in the background after their response; beyond this number clients are told to
/// retry.
static RESETS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(32)));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordBody {
    current: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetRequestBody {
    email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkBody {
    token: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeBody {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisableBody {
    password: String,
    code: String,
}

/// The key by which an actor's guesses are counted, from any address.
fn account(actor: &Actor) -> Option<String> {
    match actor.identity {
        Identity::User { id, .. } => Some(id::encode(USER_PREFIX, id)),
        _ => None,
    }
}

pub async fn password(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<PasswordBody>(request).await?;
    let changed = async {
        let actor = authenticate(&app, &parts).await?;
        app.protection.limiter.strict(Strict::Password, &parts, account(&actor).as_deref()).await?;
        app.accounts.change_password(&actor, &body.current, &body.password).await
    };
    changed.await.map(|()| input::done()).map_err(Error::into_response)
}

/// Responds before anything is looked up, so that neither the response nor its time reveals whether the account exists.
pub async fn reset_request(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<ResetRequestBody>(request).await?;
    let limited = app.protection.limiter.strict(Strict::Reset, &parts, Some(&body.email)).await;
    limited.map_err(Error::into_response)?;
    let Ok(place) = Arc::clone(&RESETS).try_acquire_owned() else {
        let busy = Error::new(Code::Unavailable, "too many password resets at once: try again");
        return Err(busy.into_response());
    };
    tokio::spawn(async move {
        if let Err(error) = app.accounts.request_reset(&body.email, &origin(&parts)).await {
            tracing::error!(%error, "a password reset could not be started");
        }
        drop(place);
    });
    let message = "if an account with this address exists, a mail is on its way";
    Ok(input::answer(StatusCode::ACCEPTED, &json!({ "message": message })))
}

pub async fn reset(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    use_link(&app, Purpose::Reset, request).await
}

pub async fn accept_invitation(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    use_link(&app, Purpose::Invitation, request).await
}

async fn use_link(app: &App, purpose: Purpose, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<LinkBody>(request).await?;
    let limited = app.protection.limiter.strict(Strict::Link, &parts, Some(&body.token)).await;
    limited.map_err(Error::into_response)?;
    let used = app.accounts.use_link(purpose, &body.token, &body.password, &origin(&parts)).await;
    used.map(|()| input::done()).map_err(Error::into_response)
}

pub async fn enrol(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    let actor = identify(&app, &parts).await?.actor;
    let enrolment = app.accounts.enrol(&actor, app.api.database.schema.site.name).await?;
    Ok(input::answer(StatusCode::OK, &Json::from(enrolment)))
}

pub async fn confirm(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<CodeBody>(request).await?;
    let confirmed = async {
        let actor = identify(&app, &parts).await?.actor;
        app.protection.limiter.strict(Strict::Code, &parts, account(&actor).as_deref()).await?;
        app.accounts.confirm(&actor, &body.code).await
    };
    let codes = confirmed.await.map_err(Error::into_response)?;
    Ok(input::answer(StatusCode::OK, &json!({ "recoveryCodes": codes })))
}

pub async fn disable(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<DisableBody>(request).await?;
    let disabled = async {
        let actor = authenticate(&app, &parts).await?;
        app.protection.limiter.strict(Strict::Password, &parts, account(&actor).as_deref()).await?;
        app.accounts.disable_second_factor(&actor, &body.password, &body.code).await
    };
    disabled.await.map(|()| input::done()).map_err(Error::into_response)
}
