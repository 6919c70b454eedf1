//! The consumer of events: when a text changes that other entries are found by, it enqueues a job for their rows. It enqueues jobs for
//! large imports too.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::refresh::{Refresh, Write};
use base::error::Result;
use events::{Change, FollowAll};
use jobs::Enqueue as _;
use model::content::{SchemaInfo, Shape};
use store::hooks::{Cx, EventKind};
use store::search::document;

/// Changes at once. Most are of types whose texts no other type has.
const BATCH: usize = 500;

#[derive(Clone, Copy, Debug)]
pub struct Consumer;

impl FollowAll for Consumer {
    async fn follow(&self, cx: &mut Cx<'_>, changes: &[Change]) -> Result<()> {
        let schema = cx.store.schema;
        let mut stale: BTreeMap<bool, Vec<Uuid>> = BTreeMap::new();
        for change in changes {
            let fields = texts_of(schema, &change.table);
            if fields.is_empty() {
                continue;
            }
            let is_live: &[bool] = match change.kind {
                EventKind::Created => &[],
                EventKind::Updated if change.fields.iter().any(|field| fields.contains(&field.as_str())) => &[false],
                EventKind::Updated => &[],
                EventKind::Published | EventKind::Unpublished => &[true],
                EventKind::Deleted => &[false, true],
            };
            is_live.iter().for_each(|is_live| stale.entry(*is_live).or_default().push(change.entry));
        }
        for (is_live, mut entries) in stale {
            entries.sort_unstable();
            entries.dedup();
            let before = document::under_way(cx.connection).await?;
            cx.enqueue(&Refresh { is_live, entries, before }).await?;
        }
        // The events of an import come with its batches.
        loop {
            let batches = document::take_stale(cx.connection).await?;
            if batches.is_empty() {
                return Ok(());
            }
            for document::Stale { table, is_live, entries } in batches {
                cx.enqueue(&Write { table, is_live, entries }).await?;
            }
        }
    }

    fn batch(&self) -> usize {
        BATCH
    }
}

/// The fields (by their API names) of a type by which other entries are found.
fn texts_of(schema: &'static SchemaInfo, table: &str) -> Vec<&'static str> {
    let mut fields = Vec::new();
    for info in schema.types {
        let texts = info.search.iter().flat_map(|search| search.texts).filter_map(|text| match text.path {
            [first, second] => Some((*first, *second)),
            _ => None,
        });
        for (first, second) in texts {
            let relation = info.fields.iter().find(|field| field.snake == first).map(|field| field.shape);
            let Some(Shape::One(to) | Shape::Many(to)) = relation else { continue };
            let target = to.to[0];
            let field = target.fields.iter().find(|field| field.snake == second);
            fields.extend(field.filter(|_| target.is_called(table)).map(|field| field.name));
        }
    }
    fields
}
