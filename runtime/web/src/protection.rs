//! The protection of all routes: trusted proxies, rate limits, origins that may read responses, and known documents.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::bounds::Bounds;
use super::client::{Forwarding, TrustedProxies};
use super::cors::{AllowedHeaders, Cors};
use super::documents::{self, Documents};
use super::freshness::Freshness;
use super::intake::Bodies;
use super::places::Places;
use super::rate::{self, Decision, Limiter, Rate, Shown};
use super::subscriptions::Subscriptions;
use super::{App, Peer, auth, graphql, is_about_health};
use ::graphql::Audience;
use base::error::{Code, Error, Result};
use base::memory::{Memory, Ration};
use base::settings::{self, Reader, Wrong};

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub proxies: TrustedProxies,
    pub cors: Cors,
    pub cors_headers: AllowedHeaders,
    pub rates: rate::Settings,
    pub documents: Option<documents::Settings>,
    pub introspection: Audience,
    /// `TYPECASE_COMPRESSION`
    pub compression: Compression,
    pub freshness: Freshness,
    pub bounds: Bounds,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    On,
    Off,
}

pub struct Protection {
    pub proxies: TrustedProxies,
    pub cors: Cors,
    pub cors_headers: AllowedHeaders,
    pub limiter: Limiter,
    pub documents: Documents,
    /// Whether responses are compressed.
    pub compresses: bool,
    pub freshness: Freshness,
    pub bounds: Bounds,
    /// The memory of all responses.
    pub answers: Arc<Memory>,
    /// The memory of all request bodies.
    pub bodies: Arc<Bodies>,
    pub connections: Arc<Places>,
    /// Running requests that came through trusted proxies, by client.
    pub proxied: Arc<Places>,
    pub subscriptions: Arc<Subscriptions>,
}

impl Protection {
    pub fn new(settings: &Settings) -> Result<Self> {
        let bounds = settings.bounds.clone();
        Ok(Self {
            proxies: settings.proxies.clone(),
            cors: settings.cors.clone(),
            cors_headers: settings.cors_headers.clone(),
            limiter: Limiter::new(&settings.rates)?,
            documents: Documents::load(settings.documents.as_ref())?,
            compresses: settings.compression == Compression::On,
            freshness: settings.freshness,
            answers: Memory::new(bounds.answers),
            bodies: Bodies::new(bounds.bodies),
            connections: Places::new(bounds.connections, bounds.by_address),
            proxied: Places::new(bounds.connections, bounds.by_address),
            subscriptions: Subscriptions::new(&bounds),
            bounds,
        })
    }

    /// The memory of one request.
    pub fn ration(&self) -> Arc<Ration> {
        Ration::new(&self.answers, self.bounds.answer)
    }
}

