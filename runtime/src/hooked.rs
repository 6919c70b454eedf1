//! The webhooks of a server: with which secret they are sealed, who answers their documents, and their upkeep.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value as Json;

use base::error::Result;
use base::secret::{Sealer, Secret};
use events::Followers;
use identity::settings::Settings;
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
