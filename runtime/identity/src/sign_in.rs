//! Sign-in with email and password, and with a code if the account has a second factor.

use serde_json::json;

use super::session::Tokens;
use super::user::locked;
use super::{Accounts, session, wrong_credentials};
use base::error::{Code, Error, Result};
use store::access::{Actor, Origin};
use store::audit::{self, Event};

#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    pub email: &'a str,
    pub password: &'a str,
    /// A code of the authenticator, or a recovery code.
    pub code: Option<&'a str>,
    pub origin: &'a Origin,
    /// `User-Agent`, for the list of sessions.
    pub agent: Option<&'a str>,
}

pub type SignedIn = Tokens;

impl Accounts {
    /// An unknown email, a wrong password and a disabled account give the same response in the same time.
    pub async fn sign_in(&self, given: SignIn<'_>) -> Result<SignedIn> {
        // Retried once if the account changed meanwhile, usually because a concurrent sign-in rehashed the password.
        for _ in 0..2 {
            if let Some(tokens) = self.try_sign_in(given).await? {
                return Ok(tokens);
            }
        }
        Err(wrong_credentials())
    }

    /// `None` if the account is no longer the one whose password was checked.
    async fn try_sign_in(&self, given: SignIn<'_>) -> Result<Option<SignedIn>> {
        let user = self.user_by_email(given.email).await?;
        let hash = user.as_ref().and_then(|user| user.hash.as_deref());
        let checked = self.hasher.check(given.password, hash).await?;
        let Some(user) = user.filter(|user| checked.is_right && !user.disabled) else {
            let mut event = Event::new("sign_in.failed");
            event.after = Some(json!({ "email": shortened(given.email) }));
            audit::record_alone(&self.pool, &Actor::anonymous(given.origin.clone()), event).await?;
            return Err(wrong_credentials());
        };
        let outdated = checked.is_outdated.then_some(given.password);
        let rehashed = match outdated {
            Some(password) => Some(self.hasher.hash(password).await?),
            None => None,
        };
        let mut transaction = self.pool.begin().await?;
        // The current state of the account counts: a changed password, a second factor, or that it is disabled.
        let now = locked(&mut transaction, user.id).await?;
        let Some(user) = now.filter(|now| now.hash == user.hash && !now.disabled) else { return Ok(None) };
        if user.second_factor {
            let Some(code) = given.code else {
                return Err(Error::new(Code::SecondFactorRequired, "a second factor is required: send its `code`"));
            };
            // A wrong code is counted, so the transaction is committed in this case too.
            if let Err(error) = self.check_code(&mut transaction, user.id, code).await {
                let mut event = Event::new("sign_in.wrong_code").on("user", user.id);
                event.after = Some(json!({ "email": user.email }));
                audit::record(&mut transaction, &Actor::anonymous(given.origin.clone()), event).await?;
                transaction.commit().await?;
                return Err(error);
            }
        }
        if let Some(hash) = rehashed {
            let sql = "update cms.user set password = $2 where id = $1";
            sqlx::query(sql).bind(user.id).bind(hash).execute(&mut *transaction).await?;
        }
        let role = user.role;
        let restricted = self.roles.needs_second_factor(&role) && !user.second_factor;
        let tokens = self.begin_session(&mut transaction, user.id, given.origin, given.agent, restricted).await?;
        let actor = session::actor(user.id, tokens.session, role, given.origin);
        audit::record(&mut transaction, &actor, Event::new("sign_in").on("session", tokens.session)).await?;
        transaction.commit().await?;
        Ok(Some(tokens))
    }
}

/// User input in the log is kept short.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}
