//! Signatures of AWS, version 4 (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>), of
//! requests without a query.

use jiff::Timestamp;
use ring::hmac;
use sha2::{Digest, Sha256};

pub struct Keys<'a> {
    pub key: &'a str,
    pub secret: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

pub struct Signed {
    /// `x-amz-date`
    pub date: String,
    pub authorization: String,
}

pub fn signed(keys: &Keys<'_>, method: &str, (host, path): (&str, &str), body: &[u8], now: Timestamp) -> Signed {
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = date[..8].to_owned();
    let headers = "host;x-amz-date";
    let body = hex(&Sha256::digest(body));
    let canonical = format!("{method}\n{path}\n\nhost:{host}\nx-amz-date:{date}\n\n{headers}\n{body}");
    let scope = format!("{day}/{}/{}/aws4_request", keys.region, keys.service);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [&*day, keys.region, keys.service, "aws4_request"] {
        key = hmac(&key, part).as_ref().to_vec();
    }
    let signature = hex(hmac(&key, &text).as_ref());
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={headers}, Signature={signature}", keys.key);
    Signed { date, authorization }
}

fn hmac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `get-vanilla` and `post-vanilla` of the test suite that AWS publishes.
    #[test]
    fn signatures_are_those_of_the_test_suite() {
        let keys = Keys {
            key: "AKIDEXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            region: "us-east-1",
            service: "service",
        };
        let now = "2015-08-30T12:36:00Z".parse().unwrap();
        for (method, signature) in [
            ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ] {
            let signed = signed(&keys, method, ("example.amazonaws.com", "/"), b"", now);
            assert_eq!(signed.date, "20150830T123600Z");
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            assert_eq!(signed.authorization, expected);
        }
    }
}
