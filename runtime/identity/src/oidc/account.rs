//! Maps an identity at a provider to an account, by issuer and subject. The email address is used only once, to link
//! the two, and only if the provider has verified it.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Finished, From, Outcome};
use crate::provider_settings::ProviderSettings;
use crate::user::{self, User, locked};
use crate::{Accounts, secret, session};
use base::error::{Code, Error, Result};
use store::access::{Actor, USER_PREFIX};
use store::audit::{self, Event};
use store::id;
use store::{Connection, Pool};

/// A person as described by the provider.
pub struct Person {
    pub issuer: String,
    /// Identifies a person permanently within the issuer.
    pub subject: String,
    pub email: Option<String>,
    /// `None` if the provider does not report it.
    pub email_verified: Option<bool>,
    pub name: Option<String>,
    pub groups: Vec<String>,
}

/// The most codes per sign-in; after that it must begin again at the provider.
const TRIES: i32 = 5;

/// A user who still has to enter a code.
#[derive(Deserialize, Serialize)]
struct Pending {
    /// A random id by which the server counts the tries.
    id: String,
    /// `user_...`
    user: String,
    return_to: String,
}

/// A refusal. The log has its details; the response does not.
enum Refusal {
    Because(&'static str),
    Failed(Error),
}

impl<E: Into<Error>> std::convert::From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Accounts {
    pub(super) async fn sign_in_as(
        &self,
        provider: &ProviderSettings,
        person: &Person,
        return_to: &str,
        from: From<'_>,
    ) -> Result<Outcome> {
        // Retried if the same person, or another one with the same email, signed in for the first time concurrently.
        let mut tries = 2;
        let (mut transaction, user) = loop {
            tries -= 1;
            let mut transaction = self.pool.begin().await?;
            match self.account_of(&mut transaction, provider, person, from).await {
                Ok(user) => break (transaction, user),
                Err(Refusal::Failed(error)) if tries > 0 && is_conflict(&error) => transaction.rollback().await?,
                Err(Refusal::Failed(error)) => return Err(error),
                Err(Refusal::Because(reason)) => {
                    transaction.rollback().await?;
                    return Err(refused(&self.pool, provider, person, reason, from).await?);
                }
            }
        };
        if user.second_factor {
            let id = secret::token()?;
            wait_for_code(&mut transaction, &id).await?;
            transaction.commit().await?;
            let pending = Pending { id, user: id::encode(USER_PREFIX, user.id), return_to: return_to.to_owned() };
            return Ok(Outcome::NeedsCode(self.seal_for_browser(&about_code(&provider.name), pending)?));
        }
        let tokens = self.begin_session_with(&mut transaction, provider, &user, from).await?;
        transaction.commit().await?;
        Ok(Outcome::SignedIn(tokens))
    }

    /// The user whose code is required: `user_...`.
    pub fn waited_for(&self, provider: &str, sealed: Option<&str>) -> Option<String> {
        self.pending(provider, sealed).map(|pending| pending.user)
    }

    fn pending(&self, provider: &str, sealed: Option<&str>) -> Option<Pending> {
        sealed.and_then(|sealed| self.open_from_browser(&about_code(provider), sealed))
    }

    /// The second step of a sign-in with a second factor.
    pub async fn finish_with_code(
        &self,
        provider: &str,
        sealed: Option<&str>,
        code: &str,
        from: From<'_>,
    ) -> Result<Finished> {
        let provider = &self.providers.find(provider)?.settings;
        let pending = self.pending(&provider.name, sealed).ok_or_else(not_waiting)?;
        let mut transaction = self.pool.begin().await?;
        take_a_try(&mut transaction, &pending.id).await?;
        let id = id::decode_as(USER_PREFIX, &pending.user).ok_or_else(forbidden)?;
        let user = locked(&mut transaction, id).await?.filter(|user| !user.disabled).ok_or_else(forbidden)?;
        // A wrong code is counted, so the transaction is committed in this case too.
        if let Err(error) = self.check_code(&mut transaction, user.id, code).await {
            let mut event = Event::new("sign_in.wrong_code").on("user", user.id);
            event.after = Some(json!({ "email": user.email, "provider": provider.name }));
            audit::record(&mut transaction, &Actor::anonymous(from.origin.clone()), event).await?;
            transaction.commit().await?;
            return Err(error);
        }
        let tokens = self.begin_session_with(&mut transaction, provider, &user, from).await?;
        sqlx::query("delete from cms.waiting_for_code where hash = $1")
            .bind(secret::hash(&pending.id))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Finished { return_to: pending.return_to, outcome: Outcome::SignedIn(tokens) })
    }

