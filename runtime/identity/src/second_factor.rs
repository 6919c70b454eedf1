//! The second factor: codes of an authenticator, each valid once, and recovery codes in case it is lost.

use serde_json::Value as Json;
use sqlx::Row;
use uuid::Uuid;

use super::user::{has_hash, locked};
use super::{Accounts, now, secret, totp};
use base::error::{Code, Error, Result};
use store::Connection;
use store::access::{Actor, Identity};
use store::audit::{self, Event};

/// Bytes of an authenticator's key (RFC 4226, 4: 160 bits).
const KEY: usize = 20;
const RECOVERY_CODES: usize = 10;
/// Wrong codes in a row after which codes are refused for a while.
const FAILURES: i32 = 5;
/// Seconds. The pause doubles with each further wrong code, up to a day: at that rate, guessing six digits takes
/// centuries.
const PAUSE: f64 = 60.0;

/// The data for an authenticator, shown once.
#[derive(Clone)]
pub struct Enrolment {
    /// Base32.
    pub secret: String,
    /// `otpauth://totp/...`, to be shown as a QR code.
    pub uri: String,
}

impl Accounts {
    /// Begins enrolment; sign-in does not change until a code is confirmed. A repeated call creates a new key.
    pub async fn enrol(&self, actor: &Actor, site: &str) -> Result<Enrolment> {
        let (user, _) = signed_in(actor)?;
        let user = self.user(user).await?;
        let key: [u8; KEY] = secret::random()?;
        let sealed = self.sealer.seal(&about(&user.id.to_string()), &key)?;
        let sql = "insert into cms.totp (user_id, secret) values ($1, $2)
            on conflict (user_id) do update set secret = excluded.secret, created_at = now(), failures = 0
            where cms.totp.confirmed_at is null";
        let mut transaction = self.pool.begin().await?;
        self.acting(&mut transaction, actor, None).await?;
        let done = sqlx::query(sql).bind(user.id).bind(sealed).execute(&mut *transaction).await?;
        transaction.commit().await?;
        if done.rows_affected() == 0 {
            return Err(Error::new(Code::Conflict, "a second factor is already set up: disable it first"));
        }
        let secret = totp::base32(&key);
        let uri = format!(
            "otpauth://totp/{}:{}?secret={secret}&issuer={}&algorithm=SHA1&digits=6&period=30",
            escaped(site),
            escaped(&user.email),
            escaped(site)
        );
        Ok(Enrolment { secret, uri })
    }

    /// Enables the second factor with the first code. Returns the recovery codes, which are never shown again.
    pub async fn confirm(&self, actor: &Actor, code: &str) -> Result<Vec<String>> {
        let (user, session) = signed_in(actor)?;
        let mut transaction = self.pool.begin().await?;
        self.acting(&mut transaction, actor, None).await?;
        let is_confirmed: Option<bool> =
            sqlx::query_scalar("select confirmed_at is not null from cms.totp where user_id = $1 for update")
                .bind(user)
                .fetch_optional(&mut *transaction)
                .await?;
        match is_confirmed {
            None => return Err(Error::new(Code::NotFound, "begin with `/auth/totp/enrol`")),
            Some(true) => return Err(Error::new(Code::Conflict, "a second factor is already set up")),
            Some(false) => {}
        }
        if let Err(error) = self.check_totp(&mut transaction, user, code).await {
            transaction.commit().await?;
            return Err(error);
        }
        sqlx::query("update cms.totp set confirmed_at = now() where user_id = $1")
            .bind(user)
            .execute(&mut *transaction)
            .await?;
        // Other sessions began without the second factor, so they end and must sign in with it.
        super::session::end_all(&mut transaction, user, Some(session), "second_factor").await?;
        let codes = recovery_codes(&mut transaction, user).await?;
        let event = Event::new("second_factor.enable").on("user", user);
        audit::record(&mut transaction, actor, event).await?;
        transaction.commit().await?;
        Ok(codes)
    }

    /// Requires password and code again, so that an unattended session is not enough.
    pub async fn disable_second_factor(&self, actor: &Actor, password: &str, code: &str) -> Result<()> {
        let (id, _) = signed_in(actor)?;
        self.check_may_do_without(actor)?;
        let user = self.user(id).await?;
        self.check_own_password(&user, password, "password").await?;
        let mut transaction = self.pool.begin().await?;
        self.check_may_do_without(&self.acting(&mut transaction, actor, None).await?.whole()?)?;
        if !has_hash(&mut transaction, &user).await? {
            return Err(Error::new(Code::Conflict, "the password was changed meanwhile: try again"));
        }
        if let Err(error) = self.check_code(&mut transaction, id, code).await {
            transaction.commit().await?;
            return Err(error);
        }
        remove(&mut transaction, actor, id).await?;
        transaction.commit().await?;
        Ok(())
    }

