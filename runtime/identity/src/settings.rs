//! Settings of accounts: secrets, the address of the site, the mail server.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use super::mail::{self, templates::Templates};
use super::provider_settings::{self, ProviderSettings};
use super::secret::Secret;
use base::settings::{self, Reader, Wrong};

/// The hint when the secret is missing.
const MAKE_ONE: &str = "make one with `openssl rand -base64 32`, and give it to every node";

#[derive(Clone, Debug)]
pub struct Settings {
    /// `TYPECASE_SECRET`
    pub secret: Option<Secret>,
    /// `TYPECASE_SECRET_PREVIOUS`
    pub previous_secret: Option<Secret>,
    /// `TYPECASE_PUBLIC_URL`: scheme and host, without a path.
    pub public_url: String,
    /// Whether the public address is only a guess from the one to listen on.
    pub is_guessed: bool,
    pub mail: Option<MailSettings>,
    /// `TYPECASE_MAIL_TEMPLATES`: subjects and texts of mails.
    pub mail_templates: Templates,
    /// `TYPECASE_OIDC`: the providers for sign-in.
    pub providers: Vec<ProviderSettings>,
    /// Links are logged, and the secret may be missing.
    pub is_development: bool,
}

#[derive(Clone)]
pub struct MailSettings {
    /// `TYPECASE_SMTP_URL`: `smtps://user:password@host`, or `smtp://host:587?tls=required`.
    pub url: String,
    /// `TYPECASE_MAIL_FROM`: `Shop <shop@example.com>`.
    pub from: String,
}

impl Settings {
    /// The defaults with nothing set, as far as development allows.
    pub fn of(address: SocketAddr, is_development: bool) -> Self {
        Self {
            secret: None,
            previous_secret: None,
            public_url: format!("http://{address}"),
            is_guessed: true,
            mail: None,
            mail_templates: Templates::default(),
            providers: Vec::new(),
            is_development,
        }
    }

    pub fn read(reader: &mut Reader<'_>, address: SocketAddr) -> Self {
        let mut settings = Self::of(address, reader.is_development);
        settings.secret = reader.parsed(&settings::TYPECASE_SECRET, Secret::parse);
        settings.previous_secret = reader.parsed(&settings::TYPECASE_SECRET_PREVIOUS, Secret::parse);
        let is_none = |url: &str| format!("`{url}` is not an origin");
        let public_url = reader.parsed(&settings::TYPECASE_PUBLIC_URL, |url| origin(url).ok_or_else(|| is_none(url)));
        if let Some(given) = public_url {
            settings.public_url = given;
            settings.is_guessed = false;
        }
        match (reader.get(&settings::TYPECASE_SMTP_URL), reader.get(&settings::TYPECASE_MAIL_FROM)) {
            (Some(url), Some(from)) => {
                let mail = MailSettings { url, from };
                mail::check(&mail).into_iter().for_each(|(setting, why)| reader.refuse(setting, &why));
                settings.mail = Some(mail);
            }
            (Some(_), None) => {
                reader.refuse(&settings::TYPECASE_MAIL_FROM, "it is not set, but TYPECASE_SMTP_URL is");
            }
            (None, _) => {}
        }
        if let Some(folder) = reader.get(&settings::TYPECASE_MAIL_TEMPLATES) {
            match Templates::read(Path::new(&folder)) {
                Ok(templates) => settings.mail_templates = templates,
                Err(wrong) => {
                    wrong.into_iter().for_each(|message| reader.wrong(settings::TYPECASE_MAIL_TEMPLATES.name, message))
                }
            }
        }
        settings.providers = provider_settings::read(reader);
        settings
    }

    /// The address that the server listens on after all: a flag or an inherited socket has another port than the
    /// setting, and links must lead to it.
    pub fn listens_on(&mut self, address: SocketAddr) {
        if self.is_guessed {
            self.public_url = format!("http://{address}");
        }
    }

    /// Checks settings that a server requires, but commands do not.
    pub fn check_for_serving(&self) -> Result<(), Wrong> {
        if self.is_development { Ok(()) } else { self.check_secret() }
    }

    pub fn check_secret(&self) -> Result<(), Wrong> {
        match self.secret {
            Some(_) => Ok(()),
            None => Err(Wrong {
                variable: settings::TYPECASE_SECRET.name.into(),
                message: format!("it is not set: {MAKE_ONE}"),
            }),
        }
    }
}

/// Scheme, host and port of an address, normalised as browsers do: in lower case, and without the default port of the
/// scheme.
pub fn origin(url: &str) -> Option<String> {
    let url = url.strip_suffix('/').unwrap_or(url);
    let uri: http::Uri = url.parse().ok()?;
    let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().filter(|authority| !authority.as_str().contains(['@', '*']))?;
    let is_plain = is_known && matches!(uri.path(), "" | "/") && uri.query().is_none();
    let scheme = uri.scheme_str().filter(|_| is_plain)?;
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = authority.port_u16().filter(|port| *port != usual).map_or(String::new(), |port| format!(":{port}"));
    Some(format!("{scheme}://{}{port}", authority.host().to_ascii_lowercase()))
}

/// The address contains a password.
impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings").field("from", &self.from).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], is_development: bool) -> Result<Settings, Vec<Wrong>> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let mut reader = Reader::new(&variable);
        reader.is_development = is_development;
        let settings = Settings::read(&mut reader, ([127, 0, 0, 1], 4000).into());
        let wrong = reader.finish();
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }

    #[test]
    fn production_needs_a_good_secret_and_is_told_how_to_make_one() {
        let missing = read(&[], false).unwrap().check_for_serving().unwrap_err();
        assert!(
            missing.variable == "TYPECASE_SECRET" && missing.message.contains("openssl rand -base64 32"),
            "{missing:?}"
        );
        read(&[], true).unwrap().check_for_serving().expect("development needs none");
        let weak = read(&[("TYPECASE_SECRET", "changeme")], true).unwrap_err();
        assert_eq!(weak[0].variable, "TYPECASE_SECRET");
    }

    #[test]
    fn the_public_address_is_an_origin() {
        for (given, expected) in [
            ("https://Shop.example/", Some("https://shop.example")),
            ("http://localhost:4000", Some("http://localhost:4000")),
            ("https://shop.example:443", Some("https://shop.example")),
            ("http://[::1]:4000", Some("http://[::1]:4000")),
            ("https://*.shop.example", None),
            ("shop.example", None),
            ("https://shop.example/path", None),
            ("https://user@shop.example", None),
            ("ftp://shop.example", None),
        ] {
            let read = read(&[("TYPECASE_PUBLIC_URL", given)], true).ok();
            assert_eq!(read.map(|settings| settings.public_url).as_deref(), expected, "{given}");
        }
    }
}