    async fn begin_session_with(
        &self,
        connection: &mut Connection,
        provider: &ProviderSettings,
        user: &User,
        from: From<'_>,
    ) -> Result<session::Tokens> {
        let restricted = self.roles.needs_second_factor(&user.role) && !user.second_factor;
        let tokens = self.begin_session(connection, user.id, from.origin, from.agent, restricted).await?;
        let actor = session::actor(user.id, tokens.session, user.role.clone(), from.origin);
        let mut event = Event::new("sign_in").on("session", tokens.session);
        event.after = Some(json!({ "provider": provider.name }));
        audit::record(connection, &actor, event).await?;
        Ok(tokens)
    }

    /// The account, with the role from the provider's current groups.
    async fn account_of(
        &self,
        connection: &mut Connection,
        provider: &ProviderSettings,
        person: &Person,
        from: From<'_>,
    ) -> Result<User, Refusal> {
        let actor = Actor { origin: from.origin.clone(), ..Actor::system() };
        let role = provider.role_of(&person.groups);
        let user = match known(connection, person).await? {
            Some(user) => user,
            None => self.account_by_email(connection, provider, person, role, &actor).await?,
        };
        if user.disabled {
            return Err(Refusal::Because("disabled"));
        }
        let sql = "update cms.identity set last_used_at = now(), email = $3 where issuer = $1 and subject = $2";
        sqlx::query(sql)
            .bind(&person.issuer)
            .bind(&person.subject)
            .bind(&person.email)
            .execute(&mut *connection)
            .await?;
        if provider.mapping.is_none() {
            return Ok(user);
        }
        let role = role.ok_or(Refusal::Because("no role"))?;
        if user.role == role {
            return Ok(user);
        }
        sqlx::query("update cms.user set role = $2, updated_at = now() where id = $1")
            .bind(user.id)
            .bind(role)
            .execute(&mut *connection)
            .await?;
        let event = Event::new("user.change").on("user", user.id).changed("role", json!(user.role), json!(role));
        audit::record(connection, &actor, event).await?;
        Ok(User { role: role.to_owned(), ..user })
    }

    /// At the first sign-in of a user: the account with this email, or a new one.
    async fn account_by_email(
        &self,
        connection: &mut Connection,
        provider: &ProviderSettings,
        person: &Person,
        role: Option<&str>,
        actor: &Actor,
    ) -> Result<User, Refusal> {
        let email = person.email.as_deref().ok_or(Refusal::Because("the claim `email` is missing"))?;
        match person.email_verified {
            Some(true) => {}
            Some(false) => return Err(Refusal::Because("`email_verified` is false")),
            None => return Err(Refusal::Because("the claim `email_verified` is missing")),
        }
        let email = user::email(email).map_err(|_| Refusal::Because("`email` is not an address"))?;
        let existing: Option<Uuid> = sqlx::query_scalar("select id from cms.user where email = $1")
            .bind(&email)
            .fetch_optional(&mut *connection)
            .await?;
        let user = match existing {
            Some(id) => {
                let user = locked(connection, id).await?.ok_or(Refusal::Because("disabled"))?;
                // A concurrent first sign-in of the same person may have been committed since the look-up.
                if let Some(user) = known(connection, person).await? {
                    return Ok(user);
                }
                check_may_link(connection, provider, person, &user).await?;
                user
            }
            None => {
                let role = role.ok_or(Refusal::Because("no account and no role"))?;
                let name = person.name.as_deref().and_then(|name| user::name(name).ok());
                user::insert(connection, actor, &email, name.as_deref().unwrap_or(&email), role, None).await?
            }
        };
        let sql = "insert into cms.identity (issuer, subject, user_id, email) values ($1, $2, $3, $4)
            on conflict (issuer, subject) do nothing";
        let linked = sqlx::query(sql)
            .bind(&person.issuer)
            .bind(&person.subject)
            .bind(user.id)
            .bind(&email)
            .execute(&mut *connection)
            .await?;
        if linked.rows_affected() == 0 {
            return Err(Error::new(Code::Conflict, "the same user has just signed in for the first time").into());
        }
        let mut event = Event::new("identity.link").on("user", user.id);
        event.after = Some(json!({ "provider": provider.name, "issuer": person.issuer, "subject": person.subject }));
        audit::record(connection, actor, event).await?;
        Ok(user)
    }
}

