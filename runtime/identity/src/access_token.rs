//! Access tokens: JWTs as in RFC 9068, checked as RFC 8725 recommends.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::Keys;
use super::now;
use base::error::{Error, Result};
use store::id;

pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The clock difference between nodes that is tolerated for `exp` and `nbf`.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// RFC 9068, 2.1. A token made for another purpose with the same keys has another type.
const TYPE: &str = "at+jwt";
/// Our tokens are shorter.
const LONGEST: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// `user_...`
    sub: String,
    /// The session: `session_...`
    sid: String,
    exp: i64,
    nbf: i64,
    iat: i64,
    jti: String,
}

/// Whom a token claims to represent; whether the session is still alive is checked separately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub user: Uuid,
    pub session: Uuid,
}

/// Creates and verifies the access tokens of one site.
#[derive(Clone)]
pub struct AccessTokens {
    pub keys: Keys,
    /// `iss` and `aud`: the public address of the site.
    issuer: String,
}

impl AccessTokens {
    pub fn new(keys: Keys, issuer: String) -> Self {
        Self { keys, issuer }
    }

    pub fn issue(&self, bearer: Bearer) -> Result<String> {
        let now = now();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.issuer.clone(),
            sub: id::encode("user", bearer.user),
            sid: id::encode("session", bearer.session),
            exp: now + i64::try_from(LIFETIME.as_secs()).unwrap_or_default(),
            nbf: now,
            iat: now,
            jti: Uuid::new_v4().simple().to_string(),
        };
        self.sign(&claims, TYPE)
    }

    /// `None` for every invalid token, whatever the reason, so that a forger learns nothing.
    pub async fn verify(&self, token: &str) -> Result<Option<Bearer>> {
        let Some(claims) = self.claims::<Claims>(token, TYPE).await? else { return Ok(None) };
        let (user, session) = (id::decode_as("user", &claims.sub), id::decode_as("session", &claims.sid));
        Ok(user.zip(session).map(|(user, session)| Bearer { user, session }))
    }

    /// The claims of a valid token of this type.
    pub(super) async fn claims<C: DeserializeOwned>(&self, token: &str, kind: &str) -> Result<Option<C>> {
        let Some(kid) = named_key(token, kind) else { return Ok(None) };
        let Some(key) = self.keys.verifying(&kid).await? else { return Ok(None) };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        Ok(jsonwebtoken::decode::<C>(token, &key.verifying, &validation).ok().map(|token| token.claims))
    }

    pub(super) fn sign(&self, claims: &impl Serialize, kind: &str) -> Result<String> {
        let (key, signing) = self.keys.signing()?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.to_owned());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, claims, &signing).map_err(Error::internal)
    }

    pub(super) fn issuer(&self) -> String {
        self.issuer.clone()
    }
}

/// The key that the header names, if the header has our form. Keys and their algorithm come only from the database, so
/// a header that embeds a key, refers to one, or requires extensions is refused (RFC 8725, 3.1, 3.5, 3.10, 3.11).
fn named_key(token: &str, kind: &str) -> Option<String> {
    if token.len() > LONGEST {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    let is_plain = header.jku.is_none()
        && header.jwk.is_none()
        && header.x5u.is_none()
        && header.x5c.is_none()
        && header.crit.is_none()
        && header.zip.is_none()
        && header.enc.is_none();
    let is_typed = header.typ.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(kind));
    (is_plain && is_typed && header.alg == Algorithm::EdDSA).then_some(header.kid)?
}

/// Whether a bearer token looks like an access token rather than an API token.
pub fn looks_like_one(token: &str) -> bool {
    token.bytes().filter(|byte| *byte == b'.').count() == 2
}
