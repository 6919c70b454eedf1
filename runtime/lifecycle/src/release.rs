//! Releases: named sets of changes that are prepared, checked, seen and made together.

mod items;
mod later;
mod publish;

use std::future::Future;
use std::pin::Pin;

use serde_json::Value as Json;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use store::access::{Action, Identity};
use store::hooks::{Cx, HookSet};
use store::write::{self, Transacted};
use store::{Connection, Store, audit, id};

pub use items::{Item, NewItem, add, items, remove};
pub(crate) use items::{planned, sees_all, stored};
pub use later::schedule;
pub(crate) use later::{FireRelease, Firing};
pub(crate) use publish::UNDO_DAYS;
pub use publish::{check, publish, undo, unschedule};

/// The prefix of the ids of releases.
pub const PREFIX: &str = "release";
/// Characters of a title and of a description.
const LONGEST_TITLE: usize = 200;
const LONGEST_DESCRIPTION: usize = 2_000;
/// Releases that are not published.
const MOST_OPEN: i64 = 1_000;
/// Of those, how many one user or token makes or schedules.
const MOST_OWN: i64 = 200;

#[derive(Clone, Debug)]
pub struct Release {
    pub id: Uuid,
    pub title: String,
    pub description: Option<String>,
    pub state: String,
    /// RFC 3339, with microseconds.
    pub at: Option<String>,
    pub local_time: Option<String>,
    pub zone: Option<String>,
    pub problems: Json,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub role: Option<String>,
    pub created_at: String,
    pub published_at: Option<String>,
    /// How many changes it has.
    pub size: i64,
}

