//! Looks the actor up again in the transaction that acts for it, because it may have changed since the first look-up,
//! especially while a password was checked.

use futures_util::future::BoxFuture;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::roles::Roles;
use super::{Accounts, api_token, not_signed_in, session};
use base::error::{Code, Error, Result};
use store::access::{Actor, Area, Identity, Origin};
use store::{Called, Connection, Pool, Standing};

/// The current state of an actor.
pub(super) struct Now {
    pub actor: Actor,
    restricted: bool,
}

impl Now {
    /// Fails if the actor may only set up a second factor.
    pub fn whole(self) -> Result<Actor> {
        match self.restricted {
            false => Ok(self.actor),
            true => Err(Error::new(Code::EnrolmentRequired, "your role now needs a second factor: set one up")),
        }
    }
}

/// Refuses an actor whose session or token has ended, or whose role is no longer the one by which the request was
/// checked.
impl Standing for Roles {
    fn check<'a>(&'a self, connection: &'a mut Connection, actor: &'a Actor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let now = find(connection, *self, actor).await?.whole()?;
            if now.role == actor.role {
                return Ok(());
            }
            Err(Error::new(Code::Forbidden, "your role was changed meanwhile: try again"))
        })
    }

    fn called<'a>(&'a self, pool: &'a Pool, actor: &'a Actor) -> BoxFuture<'a, Result<Called>> {
        let (id, sql) = match actor.identity {
            Identity::User { id, .. } => (id, "select email, name from cms.user where id = $1"),
            Identity::Token { id } => (id, "select null, name from cms.api_token where id = $1"),
            Identity::Anonymous | Identity::Developer | Identity::System => {
                return Box::pin(async { Ok(Called::default()) });
            }
        };
        Box::pin(async move {
            let found: Option<(Option<String>, Option<String>)> =
                sqlx::query_as(sql).bind(id).fetch_optional(pool).await?;
            let (email, name) = found.unwrap_or_default();
            Ok(Called { email, name })
        })
    }

    fn resume<'a>(
        &'a self,
        connection: &'a mut Connection,
        identity: &'a Identity,
        role: &'a str,
    ) -> BoxFuture<'a, Result<Option<Actor>>> {
        Box::pin(async move {
            let (role, scopes) = match *identity {
                Identity::User { id, .. } => {
                    let sql = "select role from cms.user where id = $1 and disabled_at is null";
                    let found: Option<String> = sqlx::query_scalar(sql).bind(id).fetch_optional(connection).await?;
                    let Some(role) = found else { return Ok(None) };
                    (role, None)
                }
                Identity::Token { id } => match api_token::rights(connection, id).await? {
                    Some(rights) => rights,
                    None => return Ok(None),
                },
                Identity::Anonymous | Identity::Developer | Identity::System => (role.to_owned(), None),
            };
            Ok(Some(Actor { identity: identity.clone(), role, scopes, origin: Origin::default() }))
        })
    }

    fn role_of<'a>(&'a self, pool: &'a Pool, user: Uuid) -> BoxFuture<'a, Result<Option<String>>> {
        let query = sqlx::query_scalar("select role from cms.user where id = $1 and disabled_at is null");
        Box::pin(async move { Ok(query.bind(user).fetch_optional(pool).await?) })
    }

    fn check_may_give(&self, actor: &Actor, role: &str) -> Result<()> {
        Roles::check(*self, role)?;
        if actor.identity == Identity::System { Ok(()) } else { Roles::check_may_give(*self, &actor.role, role) }
    }
}

async fn find(connection: &mut Connection, roles: Roles, actor: &Actor) -> Result<Now> {
    let row = match actor.identity {
        Identity::User { id, session } => {
            let query = sqlx::query(AssertSqlSafe(session::live())).bind(session).bind(id);
            query.bind(roles.with_second_factor()).fetch_optional(connection).await?
        }
        Identity::Token { id } => {
            let sql = "select role, false as restricted from cms.api_token
                where id = $1 and revoked_at is null and expires_at > now()";
            sqlx::query(sql).bind(id).fetch_optional(connection).await?
        }
        Identity::Anonymous | Identity::Developer | Identity::System => {
            return Ok(Now { actor: actor.clone(), restricted: false });
        }
    };
    let row = row.ok_or_else(not_signed_in)?;
    let actor = Actor { role: row.try_get("role")?, ..actor.clone() };
    Ok(Now { actor, restricted: row.try_get("restricted")? })
}

impl Accounts {
    /// The current state of the actor. Its account and the one that is acted on are locked until the transaction ends,
    /// always in the same order, so that two actors who act on each other do not deadlock.
    pub(super) async fn acting(&self, connection: &mut Connection, actor: &Actor, on: Option<Uuid>) -> Result<Now> {
        let ids: Vec<_> = actor.user().into_iter().chain(on).collect();
        if !ids.is_empty() {
            let sql = "select from cms.user where id = any($1) order by id for update";
            sqlx::query(sql).bind(ids).execute(&mut *connection).await?;
        }
        find(connection, self.roles, actor).await
    }

    /// As [`Self::acting`], for an actor whose role manages this area.
    pub(super) async fn managing(
        &self,
        connection: &mut Connection,
        actor: &Actor,
        area: Area,
        on: Option<Uuid>,
    ) -> Result<Actor> {
        let actor = self.acting(connection, actor, on).await?.whole()?;
        match actor.identity {
            Identity::User { .. } if !self.roles.manages(&actor.role, area) => {
                Err(Error::new(Code::Forbidden, "your role may not manage this"))
            }
            _ => Ok(actor),
        }
    }
}
