//! Routes for users and API tokens, for the roles that manage them.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::authenticate::authenticate;
use super::input;
use crate::App;
use crate::rate::Strict;
use base::error::{Code, Error, Result};
use identity::api_token::{NewToken, WrittenScope};
use identity::link::Link;
use identity::user::{Change, NewUser, User};
use store::access::{API_TOKEN_PREFIX, Actor, Area, Identity};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// The page begins after this email.
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteBody {
    email: String,
    name: String,
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    name: Option<String>,
    role: Option<String>,
    disabled: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenBody {
    name: String,
    role: String,
    scopes: Option<Vec<WrittenScope>>,
    days: u32,
}

/// Only users manage: a leaked API token must not be able to create others.
async fn manager(app: &App, parts: &Parts, area: Area) -> Result<Actor> {
    let actor = authenticate(app, parts).await?;
    match actor.identity {
        Identity::Anonymous => Err(Error::new(Code::Unauthenticated, "sign in first")),
        Identity::User { .. } | Identity::Developer if app.accounts.roles.manages(&actor.role, area) => Ok(actor),
        _ => Err(Error::new(Code::Forbidden, "your role may not manage this")),
    }
}

pub async fn users(State(app): State<Arc<App>>, Query(page): Query<Page>, parts: Parts) -> Result<Response> {
    manager(&app, &parts, Area::Users).await?;
    let users = app.accounts.users(page.after.as_deref()).await?;
    Ok(input::answer(StatusCode::OK, &json!({ "users": users })))
}

pub async fn invite(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<InviteBody>(request).await?;
    let invited = async {
        app.protection.limiter.strict(Strict::Invitation, &parts, None).await?;
        let actor = manager(&app, &parts, Area::Users).await?;
        let new = NewUser { email: body.email, name: body.name, role: body.role, password: None };
        app.accounts.invite(&actor, new).await
    };
    let (user, link) = invited.await.map_err(Error::into_response)?;
    Ok(invitation(&app, StatusCode::CREATED, &user, &link))
}

pub async fn invite_again(State(app): State<Arc<App>>, Path(user): Path<String>, parts: Parts) -> Result<Response> {
    app.protection.limiter.strict(Strict::Invitation, &parts, None).await?;
    let actor = manager(&app, &parts, Area::Users).await?;
    let (user, link) = app.accounts.invite_again(&actor, input::id("user", &user)?).await?;
    Ok(invitation(&app, StatusCode::OK, &user, &link))
}

/// If mail is not sent, the response contains the link, and the inviter passes it on.
fn invitation(app: &App, status: StatusCode, user: &User, link: &Link) -> Response {
    let mut body = json!({ "user": user });
    if !app.accounts.sends_mail() {
        body["link"] = json!(link.url);
    }
    input::answer(status, &body)
}

pub async fn change_user(
    State(app): State<Arc<App>>,
    Path(user): Path<String>,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = input::read::<ChangeBody>(request).await?;
    let changed = async {
        let actor = manager(&app, &parts, Area::Users).await?;
        let change = Change { name: body.name, role: body.role, disabled: body.disabled };
        app.accounts.change_user(&actor, input::id("user", &user)?, &change).await
    };
    let user = changed.await.map_err(Error::into_response)?;
    Ok(input::answer(StatusCode::OK, &json!({ "user": user })))
}

pub async fn tokens(State(app): State<Arc<App>>, parts: Parts) -> Result<Response> {
    manager(&app, &parts, Area::Tokens).await?;
    let tokens = app.accounts.api_tokens().await?;
    Ok(input::answer(StatusCode::OK, &json!({ "tokens": tokens })))
}

pub async fn create_token(State(app): State<Arc<App>>, request: Request) -> Result<Response, Response> {
    let (parts, body) = input::read::<TokenBody>(request).await?;
    let created = async {
        let actor = manager(&app, &parts, Area::Tokens).await?;
        let new = NewToken { name: body.name, role: body.role, scopes: body.scopes, days: body.days };
        app.accounts.create_token(&actor, new).await
    };
    let (token, made) = created.await.map_err(Error::into_response)?;
    Ok(input::answer(StatusCode::CREATED, &json!({ "token": token, "apiToken": made })))
}

pub async fn revoke_token(State(app): State<Arc<App>>, Path(token): Path<String>, parts: Parts) -> Result<Response> {
    let actor = manager(&app, &parts, Area::Tokens).await?;
    app.accounts.revoke_token(&actor, input::id(API_TOKEN_PREFIX, &token)?).await?;
    Ok(input::done())
}
