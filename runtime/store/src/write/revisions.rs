//! Reads the history: the revisions of an entry, one of them under the usual reads, two of them compared, and the bin.

use std::collections::HashSet;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::access::{Action, Grant};
use crate::overlay::{KeptRows, Overlay, Versions};
use crate::write::bin;
use crate::write::diff::{self, FieldDiff};
use crate::write::failure::{Failure, Result};
use crate::write::guard::{Guard, readable};
use crate::write::history::{self, Kept, names};
use crate::write::load::load;
use crate::write::remove::{not_found, refused};
use crate::write::restore;
use crate::write::row::{Old, Row};
use crate::{Connection, Stage, Store};
use base::error::{Code, Error, Problem, Step};
use model::content::ContentInfo;

/// A line of the history.
#[derive(Clone, Debug)]
pub struct Revision {
    pub revision: i64,
    /// RFC 3339, with microseconds.
    pub at: String,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub role: Option<String>,
    pub note: Option<String>,
    /// As the API names them; those that the actor may read.
    pub fields: Vec<String>,
    pub is_draft: bool,
    pub is_live: bool,
}

/// An entry in the bin.
#[derive(Clone, Debug)]
pub struct Deleted {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    pub revision: i64,
    pub title: Option<String>,
    pub at: String,
    pub actor_kind: String,
    pub actor: Option<Uuid>,
    pub role: Option<String>,
}

const AT: &str = r#"to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at"#;

/// Where the entry stands.
struct Standing {
    draft: Option<i64>,
    live: Option<i64>,
}

/// The revisions of an entry before this one, newest first. `NOT_FOUND` if the actor may not read its history.
pub async fn revisions(
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    before: Option<i64>,
    limit: usize,
) -> base::error::Result<Vec<Revision>> {
    Guard::new(store, false).rights(info, Action::ReadHistory)?;
    let mut lent = store.at(Stage::Draft).lend().await?;
    let found = listed(&mut lent, store, info, id, before, limit).await;
    found.map_err(|failure| failure.into_error(store.schema, false))
}

