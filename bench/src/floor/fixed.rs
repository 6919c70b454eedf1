//! The static answer: the server's own accept loop and HTTP stack with a handler that has its answer already. What a response from a cache
//! is compared with.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::extract::Path;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use bytes::Bytes;
use runtime::config::Config;
use runtime::http::{listen, protection::Protection};

/// Larger than any response that is compared.
const LARGEST: usize = 1 << 20;

pub async fn serve() -> Result<()> {
    let config = Config::read(|name| std::env::var(name).ok()).map_err(|wrong| anyhow!("{wrong:?}"))?;
    let protection = Arc::new(Protection::new(&config.protection).map_err(|error| anyhow!("{error}"))?);
    let listener = tokio::net::TcpListener::bind(std::env::var("TYPECASE_ADDRESS")?).await?;
    let bytes = Bytes::from(vec![b' '; LARGEST]);
    // The body is read, as it is for any other answer.
    let answer = move |Path(size): Path<usize>, _body: Bytes| {
        let body = bytes.slice(..size.min(LARGEST));
        async move { ([(CONTENT_TYPE, "application/json")], body).into_response() }
    };
    let router = Router::new().route("/static/{size}", post(answer));
    listen::serve(listener, router, &protection, std::future::pending()).await;
    Ok(())
}
