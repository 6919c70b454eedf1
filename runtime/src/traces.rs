//! Traces over OTLP: the spans that `base::trace` collects are sent in batches, in the background, without delaying requests.

#[cfg(feature = "otlp")]
mod client;
#[cfg(feature = "otlp")]
mod encode;
#[cfg(feature = "otlp")]
mod export;
#[cfg(not(feature = "otlp"))]
mod export {
    //! Without the feature, this only reports that nothing is sent.

    use super::Settings;
    use base::error::Result;

    #[derive(Debug)]
    pub struct Exporter;

    impl Exporter {
        pub fn start(_: &Settings, _: &'static str) -> Result<Option<Self>> {
            tracing::warn!("{}: nothing is traced", super::WITHOUT);
            Ok(None)
        }

        pub async fn finish(self) {}
    }
}

use axum::http::header::{HeaderName, HeaderValue};
use axum::http::uri::{PathAndQuery, Scheme};
use axum::http::{HeaderMap, Uri};

pub use self::export::Exporter;
use base::settings::{self, Reader};

/// A platform may set the variable for everything that it runs, so it does not stop a server without the feature.
pub const WITHOUT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this server was built without the feature `otlp`";

/// Where traces are sent, and which.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Including the path.
    pub endpoint: Uri,
    /// Marked as sensitive.
    pub headers: HeaderMap,
    /// The name of the service, if it is not the site's.
    pub service: Option<String>,
    /// The sampled share of the traces that begin here.
    pub share: f64,
}

impl Settings {
    /// `None` if nothing is exported. The other settings are read in any case, so that mistakes in them are reported.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let endpoint = reader.parsed(&settings::OTEL_EXPORTER_OTLP_ENDPOINT, endpoint);
        let headers = reader.parsed(&settings::OTEL_EXPORTER_OTLP_HEADERS, headers).unwrap_or_default();
        let share = reader.parsed(&settings::OTEL_TRACES_SAMPLER_ARG, share).unwrap_or(1.0);
        Some(Self { endpoint: endpoint?, headers, service: reader.get(&settings::OTEL_SERVICE_NAME), share })
    }
}

/// The standard's base URL of all OTLP signals. A user name or password in it could get into the log.
fn endpoint(text: &str) -> Result<Uri, &'static str> {
    const WRONG: &str = "it cannot be used";
    let mut parts = text.parse::<Uri>().map_err(|_| WRONG)?.into_parts();
    let is_http = parts.scheme.as_ref().is_some_and(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
    let is_plain = parts.authority.as_ref().is_some_and(|authority| !authority.as_str().contains('@'));
    let path = parts.path_and_query.as_ref().map_or("", PathAndQuery::as_str);
    if !is_http || !is_plain || path.contains('?') {
        return Err(WRONG);
    }
    let path = format!("{}/v1/traces", path.trim_end_matches('/'));
    parts.path_and_query = Some(path.parse().map_err(|_| WRONG)?);
    Uri::from_parts(parts).map_err(|_| WRONG)
}

fn headers(text: &str) -> Result<HeaderMap, &'static str> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let read = pairs.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name: HeaderName = name.trim().parse().ok()?;
        let mut value = HeaderValue::from_bytes(&decoded(value.trim())?).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    });
    read.collect::<Option<_>>().ok_or("it cannot be used")
}

/// Decodes percent encoding: `%20` is a space.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("`{text}` cannot be used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Option<Settings>, Vec<settings::Wrong>) {
        let given =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let mut reader = Reader::new(&given);
        (Settings::read(&mut reader), reader.finish())
    }

    #[test]
    fn the_settings_are_those_of_the_standard() {
        let (none, wrong) = read(&[("OTEL_SERVICE_NAME", "shop")]);
        assert!(none.is_none() && wrong.is_empty());
        let (settings, wrong) = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example:4318/base/"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20hidden=key, authorization=Bearer%20hidden"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ]);
        let settings = settings.unwrap();
        assert_eq!(wrong, []);
        assert_eq!(settings.endpoint, "https://otlp.example:4318/base/v1/traces");
        assert_eq!(settings.headers["x-key"], "a hidden=key");
        assert_eq!(settings.headers["authorization"], "Bearer hidden");
        assert_eq!(settings.share, 0.25);
        assert!(!format!("{settings:?}").contains("hidden"), "{settings:?}");
    }

    #[test]
    fn what_is_wrong_is_told_without_secrets() {
        for endpoint in
            ["collector:4318", "grpc://collector", "http://me:hidden@collector", "http://collector?key=hidden"]
        {
            let (_, wrong) = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]);
            assert_eq!(wrong.len(), 1, "{endpoint}");
            assert!(!wrong[0].message.contains("hidden"), "{wrong:?}");
        }
        for headers in ["hidden", "na me=hidden", "name=hidden%4", "name=hidden%0a"] {
            let (_, wrong) = read(&[("OTEL_EXPORTER_OTLP_HEADERS", headers)]);
            assert_eq!(wrong.len(), 1, "{headers}");
            assert!(!wrong[0].message.contains("hidden"), "{wrong:?}");
        }
        for share in ["-1", "1.1", "NaN", "half"] {
            assert_eq!(read(&[("OTEL_TRACES_SAMPLER_ARG", share)]).1.len(), 1, "{share}");
        }
    }
}
