//! The span of a request, by the conventions of OpenTelemetry for HTTP and GraphQL. It omits what a client chooses freely (the query,
//! headers, variables, a path that is not a route), except the operation name.

use std::borrow::Cow;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method};

use crate::App;
use crate::is_about_health;
use base::error::Code;
use base::seen::Seen;
use base::trace::{Fact, Kind, Parent, Root};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// Methods that are reported; any other is chosen by the client.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];

/// The trace that the request belongs to.
pub fn parent(headers: &HeaderMap) -> Option<Parent> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let (Some(header), None) = (given.next(), given.next()) else { return None };
    Parent::read(header.to_str().ok()?)
}

/// `None` if nothing is exported or this trace is not sampled. Health checks, sent every few seconds, are not traced.
pub fn begin(app: &App, request: &Request, parent: Option<&Parent>) -> Option<Root> {
    if is_about_health(request.uri()) {
        return None;
    }
    let root = Root::begin(Kind::Server, parent)?;
    if parent.is_some() {
        let lines = request.headers().get_all(TRACESTATE).iter().map(|line| line.to_str().ok());
        root.state(lines.collect::<Option<Vec<_>>>().and_then(|lines| Parent::state(&lines.join(","))));
    }
    let known = METHODS.iter().find(|known| *known == request.method());
    let method = known.map_or("_OTHER", Method::as_str);
    root.tell("http.request.method", method.to_owned());
    root.tell("url.scheme", if app.accounts.is_secure() { "https" } else { "http" });
    let word = if known.is_some() { method } else { "HTTP" };
    match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        Some(route) => {
            root.name(format!("{word} {route}"));
            if route == request.uri().path() {
                root.tell("url.path", route.to_owned());
            }
            root.tell("http.route", route.to_owned());
        }
        None => root.name(word.to_owned()),
    }
    Some(root)
}

/// Adds what is known when the response begins.
pub fn end(seen: &Seen, status: u16) {
    let Some(root) = seen.root() else { return };
    root.tell("http.response.status_code", i64::from(status));
    if let Some(about) = seen.operation() {
        root.tell("graphql.operation.name", about.name.to_string());
        root.tell("graphql.operation.type", about.kind);
        root.tell("graphql.document.hash", about.document.clone());
    }
    if seen.operations() > 1 {
        root.tell("typecase.operations", i64::from(seen.operations()));
    }
    if !seen.actor().is_empty() {
        root.tell("typecase.actor", seen.actor());
    }
    let codes = seen.codes();
    if !codes.is_empty() {
        root.tell("typecase.codes", Fact::Texts(codes.iter().map(|code| Cow::Borrowed(code.as_str())).collect()));
    }
    root.done(error(status, &codes));
}

/// Errors of the server; mistakes of a client belong to its own span.
fn error(status: u16, codes: &[Code]) -> Option<Cow<'static, str>> {
    let is_ours = |code: &&Code| matches!(code, Code::Internal | Code::Timeout | Code::Unavailable);
    let code = codes.iter().find(is_ours).map(|code| Cow::Borrowed(code.as_str()));
    code.or((status >= 500).then(|| Cow::Owned(status.to_string())))
}
