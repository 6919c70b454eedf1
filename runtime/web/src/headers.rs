//! Security headers of responses (OWASP ASVS 5.0, 3.4).

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Responses of the API are not pages: they load nothing and are not shown in a frame.
const FOR_DATA: &str = "default-src 'none'; frame-ancestors 'none'";

/// Headers that a response already has are kept: a page of the site may need another policy.
pub fn protect(headers: &mut HeaderMap, path: &str, over_tls: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(CONTENT_SECURITY_POLICY, FOR_DATA);
    add(REFERRER_POLICY, "no-referrer");
    add(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    add(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if over_tls {
        add(STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if path.starts_with("/auth/") {
        add(CACHE_CONTROL, "no-store");
    }
}
