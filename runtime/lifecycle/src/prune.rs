//! Removes revisions that no rule keeps any more, and purges the bin. What is a draft, live, scheduled or in a release is never removed.

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::release::UNDO_DAYS;
use base::error::Result;
use jobs::{Attempt, Job, OutsideWork};
use model::content::ContentInfo;
use store::Store;

/// Rows of a statement: small transactions, so that no save waits for long.
const AT_ONCE: i64 = 5_000;
/// Entries that are locked at once.
const FEW: usize = 20;

#[derive(Debug, Serialize, Deserialize)]
pub struct Prune {}

impl Job for Prune {
    const KIND: &'static str = "typecase.prune_revisions";
    const ATTEMPTS: u32 = 3;
    const TIME: std::time::Duration = std::time::Duration::from_secs(60 * 60);
}

/// Changes that were made, failed or cancelled are shown for so long.
const OLD_CHANGES: &str = "delete from cms.scheduled_change where id in (
    select id from cms.scheduled_change where state <> 'pending' and at < now() - interval '90 days'
        and ended_at < now() - interval '90 days' limit $1
)";

/// Locks that ended some time ago.
const OLD_LOCKS: &str = "delete from cms.entry_lock where (type, entry) in (
    select type, entry from cms.entry_lock where until < now() - interval '1 hour' limit $1
)";

/// Links that have ended, for so long that the audit log alone knows them.
const OLD_LINKS: &str = "delete from cms.preview_link where id in (
    select id from cms.preview_link where expires_at < now() - interval '7 days' limit $1
)";

pub(crate) struct Pruning;

impl OutsideWork<Prune> for Pruning {
    async fn work(&self, store: &Store, _: &Attempt, _: Prune) -> Result<()> {
        until_nothing(store, OLD_LOCKS).await?;
        until_nothing(store, OLD_LINKS).await?;
        let changes = until_nothing(store, OLD_CHANGES).await?;
        if changes > 0 {
            tracing::info!(changes, "scheduled changes that ended long ago were removed");
        }
        for info in store.schema.contents().filter(|info| info.owner.is_none()) {
            let revisions = until_nothing(store, &old_revisions(store, info)).await?;
            forget_values(store, info).await?;
            until_nothing(store, &old_reviews(store, info)).await?;
            let deleted = until_nothing(store, &old_deletions(store, info)).await?;
            if revisions + deleted > 0 {
                tracing::info!(of = info.name, revisions, deleted, "old revisions and deleted entries were removed");
            }
        }
        Ok(())
    }
}

async fn until_nothing(store: &Store, sql: &str) -> Result<u64> {
    let mut sum = 0;
    loop {
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(AT_ONCE).execute(&store.background).await?;
        sum += done.rows_affected();
        if done.rows_affected() == 0 {
            return Ok(sum);
        }
    }
}

fn old_revisions(store: &Store, info: &'static ContentInfo) -> String {
    let (table, types, retention) = (info.table, types(store, info), info.retention);
    let many = retention.keep.map(|keep| format!("n > {keep}"));
    let old = retention.keep_for.map(|period| format!("at < now() - interval '{period}'"));
    let outside: Vec<String> = many.into_iter().chain(old).collect();
    let outside = if outside.is_empty() { "false".to_owned() } else { outside.join(" and ") };
    format!(
        r#"delete from cms.revision r using (
            select type, entry, revision from (
                select type, entry, revision, at, row_number() over (partition by entry order by revision desc) as n
                from cms.revision where type in ({types})
            ) numbered
            where {outside}
                and not exists (select from draft."{table}" d where d.id = entry and d.revision = numbered.revision)
                and not exists (select from live."{table}" l where l.id = entry and l.revision = numbered.revision)
                and not exists (select from cms.bin b where b.type in ({types}) and b.entry = numbered.entry and b.revision = numbered.revision)
                and not exists (
                    select from cms.scheduled_change s
                    where s.entry = numbered.entry and s.revision = numbered.revision and s.state in ('pending', 'failed')
                )
                and not exists (
                    select from cms.release_item i join cms.release l on l.id = i.release
                    where i.entry = numbered.entry and (
                        (i.revision = numbered.revision and l.state in ('open', 'scheduled', 'failed'))
                        or (i.before = numbered.revision and l.state = 'published'
                            and l.published_at > now() - interval '{UNDO_DAYS} days')
                    )
                )
            limit $1
        ) gone
        where r.type = gone.type and r.entry = gone.entry and r.revision = gone.revision"#
    )
}