impl Settings {
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let rates = rate::Settings {
            general: reader.parsed(&settings::TYPECASE_RATE, rate_or_off).flatten(),
            sign_in: reader.parsed(&settings::TYPECASE_SIGN_IN_RATE, rate_or_off).flatten(),
            redis: rate::Redis::read(reader),
        };
        let refused = |item: String| format!("`{item}` cannot be used");
        let networks =
            reader.parsed(&settings::TYPECASE_TRUSTED_PROXIES, |text| TrustedProxies::parse(text).map_err(refused));
        let header = match reader.one_of(&settings::TYPECASE_FORWARDED_HEADER) {
            "forwarded" => Forwarding::Forwarded,
            _ => Forwarding::default(),
        };
        let cors = reader.parsed(&settings::TYPECASE_CORS_ORIGINS, |text| Cors::parse(text).map_err(refused));
        let cors_headers =
            reader.parsed(&settings::TYPECASE_CORS_HEADERS, |text| AllowedHeaders::parse(text).map_err(refused));
        let introspection = match reader.one_of(&settings::TYPECASE_INTROSPECTION) {
            "on" => Audience::Everybody,
            "off" => Audience::Nobody,
            _ => Audience::SignedIn,
        };
        let only = reader.one_of(&settings::TYPECASE_DOCUMENTS_MODE) == "only";
        let documents = reader.get(&settings::TYPECASE_DOCUMENTS);
        // The default of production applies only if there are documents; an explicit setting requires them.
        if documents.is_none() && only && reader.get(&settings::TYPECASE_DOCUMENTS_MODE).is_some() {
            reader.wrong(settings::TYPECASE_DOCUMENTS_MODE.name, "it is `only`, but TYPECASE_DOCUMENTS is not set");
        }
        Self {
            proxies: TrustedProxies { networks: networks.unwrap_or_default(), header },
            cors: cors.unwrap_or_default(),
            cors_headers: cors_headers.unwrap_or_default(),
            rates,
            documents: documents.map(|path| documents::Settings { path: path.into(), only }),
            introspection,
            compression: match reader.one_of(&settings::TYPECASE_COMPRESSION) {
                "off" => Compression::Off,
                _ => Compression::On,
            },
            freshness: Freshness::read(reader),
            bounds: Bounds::read(reader),
        }
    }

    /// Checks files and settings that can be checked on this machine.
    pub fn check_for_serving(&self) -> Vec<Wrong> {
        let redis = self.rates.redis.as_ref().and_then(|redis| redis.check().err());
        let documents = Documents::load(self.documents.as_ref())
            .err()
            .map(|error| Wrong { variable: settings::TYPECASE_DOCUMENTS.name.into(), message: error.to_string() });
        redis.into_iter().chain(documents).collect()
    }
}

fn rate_or_off(text: &str) -> Result<Option<Rate>, String> {
    if text == "off" { Ok(None) } else { text.parse().map(Some).map_err(|_| format!("`{text}` is not a rate")) }
}

/// No id, name or text contains this character: PostgreSQL cannot store it, so routes need not handle it.
fn holds_nul(uri: &Uri) -> bool {
    uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00"))
}

/// Applies the rate limit to a request. Health checks are never limited.
///
/// A request with invalid credentials counts as anonymous here: any client can send a header.
pub async fn limit(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    if is_about_health(request.uri()) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<Peer>().map(|peer| peer.0);
    let shown = Shown::default();
    request.extensions_mut().insert(shown.clone());
    let has_token = auth::gives_something(&app, request.headers());
    let decision = app.protection.limiter.request(client, has_token).await;
    if let Some(refused) = decision.as_ref().filter(|decision| !decision.allowed) {
        let mut response = too_many(&request, refused.error());
        refused.tell(response.headers_mut());
        return response;
    }
    if holds_nul(request.uri()) {
        let error = Error::new(Code::BadRequest, "a URL must not contain the character U+0000");
        return error.into_response();
    }
    let proven = match has_token && app.protection.limiter.is_on() {
        true => prove(&app, &mut request).await,
        false => Ok(()),
    };
    let mut response = match proven {
        Ok(()) => next.run(request).await,
        Err(refused) => *refused,
    };
    let told = shown.taken().or(decision);
    // Other refusals, such as for too many wrong codes, have their own `Retry-After`. A batch has status 200 whatever
    // the outcome of its operations.
    let is_told =
        |told: &Decision| told.allowed || told.is_general() || response.status() == StatusCode::TOO_MANY_REQUESTS;
    if let Some(decision) = told.filter(is_told) {
        decision.tell(response.headers_mut());
    }
    response
}

/// Identifies the sender of the request, for every route, and counts it.
async fn prove(app: &App, request: &mut Request) -> Result<(), Box<Response>> {
    let (mut parts, body) = std::mem::take(request).into_parts();
    let proven = auth::prove(app, &mut parts).await;
    *request = Request::from_parts(parts, body);
    proven.map_err(|error| Box::new(too_many(request, error)))
}

fn too_many(request: &Request, error: Error) -> Response {
    match request.uri().path() {
        "/graphql" => graphql::refused_by(request.headers(), error),
        _ => error.into_response(),
    }
}
