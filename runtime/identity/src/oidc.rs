//! Sign-in with other providers: OpenID Connect's authorization code flow with PKCE (RFC 7636), following RFC 9700.
//!
//! The state of a sign-in is sealed in a cookie, so only the browser that started it can finish it. Its use is
//! recorded, so that it works only once.

mod account;
mod flow;
mod http;
mod provider;

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::http::Http;
use self::provider::Provider;
use super::provider_settings::ProviderSettings;
use super::session::Tokens;
use super::{Accounts, now, secret};
use base::error::{Code, Error, Result};

/// How long a user may take at the provider, and then to enter a code, in seconds: 10 minutes.
pub const LIFETIME: u32 = 600;
/// Bytes of the hash that distinguishes the attempts of one browser.
const NAME: usize = 8;

/// The configured providers.
#[derive(Clone)]
pub(super) struct Providers(Arc<[Provider]>);

impl Providers {
    pub fn new(settings: &[ProviderSettings]) -> Result<Self> {
        if settings.is_empty() {
            return Ok(Self(Arc::default()));
        }
        let http = Http::new()?;
        Ok(Self(settings.iter().map(|settings| Provider::new(settings.clone(), http.clone())).collect()))
    }

    fn find(&self, name: &str) -> Result<&Provider> {
        let found = self.0.iter().find(|provider| provider.settings.name == name);
        found.ok_or_else(|| Error::new(Code::NotFound, "unknown provider: `/auth/providers` lists them"))
    }
}

/// A sign-in that has begun; the user is to be redirected to the provider.
pub struct Begun {
    /// The address at the provider.
    pub url: String,
    /// The state, for a cookie.
    pub sealed: String,
    /// Distinguishes the attempts of one browser.
    pub attempt: String,
}

/// The parameters with which a provider redirects back (RFC 6749, 4.1.2; `iss`: RFC 9207).
#[derive(Deserialize)]
pub struct Returned {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

impl Returned {
    /// The attempt to which this response belongs.
    pub fn attempt(&self) -> String {
        name_of(self.state.as_deref().unwrap_or_default())
    }
}

/// The result when a user returns from the provider.
pub struct Finished {
    /// A path of the site.
    pub return_to: String,
    pub outcome: Outcome,
}

pub enum Outcome {
    SignedIn(Tokens),
    /// A code of the second factor is required. Holds the user, sealed for a cookie.
    NeedsCode(String),
}

/// The origin of a sign-in.
#[derive(Clone, Copy)]
pub struct From<'a> {
    pub origin: &'a store::access::Origin,
    /// `User-Agent`, for the list of sessions.
    pub agent: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    until: i64,
    content: T,
}

/// The name of an attempt, from its state. The state itself is secret until it is returned.
fn name_of(state: &str) -> String {
    secret::hash(state).iter().take(NAME).map(|byte| format!("{byte:02x}")).collect()
}

impl Accounts {
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.providers.0.iter().map(|provider| provider.settings.name.as_str())
    }

    /// Seals for a cookie; can be opened with the same context within [`LIFETIME`].
    fn seal_for_browser<T: Serialize>(&self, about: &str, content: T) -> Result<String> {
        let until = now() + i64::from(LIFETIME);
        let text = serde_json::to_vec(&Sealed { until, content }).map_err(Error::internal)?;
        Ok(flow::base64(&self.sealer.seal(about, &text)?))
    }

    fn open_from_browser<T: DeserializeOwned>(&self, about: &str, sealed: &str) -> Option<T> {
        let text = self.sealer.open(about, &flow::from_base64(sealed)?)?;
        let opened: Sealed<T> = serde_json::from_slice(&text).ok()?;
        (opened.until >= now()).then_some(opened.content)
    }
}
