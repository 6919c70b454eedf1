//! Publishing by the name of the type, for work that follows a plan instead of a request: scheduled changes and releases.

use std::collections::{BTreeMap, HashSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::write::Work;
use crate::write::batch;
use crate::write::failure::Failure;
use crate::write::guard::Guard;
use crate::write::history::Kept;
use crate::write::load::load;
use crate::write::remove::{self, Subject, not_found, refused};
use crate::write::{live, pointers, revisions};
use crate::{Connection, Stage, Store};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;

/// Fails if the actor may not publish the entry, or if there is none.
pub async fn must_publish(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<()> {
    if !info.drafts {
        let message = format!("entries of `{}` are live as soon as they are saved", info.name);
        return Err(Problem::new(Code::Conflict, message).at([Step::from("id")]).into());
    }
    Guard::new(cx.store, false).rights(info, Action::Publish)?;
    match publishable_by(cx.connection, cx.store, &[(info, id)]).await?.contains(&id) {
        true => Ok(()),
        false => Err(not_found(info, id).at([Step::from("id")]).into()),
    }
}

/// Fails if neither the draft nor the history has the revision.
pub async fn must_have_revision(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid, revision: i64) -> Result<()> {
    let sql = format!(
        r#"select exists (select from draft."{}" where id = $1 and revision = $2)
            or exists (select from cms.revision where type = any($3) and entry = $1 and revision = $2 and content is not null)"#,
        info.table
    );
    let names = super::history::names(info);
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
    let mut by_type: BTreeMap<&'static str, (&'static ContentInfo, Vec<Uuid>)> = BTreeMap::new();
    for (info, id) in entries {
        by_type.entry(info.table).or_insert((info, Vec::new())).1.push(*id);
    }
    let mut admitted = HashSet::new();
    for (info, ids) in by_type.into_values() {
        let sql = format!(r#"select id from draft."{}" where id = any($1)"#, info.table);
        let there: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
        let of_type = Guard::new(store, false).admitted(connection, info, Action::Publish, there).await;
        admitted.extend(of_type.map_err(|failure| failure.into_error(store.schema, false))?);
    }
    Ok(admitted)
}

/// Publishes a revision of the entry, or the draft.
pub async fn publish(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid, revision: Option<i64>) -> Result<()> {
    cx.compose(&Work::PublishRevision { info, id, revision }).await?;
    Ok(())
}

/// Unpublishes the entry, whatever its revision. Nothing happens if it is not live.
pub async fn unpublish(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<()> {
    let sql = format!(r#"select revision from draft."{}" where id = $1 for no key update"#, info.table);
    let found: Option<i64> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(&mut *cx.connection).await?;
    let revision = found.ok_or_else(|| Error::from(not_found(info, id).at([Step::from("id")])))?;
    cx.compose(&Work::Unpublish(Subject { info, id, revision }, false)).await?;
    Ok(())
}

/// What the entry is called, for messages to the actor that changes it.
pub async fn title(cx: &mut Cx<'_>, info: &'static ContentInfo, id: Uuid) -> Result<Option<String>> {
    let found = pointers::titles(cx.connection, cx.store.at(Stage::Draft), info, &[id]).await;
    Ok(found.map_err(|failure| failure.into_error(cx.store.schema, false))?.remove(&id))
}

/// One attempt at [`publish`].
pub(super) async fn publish_revision(
    cx: &mut Cx<'_>,
    info: &'static ContentInfo,
    id: Uuid,
    revision: Option<i64>,
) -> Result<Vec<Happened>, Failure> {
    let store = cx.store;
    let missing = || refused(not_found(info, id).at([Step::from("id")]));
    let guard = Guard::new(store, false);
    guard.rights(info, Action::Publish).map_err(refused)?;
    let draft = load(cx.connection, store.at(Stage::Draft), info, &[id], true).await?.remove(&id);
    let admitted = guard.admitted(cx.connection, info, Action::Publish, vec![id]).await?;
    let draft = draft.filter(|_| admitted.contains(&id)).ok_or_else(missing)?;
    let Some(revision) = revision.filter(|revision| *revision != draft.system.revision) else {
        return batch::publish_stored(cx, &[remove::item(info, draft)], store).await;
    };
    let missing = || revisions::missing_revision(info, id, revision, "revision");
    let kept = Kept::find(cx.connection, info, id, revision).await?.ok_or_else(missing)?;
    let past = store.over(kept.overlay());
    let stored =
        load(cx.connection, past.at(Stage::Draft), info, &[id], false).await?.remove(&id).ok_or_else(missing)?;
    let events = batch::publish_stored(cx, &[remove::item(info, stored)], &past).await?;
    live::follow_published_at(cx.connection, info, id).await?;
    Ok(events)
}