/// Removes large values that no revision has any more. Those of entries in the bin go with these.
async fn forget_values(store: &Store, info: &'static ContentInfo) -> Result<()> {
    let (table, types) = (info.table, types(store, info));
    let is_used = "exists (
        select from cms.revision r, jsonb_each_text(r.large) l
        where r.type = v.type and r.entry = v.entry and l.value = encode(v.hash, 'hex')
    )";
    let unused = format!(
        r#"select distinct v.entry from cms.kept_value v join draft."{table}" t on t.id = v.entry
        where v.type in ({types}) and not {is_used}"#
    );
    let entries: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(unused)).fetch_all(&store.background).await?;
    // A save could take up a value again, so these wait until it is removed, and what they did before is seen by the next statement.
    let lock = format!(r#"select id from draft."{table}" where id = any($1) for no key update skip locked"#);
    let remove =
        format!("delete from cms.kept_value v where v.type in ({types}) and v.entry = any($1) and not {is_used}");
    for entries in entries.chunks(FEW) {
        let mut transaction = store.background.begin().await?;
        let held: Vec<Uuid> =
            sqlx::query_scalar(AssertSqlSafe(lock.clone())).bind(entries).fetch_all(&mut *transaction).await?;
        sqlx::query(AssertSqlSafe(remove.clone())).bind(held).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// The names that a type has and had, as SQL texts; not those that other types have now.
fn types(store: &Store, info: &'static ContentInfo) -> String {
    let is_free = |name: &&&str| store.schema.contents().all(|other| other.table != **name);
    let names = std::iter::once(&info.table).chain(info.former.iter().filter(is_free));
    names.map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}

/// Of revisions that are kept no more. The steps are told as long as the entry is there.
fn old_reviews(store: &Store, info: &'static ContentInfo) -> String {
    let (table, types) = (info.table, types(store, info));
    format!(
        r#"delete from cms.review where (type, entry, revision) in (
            select r.type, r.entry, r.revision from cms.review r
            where r.type in ({types})
                and not exists (select from draft."{table}" d where d.id = r.entry and d.revision = r.revision)
                and not exists (select from live."{table}" l where l.id = r.entry and l.revision = r.revision)
                and not exists (select from cms.revision k where k.entry = r.entry and k.revision = r.revision)
            limit $1
        )"#
    )
}

fn old_deletions(store: &Store, info: &'static ContentInfo) -> String {
    let (types, period) = (types(store, info), info.retention.bin);
    format!(
        "with old as (
            select entry from cms.bin where type in ({types}) and at < now() - interval '{period}' and not exists (
                select from cms.release_item i join cms.release l on l.id = i.release
                where i.entry = bin.entry and i.action = 'delete' and l.state = 'published'
                    and l.published_at > now() - interval '{UNDO_DAYS} days'
            ) limit $1 for update skip locked
        ), forgotten as (
            delete from cms.revision where type in ({types}) and entry in (select entry from old)
        ), emptied as (
            delete from cms.kept_value where type in ({types}) and entry in (select entry from old)
        ), no_more as (
            delete from cms.redirect where type in ({types}) and entry in (select entry from old)
        ), silenced as (
            delete from cms.comment where type in ({types}) and entry in (select entry from old)
        ), unreviewed as (
            delete from cms.review where type in ({types}) and entry in (select entry from old)
        ), untold as (
            delete from cms.review_step where type in ({types}) and entry in (select entry from old)
        )
        delete from cms.bin where type in ({types}) and entry in (select entry from old)"
    )
}
