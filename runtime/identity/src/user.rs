//! Users: create, list, assign roles, disable. Every change takes effect at the next request, whatever tokens exist.

use serde::Serialize;
use serde_json::json;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgExecutor, Row};
use uuid::Uuid;

use super::{Accounts, password, session};
use base::error::{Code, Error, Problem, Result};
use store::Connection;
use store::access::{Actor, Area, Identity};
use store::audit::{self, Event};
use store::id;

const COLUMNS: &str = "id, email, name, role, password, disabled_at is not null as disabled,
    cms.datetime_text(created_at) as created_at,
    exists (select from cms.totp where user_id = id and confirmed_at is not null) as second_factor";
/// Users per page of a list.
const PAGE: i64 = 100;
/// RFC 5321, 4.5.3.1.
const LONGEST_EMAIL: usize = 254;
const LONGEST_NAME: usize = 200;

/// A user as shown in lists and responses.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    #[serde(serialize_with = "shown_id")]
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub role: String,
    pub disabled: bool,
    /// The invitation has been accepted.
    pub has_password: bool,
    pub second_factor: bool,
    pub created_at: String,
    #[serde(skip)]
    pub(super) hash: Option<String>,
}

#[derive(Clone, Debug)]
pub struct NewUser {
    pub email: String,
    pub name: String,
    pub role: String,
    /// Without one, the user must accept an invitation.
    pub password: Option<String>,
}

/// What others may change of a user.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub role: Option<String>,
    pub disabled: Option<bool>,
}

impl Accounts {
    pub async fn create_user(&self, actor: &Actor, new: NewUser) -> Result<User> {
        let (email, name) = (email(&new.email)?, name(&new.name)?);
        self.roles.check(&new.role)?;
        self.roles.check_may_give(&actor.role, &new.role)?;
        let hash = match &new.password {
            Some(password) => {
                password::policy(password, &email, &name)?;
                Some(self.hasher.hash(password).await?)
            }
            None => None,
        };
        let mut transaction = self.pool.begin().await?;
        let user = insert(&mut transaction, actor, &email, &name, &new.role, hash).await?;
        transaction.commit().await?;
        Ok(user)
    }

    pub async fn user(&self, id: Uuid) -> Result<User> {
        find(&self.pool, id).await?.ok_or_else(not_found)
    }

