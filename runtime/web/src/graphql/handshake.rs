//! The handshake of a WebSocket: who may open one, from which page, and with which protocol.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::frames::Frames;
use super::message::PROTOCOL;
use super::subscriber::credentials;
use super::{Request, socket};
use crate::listen::HeldPlaces;
use crate::{App, auth};
use base::error::{Code, Error, Result};

/// Bytes of a message. Documents are small, and a part of a message is held as long as a client likes.
const LONGEST: usize = 128 * 1024;

/// Whether a request asks for a WebSocket.
pub fn is_asked(request: &Request) -> bool {
    let upgrade = request.headers().get(UPGRADE).and_then(|upgrade| upgrade.to_str().ok());
    *request.method() == Method::GET && upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))
}

/// Answers the handshake. Who connects is told by the first message, or by a cookie.
pub async fn open(app: Arc<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if let Err(refused) = check_origin(&app, &parts) {
        return refused.into_response();
    }
    // axum checks the handshake; the connection is ours.
    let connection = parts.extensions.get::<OnUpgrade>().cloned();
    let key = parts.headers.get(SEC_WEBSOCKET_KEY).cloned();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let requested: Vec<_> = upgrade.requested_protocols().cloned().collect();
    let is_ours = |protocol: &&HeaderValue| protocol.as_bytes() == PROTOCOL.as_bytes();
    let known = requested.iter().find(is_ours);
    let is_known = known.is_some();
    let (Some(connection), Some(key)) = (connection, key) else {
        return Error::new(Code::BadRequest, "the connection cannot become a WebSocket").into_response();
    };
    let subscriptions = &app.protection.subscriptions;
    let open = match subscriptions.open() {
        Ok(_) if subscriptions.stopping().is_draining() => {
            return Error::new(Code::Unavailable, "the server stops").into_response();
        }
        Ok(open) => open,
        Err(full) => return full.into_response(),
    };
    let longest = LONGEST.min(app.api.limits().body as usize * 1024);
    let places = parts.extensions.get::<HeldPlaces>().cloned();
    let parts = credentials(&parts);
    tokio::spawn(async move {
        let _places = places;
        if let Ok(connection) = connection.await {
            let frames = Frames::over(connection, longest, &app.protection.subscriptions.unread).await;
            socket::serve(app, frames, is_known.then_some(parts), open).await;
        }
    });
    // Another protocol is confirmed as well, or its client would not see why it is closed.
    switched(&key, known.or(requested.first()))
}

fn switched(key: &HeaderValue, protocol: Option<&HeaderValue>) -> Response {
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone());
    }
    response
}

/// Browsers open WebSockets to any site, with its cookies and without asking it: what CORS is for elsewhere is checked here.
fn check_origin(app: &App, parts: &Parts) -> Result<()> {
    let has_cookie = auth::gives_cookie(app, &parts.headers);
    let is_from_page = parts.headers.contains_key(ORIGIN);
    let may_ask = !is_from_page || app.protection.cors.is_open();
    if (may_ask && !has_cookie) || auth::is_own_page(app, &parts.headers) {
        return Ok(());
    }
    let message = "WebSockets are opened from pages of this site and of the allowed origins only";
    Err(Error::new(Code::Forbidden, message))
}
