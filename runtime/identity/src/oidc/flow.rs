//! The authorization code flow: sends a user to a provider, and checks state, nonce, PKCE, issuer and ID token on return.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, Client, ClientId,
    ClientSecret, CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims,
    IdTokenFields, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse as _, UserInfoClaims, UserInfoError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::account::Person;
use super::http::UserInfo;
use super::provider::{Metadata, Provider, unavailable, with_causes};
use super::{Begun, Finished, From, Returned};
use crate::{Accounts, secret};
use base::error::{Code, Error, Problem, Result};

/// Only asymmetric algorithms: with a shared secret, either side can sign.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// Bytes of a return path; cookies hold 4096.
const LONGEST_PATH: usize = 1024;

/// Claims outside the standard, including that of the roles.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct More {
    #[serde(flatten)]
    claims: Map<String, Json>,
}

impl AdditionalClaims for More {}

type TokenAnswer = StandardTokenResponse<
    IdTokenFields<
        More,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

type OidcClient = Client<
    More,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenAnswer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The state of a sign-in while the user is at the provider.
#[derive(Deserialize, Serialize)]
struct Attempt {
    state: String,
    nonce: String,
    verifier: String,
    return_to: String,
}

impl Accounts {
    /// `return_to` must be a path of the site: any other address would make us an open redirect.
    pub async fn begin_with(&self, provider: &str, return_to: &str) -> Result<Begun> {
        let provider = self.providers.find(provider)?;
        if !is_path(return_to) {
            let problem = Problem::new(Code::BadUserInput, "it must be a path of this site, which begins with `/`");
            return Err(problem.at(["return_to".into()]).into());
        }
        let metadata = provider.metadata().await?;
        let attempt = Attempt {
            state: base64(&secret::random::<32>()?),
            nonce: base64(&secret::random::<32>()?),
            verifier: base64(&secret::random::<32>()?),
            return_to: return_to.to_owned(),
        };
        let (state, nonce) = (CsrfToken::new(attempt.state.clone()), Nonce::new(attempt.nonce.clone()));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(attempt.verifier.clone()));
        let client = self.client(provider, &metadata)?;
        // The crate adds `openid` itself.
        let scopes = provider.settings.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        let request = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, move || state, move || nonce);
        let (url, ..) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
        let name = super::name_of(&attempt.state);
        let sealed = self.seal_for_browser(&about(provider), attempt)?;
        Ok(Begun { url: url.into(), sealed, attempt: name })
    }

    /// Uses the cookie of the browser that was redirected.
    pub async fn finish_with(
        &self,
        provider: &str,
        sealed: Option<&str>,
        returned: Returned,
        from: From<'_>,
    ) -> Result<Finished> {
        let provider = self.providers.find(provider)?;
        let attempt: Option<Attempt> = sealed.and_then(|sealed| self.open_from_browser(&about(provider), sealed));
        let state = returned.state.unwrap_or_default();
        let attempt =
            attempt.filter(|attempt| secret::same(attempt.state.as_bytes(), state.as_bytes())).ok_or_else(not_begun)?;
        self.use_state(&attempt.state).await?;
        let metadata = provider.metadata().await?;
        let is_named = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        let is_right = returned.iss.as_ref().map_or(!is_named, |issuer| *issuer == provider.settings.issuer);
        if !is_right {
            return Err(refused(provider, "the response comes from another issuer"));
        }
        if let Some(error) = returned.error {
            return Err(refused(provider, &error));
        }
        let code = returned.code.ok_or_else(|| refused(provider, "the code is missing"))?;
        let person = self.person(provider, metadata, code, &attempt).await?;
        let outcome = self.sign_in_as(&provider.settings, &person, &attempt.return_to, from).await?;
        Ok(Finished { return_to: attempt.return_to, outcome })
    }

    /// Each state can be used only once.
    async fn use_state(&self, state: &str) -> Result<()> {
        let sql = "insert into cms.used_state (hash, expires_at) values ($1, now() + make_interval(secs => $2))
            on conflict (hash) do nothing";
        // Twice the lifetime of the cookie, because the clocks of nodes differ.
        let seconds = f64::from(super::LIFETIME) * 2.0;
        let used = sqlx::query(sql).bind(secret::hash(state)).bind(seconds).execute(&self.pool).await?;
        if used.rows_affected() == 1 { Ok(()) } else { Err(not_begun()) }
    }

    /// Exchanges the code for an ID token, and checks it.
    async fn person(
        &self,
        provider: &Provider,
        metadata: Arc<Metadata>,
        code: String,
        attempt: &Attempt,
    ) -> Result<Person> {
        let client = self.client(provider, &metadata)?;
        let request = client.exchange_code(AuthorizationCode::new(code)).map_err(Error::internal)?;
        let request = request.set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()));
        let answer = request.request_async(&provider.http).await.map_err(|error| match &error {
            RequestTokenError::ServerResponse(said) if *said.error() == CoreErrorResponseType::InvalidGrant => {
                refused(provider, &error.to_string())
            }
            // The provider has responded, so a retry would not help.
            RequestTokenError::Parse(wrong, _) if wrong.inner().is_data() => refused(provider, &with_causes(&error)),
            _ => broken(provider, &with_causes(&error)),
        })?;
        let token = answer.id_token().ok_or_else(|| broken(provider, "the ID token is missing"))?;
        let nonce = Nonce::new(attempt.nonce.clone());
        let verified = token.claims(&client.id_token_verifier().set_allowed_algs(ALGORITHMS), &nonce).cloned();
        let claims = match verified {
            Ok(claims) => claims,
            // The provider may have rotated its keys since.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let newer = provider.metadata_after(&metadata).await?;
                let client = self.client(provider, &newer)?;
                let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
                token.claims(&verifier, &nonce).cloned().map_err(|error| refused(provider, &with_causes(&error)))?
            }
            Err(error) => return Err(refused(provider, &with_causes(&error))),
        };
        let more = self.more_about(provider, &client, &claims, answer.access_token()).await?;
        Ok(person(provider, &claims, more.as_ref()))
    }

    /// Many providers return the email, its verification or groups only from the user info endpoint (OpenID Connect
    /// Core, 5.3).
    async fn more_about(
        &self,
        provider: &Provider,
        client: &OidcClient,
        claims: &IdTokenClaims<More, CoreGenderClaim>,
        token: &AccessToken,
    ) -> Result<Option<UserInfoClaims<More, CoreGenderClaim>>> {
        let claim = provider.settings.mapping.as_ref().map(|mapping| &mapping.claim);
        let has_groups = claim.is_none_or(|claim| at(&claims.additional_claims().claims, claim).is_some());
        let has_address = claims.email().is_some() && claims.email_verified().is_some();
        if has_address && has_groups || client.user_info_url().is_none() {
            return Ok(None);
        }
        let request = client.user_info(token.clone(), Some(claims.subject().clone())).map_err(Error::internal)?;
        match request.request_async(&UserInfo(&provider.http)).await {
            Ok(more) => Ok(Some(more)),
            // A user with an account for the subject needs only the claims of the token.
            Err(error) if claims.email().is_some() && has_groups => {
                tracing::warn!(provider = provider.settings.name, error = with_causes(&error), "no user info");
                Ok(None)
            }
            Err(UserInfoError::Parse(wrong)) if wrong.inner().is_data() => {
                Err(refused(provider, &format!("user info: {}", with_causes(&wrong))))
            }
            // The response is about somebody else.
            Err(UserInfoError::ClaimsVerification(wrong)) => {
                Err(refused(provider, &format!("user info: {}", with_causes(&wrong))))
            }
            Err(error) => Err(broken(provider, &with_causes(&error))),
        }
    }

    fn client(&self, provider: &Provider, metadata: &Metadata) -> Result<OidcClient> {
        let settings = &provider.settings;
        let redirect = format!("{}/auth/oidc/{}/callback", self.public_url, settings.name);
        let secret = settings.client_secret.clone().map(ClientSecret::new);
        let client =
            Client::from_provider_metadata(metadata.clone(), ClientId::new(settings.client_id.clone()), secret);
        let client = client.set_redirect_uri(RedirectUrl::new(redirect).map_err(Error::internal)?);
        // The standard's default method, unless the provider supports only the other one.
        let methods = metadata.token_endpoint_auth_methods_supported().map_or(&[][..], Vec::as_slice);
        let is_basic = methods.is_empty() || methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
        Ok(if is_basic { client } else { client.set_auth_type(AuthType::RequestBody) })
    }
}

