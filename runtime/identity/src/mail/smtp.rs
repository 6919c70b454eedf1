//! Mail over SMTP (`lettre`), with TLS as the address specifies.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::super::settings::MailSettings;
use super::{Mail, Mailer, Sending};
use base::error::{Code, Error, Result};
use base::settings::{self, Setting};

/// For one reply of the mail server.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    pub fn new(settings: &MailSettings) -> Result<Self> {
        let wrong =
            |(setting, why): (&Setting, String)| Error::new(Code::BadRequest, format!("{}: {why}", setting.name));
        let (transport, from) = (transport(&settings.url).map_err(wrong)?, sender(&settings.from).map_err(wrong)?);
        Ok(Self { transport: transport.timeout(Some(PATIENCE)).build(), from })
    }
}

/// Checks each of the settings.
pub fn check(settings: &MailSettings) -> Vec<(&'static Setting, String)> {
    transport(&settings.url).err().into_iter().chain(sender(&settings.from).err()).collect()
}

fn transport(url: &str) -> Result<AsyncSmtpTransportBuilder, (&'static Setting, String)> {
    // The error may contain the address, and so the password.
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|_| (&settings::TYPECASE_SMTP_URL, "it is not the address of a mail server".to_owned()))
}

fn sender(from: &str) -> Result<Mailbox, (&'static Setting, String)> {
    from.parse().map_err(|_| (&settings::TYPECASE_MAIL_FROM, format!("`{from}` is not an email address")))
}

impl Mailer for Smtp {
    fn send(&self, mail: Mail) -> Sending {
        let (transport, from) = (self.transport.clone(), self.from.clone());
        Box::pin(async move {
            let failed = |error: String| Error::new(Code::Unavailable, error);
            let address = mail.to.parse().map_err(|error| failed(format!("{}: {error}", mail.to)))?;
            let message = Message::builder()
                .from(from)
                .to(Mailbox::new(Some(mail.name), address))
                .subject(mail.subject)
                .header(ContentType::TEXT_PLAIN)
                .body(mail.text)
                .map_err(|error| failed(error.to_string()))?;
            transport.send(message).await.map_err(|error| failed(error.to_string()))?;
            Ok(())
        })
    }
}