const COLUMNS: &str = r#"r.id, r.title, r.description, r.state,
    to_char(r.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
    to_char(r.local_time, 'YYYY-MM-DD"T"HH24:MI:SS') as local_time, r.zone, r.problems::text as problems,
    r.actor_kind, r.actor, r.role,
    to_char(r.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
    to_char(r.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as published_at,
    (select count(*) from cms.release_item i where i.release = r.id and not i.implied) as size"#;

pub(crate) type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'c>>;

/// Releases are for accounts and tokens that may publish or delete entries of some type.
pub fn must_release(store: &Store) -> Result<()> {
    let access = &store.access;
    let is_known = !matches!(access.actor.identity, Identity::Anonymous);
    let may = |action| store.schema.contents().any(|info| info.owner.is_none() && access.must(info, action).is_ok());
    match is_known && (may(Action::Publish) || may(Action::Delete)) {
        true => Ok(()),
        false => Err(access.refusal("releases need a role that may publish entries".to_owned()).into()),
    }
}

/// What a list of releases is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub state: Option<&'a str>,
    /// Only those with a change of this entry.
    pub entry: Option<(&'static ContentInfo, Uuid)>,
    pub after: Option<Uuid>,
    pub limit: usize,
}

/// The newest first.
pub async fn list(store: &Store, asked: Asked<'_>) -> Result<Vec<Release>> {
    must_release(store)?;
    let mut lent = store.lend().await?;
    let actions = match asked.entry {
        Some((info, entry)) => items::actions_on(&mut lent, store, info, entry).await?,
        None => Vec::new(),
    };
    let sql = format!(
        "select {COLUMNS} from cms.release r
        where ($1::text is null or r.state = $1)
            and ($2::uuid is null or (r.created_at, r.id) < (select created_at, id from cms.release where id = $2))
            and ($4::uuid is null
                or r.id in (select i.release from cms.release_item i where i.entry = $4 and i.action = any($5)))
        order by r.created_at desc, r.id desc limit $3"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(asked.state)
        .bind(asked.after)
        .bind(i64::try_from(asked.limit).unwrap_or(i64::MAX))
        .bind(asked.entry.map(|(_, entry)| entry))
        .bind(actions)
        .fetch_all(&mut *lent)
        .await?;
    rows.iter().map(release).collect()
}

pub async fn get(store: &Store, id: Uuid) -> Result<Option<Release>> {
    must_release(store)?;
    let sql = format!("select {COLUMNS} from cms.release r where r.id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(&store.writes).await?;
    row.as_ref().map(release).transpose()
}

pub async fn must_get(store: &Store, id: Uuid) -> Result<Release> {
    get(store, id).await?.ok_or_else(|| missing(id).into())
}

fn release(row: &PgRow) -> Result<Release> {
    let problems: Option<String> = row.try_get("problems")?;
    Ok(Release {
        id: row.try_get("id")?,
        title: row.try_get("title")?,
        description: row.try_get("description")?,
        state: row.try_get("state")?,
        at: row.try_get("at")?,
        local_time: row.try_get("local_time")?,
        zone: row.try_get("zone")?,
        problems: match problems {
            Some(problems) => serde_json::from_str(&problems).map_err(Error::internal)?,
            None => Json::Array(Vec::new()),
        },
        actor_kind: row.try_get("actor_kind")?,
        actor: row.try_get("actor")?,
        role: row.try_get("role")?,
        created_at: row.try_get("created_at")?,
        published_at: row.try_get("published_at")?,
        size: row.try_get("size")?,
    })
}

/// What a release is called. `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Named {
    pub title: Option<String>,
    pub description: Option<Option<String>>,
}

impl Named {
    fn check(&self) -> Result<()> {
        let too_long = |name: &'static str, text: &str, most: usize| {
            let is_wrong = text.chars().count() > most || text.contains('\0');
            let message = format!("a {name} has at most {most} characters and no U+0000");
            is_wrong.then(|| Problem::new(Code::InvalidValue, message).at([Step::from(name)]))
        };
        let title = self.title.as_deref();
        let empty = title
            .filter(|title| title.trim().is_empty())
            .map(|_| Problem::new(Code::InvalidValue, "a release needs a title").at([Step::from("title")]));
        let description = self.description.iter().flatten();
        let problems = empty
            .into_iter()
            .chain(title.and_then(|title| too_long("title", title, LONGEST_TITLE)))
            .chain(description.filter_map(|text| too_long("description", text, LONGEST_DESCRIPTION)));
        let problems: Vec<Problem> = problems.collect();
        if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
    }
}

pub async fn create(store: &Store, hooks: &HookSet, named: Named) -> Result<Release> {
    must_release(store)?;
    named.check()?;
    let id = write::transact(store, hooks, &Edit { release: None, edit: Editing::Name(named) }).await?;
    must_get(store, id).await
}

pub async fn rename(store: &Store, hooks: &HookSet, release: Uuid, named: Named) -> Result<Release> {
    must_release(store)?;
    named.check()?;
    write::transact(store, hooks, &Edit { release: Some(release), edit: Editing::Name(named) }).await?;
    must_get(store, release).await
}

/// Deletes a release, which changes no entry. One that was published goes too, and can be undone no more.
pub async fn delete(store: &Store, hooks: &HookSet, release: Uuid) -> Result<Uuid> {
    must_release(store)?;
    write::transact(store, hooks, &Edit { release: Some(release), edit: Editing::Delete }).await
}

enum Editing {
    Name(Named),
    Delete,
}

struct Edit {
    release: Option<Uuid>,
    edit: Editing,
}

impl Transacted for Edit {
    type Output = Uuid;

    fn run<'c>(&'c self, cx: &'c mut Cx<'_>) -> Running<'c, Uuid> {
        Box::pin(async move {
            let (id, verb) = match (self.release, &self.edit) {
                (None, Editing::Name(named)) => (insert(cx, named).await?, "create"),
                (Some(id), Editing::Name(named)) => {
                    lock(cx.connection, id, "id").await?;
                    items::must_change_all(cx, id).await?;
                    let sql = "update cms.release set title = coalesce($2, title),
                        description = case when $3 then $4 else description end where id = $1";
                    sqlx::query(sql)
                        .bind(id)
                        .bind(&named.title)
                        .bind(named.description.is_some())
                        .bind(named.description.clone().flatten())
                        .execute(&mut *cx.connection)
                        .await?;
                    (id, "update")
                }
                (Some(id), Editing::Delete) => {
                    lock(cx.connection, id, "id").await?;
                    items::must_change_all(cx, id).await?;
                    sqlx::query("delete from cms.release where id = $1").bind(id).execute(&mut *cx.connection).await?;
                    (id, "delete")
                }
                (None, Editing::Delete) => return Err(Error::internal("no release is deleted")),
            };
            note(cx, id, verb, None).await?;
            Ok(id)
        })
    }
}

async fn insert(cx: &mut Cx<'_>, named: &Named) -> Result<Uuid> {
    cx.connection.alone_at("releases").await?;
    let actor = &cx.store.access.actor;
    let (kind, actor_id) = store::outbox::actor_of(&actor.identity);
    let sql = "select count(*), count(*) filter (where actor_kind = $1 and actor is not distinct from $2)
        from cms.release where state in ('open', 'scheduled', 'failed')";
    let (open, own): (i64, i64) = sqlx::query_as(sql).bind(kind).bind(actor_id).fetch_one(&mut *cx.connection).await?;
    if own >= MOST_OWN {
        let message = format!("you have {own} releases that are not published, the limit is {MOST_OWN}");
        return Err(Problem::new(Code::LimitExceeded, message).into());
    }
    if open >= MOST_OPEN {
        let message = format!("there are {open} releases that are not published, the limit is {MOST_OPEN}");
        return Err(Problem::new(Code::LimitExceeded, message).into());
    }
    let id = id::new_uuid();
    let sql =
        "insert into cms.release (id, title, description, actor_kind, actor, role) values ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(id)
        .bind(named.title.as_deref().unwrap_or_default())
        .bind(named.description.clone().flatten())
        .bind(kind)
        .bind(actor_id)
        .bind(&actor.role)
        .execute(&mut *cx.connection)
        .await?;
    Ok(id)
}

/// Locks the release and returns its state.
async fn lock(connection: &mut Connection, id: Uuid, argument: &str) -> Result<String> {
    let found: Option<String> = sqlx::query_scalar("select state from cms.release where id = $1 for update")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    found.ok_or_else(|| Problem { path: vec![Step::from(argument)], ..missing(id) }.into())
}

/// Locks a release that is not published.
async fn lock_open(connection: &mut Connection, id: Uuid) -> Result<String> {
    let state = lock(connection, id, "id").await?;
    match state.as_str() {
        "open" | "scheduled" | "failed" => Ok(state),
        _ => Err(is_ended(&state)),
    }
}

fn is_ended(state: &str) -> Error {
    Problem::new(Code::Conflict, format!("the release is {state} already")).at([Step::from("id")]).into()
}

async fn note(cx: &mut Cx<'_>, release: Uuid, verb: &str, after: Option<Json>) -> Result<()> {
    let actor = cx.store.access.actor.clone();
    let event = audit::Event { after, ..audit::Event::new(format!("release.{verb}")).on(PREFIX, release) };
    audit::record(cx.connection, &actor, event).await
}

pub(crate) fn missing(id: Uuid) -> Problem {
    let message = format!("the release `{}` does not exist", id::encode(PREFIX, id));
    Problem::new(Code::NotFound, message).at([Step::from("id")])
}
