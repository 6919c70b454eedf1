//! Links that work once: an invitation is valid for 7 days, a password reset for an hour. Only their hash is stored.

use std::sync::Arc;

use sqlx::Row;
use uuid::Uuid;

use super::mail::templates::{Mentioned, ScheduleFailed};
use super::user::{NewUser, User, find, insert, locked, not_found, store_password};
use super::{Accounts, MAILS_UNDER_WAY, password, secret};
use base::error::{Code, Error, Result};
use store::Connection;
use store::access::{Actor, Area, Identity, Origin};
use store::audit::{self, Event};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Invitation,
    Reset,
}

impl Purpose {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// Seconds.
    pub(crate) fn lifetime(self) -> u32 {
        match self {
            Self::Invitation => 7 * 24 * 3600,
            Self::Reset => 3600,
        }
    }
}

/// A link with its token, for the sender.
#[derive(Clone)]
pub struct Link {
    pub url: String,
    pub token: String,
}

impl Accounts {
    /// Creates a user, and the link by which they choose a password. The mail is sent too, if possible.
    pub async fn invite(&self, actor: &Actor, new: NewUser) -> Result<(User, Link)> {
        let (email, name) = (super::user::email(&new.email)?, super::user::name(&new.name)?);
        self.roles.check(&new.role)?;
        let mut transaction = self.pool.begin().await?;
        let actor = &self.managing(&mut transaction, actor, Area::Users, None).await?;
        self.roles.check_may_give(&actor.role, &new.role)?;
        let user = insert(&mut transaction, actor, &email, &name, &new.role, None).await?;
        let link = self.link(&mut transaction, actor, user.id, Purpose::Invitation).await?;
        transaction.commit().await?;
        self.send_link(&user, &link, Purpose::Invitation);
        Ok((user, link))
    }

    /// Creates a new invitation for a user who has not accepted; previous links become invalid.
    pub async fn invite_again(&self, actor: &Actor, id: Uuid) -> Result<(User, Link)> {
        let mut transaction = self.pool.begin().await?;
        let actor = &self.managing(&mut transaction, actor, Area::Users, Some(id)).await?;
        let user = find(&mut *transaction, id).await?.ok_or_else(not_found)?;
        self.roles.check_may_give(&actor.role, &user.role)?;
        if user.has_password {
            return Err(Error::new(
                Code::Conflict,
                "the user has a password; `/auth/password/reset-request` resets it",
            ));
        }
        let link = self.link(&mut transaction, actor, id, Purpose::Invitation).await?;
        transaction.commit().await?;
        self.send_link(&user, &link, Purpose::Invitation);
        Ok((user, link))
    }

    /// Sends a link if the account exists, without revealing whether it does: the caller does not wait.
    pub async fn request_reset(&self, address: &str, origin: &Origin) -> Result<()> {
        let Some(user) = self.user_by_email(address).await? else { return Ok(()) };
        // The same link also helps a user who has never accepted the invitation.
        let mut transaction = self.pool.begin().await?;
        let Some(user) = locked(&mut transaction, user.id).await?.filter(|user| !user.disabled) else { return Ok(()) };
        let link = self.link(&mut transaction, &Actor::anonymous(origin.clone()), user.id, Purpose::Reset).await?;
        transaction.commit().await?;
        self.send_link(&user, &link, Purpose::Reset);
        Ok(())
    }

