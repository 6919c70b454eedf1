//! Soft locks: who edits an entry now.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::{Api, account, any_entry};
use base::error::Result;
use lifecycle::locks::{self, How, Lock};
use model::content::ContentInfo;
use store::{Store, id};

pub async fn list(store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let ids = arguments.get("ids").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let entry = |(place, given): (usize, &Json)| any_entry(store, Some(given), &["ids".into(), place.into()]);
    let entries: Vec<(&'static ContentInfo, Uuid)> = ids.iter().enumerate().map(entry).collect::<Result<_>>()?;
    Ok(locks::list(store, &entries).await?.iter().map(shown).collect())
}

pub async fn lock(api: &Api, store: &Store, arguments: &Map<String, Json>, how: How) -> Result<Json> {
    let (info, entry) = any_entry(store, arguments.get("id"), &["id".into()])?;
    Ok(shown(&locks::lock(store, &api.hooks, info, entry, how).await?))
}

pub async fn unlock(api: &Api, store: &Store, arguments: &Map<String, Json>) -> Result<Json> {
    let (info, entry) = any_entry(store, arguments.get("id"), &["id".into()])?;
    Ok(locks::unlock(store, &api.hooks, info, entry).await?.into())
}

fn shown(lock: &Lock) -> Json {
    json!({
        "entry": id::encode(lock.info.table, lock.entry),
        "actorKind": lock.actor_kind.to_ascii_uppercase(),
        "actor": account(&lock.actor_kind, lock.actor),
        "isMine": lock.is_mine,
        "since": lock.since,
        "until": lock.until,
    })
}
