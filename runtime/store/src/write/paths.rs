//! Redirects from the paths that published entries leave, in the transaction that moves them.
//!
//! A redirect stores the id of its entry, so however often an entry is moved, each of its former paths leads to where it is.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use crate::paths::{Pattern, REDIRECT};
use crate::sql::quoted;
use crate::value::Value;
use crate::write::failure::Result;
use crate::write::row::{At, Faults, Item, Row};
use crate::{Connection, Stage, Store, id};
use base::error::{Code, Error, Problem};
use model::content::ContentInfo;

/// Entries that may move at once, with what is below them in a tree.
const MOST_MOVED: usize = 10_000;
/// Former paths that are kept of an entry.
const MOST_KEPT: i64 = 100;

/// What is live of an entry.
#[derive(Clone, Debug)]
pub struct Standing {
    pub revision: i64,
    /// What its path is made of, if its type has paths.
    slug: Option<String>,
    above: Option<Uuid>,
}

/// What is live of these entries.
pub async fn standing(
    connection: &mut Connection,
    info: &'static ContentInfo,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Standing>> {
    let pattern = Pattern::of(info);
    let slug = pattern.as_ref().map_or("null".to_owned(), |pattern| quoted(pattern.slug.snake));
    let above = pattern.and_then(|pattern| pattern.above).map_or("null".to_owned(), |(_, column)| quoted(column));
    let table = quoted(info.table);
    let sql = format!("select id, revision, {slug}::text, {above}::uuid from live.{table} where id = any($1)");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let standing = Standing { revision: row.try_get(1)?, slug: row.try_get(2)?, above: row.try_get(3)? };
        Ok((row.try_get(0)?, standing))
    };
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

/// Entries of a type that are about to get another path, with the paths that they leave.
pub struct Moving<'a> {
    pattern: Pattern,
    items: Vec<&'a Item>,
    left: Vec<(Uuid, String)>,
}

/// Nothing is read unless an entry of a tree moves.
pub async fn moving<'a>(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    items: &[&'a Item],
    live: &HashMap<Uuid, Standing>,
) -> Result<Option<Moving<'a>>> {
    let Some(pattern) = Pattern::of(info) else { return Ok(None) };
    let is_moved = |item: &&&Item| {
        let standing = live.get(&item.new.id);
        standing
            .is_none_or(|known| known.slug != slug(&pattern, &item.new) || known.above != above(&pattern, &item.new))
    };
    let items: Vec<&Item> = items.iter().filter(is_moved).copied().collect();
    if items.is_empty() {
        return Ok(None);
    }
    let leaving: Vec<Uuid> = items.iter().map(|item| item.new.id).filter(|id| live.contains_key(id)).collect();
    let left = match pattern.above {
        _ if leaving.is_empty() => Vec::new(),
        Some(_) => below(connection, store, &pattern, &leaving).await?,
        None => {
            let path = |id: &Uuid| Some((*id, pattern.flat(live.get(id)?.slug.as_deref()?)));
            leaving.iter().filter_map(path).collect()
        }
    };
    Ok(Some(Moving { pattern, items, left }))
}

/// Once the entries are live where they are now: their new paths are theirs alone, and their former ones lead to them.
pub async fn moved(connection: &mut Connection, store: &Store, moving: Moving<'_>) -> Result<()> {
    let Moving { pattern, items, left } = moving;
    let now = match pattern.above {
        Some(_) => {
            below(connection, store, &pattern, &items.iter().map(|item| item.new.id).collect::<Vec<_>>()).await?
        }
        None => {
            let path = |item: &&Item| Some((item.new.id, pattern.flat(&slug(&pattern, &item.new)?)));
            items.iter().filter_map(path).collect()
        }
    };
    take(connection, store, &pattern, &items, &now).await?;
    let taken: HashSet<&str> = now.iter().map(|(_, path)| path.as_str()).collect();
    let left: Vec<_> = left.into_iter().filter(|(_, path)| !taken.contains(path.as_str())).collect();
    leave(connection, store, pattern.info, &left).await
}

