//! Changes of several entries that are made together, as a release does: all or none, checked as a whole, and seen before they are made.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::Cx;
use crate::overlay::{Overlay, Versions};
use crate::write::Work;
use crate::write::entries::{Version, read_by};
use crate::write::failure::Failure;
use crate::write::guard::Guard;
use crate::write::history::{self, Kept};
use crate::write::live;
use crate::write::remove::{self, Leaving, Parting, Subject, not_found};
use crate::write::table;
use crate::{Connection, Stage, Store, id};
use base::error::{Code, Error, Problem, Result, Step};
use model::content::ContentInfo;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A kept revision, or the draft as it is then.
    Publish(Option<i64>),
    Unpublish,
    Delete,
}

/// A change of one entry.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    pub change: Change,
    /// To unpublish it although live entries refer to it.
    pub force: bool,
}

/// An entry before the changes were made.
#[derive(Clone, Debug)]
pub struct Before {
    pub info: &'static ContentInfo,
    pub id: Uuid,
    /// The revision that was live.
    pub live: Option<i64>,
    /// It is not among the changes, but leaves with an entry that is.
    pub is_implied: bool,
}

/// Entries that leave along with those of a plan.
const MOST_IMPLIED: usize = 5_000;

/// How often deletions are tried, for entries that refer to each other.
const MOST_PASSES: usize = 20;

