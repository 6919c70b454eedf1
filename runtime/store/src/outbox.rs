//! The outbox: the events of entries, written in the transaction of the write and read by consumers later, through the crate
//! `events`.

use uuid::Uuid;

use crate::access::{Actor, Identity};
use crate::hooks::EventKind;
use crate::{Connection, Store};
use base::error::Result;

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
