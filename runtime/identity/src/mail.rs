//! Mail: a trait, and an implementation that writes to the log instead of a mail server.

#[cfg(feature = "smtp")]
mod smtp;
pub mod templates;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::settings::{MailSettings, Settings};
use base::error::{Code, Error, Result};
use base::settings::Setting;

/// A plain-text mail to one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    pub to: String,
    pub name: String,
    pub subject: String,
    pub text: String,
}

pub type Sending = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Sends mail; a site may provide its own.
pub trait Mailer: Send + Sync {
    fn send(&self, mail: Mail) -> Sending;

    /// Whether mail reaches its recipient; if not, links are shown to their creator.
    fn delivers(&self) -> bool {
        true
    }
}

/// SMTP if it is configured; otherwise the log in development, and in production a mailer that sends nothing and logs
/// that.
pub fn from_settings(settings: &Settings) -> Result<Arc<dyn Mailer>> {
    match &settings.mail {
        #[cfg(feature = "smtp")]
        Some(mail) => Ok(Arc::new(smtp::Smtp::new(mail)?)),
        #[cfg(not(feature = "smtp"))]
        Some(_) => {
            let message = "TYPECASE_SMTP_URL is set, but this server was built without the feature `smtp`";
            Err(Error::new(Code::BadRequest, message))
        }
        None if settings.is_development => Ok(Arc::new(Logged)),
        None => Ok(Arc::new(Nowhere)),
    }
}

/// Checks each setting, as far as possible without a mail server.
pub fn check(settings: &MailSettings) -> Vec<(&'static Setting, String)> {
    #[cfg(feature = "smtp")]
    return smtp::check(settings);
    #[cfg(not(feature = "smtp"))]
    {
        let _ = settings;
        Vec::new()
    }
}

/// For development: writes the link to the log for the developer.
struct Logged;

impl Mailer for Logged {
    fn send(&self, mail: Mail) -> Sending {
        tracing::info!(to = mail.to, subject = mail.subject, "a mail that is not sent in development:\n{}", mail.text);
        Box::pin(std::future::ready(Ok(())))
    }

    fn delivers(&self) -> bool {
        false
    }
}

/// For production without a mail server: links must not be logged.
struct Nowhere;

impl Mailer for Nowhere {
    fn send(&self, mail: Mail) -> Sending {
        let message = format!("cannot send `{}`: TYPECASE_SMTP_URL is not set", mail.subject);
        Box::pin(std::future::ready(Err(Error::new(Code::Unavailable, message))))
    }

    fn delivers(&self) -> bool {
        false
    }
}

/// The text contains a link that opens an account.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("subject", &self.subject).finish_non_exhaustive()
    }
}
