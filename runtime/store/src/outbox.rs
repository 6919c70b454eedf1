//! The outbox: the events of entries, written in the transaction of the write and read by consumers later, through the crate
//! `events`.

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::access::{Actor, Identity};
use crate::feed::Signal;
use crate::hooks::EventKind;
use crate::{Connection, Database, Store};
use base::error::{Error, Result};
use model::content::{ContentInfo, SchemaInfo};

/// The field of a deleted entry with drafts that was published: nothing else tells later that it was public.
pub const WAS_LIVE: &str = "publishedAt";

/// An event of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// `ContentInfo::table`.
    pub table: &'static str,
    pub entry: Uuid,
    pub revision: i64,
    pub kind: EventKind,
    /// `FieldInfo::name` of each changed field.
    pub fields: Vec<&'static str>,
}

/// Adds the lines in order, with one statement for any number.
pub async fn record(connection: &mut Connection, store: &Store, lines: &[Line]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let actor: &Actor = &store.access.actor;
    let (actor_kind, id) = actor_of(&actor.identity);
    // Field names contain no commas.
    // A save is also a line of the history.
    let sql = "with e as materialized (
            select e.kind, e.type, e.entry, e.revision, string_to_array(e.fields, ',') as fields, e.place
            from unnest($4::text[], $5::text[], $6::uuid[], $7::bigint[], $8::text[]) with ordinality
                as e(kind, type, entry, revision, fields, place)
        ), kept as (
            insert into cms.revision (type, entry, revision, fields, actor_kind, actor, role, note)
            select e.type, e.entry, e.revision, e.fields, $1, $2, $3, $9 from e where e.kind in ('created', 'updated')
            on conflict (type, entry, revision) do nothing
        )
        insert into cms.outbox (kind, type, entry, revision, fields, actor_kind, actor, role)
        select e.kind, e.type, e.entry, e.revision, e.fields, $1, $2, $3 from e order by e.place";
    sqlx::query(sql)
        .bind(actor_kind)
        .bind(id)
        .bind(Some(&actor.role).filter(|role| !role.is_empty()))
        .bind(lines.iter().map(|line| line.kind.as_str()).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| line.table).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| line.entry).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| line.revision).collect::<Vec<_>>())
        .bind(lines.iter().map(|line| line.fields.join(",")).collect::<Vec<_>>())
        .bind(store.note.as_deref())
        .execute(&mut *connection)
        .await?;
    connection.ring_at_commit(&store.bells.events);
    Ok(())
}

/// The type of the events of releases. No content type can have this name.
pub const RELEASE: &str = "cms.release";

/// Adds the event of a release that was published or undone, after those of its entries.
pub async fn record_of_release(
    connection: &mut Connection,
    store: &Store,
    release: Uuid,
    published: bool,
) -> Result<()> {
    let actor: &Actor = &store.access.actor;
    let (actor_kind, id) = actor_of(&actor.identity);
    let kind = if published { EventKind::Published } else { EventKind::Unpublished };
    let sql = "insert into cms.outbox (kind, type, entry, revision, fields, actor_kind, actor, role)
        values ($1, $2, $3, 1, '{}', $4, $5, $6)";
    sqlx::query(sql)
        .bind(kind.as_str())
        .bind(RELEASE)
        .bind(release)
        .bind(actor_kind)
        .bind(id)
        .bind(Some(&actor.role).filter(|role| !role.is_empty()))
        .execute(&mut *connection)
        .await?;
    connection.ring_at_commit(&store.bells.events);
    Ok(())
}

/// The actor's kind as the database names it, and its id.
pub fn actor_of(identity: &Identity) -> (&'static str, Option<Uuid>) {
    match *identity {
        Identity::Anonymous => ("anonymous", None),
        Identity::User { id, .. } => ("user", Some(id)),
        Identity::Token { id } => ("token", Some(id)),
        Identity::Developer => ("developer", None),
        Identity::System => ("system", None),
    }
}

/// Where the outbox begins and ends for a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The last position that was given.
    pub head: i64,
    /// Whether all changes after the reader's position are still there.
    pub is_whole: bool,
}

/// What there is after a position. `most` bounds the work of looking.
pub async fn span(database: &Database, after: i64, most: i64) -> Result<Span> {
    let sql = "select head.position as head, (
            select count(*) from (select from cms.outbox where outbox.position > $1 limit $2) as kept
        ) as kept
        from cms.outbox_head as head";
    let row = sqlx::query(sql).bind(after).bind(most + 1).fetch_one(&mut *database.lend().await?).await?;
    let (head, kept): (i64, i64) = (row.try_get("head")?, row.try_get("kept")?);
    Ok(Span { head, is_whole: kept >= head - after })
}

/// A part of the outbox.
#[derive(Debug)]
pub struct Part {
    pub signals: Vec<Signal>,
    /// The position up to which it was read.
    pub reached: i64,
}

/// The changes after a position up to another one, in order: those of a type, or all.
pub async fn after(
    database: &Database,
    (position, until): (i64, i64),
    of: Option<&ContentInfo>,
    most: i64,
) -> Result<Part> {
    let tables: Option<Vec<&str>> =
        of.map(|info| [info.table].into_iter().chain(info.former.iter().copied()).collect());
    let sql = "select position, kind, type, entry, revision, fields from cms.outbox
        where position > $1 and position <= $2 and ($3::text[] is null or type = any($3))
        order by position limit $4";
    let rows = sqlx::query(sql)
        .bind(position)
        .bind(until)
        .bind(tables)
        .bind(most)
        .fetch_all(&mut *database.lend().await?)
        .await?;
    let last = rows.last().filter(|_| rows.len() as i64 == most).map(|row| row.try_get("position")).transpose()?;
    let signals = rows.iter().map(|row| signal(database.schema, row)).filter_map(Result::transpose);
    Ok(Part { signals: signals.collect::<Result<_>>()?, reached: last.unwrap_or(until) })
}

/// `None` for a type that the site no longer has.
fn signal(schema: &SchemaInfo, row: &PgRow) -> Result<Option<Signal>> {
    let (kind, table): (&str, &str) = (row.try_get("kind")?, row.try_get("type")?);
    let known = EventKind::ALL.into_iter().find(|known| known.as_str() == kind);
    let kind = known.ok_or_else(|| Error::internal(format!("the outbox has an event of the unknown kind `{kind}`")))?;
    let Some(of) = schema.types.iter().copied().find(|info| info.is_called(table)) else { return Ok(None) };
    Ok(Some(Signal {
        position: row.try_get("position")?,
        kind,
        of,
        entry: row.try_get("entry")?,
        revision: row.try_get("revision")?,
        fields: row.try_get("fields")?,
    }))
}
