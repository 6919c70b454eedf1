//! Random tokens, their hashes, and the server's secret, which seals the values in the database that must be readable again.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use base::error::{Error, Result};

/// Crockford's base32 in lower case: nothing in it breaks a double click, a URL or a mail.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// A secret in hexadecimal digits needs 64 of them for 32 bytes, any other text as many as base64 does.
const HEX_DIGITS: usize = 64;
const CHARACTERS: usize = 43;
/// 32 random bytes have more different digits than this, but for one time in a million.
const DIFFERENT: usize = 12;

/// Bytes of the operating system's generator.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// 256 random bits as 52 letters and digits.
pub fn token() -> Result<String> {
    Ok(text(&random::<32>()?))
}

/// In base32, the last character filled up with zeros.
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

/// What is kept of a token: it has 256 random bits, so no salt and no slow hash are needed.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// A token that follows from another one and a number that is not secret.
pub fn derived(token: &str, nonce: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.as_bytes());
    text(hmac::sign(&key, nonce).as_ref())
}

/// Takes the same time wherever the two differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// `TYPECASE_SECRET`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The error says what is wrong with it, not what it is.
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

    /// For development without one: what is sealed with it is lost with the process.
    pub fn for_this_process() -> Result<Self> {
        token().map(Self)
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

/// The secret that seals, and the one before it, with which what is older can still be opened.
#[derive(Clone, Debug)]
pub struct Sealer {
    current: Secret,
    previous: Option<Secret>,
}

impl Sealer {
    pub fn new(current: Secret, previous: Option<Secret>) -> Self {
        Self { current, previous }
    }

    /// `about` names what is sealed: a text that was moved to another row cannot be opened there.
    pub fn seal(&self, about: &str, text: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = text.to_vec();
        let unique = Nonce::assume_unique_for_key(nonce);
        let done = self.current.key()?.seal_in_place_append_tag(unique, Aad::from(about.as_bytes()), &mut sealed);
        done.map_err(|_| Error::internal("a secret cannot be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// `None`: it was sealed with another secret, or for something else.
    pub fn open(&self, about: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let older = || self.previous.as_ref()?.open(about, sealed);
        self.current.open(about, sealed).or_else(older)
    }

    /// What the previous secret has sealed, sealed again with the current one.
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
    /// It was sealed with the secret of now.
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
