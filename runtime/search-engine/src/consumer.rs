//! The consumer of events: notes which entries the engine is to be told of, in the transaction that moves it on. What is sent is read
//! when it is sent, so a change that waits costs a row, however long the engine is away.

use base::error::Result;
use events::{Change, FollowAll};
use store::hooks::{Cx, EventKind};
use uuid::Uuid;

/// Its name among the consumers; stays the same.
pub const CONSUMER: &str = "typecase.search_engine";
const BATCH: usize = 500;

#[derive(Clone, Copy, Debug)]
pub struct Consumer;

impl FollowAll for Consumer {
    async fn follow(&self, cx: &mut Cx<'_>, changes: &[Change]) -> Result<()> {
        let schema = cx.store.schema;
        let (mut types, mut stages, mut entries, mut gone): (Vec<&str>, Vec<bool>, Vec<Uuid>, Vec<bool>) =
            Default::default();
        let mut moments: Vec<String> = Vec::new();
        for change in changes {
            let info = schema.types.iter().find(|info| info.is_called(&change.table) && info.search.is_some());
            let Some(info) = info else { continue };
            let (is_live, is_gone): (&[bool], bool) = match change.kind {
                EventKind::Created | EventKind::Updated => (&[false], false),
                EventKind::Published => (&[true], false),
                EventKind::Unpublished => (&[true], true),
                EventKind::Deleted => (&[false, true], true),
            };
            for is_live in is_live {
                types.push(info.table);
                stages.push(*is_live);
                entries.push(change.entry);
                gone.push(is_gone);
                moments.push(change.at.to_string());
            }
        }
        // Without an index there is nothing to tell: what makes one reads all rows.
        let sql = "insert into search.unsent (type, is_live, entry, is_gone, at)
            select u.type, u.is_live, u.entry, u.is_gone, u.at::timestamptz
            from unnest($1::text[], $2::bool[], $3::uuid[], $4::bool[], $5::text[]) with ordinality u(type, is_live, entry, is_gone, at, place)
            where exists (select from search.engine) order by u.place";
        let rows = sqlx::query(sql).bind(&types).bind(stages).bind(entries).bind(gone).bind(moments);
        rows.execute(&mut *cx.connection).await?;
        Ok(())
    }

    fn batch(&self) -> usize {
        BATCH
    }
}
