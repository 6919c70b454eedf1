//! The tokens of preview links: JWTs of a type of their own, so that one is never taken for an access token.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access_token::AccessTokens;
use super::now;
use base::error::Result;
use model::timestamp::Timestamp;
use store::id;

const TYPE: &str = "preview+jwt";
/// The prefix of the ids of preview links.
pub const PREFIX: &str = "preview";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The link: `preview_...`
    sub: String,
    exp: i64,
    nbf: i64,
    iat: i64,
}

impl AccessTokens {
    /// The token of a link. What it shows, and whether it was revoked, is in the database.
    pub fn issue_preview(&self, link: Uuid, until: Timestamp) -> Result<String> {
        let now = now();
        let claims = Claims {
            iss: self.issuer(),
            aud: self.issuer(),
            sub: id::encode(PREFIX, link),
            exp: until.as_microsecond().div_euclid(1_000_000),
            nbf: now,
            iat: now,
        };
        self.sign(&claims, TYPE)
    }

    /// The link of a token; `None` if the token is invalid or has expired.
    pub async fn verify_preview(&self, token: &str) -> Result<Option<Uuid>> {
        let claims = self.claims::<Claims>(token, TYPE).await?;
        Ok(claims.and_then(|claims| id::decode_as(PREFIX, &claims.sub)))
    }
}
