//! What protects the routes: whom to believe where a request comes from, how often it may come, which pages may read answers,
//! and which documents are asked.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::bounds::Bounds;
use super::client::{Forwarding, TrustedProxies};
use super::cors::{AllowedHeaders, Cors};
use super::documents::{self, Documents};
use super::intake::Bodies;
use super::places::Places;
use super::rate::{self, Decision, Limiter, Rate, Shown};
use super::{App, Peer, auth, graphql, is_about_health};
use ::graphql::Audience;
use base::error::{Code, Error, Result};
use base::memory::{Memory, Ration};
use identity::WrongSetting;

/// In production, when nothing else is said.
const GENERAL: Rate = Rate { quota: 600, window: std::time::Duration::from_secs(60) };
const SIGN_IN: Rate = Rate { quota: 10, window: std::time::Duration::from_secs(60) };

#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub proxies: TrustedProxies,
    pub cors: Cors,
    pub cors_headers: AllowedHeaders,
    pub rates: rate::Settings,
    pub documents: Option<documents::Settings>,
    pub introspection: Audience,
    pub bounds: Bounds,
}

pub struct Protection {
    pub proxies: TrustedProxies,
    pub cors: Cors,
    pub cors_headers: AllowedHeaders,
    pub limiter: Limiter,
    pub documents: Documents,
    pub bounds: Bounds,
    /// What all answers hold.
    pub answers: Arc<Memory>,
    /// What all bodies of requests hold.
    pub bodies: Arc<Bodies>,
    pub connections: Arc<Places>,
    /// Requests under way that came through proxies of ours, by client.
    pub proxied: Arc<Places>,
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
            answers: Memory::new(bounds.answers),
            bodies: Bodies::new(bounds.bodies),
            connections: Places::new(bounds.connections, bounds.by_address),
            proxied: Places::new(bounds.connections, bounds.by_address),
            bounds,
        })
    }

    /// What one request may hold.
    pub fn ration(&self) -> Arc<Ration> {
        Ration::new(&self.answers, self.bounds.answer)
    }
}

impl Settings {
    pub fn read(
        variable: impl Fn(&'static str) -> Option<String>,
        is_development: bool,
    ) -> Result<Self, Vec<WrongSetting>> {
        let mut wrong = Vec::new();
        let mut rate = |name, default: Option<Rate>| match variable(name).as_deref() {
            None => default,
            Some("off") => None,
            Some(text) => text.parse().map_err(|why| wrong.push((name, format!("`{text}` is no rate: {why}")))).ok(),
        };
        let rates = rate::Settings {
            general: rate("TYPECASE_RATE", (!is_development).then_some(GENERAL)),
            sign_in: rate("TYPECASE_SIGN_IN_RATE", (!is_development).then_some(SIGN_IN)),
            redis: variable("REDIS_URL"),
        };
        let mut settings = Self { rates, ..Self::default() };
        if let Some(text) = variable("TYPECASE_TRUSTED_PROXIES") {
            match TrustedProxies::parse(&text) {
                Ok(networks) => settings.proxies.networks = networks,
                Err(item) => wrong.push((
                    "TYPECASE_TRUSTED_PROXIES",
                    format!("`{item}` is neither a network like `10.0.0.0/8` nor an address"),
                )),
            }
        }
        match variable("TYPECASE_FORWARDED_HEADER").map(|name| name.to_ascii_lowercase()).as_deref() {
            None | Some("x-forwarded-for") => {}
            Some("forwarded") => settings.proxies.header = Forwarding::Forwarded,
            Some(other) => wrong
                .push(("TYPECASE_FORWARDED_HEADER", format!("`{other}` is neither `x-forwarded-for` nor `forwarded`"))),
        }
        if let Some(text) = variable("TYPECASE_CORS_ORIGINS") {
            match Cors::parse(&text) {
                Ok(cors) => settings.cors = cors,
                Err(item) => wrong.push((
                    "TYPECASE_CORS_ORIGINS",
                    format!("`{item}` is no origin: it is `*`, `none`, or a list like `https://shop.example`"),
                )),
            }
        }
        if let Some(text) = variable("TYPECASE_CORS_HEADERS") {
            match AllowedHeaders::parse(&text) {
                Ok(headers) => settings.cors_headers = headers,
                Err(item) => {
                    wrong.push(("TYPECASE_CORS_HEADERS", format!("`{item}` is no name of a header; `*` is for all")));
                }
            }
        }
        settings.introspection = match variable("TYPECASE_INTROSPECTION").as_deref() {
            None if is_development => Audience::Everybody,
            None | Some("signed-in") => Audience::SignedIn,
            Some("on") => Audience::Everybody,
            Some("off") => Audience::Nobody,
            Some(other) => {
                wrong.push(("TYPECASE_INTROSPECTION", format!("`{other}` is none of `on`, `signed-in` and `off`")));
                Audience::Nobody
            }
        };
        let only = match variable("TYPECASE_DOCUMENTS_MODE").as_deref() {
            None => !is_development,
            Some("only") => true,
            Some("also") => false,
            Some(other) => {
                wrong.push(("TYPECASE_DOCUMENTS_MODE", format!("`{other}` is neither `only` nor `also`")));
                true
            }
        };
        settings.bounds = Bounds::read(&variable, &mut wrong);
        settings.documents = variable("TYPECASE_DOCUMENTS").map(|path| documents::Settings { path: path.into(), only });
        if wrong.is_empty() {
            Ok(settings)
        } else {
            Err(wrong.into_iter().map(|(name, message)| (name.into(), message)).collect())
        }
    }
}

/// No id, name or text has this character: PostgreSQL does not keep it, and a route need not think of it.
fn holds_nul(uri: &Uri) -> bool {
    uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00"))
}

/// Answers a request if its client does not ask too often. What a load balancer asks is never too much.
///
/// Whoever gives something that proves nothing is anonymous here: any client can send a header.
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
        let error = Error::new(Code::BadRequest, "an address must not hold the character U+0000");
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
    // What is refused for another reason, such as too many wrong codes, says itself when to come back. A batch is answered
    // with 200 whatever becomes of its operations.
    let is_told =
        |told: &Decision| told.allowed || told.is_general() || response.status() == StatusCode::TOO_MANY_REQUESTS;
    if let Some(decision) = told.filter(is_told) {
        decision.tell(response.headers_mut());
    }
    response
}

/// Looks who sends the request, for whatever route it is, and counts it.
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
