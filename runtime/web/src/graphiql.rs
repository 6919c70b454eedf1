//! GraphiQL at `/graphiql`, in development only, from files that are built into the server.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::App;

const PAGE: &str = include_str!("../assets/graphiql/index.html");

/// `(path, media type, gzipped bytes)`
const FILES: &[(&str, &str, &[u8])] = &[
    (
        "/graphiql/graphiql.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/graphiql/graphiql.min.js.gz"),
    ),
    ("/graphiql/graphiql.min.css", "text/css; charset=utf-8", include_bytes!("../assets/graphiql/graphiql.min.css.gz")),
    (
        "/graphiql/react.production.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/graphiql/react.production.min.js.gz"),
    ),
    (
        "/graphiql/react-dom.production.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/graphiql/react-dom.production.min.js.gz"),
    ),
];

pub fn routes() -> Router<Arc<App>> {
    let routes = Router::new().route("/graphiql", get(page));
    FILES.iter().fold(routes, |routes, &(path, media, bytes)| routes.route(path, get(move || file(media, bytes))))
}

async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    // A page of another site that reaches us under its own name (DNS rebinding) must not get the token.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let token = app.token.as_deref().filter(|_| is_this_machine(host)).unwrap_or_default();
    let query = format!("# ctrl-space completes, ctrl-enter runs.\n\n{}", app.api.example());
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let page = PAGE.replace("{{nonce}}", &nonce);
    let page = page.replace("\"{{token}}\"", &script(token)).replace("\"{{query}}\"", &script(&query));
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    ([(CACHE_CONTROL, "no-store".to_owned()), (CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

async fn file(media: &'static str, bytes: &'static [u8]) -> impl IntoResponse {
    ([(CONTENT_TYPE, media), (CONTENT_ENCODING, "gzip"), (CACHE_CONTROL, "max-age=3600")], bytes)
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    matches!(name.map_or(host, |(name, _)| name), "localhost" | "127.0.0.1" | "[::1]")
}

/// Escapes a text for a script in a page.
fn script(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}
