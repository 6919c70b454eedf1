//! Random tokens, their hashes, and the server's secret, which seals the values in the database that must be readable again.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};

/// Crockford's base32 in lower case: none of its characters breaks a double click, a URL or a mail.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// A secret of 32 bytes needs 64 hexadecimal digits; any other text needs as many characters as base64.
const HEX_DIGITS: usize = 64;
const CHARACTERS: usize = 43;
/// 32 random bytes have more different digits than this, with an exception of one in a million.
const DIFFERENT: usize = 12;

/// Bytes from the generator of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// 256 random bits as 52 letters and digits.
pub fn token() -> Result<String> {
    Ok(text(&random::<32>()?))
}

/// In base32; the last character is padded with zero bits.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits) & 31) as usize]));
    }
    text
}

/// The stored form of a token. A token has 256 random bits, so it needs neither salt nor a slow hash.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Derives a token from another one and a nonce, which is not secret.
pub fn derived(token: &str, nonce: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    text(hmac::sign(&key, nonce).as_ref())
}

/// Constant-time comparison.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// `TYPECASE_SECRET`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The error says what is wrong with the secret, without showing it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let lower = text.to_ascii_lowercase();
        let needed = if text.bytes().all(|byte| byte.is_ascii_hexdigit()) { HEX_DIGITS } else { CHARACTERS };
        let different = lower.bytes().collect::<std::collections::BTreeSet<_>>().len();
        let is_repeated = (1..=text.len() / 2)
            .any(|length| text.as_bytes().chunks(length).all(|chunk| text.as_bytes().starts_with(chunk)));
        let known = ["secret", "password", "changeme", "typecase", "0123456789", "abcdefgh"];
        if text.len() < needed {
            return Err("it is too short");
        }
        if different < DIFFERENT || is_repeated || known.iter().any(|word| lower.contains(word)) {
            return Err("it is too easy to guess");
        }
        Ok(Self(text.to_owned()))
    }

    /// For development without a secret: sealed values are lost when the process ends.
    pub fn for_this_process() -> Result<Self> {
        token().map(Self)
    }

    /// For development without one, where it keeps no secrets: known to everybody, and the same after a restart.
    pub fn of_development() -> Self {
        Self("a secret of development, which is none".to_owned())
    }

    fn key(&self) -> Result<LessSafeKey> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"typecase");
        let derived = salt.extract(self.0.as_bytes());
        let sealing = derived.expand(&[b"sealing"], &CHACHA20_POLY1305).map(UnboundKey::from);
        sealing.map(LessSafeKey::new).map_err(|_| Error::internal("the key of the secret cannot be derived"))
    }

    fn open(&self, about: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let opened = self.key().ok()?.open_in_place(nonce, Aad::from(about.as_bytes()), &mut text).ok()?;
        Some(opened.to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The secret that seals, and the previous one, which can still open older values.
#[derive(Clone, Debug)]
pub struct Sealer {
    current: Secret,
    previous: Option<Secret>,
}

impl Sealer {
    pub fn new(current: Secret, previous: Option<Secret>) -> Self {
        Self { current, previous }
    }

    /// `about` is the context of the value: a value that is moved to another row cannot be opened there.
    pub fn seal(&self, about: &str, text: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = text.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let done = self.current.key()?.seal_in_place_append_tag(unique, Aad::from(about.as_bytes()), &mut sealed);
        done.map_err(|_| Error::internal("a secret cannot be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// `None` if it was sealed with another secret or in another context.
    pub fn open(&self, about: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let older = || self.previous.as_ref()?.open(about, sealed);
        self.current.open(about, sealed).or_else(older)
    }

    /// Seals a value of the previous secret again with the current one.
    pub fn reseal(&self, about: &str, sealed: &[u8]) -> Result<Resealed> {
        if self.current.open(about, sealed).is_some() {
            return Ok(Resealed::Unchanged);
        }
        match self.open(about, sealed) {
            Some(text) => Ok(Resealed::Anew(self.seal(about, &text)?)),
            None => Ok(Resealed::Lost),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Resealed {
    /// It was sealed with the current secret.
    Unchanged,
    Anew(Vec<u8>),
    /// Neither secret opens it.
    Lost,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_32_random_bytes() {
        for bad in [
            "",
            "short",
            "changeme-changeme-changeme-changeme-changeme-changeme",
            "0123456789abcdef0123456789abcdef",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "qwertzuiopasdfghjklyqwertzuiopasdfghjklyqwertzuiopasdfghjkly",
        ] {
            assert!(Secret::parse(bad).is_err(), "{bad}");
        }
        Secret::parse("hnDmOGZ8EkxUoGvXlEjfB2wTZ3xq0Yb5k9mUq1C7v4s=").expect("as openssl makes it");
        assert!(!format!("{:?}", Secret::for_this_process()).contains("Ok(\""));
    }

    #[test]
    fn what_is_sealed_opens_with_its_secret_and_name_only() {
        let [one, two] = [(), ()].map(|()| Secret::for_this_process().unwrap());
        let sealed = Sealer::new(one.clone(), None).seal("a", b"text").unwrap();
        assert_eq!(Sealer::new(two.clone(), Some(one.clone())).open("a", &sealed), Some(b"text".to_vec()));
        assert_eq!(Sealer::new(two, None).open("a", &sealed), None);
        assert_eq!(Sealer::new(one.clone(), None).open("b", &sealed), None);
        assert_eq!(Sealer::new(one, None).open("a", &sealed[1..]), None);
    }

    #[test]
    fn what_is_sealed_anew_needs_the_secret_of_before_no_longer() {
        let [one, two, three] = [(), (), ()].map(|()| Secret::for_this_process().unwrap());
        let sealed = Sealer::new(one.clone(), None).seal("a", b"text").unwrap();
        let both = Sealer::new(two.clone(), Some(one));
        let Ok(Resealed::Anew(anew)) = both.reseal("a", &sealed) else { panic!("it is sealed anew") };
        assert_eq!(Sealer::new(two, None).open("a", &anew), Some(b"text".to_vec()));
        assert_eq!(both.reseal("a", &anew).unwrap(), Resealed::Unchanged);
        assert_eq!(both.reseal("b", &sealed).unwrap(), Resealed::Lost, "it is something else's");
        assert_eq!(Sealer::new(three, None).reseal("a", &sealed).unwrap(), Resealed::Lost);
    }

    #[test]
    fn tokens_are_told_by_their_length() {
        assert_eq!(token().unwrap().len(), 52);
        assert_eq!(text(&[0xff]), "zw");
    }
}
