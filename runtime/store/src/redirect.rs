//! Redirects that people manage: listed, made, changed, deleted and imported. `write/paths.rs` makes those of renamed entries.
//!
//! No redirect leads to another one: what a path leads to is looked up when it is stored, and what led to the path follows.

mod list;
mod resolve;

use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::access::{Area, Identity};
use crate::audit::{self, Event};
use crate::{Connection, Stage, Store, id};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;
use model::path::{self, Target};

pub use crate::paths::REDIRECT as PREFIX;
pub use list::{Part, all, list};
pub use resolve::{Found, resolve};

/// Redirects that were made by hand.
const MOST: i64 = 100_000;
const STATUSES: [i64; 4] = [301, 302, 307, 308];

#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    pub id: Uuid,
    /// In its normal form.
    pub from: String,
    pub leads_to: LeadsTo,
    pub suffix: String,
    pub status: i16,
    pub is_manual: bool,
    /// RFC 3339.
    pub created_at: String,
    pub created_by: Option<Uuid>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LeadsTo {
    /// An entry: its table, and its id.
    Entry(String, Uuid),
    /// A path in its normal form, or an address.
    Address(String),
}

/// A redirect to be made.
#[derive(Clone, Debug)]
pub struct New<'a> {
    pub from: &'a str,
    pub to: To<'a>,
    pub status: i64,
    /// Where its values are in the input.
    pub path: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub enum To<'a> {
    Entry(&'static ContentInfo, Uuid),
    Address(&'a str),
}

/// A redirect whose values are valid.
struct Checked<'a> {
    from: String,
    leads_to: LeadsTo,
    suffix: String,
    status: i16,
    path: &'a [Step],
}

const COLUMNS: &str = r#"id, from_path, type, entry, target, suffix, status, origin,
    to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at, created_by"#;

fn read(row: &sqlx::postgres::PgRow) -> Result<Redirect, sqlx::Error> {
    let target: Option<String> = row.try_get("target")?;
    let leads_to = match target {
        Some(target) => LeadsTo::Address(target),
        None => LeadsTo::Entry(row.try_get("type")?, row.try_get("entry")?),
    };
    Ok(Redirect {
        id: row.try_get("id")?,
        from: row.try_get("from_path")?,
        leads_to,
        suffix: row.try_get("suffix")?,
        status: row.try_get("status")?,
        is_manual: row.try_get::<String, _>("origin")? == "manual",
        created_at: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
    })
}

/// The redirect from this path. A connection of its own reads it: the role of public reads sees nothing but `live`.
pub async fn from(store: &Store, path: &str) -> Result<Option<Redirect>> {
    store.touch_by_hand();
    let mut lent = store.lend().await?;
    Ok(find(&mut lent, "from_path", path).await?)
}

