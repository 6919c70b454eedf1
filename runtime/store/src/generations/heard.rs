//! What the events of other processes say of published entries.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::Generations;
use crate::feed::Signal;
use crate::hooks::EventKind;
use crate::{Connection, Database};
use base::error::Result;
use model::content::{ComponentInfo, ContentInfo, SchemaInfo, Shape};

/// An event of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Happened {
    pub kind: EventKind,
    pub of: &'static ContentInfo,
    pub entry: Uuid,
    pub revision: i64,
}

impl Generations {
    /// Marks what these events are of.
    pub async fn hear(&self, database: &Database, signals: &[Signal]) -> Result<()> {
        if !self.is_wanted() || signals.is_empty() {
            return Ok(());
        }
        let happened = |signal: &Signal| Happened {
            kind: signal.kind,
            of: signal.of,
            entry: signal.entry,
            revision: signal.revision,
        };
        let happened: Vec<Happened> = signals.iter().map(happened).collect();
        let changed = changed(&mut *database.lend().await?, database.schema, &happened).await?;
        changed.into_iter().for_each(|(info, entry)| self.has_changed(info, entry));
        Ok(())
    }
}

/// Which published entries these events change; `None` stands for any of the type.
pub async fn changed(
    connection: &mut Connection,
    schema: &SchemaInfo,
    happened: &[Happened],
) -> Result<Vec<(&'static ContentInfo, Option<Uuid>)>> {
    let mut changed = Vec::new();
    let mut saved: BTreeMap<&'static str, Vec<&Happened>> = BTreeMap::new();
    for event in happened {
        match event.kind {
            EventKind::Updated if event.of.drafts => saved.entry(event.of.table).or_default().push(event),
            // A new draft, unlike one from the bin.
            EventKind::Created if event.of.drafts && event.revision == 1 => {
                saved.entry(event.of.table).or_default().push(event);
            }
            EventKind::Updated | EventKind::Published | EventKind::Unpublished => {
                changed.push((event.of, Some(event.entry)));
            }
            // Others lose their references to it, and have them again when it comes back, without events of their own.
            EventKind::Created | EventKind::Deleted => {
                changed.push((event.of, Some(event.entry)));
                changed.extend(referrers(schema, event.of).map(|info| (info, None)));
            }
        }
    }
    for (table, events) in saved {
        let of_live = of_live(connection, table, &events).await?;
        changed.extend(of_live.into_iter().map(|entry| (events[0].of, Some(entry))));
    }
    Ok(changed)
}

/// Which of these drafts are of the revision that is published. Usually none is, but one that was discarded gives its revision to the
/// published entry.
async fn of_live(connection: &mut Connection, table: &str, events: &[&Happened]) -> Result<Vec<Uuid>> {
    let sql = format!(
        r#"select id from live."{table}" l join unnest($1::uuid[], $2::bigint[]) as e(id, revision) using (id, revision)"#
    );
    let ids: Vec<Uuid> = events.iter().map(|event| event.entry).collect();
    let revisions: Vec<i64> = events.iter().map(|event| event.revision).collect();
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).bind(revisions).fetch_all(connection).await?)
}

/// The types with a relation to this one, in their rows, their children or their components.
fn referrers(schema: &SchemaInfo, to: &'static ContentInfo) -> impl Iterator<Item = &'static ContentInfo> {
    schema.types.iter().copied().filter(move |info| info.fields.iter().any(|field| refers(&field.shape, to)))
}

fn refers(shape: &Shape, to: &ContentInfo) -> bool {
    let of = |component: &ComponentInfo| component.fields.iter().any(|field| refers(&field.shape, to));
    match shape {
        Shape::One(relation) | Shape::Many(relation) => relation.to.iter().any(|info| info.table == to.table),
        Shape::Children(child) => child.fields.iter().any(|field| refers(&field.shape, to)),
        Shape::Component(component) | Shape::Components(component) => of(component),
        Shape::Blocks(blocks) => blocks.of.iter().any(|component| of(component)),
        Shape::Scalar(_) | Shape::Enum(_) | Shape::Enums(_) => false,
    }
}