type ByType = Vec<(&'static ContentInfo, Vec<Uuid>)>;

/// Makes all changes, or fails with what is wrong with any and makes none. The path of a problem begins with the id of its entry.
pub async fn make(cx: &mut Cx<'_>, plan: &[Planned]) -> Result<Vec<Before>> {
    cx.connection.begin_part().await?;
    let before = cx.done.events.len();
    match made(cx, plan).await {
        Ok(befores) => {
            cx.connection.end_part().await?;
            Ok(befores)
        }
        Err(error) => {
            cx.done.events.truncate(before);
            // If the connection is lost, there is nothing to undo and `error` already says so.
            let _ = cx.connection.undo_part().await;
            Err(error)
        }
    }
}

async fn made(cx: &mut Cx<'_>, plan: &[Planned]) -> Result<Vec<Before>> {
    let mut revisions = HashMap::new();
    let mut problems = Vec::new();
    for (info, ids) in by_type(plan.iter()) {
        revisions.extend(locked(cx.connection, info, &ids).await?);
    }
    let befores = befores(cx, plan).await?;
    if befores.len() > plan.len() + MOST_IMPLIED {
        let message = format!("more than {MOST_IMPLIED} other entries would leave along with these");
        return Err(Problem::new(Code::LimitExceeded, message).into());
    }
    for planned in plan {
        match revisions.get(&planned.id) {
            Some(revision) => leave(cx, planned, *revision, &mut problems).await?,
            None => problems.push(not_found(planned.info, planned.id).at(planned.path())),
        }
    }
    let there = plan.iter().filter(|planned| revisions.contains_key(&planned.id));
    let versions: Vec<Version> = there.filter_map(Planned::version).collect();
    if !versions.is_empty() {
        gather(cx.compose(&Work::PublishTogether(&versions)).await, None, &mut problems)?;
    }
    delete(cx, plan, &mut problems).await?;
    for planned in plan.iter().filter(|planned| planned.change != Change::Delete) {
        if revisions.contains_key(&planned.id) && current(cx.connection, planned.info, planned.id).await?.is_none() {
            let message = "the entry would be deleted along with another one";
            problems.push(Problem::new(Code::Conflict, message).at(planned.path()));
        }
    }
    if problems.is_empty() {
        let gone = plan.iter().filter(|planned| planned.change == Change::Unpublish && !planned.force);
        left_behind(cx, &gone.collect::<Vec<_>>(), &mut problems).await?;
    }
    if problems.is_empty() { Ok(befores) } else { Err(Error { problems }) }
}

/// Which of these that are gone live entries refer to. They are looked at one by one only if there is any.
async fn left_behind(cx: &mut Cx<'_>, gone: &[&Planned], problems: &mut Vec<Problem>) -> Result<()> {
    let all = by_type(gone.iter().copied());
    let refused = remove::refuse_left_behind(cx.connection, cx.store, &all).await;
    let refused = refused.map_err(|failure| raced(cx, failure));
    let known = problems.len();
    gather(refused, None, problems)?;
    if problems.len() == known {
        return Ok(());
    }
    problems.truncate(known);
    for planned in gone {
        let one = [(planned.info, vec![planned.id])];
        let refused = remove::refuse_left_behind(cx.connection, cx.store, &one).await;
        let refused = refused.map_err(|failure| raced(cx, failure));
        gather(refused, Some(planned), problems)?;
    }
    Ok(())
}

/// Locks the entries of a plan as [`make`] does, so that nobody changes them after they are looked at.
pub async fn lock(cx: &mut Cx<'_>, plan: &[Planned]) -> Result<()> {
    for (info, ids) in by_type(plan.iter()) {
        locked(cx.connection, info, &ids).await?;
    }
    Ok(())
}

/// What reads see once the changes are made. What cannot be made is seen as it is.
pub async fn preview(connection: &mut Connection, store: &Store, plan: &[Planned]) -> Result<Overlay> {
    let found = overlay(connection, store, plan).await;
    found.map_err(|failure| failure.into_error(store.schema, false))
}

impl Planned {
    pub fn path(&self) -> Vec<Step> {
        vec![Step::Key(id::encode(self.info.table, self.id))]
    }

    fn version(&self) -> Option<Version> {
        match self.change {
            Change::Publish(revision) => Some(Version { info: self.info, id: self.id, revision }),
            _ => None,
        }
    }

    /// The right that the change needs.
    pub fn action(&self) -> Action {
        if self.change == Change::Delete { Action::Delete } else { Action::Publish }
    }
}

/// The entries of a plan, for an actor.
#[derive(Debug, Default)]
pub struct Standing {
    /// Those that exist.
    pub there: HashSet<Uuid>,
    /// Of these, the ones that the actor may change so.
    pub admitted: HashSet<Uuid>,
}

pub async fn standing(connection: &mut Connection, store: &Store, plan: &[Planned]) -> Result<Standing> {
    let mut standing = Standing::default();
    for action in [Action::Publish, Action::Delete] {
        for (info, ids) in by_type(plan.iter().filter(|planned| planned.action() == action)) {
            let sql = format!(r#"select id from draft."{}" where id = any($1)"#, info.table);
            let there: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
            standing.there.extend(&there);
            let admitted = Guard::new(store, false).admitted(connection, info, action, there).await;
            standing.admitted.extend(admitted.map_err(|failure| failure.into_error(store.schema, false))?);
        }
    }
    Ok(standing)
}

/// The revisions of these entries that are live.
pub async fn live_revisions(
    connection: &mut Connection,
    store: &Store,
    info: &ContentInfo,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, i64>> {
    let found = live::revisions(connection, info, ids).await;
    found.map_err(|failure| failure.into_error(store.schema, false))
}

/// Deletes what is to be deleted. An entry may refer to another one that goes too, so those that are refused are tried again after the
/// others.
async fn delete(cx: &mut Cx<'_>, plan: &[Planned], problems: &mut Vec<Problem>) -> Result<()> {
    let mut left: Vec<&Planned> = plan.iter().filter(|planned| planned.change == Change::Delete).collect();
    for pass in 1..=MOST_PASSES {
        let (before, mut refused, mut found) = (left.len(), Vec::new(), Vec::new());
        for planned in left {
            let Some(revision) = current(cx.connection, planned.info, planned.id).await? else { continue };
            let subject = Subject { info: planned.info, id: planned.id, revision };
            let known = found.len();
            gather(cx.compose(&Work::Delete(subject)).await, Some(planned), &mut found)?;
            if found.len() > known {
                refused.push(planned);
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        if refused.len() == before || pass == MOST_PASSES {
            problems.extend(found);
            return Ok(());
        }
        left = refused;
    }
    Ok(())
}

/// Unpublishes what is to be gone, whatever refers to it: the entries that are published next may not any more.
async fn leave(cx: &mut Cx<'_>, planned: &Planned, revision: i64, problems: &mut Vec<Problem>) -> Result<()> {
    let Planned { info, id, change, .. } = *planned;
    let parting = match change {
        Change::Publish(_) => return Ok(()),
        Change::Unpublish => Parting::Forced,
        Change::Delete if !info.drafts => return Ok(()),
        Change::Delete => Parting::ForDeletion,
    };
    let work = Work::Unpublish(Subject { info, id, revision }, parting);
    gather(cx.compose(&work).await, Some(planned), problems)
}

/// Keeps the problems of a part, so that those of the others are found too. What only the moment prevents ends it all.
fn gather<T>(done: Result<T>, of: Option<&Planned>, problems: &mut Vec<Problem>) -> Result<()> {
    match done {
        Ok(_) => Ok(()),
        Err(error) if error == Error::in_the_way() || error.problems.iter().any(Problem::is_passing) => Err(error),
        Err(error) => {
            let placed = |mut problem: Problem| {
                if let Some(planned) = of {
                    problem.path = planned.path();
                }
                problem
            };
            problems.extend(error.problems.into_iter().map(placed));
            Ok(())
        }
    }
}

fn raced(cx: &mut Cx<'_>, failure: Failure) -> Error {
    cx.done.race |= failure.is_race();
    failure.into_error(cx.store.schema, false)
}

fn by_type<'a>(plan: impl Iterator<Item = &'a Planned>) -> ByType {
    let mut types: BTreeMap<&'static str, (&'static ContentInfo, Vec<Uuid>)> = BTreeMap::new();
    for planned in plan {
        types.entry(planned.info.table).or_insert((planned.info, Vec::new())).1.push(planned.id);
    }
    types.into_values().collect()
}

/// Locks the entries, always in the same order, and returns their revisions.
async fn locked(connection: &mut Connection, info: &ContentInfo, ids: &[Uuid]) -> Result<Vec<(Uuid, i64)>> {
    let sql =
        format!(r#"select id, revision from draft."{}" where id = any($1) order by id for no key update"#, info.table);
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?)
}

async fn current(connection: &mut Connection, info: &ContentInfo, id: Uuid) -> Result<Option<i64>> {
    let sql = format!(r#"select revision from draft."{}" where id = $1"#, info.table);
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?)
}

async fn befores(cx: &mut Cx<'_>, plan: &[Planned]) -> Result<Vec<Before>> {
    let planned: HashSet<Uuid> = plan.iter().map(|planned| planned.id).collect();
    let mut all = by_type(plan.iter());
    for (change, leaving) in [(Change::Unpublish, Leaving::Live), (Change::Delete, Leaving::ForGood)] {
        let of_change = by_type(plan.iter().filter(|planned| planned.change == change));
        let with = remove::with_dependents(cx.connection, cx.store, &of_change, leaving).await;
        for (info, mut ids) in with.map_err(|failure| raced(cx, failure))? {
            ids.retain(|id| !planned.contains(id));
            all.push((info, ids));
        }
    }
    let mut befores = Vec::new();
    for (info, ids) in all {
        let live = live_revisions(cx.connection, cx.store, info, &ids).await?;
        let before = |id: Uuid| Before { info, id, live: live.get(&id).copied(), is_implied: !planned.contains(&id) };
        befores.extend(ids.into_iter().map(before));
    }
    Ok(befores)
}

async fn overlay(connection: &mut Connection, store: &Store, plan: &[Planned]) -> Result<Overlay, Failure> {
    let mut types: BTreeMap<&'static str, Versions> = BTreeMap::new();
    let mut versions: HashMap<Uuid, i64> = HashMap::new();
    for (info, ids) in by_type(plan.iter().filter(|planned| matches!(planned.change, Change::Publish(Some(_))))) {
        let sql = format!(r#"select id, revision from draft."{}" where id = any($1)"#, info.table);
        let found: Vec<(Uuid, i64)> = sqlx::query_as(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
        versions.extend(found);
    }
    let past = history_of(connection, store, plan).await?;
    for planned in plan {
        let Planned { info, id, change, .. } = *planned;
        let of_type = types.entry(info.table).or_insert_with(|| nothing(info));
        match change {
            // It was deleted meanwhile.
            Change::Publish(Some(_)) if !versions.contains_key(&id) => continue,
            Change::Publish(Some(revision)) if versions.get(&id) != Some(&revision) => {
                if !past.contains(&id) {
                    continue;
                }
                let Some(kept) = Kept::find(connection, info, id, revision).await? else { continue };
                of_type.keep(kept.rows());
            }
            Change::Publish(_) => of_type.drafts.push(id),
            Change::Unpublish | Change::Delete => {}
        }
        of_type.replaced.push(id);
    }
    for (change, leaving) in [(Change::Unpublish, Leaving::Live), (Change::Delete, Leaving::ForGood)] {
        let of_change = by_type(plan.iter().filter(|planned| planned.change == change));
        for (info, ids) in remove::with_dependents(connection, store, &of_change, leaving).await? {
            let of_type = types.entry(info.table).or_insert_with(|| nothing(info));
            let known: HashSet<Uuid> = of_type.replaced.iter().copied().collect();
            of_type.replaced.extend(ids.into_iter().filter(|id| !known.contains(id)));
        }
    }
    let mut overlay = Overlay::default();
    for (_, versions) in types {
        let tables = history::tables(versions.info);
        overlay.add(versions, tables);
    }
    Ok(overlay)
}

/// Of the entries whose earlier revisions are planned, those whose whole history the actor may read.
async fn history_of(connection: &mut Connection, store: &Store, plan: &[Planned]) -> Result<HashSet<Uuid>, Failure> {
    let mut admitted = HashSet::new();
    for (info, ids) in by_type(plan.iter().filter(|planned| matches!(planned.change, Change::Publish(Some(_))))) {
        let grant = store.access.grant(info, Action::ReadHistory);
        if all_fields(info, |info, field| grant.has(info, field)) {
            admitted.extend(Guard::new(store, false).admitted(connection, info, Action::ReadHistory, ids).await?);
        }
    }
    Ok(admitted)
}

/// Whether the actor may see all that the plan publishes, as drafts and where it is planned so in the history, with all fields.
pub async fn sees_all(connection: &mut Connection, store: &Store, plan: &[Planned]) -> Result<bool> {
    let published: Vec<&Planned> = plan.iter().filter(|planned| matches!(planned.change, Change::Publish(_))).collect();
    let named: Vec<_> = published.iter().map(|planned| (planned.info, planned.id)).collect();
    let seen = read_by(connection, store, &named).await?;
    let past = history_of(connection, store, plan).await;
    let past = past.map_err(|failure| failure.into_error(store.schema, false))?;
    let sees = |planned: &&Planned| {
        let is_past = matches!(planned.change, Change::Publish(Some(_)));
        seen.contains(&planned.id) && reads_all_fields(store, planned.info) && (!is_past || past.contains(&planned.id))
    };
    Ok(published.iter().all(sees))
}

/// Whether the actor may read every field of drafts of the type.
pub fn reads_all_fields(store: &Store, info: &'static ContentInfo) -> bool {
    let grant = store.at(Stage::Draft).reads(info);
    all_fields(info, |info, field| grant.has(info, field))
}

fn all_fields(info: &'static ContentInfo, has: impl Fn(&ContentInfo, &str) -> bool) -> bool {
    let children = table::children(info).map(|(_, child)| child);
    std::iter::once(info).chain(children).all(|of| of.fields.iter().all(|field| has(of, field.snake)))
}

fn nothing(info: &'static ContentInfo) -> Versions {
    Versions { info, replaced: Vec::new(), drafts: Vec::new(), kept: Vec::new() }
}