async fn find<'q, T>(connection: &mut Connection, column: &str, value: T) -> Result<Option<Redirect>, sqlx::Error>
where
    T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + 'q,
{
    let sql = format!("select {COLUMNS} from cms.redirect where {column} = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(value).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

pub async fn create(store: &Store, new: &New<'_>) -> Result<Redirect> {
    let checked = check(store, new).await?;
    let mut transaction = begin(store).await?;
    if let Some(known) = find(&mut transaction, "from_path", &checked.from).await? {
        return Err(taken(&known, &checked).into());
    }
    let id = put(&mut transaction, store, checked, None).await?;
    finish(transaction, id).await
}

/// Replaces a redirect; it is one made by hand from now on.
pub async fn update(store: &Store, id: Uuid, new: &New<'_>) -> Result<Redirect> {
    let checked = check(store, new).await?;
    let mut transaction = begin(store).await?;
    let known = find(&mut transaction, "id", id).await?.ok_or_else(|| missing(id))?;
    if let Some(other) = find(&mut transaction, "from_path", &checked.from).await?.filter(|other| other.id != id) {
        return Err(taken(&other, &checked).into());
    }
    remove(&mut transaction, id).await?;
    let id = put(&mut transaction, store, checked, Some(known)).await?;
    finish(transaction, id).await
}

/// Deletes a redirect. Those who may publish the entry may delete the one that it has left.
pub async fn delete(store: &Store, id: Uuid) -> Result<Uuid> {
    let mut transaction = begin(store).await?;
    let known = find(&mut transaction, "id", id).await?.ok_or_else(|| missing(id))?;
    if !store.access.manages(Area::Redirects) && !publishes(&mut transaction, store, &known).await? {
        return Err(missing(id).into());
    }
    remove(&mut transaction, id).await?;
    record(&mut transaction, store, "redirect.delete", Some(&known), None).await?;
    transaction.commit().await?;
    Ok(id)
}

async fn publishes(connection: &mut Connection, store: &Store, known: &Redirect) -> Result<bool> {
    let LeadsTo::Entry(table, entry) = &known.leads_to else { return Ok(false) };
    let info = store.schema.types.iter().find(|info| info.is_called(table));
    let Some(info) = info.filter(|_| !known.is_manual) else { return Ok(false) };
    let admitted = crate::write::entries::publishable_by(connection, store, &[(*info, *entry)]).await;
    Ok(admitted.is_ok_and(|admitted| admitted.contains(entry)))
}

/// What an import has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    pub made: usize,
    /// Redirects that were there with the same values. They stay as they are: one that a moved entry has left does not become one
    /// made by hand because it was exported and imported.
    pub same: usize,
}

/// Makes redirects, and replaces those that have the same path and other values: all of them or none. `problems` are those
/// that have been found before.
pub async fn import(store: &Store, new: &[New<'_>], mut problems: Vec<Problem>) -> Result<Imported> {
    let mut checked = Vec::with_capacity(new.len());
    for new in new {
        if is_there(store, new).await? {
            continue;
        }
        match check(store, new).await {
            Ok(new) => checked.push(new),
            Err(error) => problems.extend(error.problems),
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let mut transaction = begin(store).await?;
    let made = checked.len();
    for new in checked {
        let known = find(&mut transaction, "from_path", &new.from).await?;
        if let Some(known) = &known {
            remove(&mut transaction, known.id).await?;
        }
        put(&mut transaction, store, new, known).await?;
    }
    check_count(&mut transaction).await?;
    transaction.commit().await?;
    Ok(Imported { made, same: new.len() - made })
}

/// Whether there is a redirect with exactly these values. The entry that it leads to may be deleted meanwhile.
async fn is_there(store: &Store, new: &New<'_>) -> Result<bool> {
    let Ok(path) = path::normal(new.from) else { return Ok(false) };
    let Some(known) = from(store, &path).await? else { return Ok(false) };
    let is_same = match (new.to, &known.leads_to) {
        (To::Entry(info, entry), LeadsTo::Entry(table, known)) => info.is_called(table) && entry == *known,
        (To::Address(to), LeadsTo::Address(known_to)) => {
            Target::parse(to).is_ok_and(|target| target.to == *known_to && target.suffix == known.suffix)
        }
        _ => false,
    };
    Ok(is_same && i64::from(known.status) == new.status)
}

/// One writer at a time, so that two redirects cannot close a circle.
async fn begin(store: &Store) -> Result<crate::Transaction> {
    let mut transaction = store.writes.begin().await?;
    store.check_actor(&mut transaction).await?;
    transaction.alone_at("redirect").await?;
    Ok(transaction)
}

async fn finish(mut transaction: crate::Transaction, id: Uuid) -> Result<Redirect> {
    check_count(&mut transaction).await?;
    let made = find(&mut transaction, "id", id).await?;
    transaction.commit().await?;
    made.ok_or_else(|| Error::internal("a redirect that was made is not there"))
}

async fn check_count(connection: &mut Connection) -> Result<()> {
    let sql = "select count(*) from cms.redirect where origin = 'manual'";
    let count: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    match count > MOST {
        true => Err(Error::new(Code::LimitExceeded, format!("a site has at most {MOST} redirects made by hand"))),
        false => Ok(()),
    }
}

/// Checks the values alone, with a connection of its own.
async fn check<'a>(store: &Store, new: &'a New<'_>) -> Result<Checked<'a>> {
    let from = path::normal(new.from).map_err(|reason| wrong(&new.path, "from", reason))?;
    if !STATUSES.contains(&new.status) {
        return Err(wrong(&new.path, "status", "is 301, 302, 307 or 308").into());
    }
    let status = i16::try_from(new.status).unwrap_or(301);
    let live = store.trusted();
    if let Some((info, id)) = live.at(Stage::Live).entry_at(&from).await? {
        let message =
            format!("`{from}` is the path of {} `{}`, which comes first", info.name, id::encode(info.table, id));
        return Err(Problem::new(Code::Conflict, message).at(at(&new.path, "from")).into());
    }
    let (leads_to, suffix) = match new.to {
        To::Address(to) => {
            let target = Target::parse(to).map_err(|reason| wrong(&new.path, "to", reason))?;
            (LeadsTo::Address(target.to), target.suffix)
        }
        To::Entry(info, entry) => {
            must_exist(store, info, entry, &new.path).await?;
            (LeadsTo::Entry(info.table.to_owned(), entry), String::new())
        }
    };
    Ok(Checked { from, leads_to, suffix, status, path: &new.path })
}

/// An entry that the actor may read, of a type with paths.
async fn must_exist(store: &Store, info: &'static ContentInfo, entry: Uuid, path: &[Step]) -> Result<()> {
    if info.path.is_empty() {
        return Err(wrong(path, "entry", "is an entry of a type without paths").into());
    }
    for stage in [Stage::Live, Stage::Draft] {
        let scope = store.at(stage);
        let mut sql = scope.sql();
        sql.push("SELECT t.id FROM ");
        scope.push(info, "t", &mut sql)?;
        sql.push(" WHERE t.id = ANY(").ids().push(")");
        if !sql.fetch_for(store, &[entry]).await?.is_empty() {
            return Ok(());
        }
    }
    let message = format!("{} `{}` does not exist", info.name, id::encode(info.table, entry));
    Err(Problem::new(Code::NotFound, message).at(at(path, "entry")).into())
}

/// Stores a redirect whose path has none. What it leads to is followed once, and what led to it follows.
async fn put(connection: &mut Connection, store: &Store, new: Checked<'_>, was: Option<Redirect>) -> Result<Uuid> {
    let Checked { from, mut leads_to, mut suffix, status, path } = new;
    if let LeadsTo::Address(to) = &leads_to
        && let Some(next) = find(connection, "from_path", to).await?
    {
        leads_to = next.leads_to;
        suffix = if suffix.is_empty() { next.suffix } else { suffix };
    }
    if matches!(&leads_to, LeadsTo::Address(to) if *to == from) {
        return Err(Problem::new(Code::InvalidValue, format!("`{from}` would lead to itself"))
            .at(at(path, "to"))
            .into());
    }
    let id = was.as_ref().map_or_else(id::new_uuid, |was| was.id);
    let (table, entry, target) = match &leads_to {
        LeadsTo::Entry(table, entry) => (Some(table.as_str()), Some(*entry), None),
        LeadsTo::Address(to) => (None, None, Some(to.as_str())),
    };
    let sql = "with told as (
            update cms.redirect set type = $3, entry = $4, target = $5, suffix = case suffix when '' then $6 else suffix end
            where target = $2
        )
        insert into cms.redirect (id, from_path, type, entry, target, suffix, status, origin, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, 'manual', $8)
        on conflict (from_path) do nothing";
    let by = match store.access.actor.identity {
        Identity::User { .. } => store.access.actor.user(),
        _ => None,
    };
    let stored = sqlx::query(sql)
        .bind(id)
        .bind(&from)
        .bind(table)
        .bind(entry)
        .bind(target)
        .bind(&suffix)
        .bind(status)
        .bind(by)
        .execute(&mut *connection)
        .await?;
    // An entry has left the path meanwhile.
    if stored.rows_affected() == 0 {
        return Err(Error::in_the_way());
    }
    let now =
        Redirect { id, from, leads_to, suffix, status, is_manual: true, created_at: String::new(), created_by: by };
    let action = if was.is_some() { "redirect.update" } else { "redirect.create" };
    record(connection, store, action, was.as_ref(), Some(&now)).await?;
    Ok(id)
}

async fn remove(connection: &mut Connection, id: Uuid) -> Result<()> {
    sqlx::query("delete from cms.redirect where id = $1").bind(id).execute(connection).await?;
    Ok(())
}

async fn record(
    connection: &mut Connection,
    store: &Store,
    action: &'static str,
    was: Option<&Redirect>,
    now: Option<&Redirect>,
) -> Result<()> {
    let Some(id) = was.or(now).map(|redirect| redirect.id) else { return Ok(()) };
    let mut event = Event::new(action).on(PREFIX, id);
    let values = |redirect: Option<&Redirect>| match redirect {
        None => [serde_json::Value::Null, serde_json::Value::Null, serde_json::Value::Null],
        Some(redirect) => [redirect.from.clone().into(), redirect.shown().into(), redirect.status.into()],
    };
    for (field, (before, after)) in ["from", "to", "status"].into_iter().zip(values(was).into_iter().zip(values(now))) {
        if before != after {
            event = event.changed(field, before, after);
        }
    }
    audit::record(connection, &store.access.actor, event).await
}

impl Redirect {
    /// The path or address, or the id of the entry.
    pub fn shown(&self) -> String {
        match &self.leads_to {
            LeadsTo::Entry(table, entry) => id::encode(table, *entry),
            LeadsTo::Address(_) => self.address().unwrap_or_default(),
        }
    }

    /// The path or address, unless it leads to an entry.
    pub fn address(&self) -> Option<String> {
        match &self.leads_to {
            LeadsTo::Entry(..) => None,
            LeadsTo::Address(to) => Some(Target { to: to.clone(), suffix: self.suffix.clone() }.location()),
        }
    }
}

fn taken(known: &Redirect, new: &Checked<'_>) -> Problem {
    let redirect = id::encode(PREFIX, known.id);
    let message = format!("`{}` leads to `{}` already", known.from, known.shown());
    Problem::new(Code::Conflict, message).at(at(new.path, "from")).details(serde_json::json!({ "redirect": redirect }))
}

fn missing(id: Uuid) -> Problem {
    let message = format!("the redirect `{}` does not exist", id::encode(PREFIX, id));
    Problem::new(Code::NotFound, message).at([Step::from("id")])
}

fn wrong(path: &[Step], field: &'static str, reason: &str) -> Problem {
    Problem::new(Code::InvalidValue, format!("`{field}` {reason}")).at(at(path, field))
}

fn at(path: &[Step], field: &'static str) -> Vec<Step> {
    path.iter().cloned().chain([Step::from(field)]).collect()
}
