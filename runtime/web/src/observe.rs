//! Observes every request: it gets an id, is counted, and has one line in the log when it ends. If it is traced, it has one span. Neither
//! contains its values.

mod span;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::HeaderName;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::traffic::Class;
use super::{App, RequestId, headers};
use base::error::caught;
use base::seen::{self, Seen};
use base::trace::{Parent, Root};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, or keeps that of a proxy.
pub async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(new_request_id, str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let parent = span::parent(request.headers());
    let root = span::begin(&app, &request, parent.as_ref());
    let span = tracing::info_span!("request", id);
    request.extensions_mut().insert(RequestId(id.clone()));
    let start = Instant::now();
    let answered = async {
        let mut response = caught(next.run(request)).await.unwrap_or_else(IntoResponse::into_response);
        let (status, took) = (response.status().as_u16(), start.elapsed());
        app.traffic.request(Class::of(&path), status, took);
        seen::with(|seen| {
            tell(seen, &method, &path, parent, status, took);
            span::end(seen, status);
        });
        headers::protect(response.headers_mut(), &path, app.accounts.is_secure());
        response
    };
    let mut response = seen::within(root, answered).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), id);
    }
    response
}

fn tell(seen: &Seen, method: &Method, path: &str, parent: Option<Parent>, status: u16, took: Duration) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let milliseconds = milliseconds(took);
    let about = seen.operation();
    let codes = seen.codes().iter().map(|code| code.as_str()).collect::<Vec<_>>().join(",");
    let (actor, role) = (some(seen.actor()), seen.role());
    let trace = seen.root().map(Root::trace).or(parent.map(|parent| parent.trace()));
    tracing::info!(
        %method,
        path,
        status,
        milliseconds,
        operation = about.as_ref().and_then(|about| some(&about.name)),
        document = about.as_ref().map(|about| &*about.document),
        operations = Some(seen.operations()).filter(|operations| *operations > 1),
        actor,
        role = some(&role),
        codes = some(&codes),
        statements = Some(seen.statements()).filter(|statements| *statements > 0),
        trace = trace.map(|trace| format!("{trace:032x}")),
        "answered"
    );
}

/// To the microsecond.
fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Different in every process and for each of its requests; a UUID for each would ask the system for random bits.
fn new_request_id() -> String {
    static PROCESS: LazyLock<u128> = LazyLock::new(|| uuid::Uuid::new_v4().as_u128() << 64);
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    format!("{:032x}", *PROCESS | u128::from(REQUESTS.fetch_add(1, Ordering::Relaxed)))
}

/// An id from outside is written to our log, so it must be short and consist of plain characters.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_no_digits_beyond_the_microsecond() {
        for (nanoseconds, expected) in
            [(199_838, "0.2"), (1_234_567, "1.235"), (0, "0.0"), (12_345_678_901, "12345.679")]
        {
            let shown = format!("{:?}", milliseconds(Duration::from_nanos(nanoseconds)));
            assert_eq!(shown, expected);
        }
    }
}