/// Entries that are about to be unpublished: their paths, and those below them, lead to them again once they are back, whatever they are
/// called then.
pub async fn unpublished(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    ids: &[Uuid],
) -> Result<()> {
    let Some(pattern) = Pattern::of(info) else { return Ok(()) };
    let left = below(connection, store, &pattern, ids).await?;
    leave(connection, store, info, &left).await
}

fn slug(pattern: &Pattern, row: &Row) -> Option<String> {
    let index = pattern.info.fields.iter().position(|field| field.snake == pattern.slug.snake)?;
    row.values[index].text(0).map(|text| text.into_owned())
}

fn above(pattern: &Pattern, row: &Row) -> Option<Uuid> {
    let (field, _) = pattern.above?;
    let index = pattern.info.fields.iter().position(|known| known.snake == field.snake)?;
    match row.values[index] {
        Value::Uuid(id) => Some(id),
        _ => None,
    }
}

/// The live paths of these entries and of all below them.
async fn below(
    connection: &mut Connection,
    store: &Store,
    pattern: &Pattern,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, String)>> {
    let scope = store.trusted();
    let scope = scope.at(Stage::Live);
    let mut sql = scope.sql();
    let table = quoted(pattern.info.table);
    match pattern.above {
        None => _ = sql.push("select t.id, "),
        Some((_, column)) => {
            let above = quoted(column);
            sql.push(&format!("with recursive of(id, depth) as (select id, 1 from live.{table} where id = any("));
            sql.ids().push(&format!(
                ") union select c.id, of.depth + 1 from live.{table} c join of on c.{above} = of.id where of.depth < 32) \
                select distinct t.id, "
            ));
        }
    }
    scope.push_path(pattern.info, "t", &mut sql)?;
    sql.push(&format!(" as path from live.{table} t where t.id "));
    match pattern.above {
        None => _ = sql.push("= any(").ids().push(")"),
        Some(_) => _ = sql.push("in (select id from of)"),
    }
    sql.push(&format!(" limit {}", MOST_MOVED + ids.len() + 1));
    let rows = sql.bind(ids)?.fetch_within(connection).await?;
    if rows.len() > MOST_MOVED + ids.len() {
        let message =
            format!("more than {MOST_MOVED} entries would get another path at once; move parts of the tree first");
        return Err(Error::new(Code::LimitExceeded, message).into());
    }
    let mut paths = Vec::with_capacity(rows.len());
    for row in &rows {
        let path: Option<String> = row.try_get(1)?;
        paths.extend(path.map(|path| Ok::<_, sqlx::Error>((row.try_get(0)?, path))).transpose()?);
    }
    Ok(paths)
}

/// Removes redirects from the entries' own paths. One that leads elsewhere is a fault: whoever takes a former path of another entry deletes
/// that redirect first.
async fn take(
    connection: &mut Connection,
    store: &Store,
    pattern: &Pattern,
    items: &[&Item],
    now: &[(Uuid, String)],
) -> Result<()> {
    let paths: Vec<&str> = now.iter().map(|(_, path)| path.as_str()).collect();
    let found = redirects(connection, &paths).await?;
    if found.is_empty() {
        return Ok(());
    }
    let (mut own, mut faults) = (Vec::new(), Faults::default());
    for redirect in found {
        let holder = now.iter().find(|(_, path)| *path == redirect.from).map(|(id, _)| *id);
        if redirect.entry.is_some() && redirect.entry == holder || !is_there(connection, store, &redirect).await? {
            own.push(redirect.id);
            continue;
        }
        let item = items.iter().find(|item| Some(item.new.id) == holder).or(items.first());
        let (root, at) = item.map_or((0, Vec::new()), |item| {
            (item.root, At::Key(&At::Steps(&item.new.path), pattern.slug.name).steps())
        });
        faults.0.push((root, conflict(&redirect).at(at)));
    }
    crate::write::batch::refuse(faults)?;
    sqlx::query("delete from cms.redirect where id = any($1)").bind(own).execute(connection).await?;
    Ok(())
}

/// A redirect from a path that an entry is about to have.
struct InTheWay {
    id: Uuid,
    from: String,
    table: Option<String>,
    entry: Option<Uuid>,
    target: Option<String>,
}

