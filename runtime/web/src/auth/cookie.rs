//! Tokens in cookies, for browsers, and the check that keeps other sites from using them (CSRF).
//!
//! The access token is sent to every path, the refresh token only to `/auth`. Over https the names of the cookies carry the prefixes that
//! make browsers enforce this (RFC 6265bis, 4.1.3).

use axum::http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::App;
use base::error::{Code, Error, Result};
use identity::session::{IDLE, Tokens};
use identity::{Accounts, access_token};

/// The path of all routes that take the refresh token.
const REFRESH_PATH: &str = "/auth";

/// The most pending sign-ins with other providers per browser.
#[cfg(feature = "oidc")]
const MOST_ATTEMPTS: usize = 5;

struct Names {
    access: &'static str,
    refresh: &'static str,
    /// The prefix of the cookies of pending sign-ins with other providers.
    #[cfg_attr(not(feature = "oidc"), expect(dead_code, reason = "without the feature there are no other providers"))]
    attempt: &'static str,
    preview: &'static str,
    attributes: &'static str,
    /// Of the cookie of a preview: pages of other sites may read by it, and nothing can be changed by it.
    elsewhere: &'static str,
}

fn names(accounts: &Accounts) -> Names {
    if accounts.is_secure() {
        Names {
            access: "__Host-typecase",
            refresh: "__Secure-typecase-refresh",
            attempt: "__Host-typecase-oidc-",
            preview: "__Host-typecase-preview",
            attributes: "; Secure; HttpOnly",
            elsewhere: "None",
        }
    } else {
        Names {
            access: "typecase",
            refresh: "typecase-refresh",
            attempt: "typecase-oidc-",
            preview: "typecase-preview",
            attributes: "; HttpOnly",
            elsewhere: "Lax",
        }
    }
}

pub fn access<'a>(accounts: &Accounts, headers: &'a HeaderMap) -> Option<&'a str> {
    find(headers, names(accounts).access)
}

pub fn refresh<'a>(accounts: &Accounts, headers: &'a HeaderMap) -> Option<&'a str> {
    find(headers, names(accounts).refresh)
}

/// The token of a preview link.
pub fn preview<'a>(accounts: &Accounts, headers: &'a HeaderMap) -> Option<&'a str> {
    find(headers, names(accounts).preview)
}

/// Sets the cookie of a preview for `age` seconds, or removes it.
pub fn set_preview(accounts: &Accounts, headers: &mut HeaderMap, token: &str, age: i64) {
    let Names { preview, attributes, elsewhere, .. } = names(accounts);
    append(headers, &format!("{preview}={token}; Path=/; Max-Age={age}; SameSite={elsewhere}{attributes}"));
}

#[cfg(feature = "oidc")]
pub fn attempt<'a>(accounts: &Accounts, headers: &'a HeaderMap, attempt: &str) -> Option<&'a str> {
    find(headers, &format!("{}{attempt}", names(accounts).attempt))
}

/// Removes the oldest pending sign-ins of a browser, so that they do not fill its requests; browsers send the oldest
/// first (RFC 6265, 5.4).
#[cfg(feature = "oidc")]
pub fn forget_attempts(accounts: &Accounts, given: &HeaderMap, headers: &mut HeaderMap) {
    let prefix = names(accounts).attempt;
    let begun: Vec<_> = pairs(given).filter_map(|(name, _)| name.strip_prefix(prefix)).collect();
    for attempt in begun.iter().take((begun.len() + 1).saturating_sub(MOST_ATTEMPTS)) {
        if is_attempt(attempt) {
            set_attempt(accounts, headers, attempt, "", 0);
        }
    }
}

/// Names of attempts are hexadecimal digits; anything else could inject attributes into the cookie.
#[cfg(feature = "oidc")]
pub fn is_attempt(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Sets the cookie of a pending sign-in for `age` seconds, or removes it. Each attempt has its own cookie, because a
/// browser may have started several. `Lax`, since the provider's page sends the browser back to us; the prefix of the
/// name keeps other hosts of the domain from setting it.
#[cfg(feature = "oidc")]
pub fn set_attempt(accounts: &Accounts, headers: &mut HeaderMap, attempt: &str, sealed: &str, age: u32) {
    let Names { attempt: prefix, attributes, .. } = names(accounts);
    append(headers, &format!("{prefix}{attempt}={sealed}; Path=/; Max-Age={age}; SameSite=Lax{attributes}"));
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    pairs(headers).find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value)
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Sets the cookies of the tokens.
pub fn set(accounts: &Accounts, headers: &mut HeaderMap, tokens: &Tokens) {
    put(accounts, headers, &tokens.access, access_token::LIFETIME.as_secs(), &tokens.refresh, u64::from(IDLE));
}

/// Removes the cookies of the tokens.
pub fn clear(accounts: &Accounts, headers: &mut HeaderMap) {
    put(accounts, headers, "", 0, "", 0);
}

fn put(accounts: &Accounts, headers: &mut HeaderMap, access: &str, age: u64, refresh: &str, refresh_age: u64) {
    let Names { access: name, refresh: refresh_name, attributes, .. } = names(accounts);
    for cookie in [
        format!("{name}={access}; Path=/; Max-Age={age}; SameSite=Lax{attributes}"),
        format!("{refresh_name}={refresh}; Path={REFRESH_PATH}; Max-Age={refresh_age}; SameSite=Strict{attributes}"),
    ] {
        append(headers, &cookie);
    }
}

/// Our tokens and names are ASCII.
fn append(headers: &mut HeaderMap, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}

/// A request that is authenticated by a cookie and may change something must come from a page of the site itself or of
/// an allowed origin. Browsers send `Sec-Fetch-Site`, old ones `Origin`; a client that sends neither is not a browser
/// and must use a bearer token.
pub fn check_same_origin(app: &App, parts: &Parts) -> Result<()> {
    if parts.method.is_safe() || is_same_origin(app, &parts.headers) {
        return Ok(());
    }
    let message = "the request does not come from a page of this site: cookies from other sites are not accepted";
    Err(Error::new(Code::Forbidden, message))
}

fn is_same_origin(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(ORIGIN.as_str());
    if origin.is_some_and(|origin| app.protection.cors.lets_in(origin)) {
        return true;
    }
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    is_own_page(app, headers)
}

/// Whether a browser sends the request from a page of this site or of an allowed origin, by what it always says of WebSockets.
pub fn is_own_page(app: &App, headers: &HeaderMap) -> bool {
    let accounts = &app.accounts;
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(ORIGIN) else { return false };
    if app.protection.cors.lets_in(origin) || origin == &*accounts.public_url {
        return true;
    }
    // In development, one machine has several names.
    let host = origin.split_once("://").map(|(_, host)| host);
    !accounts.is_secure() && host.is_some() && host == text(HOST)
}
