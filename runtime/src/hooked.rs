//! What the façade ties together: with which secret webhooks are sealed, who answers their documents, and who signs preview links.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use base::error::Result;
use base::secret::{Sealer, Secret};
use events::Followers;
use identity::Accounts;
use identity::settings::Settings;
use lifecycle::preview_link::{Previews, Signer};
use model::timestamp::Timestamp;
use uuid::Uuid;
use web::App;
use webhooks::{Allowed, Asked, CONSUMER, Consumer, Documents, Webhooks};

/// What the worker of a node delivers with.
#[derive(Clone)]
pub struct Delivering {
    pub webhooks: Webhooks,
    pub documents: Arc<dyn Documents>,
}

impl fmt::Debug for Delivering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivering").field("webhooks", &self.webhooks).finish_non_exhaustive()
    }
}

/// Sealed like all that is secret. Development has a secret that is none, so that its webhooks outlive the process.
pub fn webhooks(settings: &Settings, allowed: &Allowed) -> Webhooks {
    let current = settings.secret.clone().unwrap_or_else(Secret::of_development);
    Webhooks::new(Sealer::new(current, settings.previous_secret.clone()), allowed.clone())
}

pub fn follow(followers: &mut Followers) {
    followers.add_all(CONSUMER, Consumer);
}

/// Their documents are answered by the API of this server.
pub struct Answers(pub Arc<App>);

impl Documents for Answers {
    fn answer(&self, asked: Asked) -> BoxFuture<'_, Result<Json, String>> {
        self.0.api.answer(asked)
    }
}

/// Signs preview links with the keys of access tokens.
#[derive(Clone)]
struct PreviewSigner(identity::access_token::AccessTokens);

impl fmt::Debug for PreviewSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreviewSigner")
    }
}

impl Signer for PreviewSigner {
    fn sign(&self, link: Uuid, until: Timestamp) -> Result<String> {
        self.0.issue_preview(link, until)
    }
}

pub fn previews(accounts: &Accounts) -> Previews {
    Previews { signer: Arc::new(PreviewSigner(accounts.tokens.clone())), public_url: Arc::clone(&accounts.public_url) }
}
