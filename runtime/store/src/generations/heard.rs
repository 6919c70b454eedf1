//! What the events of other processes say of published entries.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::Generations;
use crate::Database;
use crate::feed::Signal;
use crate::hooks::EventKind;
use base::error::Result;
use model::content::{ComponentInfo, ContentInfo, SchemaInfo, Shape};

impl Generations {
    /// Marks what these events are of.
    pub async fn hear(&self, database: &Database, signals: &[Signal]) -> Result<()> {
        if !self.is_wanted() {
            return Ok(());
        }
        let mut saved: BTreeMap<&'static str, Vec<&Signal>> = BTreeMap::new();
        for signal in signals {
            match signal.kind {
                EventKind::Updated if signal.of.drafts => saved.entry(signal.of.table).or_default().push(signal),
                // A new draft, unlike one from the bin.
                EventKind::Created if signal.of.drafts && signal.revision == 1 => {
                    saved.entry(signal.of.table).or_default().push(signal);
                }
                EventKind::Updated | EventKind::Published | EventKind::Unpublished => {
                    self.has_changed(signal.of, Some(&[signal.entry]));
                }
                // Others lose their references to it, and have them again when it comes back, without events of their own.
                EventKind::Created | EventKind::Deleted => {
                    self.has_changed(signal.of, Some(&[signal.entry]));
                    referrers(database.schema, signal.of).for_each(|info| self.has_changed(info, None));
                }
            }
        }
        for (table, signals) in saved {
            let of_live = of_live(database, table, &signals).await?;
            if !of_live.is_empty() {
                self.has_changed(signals[0].of, Some(&of_live));
            }
        }
        Ok(())
    }
}

/// Which of these drafts are of the revision that is published. Usually none is, but one that was discarded gives its revision to the
/// published entry.
async fn of_live(database: &Database, table: &str, signals: &[&Signal]) -> Result<Vec<Uuid>> {
    let sql = format!(
        r#"select id from live."{table}" l join unnest($1::uuid[], $2::bigint[]) as e(id, revision) using (id, revision)"#
    );
    let ids: Vec<Uuid> = signals.iter().map(|signal| signal.entry).collect();
    let revisions: Vec<i64> = signals.iter().map(|signal| signal.revision).collect();
    let found = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).bind(revisions);
    Ok(found.fetch_all(&mut *database.lend().await?).await?)
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