fn person(
    provider: &Provider,
    claims: &IdTokenClaims<More, CoreGenderClaim>,
    more: Option<&UserInfoClaims<More, CoreGenderClaim>>,
) -> Person {
    // Email and verification belong together: both come from the same place, from the token if it has both.
    let told = more.filter(|more| claims.email_verified().is_none() && more.email().is_some());
    let (email, verified) = match told {
        Some(more) => (more.email(), more.email_verified()),
        None => (claims.email(), claims.email_verified()),
    };
    let name = claims.name().or_else(|| more?.name()).and_then(|name| name.get(None));
    let groups = provider.settings.mapping.as_ref().and_then(|mapping| {
        let here = at(&claims.additional_claims().claims, &mapping.claim);
        here.or_else(|| at(&more?.additional_claims().claims, &mapping.claim))
    });
    Person {
        issuer: provider.settings.issuer.clone(),
        subject: claims.subject().to_string(),
        email: email.map(|email| email.to_string()),
        email_verified: verified,
        name: name.map(|name| name.to_string()),
        groups: groups.map(texts).unwrap_or_default(),
    }
}

/// Finds a claim by its name, which may contain dots, or by a path.
fn at<'a>(claims: &'a Map<String, Json>, path: &str) -> Option<&'a Json> {
    claims.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        at(claims.get(first)?.as_object()?, rest)
    })
}

