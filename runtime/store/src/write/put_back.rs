//! Puts references back that a deletion had taken from entries that nobody has changed since. They get no new revision: these are again
//! what they were.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::search::document;
use crate::write::bin::{Binned, Pointed};
use crate::write::failure::Result;
use crate::write::pointers::{Pointer, pointers};
use crate::{Connection, Stage};
use model::content::{ContentInfo, SchemaInfo};

/// A reference, with the entry that it points at.
type Reference<'a> = (Uuid, &'a Pointed);

/// Whatever is of the revision that had a reference gets it again, draft or live: the deletion needed no right on it either. Returns the
/// revisions of the drafts that had one, locked.
pub async fn put_back(
    connection: &mut Connection,
    schema: &'static SchemaInfo,
    binned: &[Binned],
    restored: &HashSet<Uuid>,
) -> Result<HashMap<Uuid, i64>> {
    let mut drafts = HashMap::new();
    for (pointer, references) in by_relation(schema, binned, restored) {
        connection.changes_any(pointer.entry());
        drafts.extend(locked(connection, pointer.entry(), &references).await?);
        let known: Vec<(&Reference<'_>, i64)> =
            references.iter().filter_map(|reference| Some((reference, reference.1.revision?))).collect();
        for stage in [Stage::Draft, Stage::Live] {
            sqlx::query(AssertSqlSafe(pointer.put_back(stage)))
                .bind(known.iter().map(|((target, _), _)| *target).collect::<Vec<_>>())
                .bind(known.iter().map(|((_, pointed), _)| pointed.row).collect::<Vec<_>>())
                .bind(known.iter().map(|((_, pointed), _)| pointed.entry).collect::<Vec<_>>())
                .bind(known.iter().map(|((_, pointed), _)| position(pointed)).collect::<Vec<_>>())
                .bind(known.iter().map(|(_, revision)| *revision).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
            let entries: Vec<Uuid> = known.iter().map(|((_, pointed), _)| pointed.entry).collect();
            document::write(connection, pointer.entry(), stage, &entries).await?;
        }
    }
    Ok(drafts)
}

fn by_relation<'a>(
    schema: &'static SchemaInfo,
    binned: &'a [Binned],
    restored: &HashSet<Uuid>,
) -> Vec<(Pointer, Vec<Reference<'a>>)> {
    let mut found = Vec::new();
    let mut types: BTreeMap<&'static str, Vec<&Binned>> = BTreeMap::new();
    for entry in binned.iter().filter(|entry| restored.contains(&entry.id)) {
        types.entry(entry.info.table).or_default().push(entry);
    }
    for entries in types.into_values() {
        for pointer in pointers(schema, entries[0].info) {
            let references: Vec<Reference<'a>> = entries
                .iter()
                .flat_map(|entry| entry.pointers.iter().map(|pointed| (entry.id, pointed)))
                .filter(|(_, pointed)| pointer.is_of(&pointed.table, &pointed.field))
                .collect();
            if !references.is_empty() {
                found.push((pointer, references));
            }
        }
    }
    found
}

/// Nobody saves or publishes them until the transaction ends.
async fn locked(
    connection: &mut Connection,
    info: &ContentInfo,
    references: &[Reference<'_>],
) -> Result<Vec<(Uuid, i64)>> {
    let ids: HashSet<Uuid> = references.iter().map(|(_, pointed)| pointed.entry).collect();
    let sql =
        format!(r#"select id, revision from draft."{}" where id = any($1) order by id for no key update"#, info.table);
    let ids: Vec<Uuid> = ids.into_iter().collect();
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?)
}

fn position(pointed: &Pointed) -> i64 {
    pointed.position.and_then(|position| i64::try_from(position).ok()).unwrap_or_default()
}
