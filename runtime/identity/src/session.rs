//! Sessions: families of refresh tokens, each used once (RFC 9700, 4.14). Reuse of a token ends its family, except for a moment after its
//! first use, when it returns the same successor: two tabs of a browser may refresh at the same time.

use serde::Serialize;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::access_token::Bearer;
use super::{Accounts, not_signed_in, secret};
use base::error::{Code, Error, Result};
use store::access::{Actor, Identity, Origin};
use store::audit::{self, Event};
use store::id;
use store::{Connection, Lent};

/// A session ends after this time in any case: 30 days. All times here are in seconds.
pub const LIFETIME: u32 = 30 * 24 * 3600;
/// A session ends if it is not refreshed for this long: 7 days.
pub const IDLE: u32 = 7 * 24 * 3600;
/// How long a used refresh token returns the same successor again.
pub const GRACE: u32 = 10;
const LONGEST_AGENT: usize = 200;
/// Whether the user `u` has a role among `$3` and no second factor. It is looked up rather than stored with the
/// session, so that a changed role or a removed second factor takes effect at once.
/// role, and a second factor that is taken away, count at once.
const RESTRICTED: &str = "u.role = any($3)
    and not exists (select from cms.totp where user_id = u.id and confirmed_at is not null) as restricted";

/// The role of a session's user and whether it is restricted, by the ids of session and user and the roles that require
/// a second factor: one statement by primary keys. No row means that the session has ended.
pub(super) fn live() -> String {
    format!(
        "select u.role, {RESTRICTED} from cms.session as s join cms.user as u on u.id = s.user_id
        where s.id = $1 and u.id = $2 and s.revoked_at is null and s.expires_at > now() and u.disabled_at is null"
    )
}

/// The tokens of a client.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub session: Uuid,
    /// The session may only set up a second factor.
    pub restricted: bool,
}

/// A live session and its user, as looked up for a request.
#[derive(Clone, Debug)]
pub struct Live {
    pub role: String,
    pub restricted: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub id: String,
    /// The session of this request.
    pub current: bool,
    pub address: Option<String>,
    pub agent: Option<String>,
    pub created_at: String,
    pub last_used_at: String,
    pub expires_at: String,
}