    fn check_may_do_without(&self, actor: &Actor) -> Result<()> {
        match self.roles.needs_second_factor(&actor.role) {
            true => Err(Error::new(Code::Forbidden, "your role needs a second factor")),
            false => Ok(()),
        }
    }

    /// For an operator, when the authenticator and the recovery codes are lost.
    pub async fn remove_second_factor(&self, actor: &Actor, user: Uuid) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        locked(&mut transaction, user).await?;
        remove(&mut transaction, actor, user).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Whether this is a code of the authenticator or a recovery code; either works once. The caller must commit in any
    /// case, so that wrong codes are counted.
    pub(super) async fn check_code(&self, connection: &mut Connection, user: Uuid, code: &str) -> Result<()> {
        let code: String = code.chars().filter(|char| char.is_ascii_alphanumeric()).collect::<String>().to_lowercase();
        if code.len() == 6 {
            return self.check_totp(connection, user, &code).await;
        }
        let sql = "update cms.recovery_code set used_at = now() where user_id = $1 and hash = $2 and used_at is null";
        let used = sqlx::query(sql).bind(user).bind(secret::hash(&code)).execute(&mut *connection).await?;
        if used.rows_affected() == 1 { Ok(()) } else { Err(wrong_code()) }
    }

    async fn check_totp(&self, connection: &mut Connection, user: Uuid, code: &str) -> Result<()> {
        // Concurrent requests with the same code wait here for one another.
        let sql = "select secret, last_step, failures >= $2 and failed_at > now()
                - least(make_interval(secs => $3 * power(2, least(failures - $2, 16))), interval '1 day') as is_paused
            from cms.totp where user_id = $1 for update";
        let row = sqlx::query(sql).bind(user).bind(FAILURES).bind(PAUSE).fetch_optional(&mut *connection).await?;
        let Some(row) = row else { return Err(wrong_code()) };
        if row.try_get::<Option<bool>, _>("is_paused")?.unwrap_or(false) {
            let message = "too many wrong codes: try again later, or use a recovery code";
            return Err(Error::new(Code::RateLimited, message));
        }
        let Some(key) = self.sealer.open(&about(&user.to_string()), &row.try_get::<Vec<u8>, _>("secret")?) else {
            return Err(Error::internal("a second factor cannot be opened with TYPECASE_SECRET"));
        };
        let step = totp::matching(&key, code, now(), row.try_get("last_step")?);
        let sql = match step {
            Some(_) => "update cms.totp set last_step = $2, failures = 0 where user_id = $1",
            None => {
                "update cms.totp set failures = failures + 1, failed_at = now()
                where user_id = $1 and $2::bigint is null"
            }
        };
        sqlx::query(sql).bind(user).bind(step).execute(&mut *connection).await?;
        step.map(|_| ()).ok_or_else(wrong_code)
    }
}

async fn remove(connection: &mut Connection, actor: &Actor, user: Uuid) -> Result<()> {
    for sql in ["delete from cms.totp where user_id = $1", "delete from cms.recovery_code where user_id = $1"] {
        sqlx::query(sql).bind(user).execute(&mut *connection).await?;
    }
    audit::record(connection, actor, Event::new("second_factor.disable").on("user", user)).await
}

async fn recovery_codes(connection: &mut Connection, user: Uuid) -> Result<Vec<String>> {
    sqlx::query("delete from cms.recovery_code where user_id = $1").bind(user).execute(&mut *connection).await?;
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let code = secret::text(&secret::random::<10>()?);
        let sql = "insert into cms.recovery_code (user_id, hash) values ($1, $2)";
        sqlx::query(sql).bind(user).bind(secret::hash(&code)).execute(&mut *connection).await?;
        codes.push(format!("{}-{}-{}-{}", &code[..4], &code[4..8], &code[8..12], &code[12..]));
    }
    Ok(codes)
}

fn signed_in(actor: &Actor) -> Result<(Uuid, Uuid)> {
    match actor.identity {
        Identity::User { id, session } => Ok((id, session)),
        _ => Err(super::not_signed_in()),
    }
}

fn wrong_code() -> Error {
    Error::new(Code::Unauthenticated, "the code is wrong or was used before")
}

/// The context with which the secret of an authenticator is sealed, from the id of its user.
pub(super) fn about(user: &str) -> String {
    format!("totp:{user}")
}

/// Percent-encoded as in a URI (RFC 3986, 2.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// The form of a response.
impl From<Enrolment> for Json {
    fn from(enrolment: Enrolment) -> Self {
        serde_json::json!({ "secret": enrolment.secret, "uri": enrolment.uri })
    }
}