async fn listed(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<Revision>> {
    let standing = seen(connection, store, info, id).await?;
    let sql = format!(
        "select revision, {AT}, actor_kind, actor, role, note, fields from cms.revision
        where type = any($1) and entry = $2 and revision < $3 order by revision desc limit $4"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(names(info))
        .bind(id)
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| revision(store, info, row, &standing)).collect()
}

fn revision(store: &Store, info: &'static ContentInfo, row: &PgRow, standing: &Standing) -> Result<Revision> {
    let number: i64 = row.try_get(0)?;
    let fields: Vec<String> = row.try_get(6)?;
    let guard = Guard::new(store, false);
    let may =
        |name: &String| info.fields.iter().any(|field| field.name == name && guard.reads_history(info, field.snake));
    Ok(Revision {
        revision: number,
        at: row.try_get(1)?,
        actor_kind: row.try_get(2)?,
        actor: row.try_get(3)?,
        role: row.try_get(4)?,
        note: row.try_get(5)?,
        fields: fields.into_iter().filter(may).collect(),
        is_draft: standing.draft == Some(number),
        is_live: standing.live == Some(number),
    })
}

/// Refuses an actor that may not read the history of the entry, which may be in the bin.
async fn seen(connection: &mut Connection, store: &Store, info: &'static ContentInfo, id: Uuid) -> Result<Standing> {
    let missing = || refused(not_found(info, id).at([Step::from("id")]));
    let sql = format!(
        r#"select (select revision from draft."{0}" where id = $1), (select revision from live."{0}" where id = $1),
            (select revision from cms.bin where type = any($2) and entry = $1)"#,
        info.table
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(names(info)).fetch_one(&mut *connection).await?;
    let standing = Standing { draft: row.try_get(0)?, live: row.try_get(1)? };
    let binned: Option<i64> = row.try_get(2)?;
    let admitted = match (standing.draft, binned) {
        (Some(_), _) => admits(connection, store, info, id).await?,
        (None, Some(last)) => match Kept::find(connection, info, id, last).await? {
            Some(kept) => admits(connection, &store.over(kept.overlay()), info, id).await?,
            None => false,
        },
        (None, None) => false,
    };
    if admitted { Ok(standing) } else { Err(missing()) }
}

async fn admits(connection: &mut Connection, store: &Store, info: &'static ContentInfo, id: Uuid) -> Result<bool> {
    Ok(Guard::new(store, false).admitted(connection, info, Action::ReadHistory, vec![id]).await?.contains(&id))
}

/// The store whose reads see the entry as it was at a revision. `NOT_FOUND` if there is none that the actor may read.
pub async fn at_revision(
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> base::error::Result<Store> {
    Guard::new(store, false).rights(info, Action::ReadHistory)?;
    let mut lent = store.at(Stage::Draft).lend().await?;
    let found = at(&mut lent, store, info, id, revision).await;
    found.map_err(|failure| failure.into_error(store.schema, false))
}

async fn at(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
) -> Result<Store> {
    let standing = seen(connection, store, info, id).await?;
    if standing.draft == Some(revision) {
        return Ok(store.clone());
    }
    let missing = || missing_revision(info, id, revision, "revision");
    let kept = Kept::find(connection, info, id, revision).await?.ok_or_else(missing)?;
    let past = store.over(kept.overlay());
    if admits(connection, &past, info, id).await? { Ok(past) } else { Err(missing()) }
}

pub(super) fn missing_revision(info: &ContentInfo, id: Uuid, revision: i64, argument: &str) -> Failure {
    refused(missing(info, id, revision).at([Step::from(argument)]))
}

pub(super) fn missing(info: &ContentInfo, id: Uuid, revision: i64) -> Problem {
    let message =
        format!("the history of {} `{}` has no revision {revision}", info.name, crate::id::encode(info.table, id));
    Problem::new(Code::NotFound, message)
}

/// How two revisions of an entry differ, in the fields that the actor may read.
pub async fn difference(
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    from: i64,
    to: i64,
) -> base::error::Result<Vec<FieldDiff>> {
    let before = row(store, info, id, from, "from").await?;
    let after = row(store, info, id, to, "to").await?;
    Ok(diff::of_history(Guard::new(store, false), info, &before, &after))
}

async fn row(
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    revision: i64,
    argument: &str,
) -> base::error::Result<Row> {
    let past = at_revision(store, info, id, revision).await.map_err(|error| renamed(error, argument))?;
    let mut lent = past.at(Stage::Draft).lend().await?;
    let loaded = load(&mut lent, past.at(Stage::Draft), info, &[id], false).await;
    let loaded = loaded.map_err(|failure| failure.into_error(store.schema, false))?.remove(&id);
    let missing = || missing_revision(info, id, revision, argument).into_error(store.schema, false);
    Ok(loaded.ok_or_else(missing)?.row)
}

fn renamed(mut error: Error, argument: &str) -> Error {
    for problem in error.problems.iter_mut().filter(|problem| problem.path == [Step::from("revision")]) {
        problem.path = vec![Step::from(argument)];
    }
    error
}

/// What a restore of the revision would lose under the schema and the content of today.
pub async fn restore_check(
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    from: i64,
) -> base::error::Result<Vec<String>> {
    Guard::new(store, false).rights(info, Action::ReadHistory)?;
    let mut lent = store.at(Stage::Draft).lend().await?;
    let found = async {
        let standing = seen(&mut lent, store, info, id).await?;
        // The draft has lost nothing, unless what it refers to was deleted; then its revision is kept.
        if standing.draft == Some(from) && Kept::find(&mut lent, info, id, from).await?.is_none() {
            return Ok(Vec::new());
        }
        let stored = load(&mut lent, store.at(Stage::Draft), info, &[id], false).await?.remove(&id);
        let over = stored.as_ref().map_or_else(|| Row::new(info, id, Vec::new()), |Old { row, .. }| row.clone());
        let fitted = restore::fitted(&mut lent, store, info, id, from, &over).await?;
        let mut lost = fitted.lost;
        lost.extend(restore::taken(&mut lent, store, info, stored, fitted.row).await?);
        Ok(lost)
    };
    found.await.map_err(|failure: Failure| failure.into_error(store.schema, false))
}

/// Entries in the bin that the actor may delete, of a type or of all, newest first. `before`: the last one of the page before.
pub async fn bin(
    store: &Store,
    of: Option<&'static ContentInfo>,
    before: Option<(String, Uuid)>,
    limit: usize,
) -> base::error::Result<Vec<Deleted>> {
    let types: Vec<&'static ContentInfo> = match of {
        Some(info) => {
            Guard::new(store, false).rights(info, Action::Delete)?;
            vec![info]
        }
        None => store
            .schema
            .contents()
            .filter(|info| Guard::new(store, false).rights(info, Action::Delete).is_ok())
            .collect(),
    };
    let mut lent = store.at(Stage::Draft).lend().await?;
    let found = binned(&mut lent, store, &types, before, limit).await;
    found.map_err(|failure| failure.into_error(store.schema, false))
}

/// Rows that are looked at for a page; more than that are hidden from the actor.
const LOOKED_AT: usize = 2_000;

async fn binned(
    connection: &mut Connection,
    store: &Store,
    types: &[&'static ContentInfo],
    mut before: Option<(String, Uuid)>,
    limit: usize,
) -> Result<Vec<Deleted>> {
    let tables: Vec<&str> = types.iter().flat_map(|info| names(info)).collect();
    let chunk = limit.clamp(1, 200);
    let (mut found, mut looked_at) = (Vec::new(), 0);
    while found.len() < limit && looked_at < LOOKED_AT {
        let sql = format!(
            "select type, entry, revision, title, {AT}, actor_kind, actor, role from cms.bin
            where type = any($1) and ($2::text is null or (at, entry) < ($2::timestamptz, $3::uuid))
            order by cms.bin.at desc, entry desc limit $4"
        );
        let (at, entry) = before.clone().map_or((None, None), |(at, entry)| (Some(at), Some(entry)));
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(&tables)
            .bind(at)
            .bind(entry)
            .bind(chunk as i64)
            .fetch_all(&mut *connection)
            .await?;
        let all: Vec<Deleted> = rows.iter().filter_map(|row| deleted(types, row).transpose()).collect::<Result<_>>()?;
        looked_at += rows.len();
        if let Some(last) = rows.last() {
            before = Some((last.try_get(4)?, last.try_get(1)?));
        }
        let seen = seen_in_bin(connection, store, types, &all).await?;
        let is_seen = |entry: &Deleted| seen.contains(&(entry.info.table, entry.id));
        let mut all: Vec<Deleted> = all.into_iter().filter(is_seen).collect();
        for entry in &mut all {
            let title = super::table::title(entry.info);
            let may = |title| store.at(Stage::Draft).reads(entry.info).has(entry.info, title);
            entry.title = entry.title.take().filter(|_| title.is_some_and(may));
        }
        found.extend(all);
        if rows.len() < chunk {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

fn deleted(types: &[&'static ContentInfo], row: &PgRow) -> Result<Option<Deleted>> {
    let table: String = row.try_get(0)?;
    let Some(info) = types.iter().find(|info| info.is_called(&table)) else { return Ok(None) };
    Ok(Some(Deleted {
        info,
        id: row.try_get(1)?,
        revision: row.try_get(2)?,
        title: row.try_get(3)?,
        at: row.try_get(4)?,
        actor_kind: row.try_get(5)?,
        actor: row.try_get(6)?,
        role: row.try_get(7)?,
    }))
}

/// Those of the entries that the actor could read and delete, as they were.
async fn seen_in_bin(
    connection: &mut Connection,
    store: &Store,
    types: &[&'static ContentInfo],
    entries: &[Deleted],
) -> Result<HashSet<(&'static str, Uuid)>> {
    let mut seen = HashSet::new();
    for info in types {
        let of_type: Vec<&Deleted> = entries.iter().filter(|entry| entry.info.table == info.table).collect();
        let ids: Vec<Uuid> = of_type.iter().map(|entry| entry.id).collect();
        let is_free = |action| match store.access.grant(info, action) {
            Grant::Trusted => true,
            Grant::By(rule) => rule.rows.is_none(),
            Grant::Denied => false,
        };
        let reads_all = match store.at(Stage::Draft).reads(info) {
            Grant::Trusted => true,
            Grant::By(rule) => rule.rows.is_none(),
            Grant::Denied => false,
        };
        if ids.is_empty() || (is_free(Action::Delete) && reads_all) {
            seen.extend(ids.into_iter().map(|id| (info.table, id)));
            continue;
        }
        let revisions = of_type.iter().map(|entry| (entry.id, entry.revision)).collect();
        let kept = vec![KeptRows { revisions, misfits: Vec::new() }];
        let mut overlay = Overlay::default();
        let versions = Versions { info, replaced: ids.clone(), drafts: Vec::new(), kept };
        overlay.add(versions, history::tables(info));
        let past = store.over(overlay);
        let visible = readable(connection, past.at(Stage::Draft), info, ids).await?;
        let admitted = Guard::new(&past, false).admitted(connection, info, Action::Delete, visible).await?;
        seen.extend(admitted.into_iter().map(|id| (info.table, id)));
    }
    Ok(seen)
}

/// Forgets entries of the bin with their history; how many. `NOT_FOUND` if one is not there for the actor.
pub async fn purge(store: &Store, entries: &[(&'static ContentInfo, Uuid)]) -> base::error::Result<u64> {
    let mut transaction = store.writes.begin().await?;
    store.check_actor(&mut transaction).await?;
    let purged = purged(&mut transaction, store, entries).await;
    match purged {
        Ok(count) => {
            transaction.commit().await?;
            Ok(count)
        }
        Err(failure) => {
            transaction.rollback().await?;
            Err(failure.into_error(store.schema, false))
        }
    }
}

async fn purged(connection: &mut Connection, store: &Store, entries: &[(&'static ContentInfo, Uuid)]) -> Result<u64> {
    let mut count = 0;
    for (place, (info, id)) in entries.iter().enumerate() {
        Guard::new(store, false).rights(info, Action::Delete).map_err(refused)?;
        let missing = || refused(not_found(info, *id).at([Step::from("ids"), Step::from(place)]));
        let binned = bin::deletion(connection, store.schema, info, *id).await?;
        let entry = binned.iter().find(|entry| entry.id == *id).ok_or_else(missing)?;
        let line = Deleted {
            info,
            id: *id,
            revision: entry.revision,
            title: None,
            at: String::new(),
            actor_kind: String::new(),
            actor: None,
            role: None,
        };
        if seen_in_bin(connection, store, &[*info], &[line]).await?.is_empty() {
            return Err(missing());
        }
        count += bin::purge(connection, info, &[*id]).await?;
        let event = crate::audit::Event::new(format!("{}.purge", info.table)).on(info.table, *id);
        crate::audit::record(connection, &store.access.actor, event).await?;
    }
    Ok(count)
}
