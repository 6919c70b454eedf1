//! Deleting and unpublishing. Entries that point at the entry block it, are removed too or lose the reference, as each relation declares.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, EventKind, Happened, Moment};
use crate::write::batch::{call, revision_mismatch};
use crate::write::failure::Result;
use crate::write::guard::Guard;
use crate::write::load::load;
use crate::write::pointers::{Pointer, Reference, inside_components, pointers, references};
use crate::write::row::{At, Item, Old};
use crate::write::{bin, keep, live, paths, trail};
use crate::{Connection, Stage, Store};
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, OnDelete};

/// The entry of a call.
#[derive(Clone, Copy)]
pub struct Subject {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    pub revision: i64,
}

/// Entries to be removed together, by table; later ones point at earlier ones.
#[derive(Default)]
struct Going {
    types: Vec<(&'static ContentInfo, BTreeSet<Uuid>)>,
}

impl Going {
    fn has(&self, info: &ContentInfo, id: Uuid) -> bool {
        self.types.iter().any(|(known, ids)| known.table == info.table && ids.contains(&id))
    }

    fn add(&mut self, info: &'static ContentInfo, id: Uuid) -> bool {
        match self.types.iter_mut().find(|(known, _)| known.table == info.table) {
            Some((_, ids)) => ids.insert(id),
            None => {
                self.types.push((info, BTreeSet::from([id])));
                true
            }
        }
    }

