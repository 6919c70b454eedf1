//! Mail by SMTP (`lettre`), over TLS as the address says.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::super::settings::MailSettings;
use super::{Mail, Mailer, Sending};
use base::error::{Code, Error, Result};

/// For one answer of the mail server.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    pub fn new(settings: &MailSettings) -> Result<Self> {
        let wrong = |message: String| Error::new(Code::BadRequest, message);
        // Its error may hold the address and so the password.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.url).map_err(|_| {
            wrong("TYPECASE_SMTP_URL is not an address like `smtps://user:password@mail.example`".to_owned())
        })?;
        let from = settings.from.parse().map_err(|error| wrong(format!("TYPECASE_MAIL_FROM: {error}")))?;
        Ok(Self { transport: transport.timeout(Some(PATIENCE)).build(), from })
    }
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