    /// Sets the password by a link, which is then used up, unless the password is refused. It does not sign the user
    /// in: a second factor is required as always.
    pub async fn use_link(&self, purpose: Purpose, token: &str, new: &str, origin: &Origin) -> Result<()> {
        let hash = secret::hash(token);
        let found = "select u.id, u.email, u.name from cms.one_time_link as l join cms.user as u on u.id = l.user_id
            where l.hash = $1 and l.purpose = $2 and l.used_at is null and l.expires_at > now() and u.disabled_at is null";
        let row = sqlx::query(found).bind(&hash).bind(purpose.as_str()).fetch_optional(&self.pool).await?;
        let row = row.ok_or_else(invalid)?;
        let (email, name): (String, String) = (row.try_get("email")?, row.try_get("name")?);
        password::policy(new, &email, &name)?;
        let password = self.hasher.hash(new).await?;
        let mut transaction = self.pool.begin().await?;
        // The account is locked first, as everywhere. Of concurrent requests, one finds the link unused and the others
        // wait.
        let sql = "select from cms.user where id = (select user_id from cms.one_time_link where hash = $1) for update";
        sqlx::query(sql).bind(&hash).execute(&mut *transaction).await?;
        let sql = "update cms.one_time_link as l set used_at = now() from cms.user as u
            where l.hash = $1 and l.used_at is null and l.expires_at > now() and u.id = l.user_id and u.disabled_at is null
            returning u.id, u.role";
        let used = sqlx::query(sql).bind(&hash).fetch_optional(&mut *transaction).await?.ok_or_else(invalid)?;
        let (user, role): (Uuid, String) = (used.try_get("id")?, used.try_get("role")?);
        let identity = Identity::User { id: user, session: Uuid::nil() };
        let actor = Actor { identity, role, scopes: None, origin: origin.clone() };
        store_password(&mut transaction, &actor, user, &password, None).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Creates a link that replaces those of the same purpose.
    async fn link(&self, connection: &mut Connection, actor: &Actor, user: Uuid, purpose: Purpose) -> Result<Link> {
        let token = secret::token()?;
        sqlx::query(
            "update cms.one_time_link set used_at = now() where user_id = $1 and purpose = $2 and used_at is null",
        )
        .bind(user)
        .bind(purpose.as_str())
        .execute(&mut *connection)
        .await?;
        let sql = "insert into cms.one_time_link (hash, purpose, user_id, expires_at)
            values ($1, $2, $3, now() + make_interval(secs => $4))";
        sqlx::query(sql)
            .bind(secret::hash(&token))
            .bind(purpose.as_str())
            .bind(user)
            .bind(f64::from(purpose.lifetime()))
            .execute(&mut *connection)
            .await?;
        let action = match purpose {
            Purpose::Invitation => "user.invite",
            Purpose::Reset => "user.reset_request",
        };
        audit::record(connection, actor, Event::new(action).on("user", user)).await?;
        let page = match purpose {
            Purpose::Invitation => "invitation",
            Purpose::Reset => "reset",
        };
        // In the fragment, so that no server logs the token and no page sends it in a `Referer`.
        Ok(Link { url: format!("{}/{page}#token={token}", self.public_url), token })
    }

    /// Tells a user that a scheduled change failed. Nothing is sent to an account that is disabled or gone.
    pub async fn mail_schedule_failed(&self, user: Uuid, failed: &ScheduleFailed<'_>) -> Result<()> {
        let sql = "select name, email from cms.user where id = $1 and disabled_at is null";
        let found: Option<(String, String)> = sqlx::query_as(sql).bind(user).fetch_optional(&self.pool).await?;
        let Some((name, email)) = found else { return Ok(()) };
        self.mailer.send(failed.mail(&name, &email, &self.public_url)?).await
    }

    /// Tells a user of a comment. `author` is a user or an API token. Nothing is sent to an account that is disabled or gone.
    pub async fn mail_mention(&self, user: Uuid, author: Option<Uuid>, said: &Mentioned<'_>) -> Result<()> {
        let sql = "select name, email, coalesce((select name from cms.user where id = $2),
                (select name from cms.api_token where id = $2))
            from cms.user where id = $1 and disabled_at is null";
        let found: Option<(String, String, Option<String>)> =
            sqlx::query_as(sql).bind(user).bind(author).fetch_optional(&self.pool).await?;
        let Some((name, email, author)) = found else { return Ok(()) };
        let said = Mentioned { author: author.as_deref().unwrap_or(said.author), ..said.clone() };
        self.mailer.send(said.mail(&name, &email, &self.public_url)?).await
    }

    /// Waits until all mails are sent, because a command ends with its process.
    pub async fn mails_sent(&self) {
        // The semaphore is never closed.
        let _ = self.sending.acquire_many(MAILS_UNDER_WAY).await;
    }

    /// Does not wait for the mail server; failures are logged.
    fn send_link(&self, user: &User, link: &Link, purpose: Purpose) {
        // If mail is not sent, the inviter is shown the link.
        if purpose == Purpose::Invitation && !self.sends_mail() {
            return;
        }
        let mail = match self.mail_templates.mail(purpose, user, link, &self.public_url) {
            Ok(mail) => mail,
            Err(error) => {
                tracing::error!(%error, "a mail was not sent");
                return;
            }
        };
        let Ok(under_way) = Arc::clone(&self.sending).try_acquire_owned() else {
            tracing::error!(to = mail.to, "a mail was not sent: too many are being sent");
            return;
        };
        let mailer = self.mailer.clone();
        tokio::spawn(async move {
            let _under_way = under_way;
            if let Err(error) = mailer.send(mail).await {
                tracing::error!(%error, "a mail was not sent");
            }
        });
    }
}

fn invalid() -> Error {
    Error::new(Code::InvalidLink, "the link was used, has expired, or was never valid: request a new one")
}
