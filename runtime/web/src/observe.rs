//! What holds for every request: it has an id, is counted, and has one line in the log when it is answered, without its values.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::traffic::Class;
use super::{App, RequestId, headers};
use base::error::caught;
use base::seen::{self, Seen};

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Gives the request an id, or keeps the one that a proxy gave it.
pub async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(new_request_id, str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let trace = trace(request.headers());
    let span = tracing::info_span!("request", id);
    request.extensions_mut().insert(RequestId(id.clone()));
    let start = Instant::now();
    let answered = async {
        let mut response = caught(next.run(request)).await.unwrap_or_else(IntoResponse::into_response);
        let (status, took) = (response.status().as_u16(), start.elapsed());
        app.traffic.request(Class::of(&path), status, took);
        seen::with(|seen| tell(seen, &method, &path, trace.as_deref(), status, took));
        headers::protect(response.headers_mut(), &path, app.accounts.is_secure());
        response
    };
    let mut response = seen::within(answered).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), id);
    }
    response
}

fn tell(seen: &Seen, method: &Method, path: &str, trace: Option<&str>, status: u16, took: Duration) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let milliseconds = took.as_secs_f64() * 1000.0;
    let about = seen.operation();
    let (actor, role, codes) = (some(seen.actor()), seen.role(), seen.codes());
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
        trace,
        "answered"
    );
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Different in every process and for every request of it; a UUID each time would ask the system for random bits.
fn new_request_id() -> String {
    static PROCESS: LazyLock<u128> = LazyLock::new(|| uuid::Uuid::new_v4().as_u128() << 64);
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    format!("{:032x}", *PROCESS | u128::from(REQUESTS.fetch_add(1, Ordering::Relaxed)))
}

/// An id of somebody else's goes into our log, so it is short and of plain letters.
fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The id of the trace that the request is part of (<https://www.w3.org/TR/trace-context/>).
fn trace(headers: &HeaderMap) -> Option<String> {
    let mut given = headers.get_all(&TRACEPARENT).iter();
    let (Some(header), None) = (given.next(), given.next()) else { return None };
    trace_id(header.to_str().ok()?).map(str::to_owned)
}

fn trace_id(parent: &str) -> Option<&str> {
    let mut parts = parent.splitn(5, '-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_set = |text: &str| text.bytes().any(|byte| byte != b'0');
    // A later version may have more parts.
    let is_whole = version != "ff" && (version != "00" || parts.next().is_none());
    let is_well = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    (is_whole && is_well && is_set(trace) && is_set(span)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_trace_is_told() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        let of = |text: &str| trace_id(&text.replace('T', TRACE)).map(str::to_owned);
        for valid in ["00-T-00f067aa0ba902b7-01", "01-T-00f067aa0ba902b7-00-more"] {
            assert_eq!(of(valid).as_deref(), Some(TRACE), "{valid}");
        }
        for wrong in [
            "",
            "00-T-00f067aa0ba902b7",
            "00-T-00f067aa0ba902b7-01-more",
            "ff-T-00f067aa0ba902b7-01",
            "00-T-0000000000000000-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-ada@shop.example-00f067aa0ba902b7-01",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
