//! `typecase keys`: the keys that sign access tokens, and the values sealed with TYPECASE_SECRET.

use clap::Subcommand;

use base::error::{Code, Error, Result};
use base::say;
use identity::{Accounts, Counts};
use store::Store;
use store::access::Actor;
use webhooks::{Resealing, Webhooks};

#[derive(Subcommand)]
pub enum Task {
    /// Create a new key: it is published at once and signs a minute later; tokens of the old key stay valid until they expire
    Rotate {
        /// Let it sign at once
        #[arg(long)]
        now: bool,
    },
    /// List the keys that sign or verify
    List,
    /// Seal signing keys, second factors and secrets of webhooks with TYPECASE_SECRET instead of TYPECASE_SECRET_PREVIOUS
    Reseal,
}

pub async fn run(accounts: &Accounts, webhooks: &Webhooks, store: &Store, task: Task) -> Result<()> {
    let keys = &accounts.tokens.keys;
    match task {
        Task::Rotate { now } => {
            let kid = keys.rotate(&Actor::system(), now).await?;
            say!("{kid} signs {}", if now { "from now on" } else { "in a minute" });
        }
        Task::List => {
            keys.reload().await?;
            let signing = keys.signing().ok().map(|(key, _)| key.kid.clone());
            for key in keys.all() {
                let state = match (&signing, key.verifies_until) {
                    (Some(kid), _) if *kid == key.kid => "signs",
                    (_, Some(_)) => "verifies until its last token has expired",
                    (_, None) => "published, signs next",
                };
                say!("{}\t{state}", key.kid);
            }
        }
        Task::Reseal => {
            let Counts { keys, second_factors } = accounts.reseal(&Actor::system()).await?;
            let Resealing { resealed, lost } = webhooks.reseal(store).await?;
            say!("sealed again: signing keys {}, second factors {}", keys.resealed, second_factors.resealed);
            if resealed > 0 {
                say!("sealed again: secrets of webhooks {resealed}");
            }
            if lost > 0 {
                tracing::warn!(
                    lost,
                    "neither TYPECASE_SECRET nor TYPECASE_SECRET_PREVIOUS opens secrets of webhooks: \
                     `rotateWebhookSecret` gives a webhook a new one"
                );
            }
            if keys.lost + second_factors.lost > 0 {
                let message = format!(
                    "neither TYPECASE_SECRET nor TYPECASE_SECRET_PREVIOUS opens these: signing keys {}, second factors {}; \
                    `typecase keys rotate --now` creates a new key, `typecase user reset-second-factor EMAIL` lets a user enrol again",
                    keys.lost, second_factors.lost
                );
                return Err(Error::new(Code::Refused, message));
            }
        }
    }
    Ok(())
}
