//! Which pages of other origins may read responses (CORS, in the Fetch standard).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use identity::settings;

/// `TYPECASE_CORS_ORIGINS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// `*`: any page may send requests to `/graphql`, without cookies. Anything that is not public then needs a token,
    /// which browsers do not send by themselves.
    #[default]
    Everybody,
    /// Pages of these origins may send requests to `/graphql` and `/auth`, with cookies. Empty for none.
    Origins(Vec<String>),
}

/// The headers that pages may send: those that clients of GraphQL and tracing add to every request.
const ALLOWED: &str = "accept, authorization, content-type, last-event-id, x-request-id, traceparent, tracestate, baggage, sentry-trace, b3, \
    x-requested-with, typecase-preview, apollographql-client-name, apollographql-client-version, apollo-require-preflight, \
    x-apollo-operation-name, x-apollo-operation-id, x-apollo-operation-type, graphql-client-name, graphql-client-version";

/// `TYPECASE_CORS_HEADERS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedHeaders {
    /// `*`: any header that a page asks for.
    Any,
    These(String),
}

impl Default for AllowedHeaders {
    fn default() -> Self {
        Self::These(ALLOWED.to_owned())
    }
}

impl AllowedHeaders {
    /// `*`, or names separated by commas, which are allowed in addition to the standard ones. The error is the first item that is not a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let names = items.map(|item| item.parse::<HeaderName>().map_err(|_| item.to_owned()));
        let names: Vec<_> = names.collect::<Result<_, _>>()?;
        let names = names.iter().map(|name| format!(", {name}"));
        Ok(Self::These(ALLOWED.to_owned() + &names.collect::<String>()))
    }

    /// A literal `*` would cover neither `authorization` nor requests with cookies, so the requested names are
    /// returned.
    fn answer(&self, asked: Option<&HeaderValue>) -> HeaderValue {
        match (self, asked) {
            (Self::Any, Some(asked)) => asked.clone(),
            (Self::Any, None) => HeaderValue::from_static(ALLOWED),
            (Self::These(names), _) => HeaderValue::from_str(names).unwrap_or(HeaderValue::from_static(ALLOWED)),
        }
    }
}

impl Cors {
    /// Parses `*`, `none`, or origins separated by commas. The error is the first item that is not an origin.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "*" => Ok(Self::Everybody),
            "none" => Ok(Self::Origins(Vec::new())),
            list => {
                let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
                let origins = items.map(|item| settings::origin(item).ok_or_else(|| item.to_owned()));
                let origins: Vec<_> = origins.collect::<Result<_, _>>()?;
                // A list made of empty variables.
                if origins.is_empty() { Err(list.to_owned()) } else { Ok(Self::Origins(origins)) }
            }
        }
    }

    /// Whether pages of this origin may use the cookies of this site.
    pub fn lets_in(&self, origin: &str) -> bool {
        matches!(self, Self::Origins(origins) if origins.iter().any(|known| known == origin))
    }

    /// Whether any page may ask, without cookies.
    pub fn is_open(&self) -> bool {
        *self == Self::Everybody
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

/// Responds to preflight requests, and adds the CORS headers to every other response.
pub async fn cors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let cors = &app.protection.cors;
    if !cors.covers(request.uri().path()) {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match is_preflight {
        true => preflight(&app.protection.cors_headers, request.headers()),
        false => next.run(request).await,
    };
    cors.allow(origin.as_ref(), response.headers_mut());
    response
}

fn preflight(allowed: &AllowedHeaders, asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, PATCH, DELETE, OPTIONS");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.answer(asked.get(ACCESS_CONTROL_REQUEST_HEADERS)));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    if *allowed == AllowedHeaders::Any {
        headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    }
    response
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
        assert_eq!(Cors::parse("https://*.shop.example"), Err("https://*.shop.example".to_owned()));
        assert_eq!(Cors::parse(" , "), Err(",".to_owned()));
        // As browsers write it.
        let ports = Cors::parse("https://shop.example:443, http://shop.example:80, http://shop.example:443").unwrap();
        assert!(ports.lets_in("https://shop.example") && ports.lets_in("http://shop.example"));
        assert!(ports.lets_in("http://shop.example:443"));
    }

    #[test]
    fn headers_of_tracing_are_allowed_and_more_by_name() {
        let answer = |allowed: &AllowedHeaders, asked: Option<&'static str>| {
            let answer = allowed.answer(asked.map(HeaderValue::from_static).as_ref());
            answer.to_str().unwrap().split(", ").map(str::to_owned).collect::<Vec<_>>()
        };
        let always = answer(&AllowedHeaders::default(), None);
        for name in ["traceparent", "tracestate", "baggage", "sentry-trace", "apollographql-client-name"] {
            assert!(always.iter().any(|known| known == name), "{name}");
        }
        let more = AllowedHeaders::parse("X-Shop, x-other").unwrap();
        assert_eq!(answer(&more, Some("x-evil"))[always.len()..], ["x-shop", "x-other"]);
        let any = AllowedHeaders::parse("*").unwrap();
        assert_eq!(answer(&any, Some("x-shop, x-other")), ["x-shop", "x-other"]);
        assert_eq!(AllowedHeaders::parse("x-shop, a b"), Err("a b".to_owned()));
    }
}
