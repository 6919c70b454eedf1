//! Where the revisions of entries stand in their review, and that nothing else is published than what has passed it.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use uuid::Uuid;

use crate::access::{Identity, ReviewInfo};
use crate::write::failure::{Failure, Result};
use crate::write::history::names;
use crate::write::row::{Faults, Item};
use crate::{Connection, Store, id};
use base::error::{Code, Problem};
use model::content::ContentInfo;

/// The places of these revisions in the order of the stages. What is not in the result is at the first one.
pub async fn places(
    connection: &mut Connection,
    info: &'static ContentInfo,
    review: &'static ReviewInfo,
    revisions: &[(Uuid, i64)],
) -> base::error::Result<HashMap<Uuid, usize>> {
    let sql = "select entry, stage from cms.review where type = any($1)
        and (entry, revision) in (select * from unnest($2::uuid[], $3::bigint[]))";
    let rows: Vec<(Uuid, String)> = sqlx::query_as(sql)
        .bind(names(info))
        .bind(revisions.iter().map(|(entry, _)| *entry).collect::<Vec<_>>())
        .bind(revisions.iter().map(|(_, revision)| *revision).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(entry, stage)| (entry, review.place(&stage))).collect())
}

/// Refuses entries that are about to be published before the last stage. The server itself is not asked.
pub(super) async fn check(connection: &mut Connection, store: &Store, items: &[&Item]) -> Result<()> {
    let faults = faults(connection, store, items).await?;
    if faults.is_empty() { Ok(()) } else { Err(Failure::from(faults)) }
}

pub(super) async fn faults(connection: &mut Connection, store: &Store, items: &[&Item]) -> Result<Faults> {
    let mut faults = Faults::default();
    if store.access.actor.identity == Identity::System {
        return Ok(faults);
    }
    let mut by_type: BTreeMap<&'static str, (&'static ReviewInfo, Vec<&Item>)> = BTreeMap::new();
    for &item in items {
        if let Some(review) = store.schema.review(item.info) {
            by_type.entry(item.info.table).or_insert((review, Vec::new())).1.push(item);
        }
    }
    for (review, items) in by_type.into_values() {
        let revisions: Vec<(Uuid, i64)> = items.iter().map(|item| (item.new.id, item.revision())).collect();
        let places = places(connection, items[0].info, review, &revisions).await.map_err(Failure::Refused)?;
        for item in items {
            let place = places.get(&item.new.id).copied().unwrap_or_default();
            if place + 1 == review.stages.len() {
                continue;
            }
            let (stage, last) = (stage(review, place), review.last().map_or("", |stage| stage.name));
            let message = format!(
                "revision {} of `{}` is at the stage `{stage}` of its review, and is published at `{last}`",
                item.revision(),
                id::encode(item.info.table, item.new.id)
            );
            let details = json!({ "stage": stage, "required": last });
            let problem = Problem::new(Code::NotApproved, message).at(item.new.path.iter().cloned()).details(details);
            faults.0.push((item.root, problem));
        }
    }
    Ok(faults)
}

fn stage(review: &ReviewInfo, place: usize) -> &'static str {
    review.stages.get(place).map_or("", |stage| stage.name)
}
