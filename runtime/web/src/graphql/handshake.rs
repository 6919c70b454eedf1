//! The handshake of a WebSocket: who may open one, from which page, and with which protocol.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{ORIGIN, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::response::{IntoResponse, Response};

use super::message::PROTOCOL;
use super::subscriber::credentials;
use super::{Request, socket};
use crate::listen::HeldPlaces;
use crate::{App, auth};
use base::error::{Code, Error, Result};

/// Bytes of a message. Documents are small, and a part of a message is held as long as a client likes.
const LONGEST: usize = 128 * 1024;
const READ_BUFFER: usize = 4 * 1024;

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
    let mut upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let requested: Vec<_> = upgrade.requested_protocols().cloned().collect();
    let is_ours = |protocol: &&HeaderValue| protocol.as_bytes() == PROTOCOL.as_bytes();
    let known = requested.iter().find(is_ours);
    let is_known = known.is_some();
    // Another protocol is confirmed as well, or its client would not see why it is closed.
    if let Some(protocol) = known.or(requested.first()) {
        upgrade.set_selected_protocol(protocol.clone());
    }
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
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(longest)
        .max_frame_size(longest)
        .on_upgrade(move |stream| async move {
            let _places = places;
            socket::serve(app, stream, is_known.then_some(parts), open).await;
        })
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