    pub async fn user_by_email(&self, address: &str) -> Result<Option<User>> {
        let sql = format!("select {COLUMNS} from cms.user where email = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(normal(address)).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose().map_err(Error::from)
    }

    /// Ordered by email, after the given one.
    pub async fn users(&self, after: Option<&str>) -> Result<Vec<User>> {
        let sql =
            format!("select {COLUMNS} from cms.user where $1::text is null or email > $1 order by email limit {PAGE}");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(after.map(normal)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    /// Users cannot change their own role or disable themselves, so there is always an administrator left.
    pub async fn change_user(&self, actor: &Actor, id: Uuid, change: &Change) -> Result<User> {
        if actor.user() == Some(id) && (change.role.is_some() || change.disabled.is_some()) {
            return Err(Error::new(
                Code::Refused,
                "you cannot change your own role or account: ask another administrator",
            ));
        }
        let new_name = change.name.as_deref().map(name).transpose()?;
        if let Some(role) = &change.role {
            self.roles.check(role)?;
        }
        let mut transaction = self.pool.begin().await?;
        let actor = &self.managing(&mut transaction, actor, Area::Users, Some(id)).await?;
        let before = find(&mut *transaction, id).await?.ok_or_else(not_found)?;
        self.roles.check_may_give(&actor.role, &before.role)?;
        if let Some(role) = &change.role {
            self.roles.check_may_give(&actor.role, role)?;
        }
        let sql = "update cms.user set name = coalesce($2, name), role = coalesce($3, role), updated_at = now(),
            disabled_at = case when $4::boolean is null then disabled_at when $4 then coalesce(disabled_at, now()) end
            where id = $1";
        sqlx::query(sql)
            .bind(id)
            .bind(&new_name)
            .bind(&change.role)
            .bind(change.disabled)
            .execute(&mut *transaction)
            .await?;
        if change.disabled == Some(true) {
            session::end_all(&mut transaction, id, None, "disabled").await?;
        }
        let mut event = Event::new("user.change").on("user", id);
        if let Some(name) = new_name.filter(|name| *name != before.name) {
            event = event.changed("name", json!(before.name), json!(name));
        }
        if let Some(role) = change.role.as_ref().filter(|role| **role != before.role) {
            event = event.changed("role", json!(before.role), json!(role));
        }
        if let Some(disabled) = change.disabled.filter(|disabled| *disabled != before.disabled) {
            event = event.changed("disabled", json!(before.disabled), json!(disabled));
        }
        if !event.fields.is_empty() {
            audit::record(&mut transaction, actor, event).await?;
        }
        transaction.commit().await?;
        self.user(id).await
    }

    /// Sets a password for an operator; every session of the user ends.
    pub async fn set_password(&self, actor: &Actor, id: Uuid, password: &str) -> Result<()> {
        let user = self.user(id).await?;
        password::policy(password, &user.email, &user.name)?;
        let hash = self.hasher.hash(password).await?;
        let mut transaction = self.pool.begin().await?;
        store_password(&mut transaction, actor, id, &hash, None).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Changes the user's own password; every other session of the user ends.
    pub async fn change_password(&self, actor: &Actor, current: &str, new: &str) -> Result<()> {
        let Identity::User { id, session } = actor.identity else { return Err(super::not_signed_in()) };
        // Retried once if a sign-in rehashed the password meanwhile; a password that somebody else has set is not
        // overwritten.
        for _ in 0..2 {
            let user = self.user(id).await?;
            self.check_own_password(&user, current, "current").await?;
            password::policy(new, &user.email, &user.name)?;
            let hash = self.hasher.hash(new).await?;
            let mut transaction = self.pool.begin().await?;
            self.acting(&mut transaction, actor, None).await?.whole()?;
            if has_hash(&mut transaction, &user).await? {
                store_password(&mut transaction, actor, id, &hash, Some(session)).await?;
                transaction.commit().await?;
                return Ok(());
            }
        }
        Err(Error::new(Code::Conflict, "the password was changed meanwhile: try again"))
    }

    /// For a signed-in user who must enter the password again.
    pub(super) async fn check_own_password(&self, user: &User, given: &str, argument: &str) -> Result<()> {
        if self.hasher.check(given, user.hash.as_deref()).await?.is_right {
            return Ok(());
        }
        let message = if argument == "current" { "the current password is wrong" } else { "the password is wrong" };
        Err(Problem::new(Code::BadUserInput, message).at([argument.into()]).into())
    }
}

/// Whether the locked account still has the password that was checked.
pub(super) async fn has_hash(connection: &mut Connection, user: &User) -> Result<bool> {
    let now = find(connection, user.id).await?;
    Ok(now.is_some_and(|now| now.hash == user.hash))
}

/// Stores the hash, ends all sessions but one, and invalidates pending links.
pub(super) async fn store_password(
    connection: &mut Connection,
    actor: &Actor,
    id: Uuid,
    hash: &str,
    but: Option<Uuid>,
) -> Result<()> {
    let sql = "update cms.user set password = $2, updated_at = now() where id = $1";
    sqlx::query(sql).bind(id).bind(hash).execute(&mut *connection).await?;
    session::end_all(connection, id, but, "password").await?;
    sqlx::query("update cms.one_time_link set used_at = now() where user_id = $1 and used_at is null")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    audit::record(connection, actor, Event::new("user.password").on("user", id)).await
}

pub(super) async fn insert(
    connection: &mut Connection,
    actor: &Actor,
    email: &str,
    name: &str,
    role: &str,
    hash: Option<String>,
) -> Result<User> {
    let id = id::new_uuid();
    let sql = "insert into cms.user (id, email, name, role, password) values ($1, $2, $3, $4, $5)
        on conflict (email) do nothing";
    let inserted =
        sqlx::query(sql).bind(id).bind(email).bind(name).bind(role).bind(hash).execute(&mut *connection).await?;
    if inserted.rows_affected() == 0 {
        return Err(Problem::new(Code::Conflict, "an account with this address already exists")
            .at(["email".into()])
            .into());
    }
    let mut event = Event::new("user.create").on("user", id);
    event.after = Some(json!({ "email": email, "name": name, "role": role }));
    audit::record(connection, actor, event).await?;
    find(connection, id).await?.ok_or_else(not_found)
}

pub(super) async fn find(executor: impl PgExecutor<'_>, id: Uuid) -> Result<Option<User>> {
    let sql = format!("select {COLUMNS} from cms.user where id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(executor).await?;
    row.as_ref().map(read).transpose().map_err(Error::from)
}

/// Locks the account until the transaction ends. A transaction that locks anything else of an account must lock this
/// first.
pub(super) async fn locked(connection: &mut Connection, id: Uuid) -> Result<Option<User>> {
    sqlx::query("select from cms.user where id = $1 for update").bind(id).execute(&mut *connection).await?;
    find(connection, id).await
}

fn read(row: &PgRow) -> Result<User, sqlx::Error> {
    let hash: Option<String> = row.try_get("password")?;
    Ok(User {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        disabled: row.try_get("disabled")?,
        has_password: hash.is_some(),
        second_factor: row.try_get("second_factor")?,
        created_at: row.try_get("created_at")?,
        hash,
    })
}

pub(super) fn not_found() -> Error {
    Error::new(Code::NotFound, "the user does not exist")
}

/// The form in which addresses are stored and compared. The part before the `@` may be case-sensitive in theory, but no
/// mail server in use treats it so, and two accounts that look the same are a trap.
pub fn normal(address: &str) -> String {
    address.trim().to_lowercase()
}

/// An email address that is valid as far as its form shows.
pub(super) fn email(text: &str) -> Result<String> {
    let email = normal(text);
    let parts = email.rsplit_once('@');
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.contains(|char: char| char.is_whitespace() || char.is_control() || "<>,;\"@".contains(char))
    };
    if email.len() > LONGEST_EMAIL || !parts.is_some_and(|(local, host)| is_plain(local) && is_plain(host)) {
        let problem = Problem::new(Code::BadUserInput, "this is not an email address");
        return Err(problem.at(["email".into()]).into());
    }
    Ok(email)
}

pub(super) fn name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
        let message = format!("a name has 1 to {LONGEST_NAME} bytes and no control characters");
        return Err(Problem::new(Code::BadUserInput, message).at(["name".into()]).into());
    }
    Ok(name.to_owned())
}

pub(super) fn shown_id<S: serde::Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&id::encode("user", *id))
}