    fn ids(&self) -> impl DoubleEndedIterator<Item = (&'static ContentInfo, Vec<Uuid>)> {
        self.types.iter().map(|(info, ids)| (*info, ids.iter().copied().collect()))
    }
}

/// The stored entry, locked. An entry that the actor may not do this with counts as missing.
pub async fn subject(connection: &mut Connection, store: &Store, subject: Subject, action: Action) -> Result<Item> {
    let Subject { info, id, revision } = subject;
    let guard = Guard::new(store, false);
    guard.rights(info, action).map_err(refused)?;
    let stored = load(connection, store.at(Stage::Draft), info, &[id], true).await?.remove(&id);
    let admitted = guard.admitted(connection, info, action, stored.iter().map(|old| old.row.id).collect()).await?;
    let Some(old) = stored.filter(|_| admitted.contains(&id)) else {
        return Err(refused(not_found(info, id).at([Step::from("id")])));
    };
    if old.system.revision != revision {
        return Err(refused(revision_mismatch(revision, old.system.revision, At::Key(&At::Steps(&[]), "revision"))));
    }
    Ok(item(info, old))
}

pub async fn delete(cx: &mut Cx<'_>, of: Subject) -> Result<Vec<Happened>> {
    let store = cx.store;
    subject(cx.connection, store, of, Action::Delete).await?;
    let (going, blockers) = closure(cx.connection, store, &[(of.info, vec![of.id])], Leaving::ForGood).await?;
    refuse_referenced(cx.connection, store, of.info, &blockers, "deleted").await?;
    let items = stored(cx.connection, store, &going, |_| true).await?;
    cx.done.begin(items.iter().map(|item| (item.info, item.new.id)))?;
    for item in &items {
        call(cx, Moment::BeforeDelete, item).await?;
    }
    keep::keep_referrers(cx.connection, store, &going.ids().collect::<Vec<_>>()).await?;
    bin::put(cx.connection, store, &items).await?;
    for (info, ids) in going.ids() {
        for pointer in pointers(store.schema, info) {
            forget_live(cx.connection, store, &pointer, &ids).await?;
        }
    }
    let mut live = BTreeSet::new();
    for (info, ids) in going.ids().rev() {
        // One without drafts is always live.
        if info.drafts {
            live.extend(live::revisions(cx.connection, info, &ids).await?.into_keys());
        }
        live::remove(cx.connection, info, &ids).await?;
        let sql = format!(r#"delete from draft."{}" where id = any($1)"#, info.table);
        sqlx::query(AssertSqlSafe(sql)).bind(ids).execute(&mut *cx.connection).await?;
    }
    for item in &items {
        call(cx, Moment::AfterDelete, item).await?;
    }
    trail::deleted(cx.connection, store, &items, &live).await?;
    Ok(events(&going, of, EventKind::Deleted))
}

/// How an entry stops being live.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// Not if live entries refer to it.
    Checked,
    Forced,
    /// Before it is deleted, by an actor that may delete it; references are checked later.
    ForDeletion,
}

/// Relations to the entry keep its id: they read as null while it is not live, and work again once it is published.
pub async fn unpublish(cx: &mut Cx<'_>, of: Subject, parting: Parting) -> Result<Vec<Happened>> {
    let (store, hooks) = (cx.store, cx.hooks());
    let right = if parting == Parting::ForDeletion { Action::Delete } else { Action::Publish };
    subject(cx.connection, store, of, right).await?;
    if live::revisions(cx.connection, of.info, &[of.id]).await?.is_empty() {
        return Ok(Vec::new());
    }
    let (going, blockers) = closure(cx.connection, store, &[(of.info, vec![of.id])], Leaving::Live).await?;
    if parting == Parting::Checked {
        refuse_referenced(cx.connection, store, of.info, &blockers, "unpublished").await?;
    }
    let items = stored(cx.connection, store, &going, |info| hooks.of(info).is_some()).await?;
    cx.done.begin(items.iter().map(|item| (item.info, item.new.id)))?;
    for item in &items {
        call(cx, Moment::BeforeUnpublish, item).await?;
    }
    for (info, ids) in going.ids() {
        paths::unpublished(cx.connection, store, info, &ids).await?;
        live::remove(cx.connection, info, &ids).await?;
    }
    for item in &items {
        call(cx, Moment::AfterUnpublish, item).await?;
    }
    let events = events(&going, of, EventKind::Unpublished);
    trail::happened(cx.connection, store, &events).await?;
    Ok(events)
}

/// The entries that leave with these, which are part of the answer.
pub async fn with_dependents(
    connection: &mut Connection,
    store: &Store,
    entries: &[(&'static ContentInfo, Vec<Uuid>)],
    leaving: Leaving,
) -> Result<Vec<(&'static ContentInfo, Vec<Uuid>)>> {
    Ok(dependents(connection, store, entries, leaving).await?.0.ids().collect())
}

/// Fails if live entries refer to entries that are live no more.
pub async fn refuse_left_behind(
    connection: &mut Connection,
    store: &Store,
    entries: &[(&'static ContentInfo, Vec<Uuid>)],
) -> Result<()> {
    for (info, ids) in entries {
        let (_, blockers) = closure(connection, store, &[(info, ids.clone())], Leaving::Live).await?;
        refuse_referenced(connection, store, info, &blockers, "unpublished").await?;
    }
    Ok(())
}

/// The kind of removal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Delete: relations with `SetNull` and items of lists just lose the reference.
    ForGood,
    /// Unpublish: such references would show nothing, so they block it unless forced.
    Live,
}

impl Leaving {
    /// Where references count.
    fn stages(self) -> &'static [Stage] {
        match self {
            Self::ForGood => &[Stage::Draft, Stage::Live],
            Self::Live => &[Stage::Live],
        }
    }
}

/// All entries to be removed with these, and the references that block the removal.
async fn closure(
    connection: &mut Connection,
    store: &Store,
    entries: &[(&'static ContentInfo, Vec<Uuid>)],
    leaving: Leaving,
) -> Result<(Going, Vec<Reference>)> {
    let (going, mut blockers) = dependents(connection, store, entries, leaving).await?;
    if leaving == Leaving::ForGood {
        keep_from_new_references(connection, &going).await?;
    }
    for (info, ids) in going.ids() {
        for &stage in leaving.stages() {
            blockers.extend(inside_components(connection, store.schema, stage, info, &ids).await?);
        }
    }
    blockers.retain(|blocker| !going.has(blocker.info, blocker.id));
    Ok((going, blockers))
}

/// As [`closure`], without references in components.
async fn dependents(
    connection: &mut Connection,
    store: &Store,
    entries: &[(&'static ContentInfo, Vec<Uuid>)],
    leaving: Leaving,
) -> Result<(Going, Vec<Reference>)> {
    let stages = leaving.stages();
    let mut going = Going::default();
    for (info, ids) in entries {
        for id in ids {
            going.add(info, *id);
        }
    }
    let mut blockers = Vec::new();
    let mut frontier = entries.to_vec();
    while let Some((info, ids)) = frontier.pop() {
        for pointer in pointers(store.schema, info) {
            let loses_it = pointer.to.on_delete == OnDelete::SetNull || pointer.loses_item();
            if loses_it && leaving == Leaving::ForGood {
                continue;
            }
            let mut found: Vec<Reference> = Vec::new();
            for &stage in stages {
                found.extend(references(connection, store.at(stage), &pointer, &ids).await?);
            }
            match pointer.to.on_delete {
                _ if loses_it => blockers.append(&mut found),
                OnDelete::Restrict => blockers.append(&mut found),
                _ => {
                    let found: BTreeSet<Uuid> = found.into_iter().map(|reference| reference.id).collect();
                    let new: Vec<Uuid> = found.into_iter().filter(|id| going.add(pointer.entry(), *id)).collect();
                    if !new.is_empty() {
                        frontier.push((pointer.entry(), new));
                    }
                }
            }
        }
    }
    Ok((going, blockers))
}

/// From now on, who saves a component that refers to one of these waits (`Keys::hold`), and does not find it afterwards.
async fn keep_from_new_references(connection: &mut Connection, going: &Going) -> Result<()> {
    for (info, ids) in going.ids() {
        let sql = format!(r#"select from draft."{}" where id = any($1) order by id for update"#, info.table);
        sqlx::query(AssertSqlSafe(sql)).bind(ids).execute(&mut *connection).await?;
    }
    Ok(())
}

/// `live` has no foreign keys, so relations there are cleared here as foreign keys do in `draft`.
async fn forget_live(connection: &mut Connection, store: &Store, pointer: &Pointer, ids: &[Uuid]) -> Result<()> {
    let Some(sql) = pointer.forget(store.at(Stage::Live)) else { return Ok(()) };
    connection.changes_any(pointer.entry());
    sqlx::query(AssertSqlSafe(sql)).bind(ids).execute(connection).await?;
    Ok(())
}

async fn refuse_referenced(
    connection: &mut Connection,
    store: &Store,
    info: &ContentInfo,
    blockers: &[Reference],
    what: &str,
) -> Result<()> {
    if blockers.is_empty() {
        return Ok(());
    }
    let references = super::pointers::shown(connection, store, blockers).await?;
    let count = blockers.iter().map(Reference::place).collect::<BTreeSet<_>>().len();
    // An entry may refer to it by several fields.
    let others = match blockers.iter().map(|reference| reference.id).collect::<BTreeSet<_>>().len() {
        1 => "another entry refers".to_owned(),
        entries => format!("{entries} other entries refer"),
    };
    let message = format!("the {} cannot be {what}: {others} to it", info.name);
    let details = serde_json::json!({ "references": references, "count": count });
    Err(refused(Problem::new(Code::Referenced, message).at([Step::from("id")]).details(details)))
}

pub fn not_found(info: &ContentInfo, id: Uuid) -> Problem {
    Problem::new(Code::NotFound, format!("{} `{}` does not exist", info.name, crate::id::encode(info.table, id)))
}

pub fn refused(problem: Problem) -> super::failure::Failure {
    base::error::Error::from(problem).into()
}

/// The entries of these types, for hooks and the audit log.
async fn stored(
    connection: &mut Connection,
    store: &Store,
    going: &Going,
    of: impl Fn(&ContentInfo) -> bool,
) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for (info, ids) in going.ids().filter(|(info, _)| of(info)) {
        let mut stored: BTreeMap<_, _> =
            load(connection, store.at(Stage::Draft), info, &ids, true).await?.into_iter().collect();
        while let Some((_, old)) = stored.pop_first() {
            items.push(item(info, old));
        }
    }
    Ok(items)
}

pub fn item(info: &'static ContentInfo, old: Old) -> Item {
    Item {
        info,
        root: 0,
        is_root: true,
        publish: false,
        after: 0,
        new: old.row.clone(),
        old: Some(old),
        record: OnceLock::new(),
    }
}

fn events(going: &Going, of: Subject, kind: EventKind) -> Vec<Happened> {
    let all = going.ids().flat_map(|(info, ids)| ids.into_iter().map(move |id| (info, id)));
    all.map(|(info, id)| Happened { info, kind, id, revision: of.revision }).collect()
}
