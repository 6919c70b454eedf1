//! The consumer of events: enqueues what they remove, in the transaction that moves it on.

use std::collections::BTreeSet;

use base::error::Result;
use events::{Change, FollowAll};
use jobs::Enqueue as _;
use store::generations::{Happened, changed, tag};
use store::hooks::Cx;

use crate::work::{AGAIN, Purge};

/// Its name among the consumers; stays the same.
pub const CONSUMER: &str = "typecase.purge";
/// Changes at once, which are removed together.
const BATCH: usize = 200;

#[derive(Clone, Copy, Debug)]
pub struct Consumer;

impl FollowAll for Consumer {
    async fn follow(&self, cx: &mut Cx<'_>, changes: &[Change]) -> Result<()> {
        let schema = cx.store.schema;
        let happened = |change: &Change| {
            let of = schema.types.iter().copied().find(|info| info.is_called(&change.table))?;
            Some(Happened { kind: change.kind, of, entry: change.entry, revision: change.revision })
        };
        let happened: Vec<Happened> = changes.iter().filter_map(happened).collect();
        let changed = changed(cx.connection, schema, &happened).await?;
        // A list of the type, and the entry or whatever shows single entries of the type.
        let tags = changed.iter().flat_map(|(info, entry)| [tag::of_type(info), tag::of_entry(info, *entry)]);
        let tags: Vec<String> = tags.collect::<BTreeSet<_>>().into_iter().collect();
        if tags.is_empty() {
            return Ok(());
        }
        let purge = Purge { tags, again: false };
        cx.enqueue(&purge).await?;
        // Another node may have answered the CDN with what it had not heard was changed.
        cx.enqueue(&Purge { again: true, ..purge }).after(AGAIN).await?;
        Ok(())
    }

    fn batch(&self) -> usize {
        BATCH
    }
}
