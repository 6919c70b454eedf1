//! Accounts, sessions and tokens: authentication. Authorization is done by the access rules of the schema (`access`).

pub mod access_token;
mod again;
pub mod api_token;
mod expiry;
pub mod keys;
pub mod link;
pub mod mail;
#[cfg(feature = "oidc")]
pub mod oidc;
pub mod password;
pub mod preview_token;
pub mod provider_settings;
mod reseal;
mod ring_jwt;
mod roles;
pub mod second_factor;
pub mod session;
pub mod settings;
mod sign_in;
pub mod totp;
pub mod user;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use self::access_token::AccessTokens;
use self::keys::Keys;
use self::mail::Mailer;
use self::password::{Cost, Hasher};
use self::secret::{Sealer, Secret};
use self::settings::Settings;
use base::error::{Code, Error, Result};
use model::content::SchemaInfo;
use store::Pool;

pub use self::reseal::{Count, Counts};
pub use self::roles::Roles;
pub use self::sign_in::{SignIn, SignedIn};
pub use base::secret;

/// Accounts: operations on the tables `cms.user`, `cms.session` and those that belong to them.
#[derive(Clone)]
pub struct Accounts {
    pub(crate) pool: Pool,
    pub roles: Roles,
    pub tokens: AccessTokens,
    /// The public address of the site: `https://shop.example`.
    pub public_url: Arc<str>,
    /// Content types, for the scopes of API tokens.
    tables: Arc<[&'static str]>,
    /// The site's own queries and mutations, for the same purpose.
    operations: Arc<[&'static str]>,
    #[cfg(feature = "oidc")]
    providers: oidc::Providers,
    sealer: Sealer,
    hasher: Hasher,
    mailer: Arc<dyn Mailer>,
    mail_templates: mail::templates::Templates,
    sending: Arc<Semaphore>,
}

/// The most mails in flight: a mail server that hangs must not fill the memory.
const MAILS_UNDER_WAY: u32 = 256;

impl Accounts {
    pub fn new(pool: Pool, schema: &'static SchemaInfo, settings: &Settings) -> Result<Self> {
        Self::with_cost(pool, schema, settings, Cost::OWASP)
    }

    /// For tests, which sign in hundreds of times.
    #[cfg(feature = "testing")]
    pub fn for_tests(pool: Pool, schema: &'static SchemaInfo, settings: &Settings) -> Result<Self> {
        Self::with_cost(pool, schema, settings, Cost::TRIFLING)
    }

    fn with_cost(pool: Pool, schema: &'static SchemaInfo, settings: &Settings, cost: Cost) -> Result<Self> {
        let current = settings.secret.clone().map_or_else(Secret::for_this_process, Ok)?;
        let sealer = Sealer::new(current, settings.previous_secret.clone());
        let keys = Keys::new(pool.clone(), sealer.clone());
        let roles = Roles::of(schema);
        provider_settings::check_roles(&settings.providers, roles)?;
        Ok(Self {
            roles,
            #[cfg(feature = "oidc")]
            providers: oidc::Providers::new(&settings.providers)?,
            tables: schema.types.iter().map(|info| info.table).collect(),
            operations: schema.queries.iter().chain(schema.mutations).map(|operation| operation.name).collect(),
            tokens: AccessTokens::new(keys, settings.public_url.clone()),
            public_url: settings.public_url.as_str().into(),
            hasher: Hasher::new(cost)?,
            mailer: mail::from_settings(settings)?,
            mail_templates: settings.mail_templates.clone(),
            sending: Arc::new(Semaphore::new(MAILS_UNDER_WAY as usize)),
            sealer,
            pool,
        })
    }

    /// Replaces the mailer.
    pub fn with_mailer(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.mailer = mailer;
        self
    }

    pub fn sends_mail(&self) -> bool {
        self.mailer.delivers()
    }

    /// Whether the site uses TLS, so that cookies can require it.
    pub fn is_secure(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The same message for a wrong password, an unknown email and a disabled account.
fn wrong_credentials() -> Error {
    Error::new(Code::Unauthenticated, "the email address or the password is wrong")
}

fn not_signed_in() -> Error {
    Error::new(Code::Unauthenticated, "the session has ended: sign in again")
}
