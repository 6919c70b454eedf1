//! What work beside requests for content needs of entries of any type: who may do what with them, and publishing that follows a plan.

use std::collections::{BTreeMap, HashSet};

use serde_json::Map;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::overlay::{Overlay, Versions};
use crate::write::Work;
use crate::write::batch;
use crate::write::failure::Failure;
use crate::write::guard::{Guard, readable};
use crate::write::history::{self, Kept};
use crate::write::load::load;
use crate::write::remove::{self, Parting, Subject, not_found, refused};
use crate::write::row::{Faults, Item};
use crate::write::{live, pointers, revisions};
use crate::{Connection, Stage, Store, id};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;

/// Fails if the actor may not publish the entry, or if there is none.
pub async fn must_publish(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<()> {
    if !info.drafts {
        let message = format!("entries of `{}` are live as soon as they are saved", info.name);
        return Err(Problem::new(Code::Conflict, message).at([Step::from("id")]).into());
    }
    Guard::new(cx.store, false).rights(info, Action::Publish)?;
    must(cx, info, id, Action::Publish).await
}

/// Fails if the actor may not do this with the entry, or if there is none. The entry is not deleted until the transaction ends.
pub async fn must(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid, action: Action) -> Result<()> {
    Guard::new(cx.store, false).rights(info, action)?;
    hold(cx, info, id).await?;
    match admitted_by(cx.connection, cx.store, &[(info, id)], action).await?.contains(&id) {
        true => Ok(()),
        false => Err(not_found(info, id).at([Step::from("id")]).into()),
    }
}

/// Fails if the actor may not read the draft of the entry, or if there is none. The entry is not deleted until the transaction ends.
pub async fn must_read(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<()> {
    cx.store.at(Stage::Draft).must_read_any(info)?;
    hold(cx, info, id).await?;
    match read_by(cx.connection, cx.store, &[(info, id)]).await?.contains(&id) {
        true => Ok(()),
        false => Err(not_found(info, id).at([Step::from("id")]).into()),
    }
}

/// Takes a deleted entry out of the bin, with what was deleted with it.
pub async fn undelete(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<()> {
    cx.compose(&Work::Undelete { info, id, input: &Map::new() }).await?;
    Ok(())
}

async fn hold(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<()> {
    let sql = format!(r#"select from draft."{}" where id = $1 for key share"#, info.table);
    sqlx::query(AssertSqlSafe(sql)).bind(id).execute(&mut *cx.connection).await?;
    Ok(())
}

/// Refuses visitors, for work in which people are told who did it.
pub fn must_have_account(store: &Store) -> Result<()> {
    match store.access.actor.is_anonymous() {
        true => Err(store.access.refusal("this needs an account").into()),
        false => Ok(()),
    }
}

/// Fails if neither the draft nor the history has the revision.
pub async fn must_have_revision(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid, revision: i64) -> Result<()> {
    let sql = format!(
        r#"select exists (select from draft."{}" where id = $1 and revision = $2)
            or exists (select from cms.revision where type = any($3) and entry = $1 and revision = $2 and content is not null)"#,
        info.table
    );
    let names = history::names(info);
    let found: bool = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(id)
        .bind(revision)
        .bind(names)
        .fetch_one(&mut *cx.connection)
        .await?;
    if found {
        return Ok(());
    }
    Err(revisions::missing_revision(info, id, revision, "revision").into_error(cx.store.schema, false))
}

/// Those of the entries that the actor may publish.
pub async fn publishable_by(
    connection: &mut Connection,
    store: &Store,
    entries: &[(&'static ContentInfo, Uuid)],
) -> Result<HashSet<Uuid>> {
    admitted_by(connection, store, entries, Action::Publish).await
}

/// Those of the entries that the actor may do this with.
pub async fn admitted_by(
    connection: &mut Connection,
    store: &Store,
    entries: &[(&'static ContentInfo, Uuid)],
    action: Action,
) -> Result<HashSet<Uuid>> {
    let mut admitted = HashSet::new();
    for (info, there) in there(connection, entries).await? {
        let of_type = Guard::new(store, false).admitted(connection, info, action, there).await;
        admitted.extend(of_type.map_err(|failure| failure.into_error(store.schema, false))?);
    }
    Ok(admitted)
}

/// Those of the entries whose drafts the actor may read.
pub async fn read_by(
    connection: &mut Connection,
    store: &Store,
    entries: &[(&'static ContentInfo, Uuid)],
) -> Result<HashSet<Uuid>> {
    let mut seen = HashSet::new();
    for (info, there) in there(connection, entries).await? {
        let of_type = readable(connection, store.at(Stage::Draft), info, there).await;
        seen.extend(of_type.map_err(|failure| failure.into_error(store.schema, false))?);
    }
    Ok(seen)
}

/// Those of the entries that exist, by type.
async fn there(
    connection: &mut Connection,
    entries: &[(&'static ContentInfo, Uuid)],
) -> Result<Vec<(&'static ContentInfo, Vec<Uuid>)>> {
    let mut by_type: BTreeMap<&'static str, (&'static ContentInfo, Vec<Uuid>)> = BTreeMap::new();
    for (info, id) in entries {
        by_type.entry(info.table).or_insert((info, Vec::new())).1.push(*id);
    }
    let mut found = Vec::with_capacity(by_type.len());
    for (info, ids) in by_type.into_values() {
        let sql = format!(r#"select id from draft."{}" where id = any($1)"#, info.table);
        found.push((info, sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?));
    }
    Ok(found)
}

/// Publishes a revision of the entry, or the draft.
pub async fn publish(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid, revision: Option<i64>) -> Result<()> {
    cx.compose(&Work::PublishRevision(Version { info, id, revision })).await?;
    Ok(())
}

/// Unpublishes the entry, whatever its revision. Nothing happens if it is not live.
pub async fn unpublish(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid, force: bool) -> Result<()> {
    let sql = format!(r#"select revision from draft."{}" where id = $1 for no key update"#, info.table);
    let found: Option<i64> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *cx.connection).await?;
    let revision = found.ok_or_else(|| Error::from(not_found(info, id).at([Step::from("id")])))?;
    let parting = if force { Parting::Forced } else { Parting::Checked };
    cx.compose(&Work::Unpublish(Subject { info, id, revision }, parting)).await?;
    Ok(())
}

/// What the entry is called, for messages to the actor that changes it.
pub async fn title(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<Option<String>> {
    let found = pointers::titles(cx.connection, cx.store.at(Stage::Draft), info, &[id]).await;
    Ok(found.map_err(|failure| failure.into_error(cx.store.schema, false))?.remove(&id))
}

/// A version of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Version {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    /// `None` for the draft.
    pub revision: Option<i64>,
}

impl Version {
    /// The id, for problems of several entries.
    pub(super) fn path(&self) -> Vec<Step> {
        vec![Step::Key(id::encode(self.info.table, self.id))]
    }
}

/// Publishes these versions in one part of a transaction: all or none. Reports the problems of all. `path` is where those of an entry begin.
pub(super) async fn publish_versions(
    cx: &mut Cx<'_>,
    versions: &[Version],
    path: &(dyn Fn(&Version) -> Vec<Step> + Sync),
) -> Result<Vec<Happened>, Failure> {
    let store = cx.store;
    let (mut items, mut faults, mut overlay) = (Vec::new(), Faults::default(), Overlay::default());
    let mut by_type: BTreeMap<&'static str, Vec<(usize, &Version)>> = BTreeMap::new();
    for (root, version) in versions.iter().enumerate() {
        by_type.entry(version.info.table).or_default().push((root, version));
    }
    let mut older: BTreeMap<&'static str, Vec<(usize, &Version)>> = BTreeMap::new();
    for of_type in by_type.values() {
        let info = of_type[0].1.info;
        let guard = Guard::new(store, false);
        guard.rights(info, Action::Publish).map_err(refused)?;
        let ids: Vec<Uuid> = of_type.iter().map(|(_, version)| version.id).collect();
        let mut drafts = load(cx.connection, store.at(Stage::Draft), info, &ids, true).await?;
        let admitted = guard.admitted(cx.connection, info, Action::Publish, ids).await?;
        let mut past = Versions { info, replaced: Vec::new(), drafts: Vec::new(), kept: Vec::new() };
        for &(root, version) in of_type {
            let Some(draft) = drafts.remove(&version.id).filter(|_| admitted.contains(&version.id)) else {
                faults.0.push((root, not_found(info, version.id).at(at_id(path(version)))));
                continue;
            };
            let Some(number) = version.revision.filter(|number| *number != draft.system.revision) else {
                items.push(placed(remove::item(info, draft), root, path(version)));
                continue;
            };
            match Kept::find(cx.connection, info, version.id, number).await? {
                Some(found) => {
                    past.replaced.push(version.id);
                    past.keep(found.rows());
                    older.entry(info.table).or_default().push((root, version));
                }
                None => {
                    let missing = revisions::missing(info, version.id, number);
                    let mut at = path(version);
                    at.push(Step::from("revision"));
                    faults.0.push((root, missing.at(at)));
                }
            }
        }
        overlay.add(past, history::tables(info));
    }
    batch::refuse(faults)?;
    let source = if older.is_empty() { store.clone() } else { store.over(overlay) };
    for of_type in older.values() {
        let info = of_type[0].1.info;
        let ids: Vec<Uuid> = of_type.iter().map(|(_, version)| version.id).collect();
        let mut stored = load(cx.connection, source.at(Stage::Draft), info, &ids, false).await?;
        for &(root, version) in of_type {
            let missing = || refused(not_found(info, version.id).at(at_id(path(version))));
            let stored = stored.remove(&version.id).ok_or_else(missing)?;
            items.push(placed(remove::item(info, stored), root, path(version)));
        }
    }
    let events = batch::publish_stored(cx, &items, &source).await?;
    for (_, version) in older.into_values().flatten() {
        live::follow_publication(cx.connection, version.info, version.id).await?;
    }
    Ok(events)
}

/// A single entry is named by the argument `id`.
fn at_id(path: Vec<Step>) -> Vec<Step> {
    if path.is_empty() { vec![Step::from("id")] } else { path }
}

fn placed(mut item: Item, root: usize, path: Vec<Step>) -> Item {
    (item.root, item.new.path) = (root, path);
    item
}
