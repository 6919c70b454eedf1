//! The names behind the ids of users and API tokens, for those who work on drafts with them.

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use base::error::Result;
use store::access::{API_TOKEN_PREFIX, Action, Area, USER_PREFIX};
use store::{Connection, Store, id};

/// A name, never an email address: people who write drafts need not know each other's.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub name: String,
}

/// Refuses those who see nobody's work: visitors, and roles that may read no drafts.
fn must_work(store: &Store) -> Result<()> {
    let access = &store.access;
    let reads = |action| store.schema.contents().any(|info| info.owner.is_none() && access.must(info, action).is_ok());
    let may = !access.actor.is_anonymous() && (reads(Action::ReadDrafts) || access.manages(Area::Users));
    match may {
        true => Ok(()),
        false => Err(access.refusal("names of people need a role that may read drafts").into()),
    }
}

/// Users whose name contains the text, by name. Those whose account is disabled are left out: nobody can mention them.
pub async fn search(store: &Store, text: Option<&str>, limit: usize) -> Result<Vec<Person>> {
    must_work(store)?;
    let sql = "select 'user', id, name from cms.user
        where disabled_at is null and ($1::text is null or strpos(sort.lower(name), sort.lower($1)) > 0)
        order by sort.lower(name), id limit $2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut lent = store.lend().await?;
    let rows = sqlx::query(sql).bind(text).bind(limit).fetch_all(&mut *lent).await?;
    rows.iter().map(person).collect()
}

/// The users and API tokens with these ids, also former ones, in this order; those that do not exist are left out.
pub async fn named(store: &Store, ids: &[(&str, Uuid)]) -> Result<Vec<Person>> {
    must_work(store)?;
    let sql = "select n.kind, n.id, n.name from unnest($1::text[], $2::uuid[]) with ordinality as a (kind, id, place)
        join (select 'user' as kind, id, name from cms.user union all select 'token', id, name from cms.api_token) n
            on n.kind = a.kind and n.id = a.id
        order by a.place";
    let kinds: Vec<&str> = ids.iter().map(|(prefix, _)| kind_of(prefix)).collect();
    let uuids: Vec<Uuid> = ids.iter().map(|(_, uuid)| *uuid).collect();
    let mut lent = store.lend().await?;
    let rows = sqlx::query(sql).bind(kinds).bind(uuids).fetch_all(&mut *lent).await?;
    rows.iter().map(person).collect()
}

/// The name of an actor, if it is a user or a token that still exists.
pub(crate) async fn name(connection: &mut Connection, kind: &str, actor: Option<Uuid>) -> Result<Option<String>> {
    let sql = "select coalesce((select name from cms.user where $1 = 'user' and id = $2),
        (select name from cms.api_token where $1 = 'token' and id = $2))";
    Ok(sqlx::query_scalar(sql).bind(kind).bind(actor).fetch_one(connection).await?)
}

fn kind_of(prefix: &str) -> &'static str {
    if prefix == API_TOKEN_PREFIX { "token" } else { "user" }
}

fn person(row: &PgRow) -> Result<Person> {
    let (kind, uuid): (String, Uuid) = (row.try_get(0)?, row.try_get(1)?);
    let prefix = if kind == "token" { API_TOKEN_PREFIX } else { USER_PREFIX };
    Ok(Person { id: id::encode(prefix, uuid), name: row.try_get(2)? })
}
