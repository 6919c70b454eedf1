//! What each service is sent.
//!
//! - Fastly: <https://www.fastly.com/documentation/reference/api/purging/>, keys in a header, at most 256 of them.
//! - Cloudflare: <https://developers.cloudflare.com/api/resources/cache/methods/purge/>, at most 30 tags.
//! - CloudFront: `CreateInvalidation` of 2020-05-31. It knows paths and no tags, so all of `/graphql` is removed.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderName, Request};
use jiff::Timestamp;
use serde_json::json;
use url::Url;

use base::error::{Error, Result};

use crate::settings::{Service, Settings};
use crate::sign;

const OF_FASTLY: usize = 256;
const OF_CLOUDFLARE: usize = 30;
const OF_HOOK: usize = 1000;
const FASTLY_KEY: HeaderName = HeaderName::from_static("fastly-key");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// `id` is the same each time the same is sent.
pub fn requests(settings: &Settings, tags: &[String], id: &str, now: Timestamp) -> Result<Vec<Request<Bytes>>> {
    let Settings { service, url, id: of, token } = settings;
    let json = |value: serde_json::Value| Bytes::from(value.to_string());
    let most = match service {
        Service::Fastly => OF_FASTLY,
        Service::Cloudflare => OF_CLOUDFLARE,
        Service::CloudFront => tags.len(),
        Service::Hook => OF_HOOK,
    };
    let request = |tags: &[String]| -> Result<Request<Bytes>> {
        let built = match service {
            Service::Fastly => Request::post(format!("{url}/service/{of}/purge"))
                .header(FASTLY_KEY, token)
                .header(SURROGATE_KEY, tags.join(" "))
                .body(Bytes::new()),
            Service::Cloudflare => Request::post(format!("{url}/zones/{of}/purge_cache"))
                .header(AUTHORIZATION, format!("Bearer {token}"))
                .header(CONTENT_TYPE, "application/json")
                .body(json(json!({ "tags": tags }))),
            Service::CloudFront => return invalidation(settings, id, now),
            Service::Hook => {
                let hook = Request::post(url.as_str()).header(CONTENT_TYPE, "application/json");
                let hook = match token.is_empty() {
                    true => hook,
                    false => hook.header(AUTHORIZATION, format!("Bearer {token}")),
                };
                hook.body(json(json!({ "tags": tags })))
            }
        };
        built.map_err(Error::internal)
    };
    tags.chunks(most.max(1)).map(request).collect()
}

fn invalidation(settings: &Settings, id: &str, now: Timestamp) -> Result<Request<Bytes>> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
        <CallerReference>{id}</CallerReference><Paths><Items><Path>/graphql*</Path></Items><Quantity>1</Quantity></Paths>\
        </InvalidationBatch>"
    );
    let url = Url::parse(&format!("{}/2020-05-31/distribution/{}/invalidation", settings.url, settings.id));
    let url = url.map_err(Error::internal)?;
    let (key, secret) = settings.token.split_once(':').unwrap_or_default();
    let keys = sign::Keys { key, secret, region: "us-east-1", service: "cloudfront" };
    let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let signed = sign::signed(&keys, "POST", (&host, url.path()), body.as_bytes(), now);
    Request::post(url.as_str())
        .header(HOST, host)
        .header("x-amz-date", signed.date)
        .header(AUTHORIZATION, signed.authorization)
        .header(CONTENT_TYPE, "text/xml")
        .body(Bytes::from(body))
        .map_err(Error::internal)
}
