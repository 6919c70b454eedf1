//! What the site will be: with a release published, or at a moment to come. Reads see it through an overlay of the live content.

use std::collections::HashMap;

use sqlx::Row as _;
use uuid::Uuid;

use crate::release::{self, missing, must_release, planned, stored};
use crate::schedule::content;
use base::error::{Code, Problem, Result, Step};
use model::timestamp::Timestamp;
use store::overlay::Overlay;
use store::write::together::{self, Change, Planned};
use store::{Connection, Store};

/// Entries that a preview of a moment may change.
const MOST: usize = 5_000;

/// A version of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// As it will be once the release is published.
    Release(Uuid),
    /// As it will be once all that is scheduled until then is made.
    At(Timestamp),
}

/// The store whose reads see that version, for actors who may see drafts.
pub async fn over(store: &Store, version: Version) -> Result<Store> {
    let mut lent = store.lend().await?;
    let overlay = match version {
        Version::Release(id) => {
            must_release(store)?;
            of_release(&mut lent, store, id).await?
        }
        Version::At(moment) => at(&mut lent, store, moment).await?,
    };
    Ok(store.over(overlay))
}

/// What the release will change; nothing if it is published already.
pub async fn of_release(connection: &mut Connection, store: &Store, id: Uuid) -> Result<Overlay> {
    let state: Option<String> = sqlx::query_scalar("select state from cms.release where id = $1")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    let state = state.ok_or_else(|| missing(id).at([Step::from("release")]))?;
    let plan: Vec<Planned> = match state.as_str() {
        "open" | "scheduled" | "failed" => stored(connection, store, id).await?.iter().map(planned).collect(),
        _ => Vec::new(),
    };
    together::preview(connection, store, &plan).await
}

/// What is scheduled until the moment will change.
async fn at(connection: &mut Connection, store: &Store, moment: Timestamp) -> Result<Overlay> {
    if moment < Timestamp::now() {
        let message = "the moment has passed: only the site of today and of later moments can be read";
        return Err(Problem::new(Code::InvalidValue, message).at([Step::from("at")]).into());
    }
    // The last change of an entry counts.
    let mut changes: HashMap<Uuid, Planned> = HashMap::new();
    for due in due(connection, store, moment).await? {
        let planned = match due {
            Due::Change(planned) => vec![planned],
            Due::Release(id) => stored(connection, store, id).await?.iter().map(release::planned).collect(),
        };
        changes.extend(planned.into_iter().map(|planned| (planned.id, planned)));
        if changes.len() > MOST {
            let message = format!("more than {MOST} entries change until then, which is the limit of a preview");
            return Err(Problem::new(Code::LimitExceeded, message).at([Step::from("at")]).into());
        }
    }
    let mut plan: Vec<Planned> = changes.into_values().collect();
    plan.sort_unstable_by_key(|planned| planned.id);
    together::preview(connection, store, &plan).await
}

enum Due {
    Change(Planned),
    Release(Uuid),
}

/// What is scheduled until the moment, in its order.
async fn due(connection: &mut Connection, store: &Store, moment: Timestamp) -> Result<Vec<Due>> {
    let sql = "select at, created_at, id, type, entry, action, revision from cms.scheduled_change
        where state = 'pending' and at <= timestamptz 'epoch' + $1 * interval '1 microsecond'
        union all
        select at, created_at, id, null, null, null, null from cms.release
        where state = 'scheduled' and at <= timestamptz 'epoch' + $1 * interval '1 microsecond'
        order by 1, 2, 3 limit $2";
    let most = i64::try_from(MOST * 4).unwrap_or(i64::MAX);
    let rows = sqlx::query(sql).bind(moment.as_microsecond()).bind(most).fetch_all(connection).await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        let table: Option<String> = row.try_get(3)?;
        let Some(table) = table else {
            due.push(Due::Release(row.try_get(2)?));
            continue;
        };
        let Some(info) = content(store, &table) else { continue };
        let action: &str = row.try_get(5)?;
        let change = if action == "unpublish" { Change::Unpublish } else { Change::Publish(row.try_get(6)?) };
        due.push(Due::Change(Planned { info, id: row.try_get(4)?, change, force: true }));
    }
    Ok(due)
}
