//! `TYPECASE_PURGE`: which CDN is told, and with what rights.

use std::fmt;

use base::settings::{self, Reader};
use url::Url;

#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    pub service: Service,
    /// Of its API, without a slash at the end.
    pub url: String,
    /// What is to be purged there: a service, a zone or a distribution.
    pub id: String,
    pub token: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Fastly,
    Cloudflare,
    CloudFront,
    /// A receiver of the site's own.
    Hook,
}

impl Settings {
    /// `None` if no CDN is told.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (id, token) = (reader.get(&settings::TYPECASE_PURGE_ID), reader.get(&settings::TYPECASE_PURGE_TOKEN));
        let url = reader.get(&settings::TYPECASE_PURGE_URL);
        let (service, usual) = match reader.one_of(&settings::TYPECASE_PURGE) {
            "fastly" => (Service::Fastly, Some("https://api.fastly.com")),
            "cloudflare" => (Service::Cloudflare, Some("https://api.cloudflare.com/client/v4")),
            "cloudfront" => (Service::CloudFront, Some("https://cloudfront.amazonaws.com")),
            "hook" => (Service::Hook, None),
            _ => {
                let given = [
                    (id.is_some(), &settings::TYPECASE_PURGE_ID),
                    (token.is_some(), &settings::TYPECASE_PURGE_TOKEN),
                    (url.is_some(), &settings::TYPECASE_PURGE_URL),
                ];
                for (_, setting) in given.iter().filter(|(is_given, _)| *is_given) {
                    reader.wrong(setting.name, "it is set, but TYPECASE_PURGE is `off`");
                }
                return None;
            }
        };
        let is_hook = service == Service::Hook;
        let url = url.or(usual.map(str::to_owned)).unwrap_or_default().trim_end_matches('/').to_owned();
        let (id, token) = (id.unwrap_or_default(), token.unwrap_or_default());
        let is_address = Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !is_address {
            reader.wrong(
                settings::TYPECASE_PURGE_URL.name,
                "it is not an address that begins with `https://` or `http://`",
            );
        }
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if !is_hook && (id.is_empty() || !id.chars().all(is_plain)) {
            reader.wrong(
                settings::TYPECASE_PURGE_ID.name,
                "it must name the service, zone or distribution by letters, digits, `-` and `_`",
            );
        }
        if (!is_hook && token.is_empty()) || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            reader.wrong(settings::TYPECASE_PURGE_TOKEN.name, "it must be the service's API token, without spaces");
        }
        let has_both = token.split_once(':').is_some_and(|(key, secret)| !key.is_empty() && !secret.is_empty());
        if service == Service::CloudFront && !has_both {
            reader.wrong(settings::TYPECASE_PURGE_TOKEN.name, "for CloudFront it is `ACCESS_KEY_ID:SECRET_ACCESS_KEY`");
        }
        Some(Self { service, url, id, token })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("service", &self.service).field("url", &self.url).finish_non_exhaustive()
    }
}
