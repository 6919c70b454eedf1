//! Which pages of other origins may read answers (the Fetch standard, CORS).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::identity::settings;

/// `TYPECASE_CORS_ORIGINS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// `*`: any page may ask `/graphql`, without cookies. What is not public needs a token then, which browsers do not send
    /// by themselves.
    #[default]
    Everybody,
    /// Pages of these may ask `/graphql` and `/auth`, with cookies. Empty for none.
    Origins(Vec<String>),
}

impl Cors {
    /// `*`, `none`, or origins with commas between them; what is none of them is the error.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "*" => Ok(Self::Everybody),
            "none" => Ok(Self::Origins(Vec::new())),
            list => {
                let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
                let origins = items.map(|item| settings::origin(item).ok_or_else(|| item.to_owned()));
                origins.collect::<Result<_, _>>().map(Self::Origins)
            }
        }
    }

    /// Whether pages of this origin may use the cookies of this site.
    pub fn lets_in(&self, origin: &str) -> bool {
        matches!(self, Self::Origins(origins) if origins.iter().any(|known| known == origin))
    }

    fn covers(&self, path: &str) -> bool {
        let is_public = path == "/graphql" || path == "/.well-known/jwks.json";
        is_public || (path.starts_with("/auth/") && *self != Self::Everybody)
    }

    fn allow(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        if *self == Self::Everybody {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            headers.append(VARY, HeaderValue::from_static("Origin"));
            let known = origin.filter(|origin| origin.to_str().is_ok_and(|origin| self.lets_in(origin)));
            let Some(origin) = known else { return };
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        let shown = "ratelimit, ratelimit-policy, retry-after, x-request-id";
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(shown));
    }
}

/// Answers what browsers ask beforehand, and tells them who may read every other answer.
pub async fn cors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let cors = &app.protection.cors;
    if !cors.covers(request.uri().path()) {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if is_preflight { preflight() } else { next.run(request).await };
    cors.allow(origin.as_ref(), response.headers_mut());
    response
}

fn preflight() -> Response {
    let allowed = "accept, authorization, content-type, x-request-id";
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, DELETE, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, allowed),
        (ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_everybody_nobody_or_a_list() {
        assert_eq!(Cors::parse("*"), Ok(Cors::Everybody));
        assert_eq!(Cors::parse("none"), Ok(Cors::Origins(Vec::new())));
        let listed = Cors::parse("https://Shop.example/, http://localhost:3000").unwrap();
        assert!(listed.lets_in("https://shop.example") && listed.lets_in("http://localhost:3000"));
        assert!(!listed.lets_in("https://shop.example.evil.example") && !listed.lets_in("null"));
        assert_eq!(Cors::parse("https://shop.example, *"), Err("*".to_owned()));
    }
}
