//! What must be published with an entry: the targets of its required relations that are not live, and theirs.

use std::collections::HashSet;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::write::entries::{self, Version, publishable_by};
use crate::write::failure::Result;
use crate::write::load::load;
use crate::write::pointers;
use crate::write::publishable::needed;
use crate::write::remove::{self, Subject, refused};
use crate::{Connection, Stage, Store};
use base::error::{Code, Problem, Step};
use model::content::ContentInfo;

/// Entries that one publication may take along.
const MOST: usize = 100;

/// An entry that is published with another.
#[derive(Clone, Debug)]
pub struct Dependency {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    /// `None` if it has none that the actor may read.
    pub title: Option<String>,
}

/// Publishes the entry as last saved, with all that it depends on.
pub(super) async fn publish(cx: &mut Cx<'_>, of: Subject) -> Result<Vec<Happened>> {
    remove::subject(cx.connection, cx.store, of, Action::Publish).await?;
    let found = closure(cx.connection, cx.store, of.info, of.id).await?;
    let version = |(info, id)| Version { info, id, revision: None };
    let all: Vec<Version> = std::iter::once((of.info, of.id)).chain(found).map(version).collect();
    let path = |version: &Version| if version.id == of.id { Vec::new() } else { version.path() };
    entries::publish_versions(cx, &all, &path).await
}

/// What a publication with all dependencies would publish besides the entry: as far as the actor may publish it.
pub async fn dependencies(store: &Store, info: &'static ContentInfo, id: Uuid) -> base::error::Result<Vec<Dependency>> {
    let mut lent = store.at(Stage::Draft).lend().await?;
    if !publishable_by(&mut lent, store, &[(info, id)]).await?.contains(&id) {
        return Err(remove::not_found(info, id).at([Step::from("id")]).into());
    }
    let found = closure(&mut lent, store, info, id).await;
    let found = found.map_err(|failure| failure.into_error(store.schema, false))?;
    let admitted = publishable_by(&mut lent, store, &found).await?;
    let mut shown = Vec::new();
    for (info, id) in found.into_iter().filter(|(_, id)| admitted.contains(id)) {
        let titles = pointers::titles(&mut lent, store.at(Stage::Draft), info, &[id]).await;
        let title = titles.map_err(|failure| failure.into_error(store.schema, false))?.remove(&id);
        shown.push(Dependency { info, id, title });
    }
    Ok(shown)
}

/// All that the entry depends on and that is not live. Of a list without a live target, all targets.
async fn closure(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
) -> Result<Vec<(&'static ContentInfo, Uuid)>> {
    let mut known: HashSet<Uuid> = HashSet::from([id]);
    let (mut found, mut frontier) = (Vec::new(), vec![(info, id)]);
    while let Some((info, id)) = frontier.pop() {
        let Some(draft) = load(connection, store.at(Stage::Draft), info, &[id], false).await?.remove(&id) else {
            continue;
        };
        for targets in needed(info, &draft.row) {
            let mut missing = Vec::new();
            let mut is_met = false;
            for (info, id) in targets {
                match is_live(connection, info, id).await? {
                    true => is_met = true,
                    false => missing.push((info, id)),
                }
            }
            if is_met {
                continue;
            }
            for (info, id) in missing.into_iter().filter(|(_, id)| known.insert(*id)) {
                found.push((info, id));
                frontier.push((info, id));
            }
            if found.len() > MOST {
                let message = format!("more than {MOST} entries would have to be published with it");
                return Err(refused(Problem::new(Code::LimitExceeded, message).at([Step::from("id")])));
            }
        }
    }
    Ok(found)
}

async fn is_live(connection: &mut Connection, info: &ContentInfo, id: Uuid) -> Result<bool> {
    let sql = format!(r#"select exists (select from live."{}" where id = $1)"#, info.table);
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_one(connection).await?)
}