/// A list of texts, or a single one.
fn texts(json: &Json) -> Vec<String> {
    match json {
        Json::String(text) => vec![text.clone()],
        Json::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// A path of this site. Browsers read `//host` and `/\host` as addresses of another site, and drop control characters.
fn is_path(text: &str) -> bool {
    text.len() <= LONGEST_PATH
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn about(provider: &Provider) -> String {
    format!("oidc:{}", provider.settings.name)
}

pub fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn not_begun() -> Error {
    let message =
        "this sign-in was started in another browser, took longer than 10 minutes, or is complete: sign in again";
    Error::new(Code::InvalidLink, message)
}

/// The request was invalid; the cause is in the log.
fn refused(provider: &Provider, cause: &str) -> Error {
    tracing::warn!(provider = provider.settings.name, cause, "a sign-in with a provider was refused");
    Error::new(Code::Unauthenticated, "the provider did not sign you in: try again")
}

/// The provider misbehaves or does not know us.
fn broken(provider: &Provider, cause: &str) -> Error {
    tracing::error!(provider = provider.settings.name, cause, "an OpenID Connect provider cannot be used");
    unavailable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_site_are_returned_to() {
        for path in ["/", "/shop?a=b#c", "/a//b"] {
            assert!(is_path(path), "{path}");
        }
        for other in
            ["", "a", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "/\t/evil.example", "/ä"]
        {
            assert!(!is_path(other), "{other}");
        }
    }

    #[test]
    fn groups_are_found_by_name_and_by_steps() {
        let claims =
            serde_json::json!({ "https://shop.example/groups": "a", "realm_access": { "roles": ["b", 1, "c"] } });
        let claims = claims.as_object().unwrap();
        let of = |path: &str| at(claims, path).map(texts);
        assert_eq!(of("https://shop.example/groups"), Some(vec!["a".to_owned()]));
        assert_eq!(of("realm_access.roles"), Some(vec!["b".to_owned(), "c".to_owned()]));
        assert_eq!(of("realm_access.groups"), None);
    }
}