impl Accounts {
    /// The session and the user of a token, on a connection for reads.
    pub async fn live(&self, lent: &mut Lent, bearer: Bearer) -> Result<Option<Live>> {
        let mut arguments = sqlx::postgres::PgArguments::default();
        for id in [bearer.session, bearer.user] {
            sqlx::Arguments::add(&mut arguments, id).map_err(Error::internal)?;
        }
        sqlx::Arguments::add(&mut arguments, self.roles.with_second_factor()).map_err(Error::internal)?;
        let rows = lent.rows(live(), arguments, |_| Ok(())).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(Live { role: row.try_get(0)?, restricted: row.try_get(1)? }))
    }

    pub(super) async fn begin_session(
        &self,
        connection: &mut Connection,
        user: Uuid,
        origin: &Origin,
        agent: Option<&str>,
        restricted: bool,
    ) -> Result<Tokens> {
        let session = id::new_uuid();
        let agent = agent.map(|agent| agent.chars().take(LONGEST_AGENT).collect::<String>());
        let sql = "insert into cms.session (id, user_id, address, agent, expires_at)
            values ($1, $2, $3::inet, $4, now() + make_interval(secs => $5))";
        sqlx::query(sql)
            .bind(session)
            .bind(user)
            .bind(origin.address.map(|address| address.to_string()))
            .bind(agent)
            .bind(f64::from(LIFETIME))
            .execute(&mut *connection)
            .await?;
        let refresh = secret::token()?;
        insert_refresh(connection, session, &refresh).await?;
        let access = self.tokens.issue(Bearer { user, session })?;
        Ok(Tokens { access, refresh, session, restricted })
    }

    /// Returns the next pair of tokens. All errors of a refresh token have the same message.
    pub async fn refresh(&self, token: &str, origin: &Origin) -> Result<Tokens> {
        let hash = secret::hash(token);
        let mut transaction = self.pool.begin().await?;
        // Concurrent requests with the same token wait here for one another.
        let sql = format!(
            "select t.session_id, t.nonce, t.used_at is not null as is_used,
                t.used_at > now() - make_interval(secs => $2) as in_grace, s.user_id, u.role, {RESTRICTED},
                t.expires_at > now() and s.expires_at > now() and s.revoked_at is null and u.disabled_at is null as is_live
            from cms.refresh_token as t join cms.session as s on s.id = t.session_id join cms.user as u on u.id = s.user_id
            where t.hash = $1 for update of t, s"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&hash).bind(f64::from(GRACE));
        let row = query.bind(self.roles.with_second_factor()).fetch_optional(&mut *transaction).await?;
        let Some(row) = row else { return Err(not_signed_in()) };
        let (session, user): (Uuid, Uuid) = (row.try_get("session_id")?, row.try_get("user_id")?);
        if !row.try_get::<bool, _>("is_live")? {
            return Err(not_signed_in());
        }
        let successor = secret::derived(token, &row.try_get::<Vec<u8>, _>("nonce")?);
        let is_used: bool = row.try_get("is_used")?;
        let in_grace = row.try_get::<Option<bool>, _>("in_grace")?.unwrap_or(false);
        if is_used && !(in_grace && is_unused(&mut transaction, &successor).await?) {
            let actor = actor(user, session, row.try_get("role")?, origin);
            end(&mut transaction, session, "reused").await?;
            audit::record(&mut transaction, &actor, Event::new("session.reused").on("session", session)).await?;
            transaction.commit().await?;
            tracing::warn!(session = %id::encode("session", session), "a refresh token was used twice: its session was ended");
            return Err(not_signed_in());
        }
        if !is_used {
            sqlx::query("update cms.refresh_token set used_at = now() where hash = $1")
                .bind(&hash)
                .execute(&mut *transaction)
                .await?;
            insert_refresh(&mut transaction, session, &successor).await?;
            sqlx::query("update cms.session set last_used_at = now(), address = $2::inet where id = $1")
                .bind(session)
                .bind(origin.address.map(|address| address.to_string()))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        let access = self.tokens.issue(Bearer { user, session })?;
        Ok(Tokens { access, refresh: successor, session, restricted: row.try_get("restricted")? })
    }

    /// The live sessions, most recently used first.
    pub async fn sessions(&self, actor: &Actor) -> Result<Vec<Session>> {
        let Identity::User { id: user, session: own } = actor.identity else { return Err(not_signed_in()) };
        let sql = "select id, host(address) as address, agent, cms.datetime_text(created_at) as created_at,
                cms.datetime_text(last_used_at) as last_used_at, cms.datetime_text(expires_at) as expires_at
            from cms.session as s
            where user_id = $1 and revoked_at is null and expires_at > now()
                and exists (select from cms.refresh_token where session_id = s.id and used_at is null and expires_at > now())
            order by s.last_used_at desc limit 100";
        let rows = sqlx::query(sql).bind(user).fetch_all(&self.pool).await?;
        let session = |row: &sqlx::postgres::PgRow| {
            let id: Uuid = row.try_get("id")?;
            Ok(Session {
                id: id::encode("session", id),
                current: id == own,
                address: row.try_get("address")?,
                agent: row.try_get("agent")?,
                created_at: row.try_get("created_at")?,
                last_used_at: row.try_get("last_used_at")?,
                expires_at: row.try_get("expires_at")?,
            })
        };
        rows.iter().map(session).collect()
    }

    /// Ends one of the actor's sessions.
    pub async fn end_session(&self, actor: &Actor, session: Uuid) -> Result<()> {
        let Identity::User { id: user, .. } = actor.identity else { return Err(not_signed_in()) };
        let mut transaction = self.pool.begin().await?;
        let is_own: Option<bool> = sqlx::query_scalar(
            "select true from cms.session where id = $1 and user_id = $2 and revoked_at is null and expires_at > now()",
        )
        .bind(session)
        .bind(user)
        .fetch_optional(&mut *transaction)
        .await?;
        if is_own.is_none() {
            return Err(Error::new(Code::NotFound, "the session does not exist"));
        }
        end(&mut transaction, session, "ended").await?;
        audit::record(&mut transaction, actor, Event::new("session.end").on("session", session)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends the session of a refresh token, if there is one; for signing out with an expired access token.
    pub async fn end_session_of(&self, token: &str, origin: &Origin) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        let sql = "update cms.session as s set revoked_at = now(), revoked_for = 'signed_out' from cms.user as u
            where s.id = (select session_id from cms.refresh_token where hash = $1) and s.revoked_at is null
                and u.id = s.user_id
            returning s.id, u.id, u.role";
        let ended: Option<(Uuid, Uuid, String)> =
            sqlx::query_as(sql).bind(secret::hash(token)).fetch_optional(&mut *transaction).await?;
        if let Some((session, user, role)) = ended {
            let actor = actor(user, session, role, origin);
            audit::record(&mut transaction, &actor, Event::new("session.end").on("session", session)).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Ends every session of the actor.
    pub async fn end_sessions(&self, actor: &Actor) -> Result<()> {
        let Identity::User { id: user, .. } = actor.identity else { return Err(not_signed_in()) };
        let mut transaction = self.pool.begin().await?;
        end_all(&mut transaction, user, None, "signed_out").await?;
        audit::record(&mut transaction, actor, Event::new("session.end_all").on("user", user)).await?;
        transaction.commit().await?;
        Ok(())
    }
}

pub(super) fn actor(user: Uuid, session: Uuid, role: String, origin: &Origin) -> Actor {
    Actor { identity: Identity::User { id: user, session }, role, scopes: None, origin: origin.clone() }
}

/// A client that has used the successor no longer sends the previous token.
async fn is_unused(connection: &mut Connection, successor: &str) -> Result<bool> {
    let sql = "select used_at is null from cms.refresh_token where hash = $1";
    let unused = sqlx::query_scalar(sql).bind(secret::hash(successor)).fetch_optional(connection).await?;
    Ok(unused.unwrap_or(false))
}

async fn insert_refresh(connection: &mut Connection, session: Uuid, token: &str) -> Result<()> {
    let nonce: [u8; 16] = secret::random()?;
    let sql = "insert into cms.refresh_token (hash, session_id, nonce, expires_at)
        select $1, id, $3, least(expires_at, now() + make_interval(secs => $4)) from cms.session where id = $2";
    sqlx::query(sql)
        .bind(secret::hash(token))
        .bind(session)
        .bind(nonce.as_slice())
        .bind(f64::from(IDLE))
        .execute(connection)
        .await?;
    Ok(())
}

async fn end(connection: &mut Connection, session: Uuid, reason: &str) -> Result<()> {
    let sql = "update cms.session set revoked_at = now(), revoked_for = $2 where id = $1 and revoked_at is null";
    sqlx::query(sql).bind(session).bind(reason).execute(connection).await?;
    Ok(())
}

/// Ends every session of a user except one.
pub(super) async fn end_all(connection: &mut Connection, user: Uuid, but: Option<Uuid>, reason: &str) -> Result<()> {
    let sql = "update cms.session set revoked_at = now(), revoked_for = $3
        where user_id = $1 and revoked_at is null and ($2::uuid is null or id <> $2)";
    sqlx::query(sql).bind(user).bind(but).bind(reason).execute(connection).await?;
    Ok(())
}