async fn redirects(connection: &mut Connection, paths: &[&str]) -> Result<Vec<InTheWay>> {
    let sql =
        "select id, from_path, type, entry, target from cms.redirect where from_path = any($1) order by from_path";
    let rows = sqlx::query(sql).bind(paths).fetch_all(connection).await?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(InTheWay {
            id: row.try_get(0)?,
            from: row.try_get(1)?,
            table: row.try_get(2)?,
            entry: row.try_get(3)?,
            target: row.try_get(4)?,
        })
    };
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

/// A redirect to an entry that was deleted blocks nobody.
async fn is_there(connection: &mut Connection, store: &Store, redirect: &InTheWay) -> Result<bool> {
    let (Some(table), Some(entry)) = (&redirect.table, redirect.entry) else { return Ok(true) };
    let Some(info) = store.schema.types.iter().find(|info| info.is_called(table)) else { return Ok(false) };
    let sql = format!("select exists (select from draft.{} where id = $1)", quoted(info.table));
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(entry).fetch_one(connection).await?)
}

fn conflict(redirect: &InTheWay) -> Problem {
    let to = match (&redirect.table, redirect.entry) {
        (Some(table), Some(entry)) => id::encode(table, entry),
        _ => redirect.target.clone().unwrap_or_default(),
    };
    let shown = id::encode(REDIRECT, redirect.id);
    let message = format!(
        "`{}` leads to `{to}` by the redirect `{shown}`; delete that redirect first, or choose another slug",
        redirect.from
    );
    Problem::new(Code::Conflict, message).details(json!({ "redirect": shown }))
}

/// The problems that a path of the entry would have once it is published, for types that are no tree.
pub async fn in_the_way(connection: &mut Connection, store: &Store, item: &Item, faults: &mut Faults) -> Result<()> {
    let Some(pattern) = Pattern::of(item.info).filter(|pattern| pattern.above.is_none()) else { return Ok(()) };
    let Some(path) = slug(&pattern, &item.new).map(|slug| pattern.flat(&slug)) else { return Ok(()) };
    for redirect in redirects(connection, &[&path]).await? {
        if redirect.entry != Some(item.new.id) && is_there(connection, store, &redirect).await? {
            let at = At::Key(&At::Steps(&item.new.path), pattern.slug.name).steps();
            faults.0.push((item.root, conflict(&redirect).at(at)));
        }
    }
    Ok(())
}

/// Redirects the paths to the entries that have left them, with all redirects that led there.
async fn leave(connection: &mut Connection, store: &Store, info: &ContentInfo, left: &[(Uuid, String)]) -> Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    let (entries, paths): (Vec<Uuid>, Vec<&str>) = left.iter().map(|(id, path)| (*id, path.as_str())).unzip();
    let sql = "update cms.redirect r set type = $3, entry = l.entry, target = null
        from unnest($1::uuid[], $2::text[]) as l(entry, path) where r.target = l.path";
    sqlx::query(sql).bind(&entries).bind(&paths).bind(info.table).execute(&mut *connection).await?;
    let sql = "insert into cms.redirect (id, from_path, type, entry, status, origin, created_by)
        select l.id, l.path, $4, l.entry, 301, 'history', $5 from unnest($1::uuid[], $2::uuid[], $3::text[]) as l(id, entry, path)
        on conflict (from_path) do update set type = excluded.type, entry = excluded.entry, target = null, suffix = '',
            status = 301, origin = 'history', created_at = now(), created_by = excluded.created_by";
    sqlx::query(sql)
        .bind(entries.iter().map(|_| id::new_uuid()).collect::<Vec<_>>())
        .bind(&entries)
        .bind(&paths)
        .bind(info.table)
        .bind(store.access.actor.user())
        .execute(&mut *connection)
        .await?;
    let sql = "delete from cms.redirect where id in (
            select id from (
                select id, row_number() over (partition by entry order by created_at desc, id desc) as place
                from cms.redirect where entry = any($1) and origin = 'history'
            ) r where place > $2
        )";
    sqlx::query(sql).bind(&entries).bind(MOST_KEPT).execute(connection).await?;
    Ok(())
}