async fn wait_for_code(connection: &mut Connection, id: &str) -> Result<()> {
    let sql = "insert into cms.waiting_for_code (hash, expires_at) values ($1, now() + make_interval(secs => $2))";
    // Twice the lifetime of the cookie, because the clocks of nodes differ.
    let seconds = f64::from(super::LIFETIME) * 2.0;
    sqlx::query(sql).bind(secret::hash(id)).bind(seconds).execute(connection).await?;
    Ok(())
}

/// Counted before the code is checked, so that concurrent requests cannot exceed the limit.
async fn take_a_try(connection: &mut Connection, id: &str) -> Result<()> {
    let sql = "update cms.waiting_for_code set tries = tries + 1 where hash = $1 and tries < $2";
    let taken = sqlx::query(sql).bind(secret::hash(id)).bind(TRIES).execute(connection).await?;
    if taken.rows_affected() == 1 { Ok(()) } else { Err(not_waiting()) }
}

fn not_waiting() -> Error {
    let message =
        "no sign-in in this browser waits for a code; one waits for at most 10 minutes and 5 codes: sign in again";
    Error::new(Code::InvalidLink, message)
}

/// An email address can be reassigned to another person, who must not get the account of the previous one.
async fn check_may_link(
    connection: &mut Connection,
    provider: &ProviderSettings,
    person: &Person,
    user: &User,
) -> Result<(), Refusal> {
    if user.disabled {
        return Err(Refusal::Because("disabled"));
    }
    if !provider.link {
        return Err(Refusal::Because("linking is off"));
    }
    let sql = "select exists (select from cms.identity where user_id = $1 and issuer = $2)";
    let has_other: bool =
        sqlx::query_scalar(sql).bind(user.id).bind(&person.issuer).fetch_one(&mut *connection).await?;
    if has_other { Err(Refusal::Because("the account belongs to another subject")) } else { Ok(()) }
}

async fn known(connection: &mut Connection, person: &Person) -> Result<Option<User>> {
    let sql = "select user_id from cms.identity where issuer = $1 and subject = $2";
    let id: Option<Uuid> =
        sqlx::query_scalar(sql).bind(&person.issuer).bind(&person.subject).fetch_optional(&mut *connection).await?;
    match id {
        Some(id) => locked(connection, id).await,
        None => Ok(None),
    }
}

fn is_conflict(error: &Error) -> bool {
    error.problems.iter().any(|problem| problem.code == Code::Conflict)
}

async fn refused(
    pool: &Pool,
    provider: &ProviderSettings,
    person: &Person,
    reason: &str,
    from: From<'_>,
) -> Result<Error> {
    let mut event = Event::new("sign_in.refused");
    event.after = Some(json!({
        "provider": provider.name, "subject": person.subject, "email": person.email, "reason": reason,
    }));
    audit::record_alone(pool, &Actor::anonymous(from.origin.clone()), event).await?;
    Ok(forbidden())
}

/// The same error for an account that is disabled, does not exist, or belongs to someone else.
fn forbidden() -> Error {
    Error::new(Code::Forbidden, "this sign-in does not match an account: ask an administrator")
}

fn about_code(provider: &str) -> String {
    format!("oidc-code:{provider}")
}
