//! The secrets of webhooks, and the signatures made with them: Standard Webhooks 1.0, `v1`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use uuid::Uuid;

use base::error::Result;
use base::secret::random;

const PREFIX: &str = "whsec_";

/// What is signed with, as bytes.
pub(crate) type Key = Vec<u8>;

/// 256 random bits.
pub(crate) fn new() -> Result<Key> {
    Ok(random::<32>()?.to_vec())
}

/// As the libraries of receivers take it.
pub(crate) fn shown(key: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// What is sealed: a secret that was moved to another webhook cannot be opened there.
pub(crate) fn about(webhook: Uuid) -> String {
    format!("webhook {webhook}")
}

/// The value of `webhook-signature`: one signature by each key.
pub(crate) fn signatures(keys: &[Key], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let signature = |key: &Key| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    };
    keys.iter().map(signature).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the reference libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("base64");
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\": 2432232314}");
        let one = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signatures(std::slice::from_ref(&key), id, 1_614_265_330, body), one);
        let two = signatures(&[new().expect("a key"), key], id, 1_614_265_330, body);
        assert!(two.starts_with("v1,") && two.ends_with(&format!(" {one}")), "{two}");
    }

    #[test]
    fn a_secret_is_shown_as_libraries_take_it() {
        let shown = shown(&new().expect("a key"));
        let bytes = shown.strip_prefix("whsec_").map(|text| STANDARD.decode(text).expect("base64").len());
        assert_eq!(bytes, Some(32));
    }
}
