//! The metadata of a provider: endpoints and keys, fetched when needed and cached for an hour.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, IssuerUrl, ProviderMetadata};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::http::Http;
use crate::provider_settings::ProviderSettings;
use base::error::{Code, Error, Result};

const KEPT: Duration = Duration::from_secs(3600);
/// How long a provider is not asked again after a failure or after keys that did not help, whatever key a token names.
const PAUSE: Duration = Duration::from_secs(5);

pub type Metadata = ProviderMetadata<
    More,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct More {
    /// RFC 9207, 3.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for More {}

pub struct Provider {
    pub settings: ProviderSettings,
    pub http: Http,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<Arc<Metadata>>,
    answered: Option<Instant>,
    /// When it last failed, or was asked for newer keys.
    paused: Option<Instant>,
}

impl Provider {
    pub fn new(settings: ProviderSettings, http: Http) -> Self {
        Self { settings, http, known: Mutex::default() }
    }

    pub async fn metadata(&self) -> Result<Arc<Metadata>> {
        let mut known = self.known.lock().await;
        match &known.metadata {
            Some(metadata) if is_within(known.answered, KEPT) => Ok(Arc::clone(metadata)),
            _ => self.ask(&mut known).await,
        }
    }

    /// Metadata newer than these, which did not help: the provider may have a new key.
    pub async fn metadata_after(&self, old: &Arc<Metadata>) -> Result<Arc<Metadata>> {
        let mut known = self.known.lock().await;
        match &known.metadata {
            Some(metadata) if !Arc::ptr_eq(metadata, old) => Ok(Arc::clone(metadata)),
            _ => {
                let newer = self.ask(&mut known).await;
                if !is_within(known.paused, PAUSE) {
                    known.paused = Some(Instant::now());
                }
                newer
            }
        }
    }

    /// If the provider does not respond, the previous metadata are used, if there are any.
    async fn ask(&self, known: &mut Known) -> Result<Arc<Metadata>> {
        if !is_within(known.paused, PAUSE) {
            match self.discover().await {
                Ok(metadata) => {
                    known.metadata = Some(Arc::new(metadata));
                    known.answered = Some(Instant::now());
                }
                Err(cause) => {
                    known.paused = Some(Instant::now());
                    tracing::error!(provider = self.settings.name, cause, "an OpenID Connect provider does not answer");
                }
            }
        }
        known.metadata.clone().ok_or_else(unavailable)
    }

    async fn discover(&self) -> Result<Metadata, String> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|error| error.to_string())?;
        Metadata::discover_async(issuer, &self.http).await.map_err(|error| with_causes(&error))
    }
}

fn is_within(moment: Option<Instant>, time: Duration) -> bool {
    moment.is_some_and(|moment| moment.elapsed() < time)
}

pub fn unavailable() -> Error {
    Error::new(Code::Unavailable, "the provider cannot be reached: try again")
}

/// An error with its causes; the crate's own messages say little.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
