//! The address of a webhook, as far as it can be judged before its host is resolved.

use std::net::IpAddr;

use url::{Host, Url};

use crate::address::Allowed;

const PLAIN: &str =
    "must begin with `https://`: `http` is only for the networks that TYPECASE_WEBHOOK_ALLOWED_NETWORKS names";

/// Bytes.
const LONGEST: usize = 2_000;

/// The address as it is kept; what is wrong is a part of a sentence.
pub(crate) fn check(text: &str, allowed: &Allowed) -> Result<String, String> {
    if text.len() > LONGEST {
        return Err(format!("has {} bytes, the limit is {LONGEST}", text.len()));
    }
    let url = Url::parse(text).map_err(|error| format!("is not an address: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if allowed.is_none() => return Err(PLAIN.to_owned()),
        "http" => {}
        _ => return Err("must begin with `https://`".to_owned()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user or a password".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment (`#`)".to_owned());
    }
    let address: Option<IpAddr> = match url.host() {
        None => return Err("has no host".to_owned()),
        Some(Host::Domain(_)) => None,
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
    };
    match address {
        Some(address) if !allowed.permits(address) => Err(refusal(address)),
        Some(address) if url.scheme() == "http" && !allowed.names(address) => Err(PLAIN.to_owned()),
        _ => Ok(url.into()),
    }
}

pub(crate) fn refusal(address: IpAddr) -> String {
    format!(
        "leads to {address}, which is not of the public internet; TYPECASE_WEBHOOK_ALLOWED_NETWORKS can allow its network"
    )
}

/// Without what may be a secret: for logs and the audit log.
pub(crate) fn origin(text: &str) -> String {
    Url::parse(text).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_and_nothing_private() {
        let none = Allowed::default();
        assert_eq!(check("https://example.com/a?b=c", &none).expect("good"), "https://example.com/a?b=c");
        let long = format!("https://example.com/{}", "a".repeat(2_000));
        let bad = [
            "",
            "example.com",
            "ftp://example.com",
            "http://example.com",
            "https://me@example.com",
            "https://:x@example.com",
            "https://example.com/#a",
            "https://",
            "https://127.0.0.1",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]:8443/",
            "https://[::ffff:169.254.169.254]/",
            "https://169.254.169.254/latest",
            &long,
            "file:///etc/passwd",
            "https://0/",
        ];
        for text in bad {
            assert!(check(text, &none).is_err(), "{text}");
        }
        let local = Allowed::parse("127.0.0.0/8").expect("a network");
        assert!(check("http://127.0.0.1:8080/", &local).is_ok());
        assert!(check("http://hooks.internal/", &local).is_ok(), "it is resolved later");
        assert!(check("http://8.8.8.8/", &local).is_err());
        assert_eq!(origin("https://hooks.example/T0/B0?key=x"), "https://hooks.example");
    }
}
