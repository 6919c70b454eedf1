//! One attempt at a batch of saves inside a transaction: resolves keys, reads current rows, overlays inputs, applies rules and hooks,
//! stores rows and publishes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{AnyHooks, AnyRecord, Cx, EventKind, Happened, Moment};
use crate::search::document::When;
use crate::write::check::Checker;
use crate::write::failure::{Failure, Result};
use crate::write::guard::{Guard, Rights};
use crate::write::prepare::prepare;
use crate::write::remove::Subject;
use crate::write::row::{At, Faults, Item, Row};
use crate::write::{history, live, paths, publishable, remove, review, save, slug, trail, unique};
use crate::{Connection, Stage, Store};
use base::error::{Code, Error, Problem, Step};
use model::content::ContentInfo;

/// A batch of inputs for one content type, as received.
pub struct Request<'a> {
    pub info: &'static ContentInfo,
    pub inputs: Vec<Input<'a>>,
    /// Connect a nested `create` to the existing entry if its natural key exists.
    pub reuse: bool,
    /// Create an entry with the given id if no entry has it.
    pub keep_ids: bool,
    /// Require the right to import as well.
    pub import: bool,
    /// When the entries can be searched.
    pub index: When,
    /// Look for duplicate values before writing. The database rejects them anyway, but one at a time and without their path.
    pub ask_unique: bool,
}

pub struct Input<'a> {
    /// Index of the caller's input; faults carry it.
    pub root: usize,
    pub target: Target<'a>,
    pub data: &'a Map<String, Json>,
    pub publish: bool,
    /// If others have saved the entry since the revision that the target names: merge instead of a refusal.
    pub merge: bool,
    /// The path of `data`, and the path of the object that holds the key and revision.
    pub path: Vec<Step>,
    pub outer: Vec<Step>,
}

pub enum Target<'a> {
    New,
    /// A new entry that starts as a copy of this row.
    Copy(&'a Row),
    Id {
        id: Uuid,
        revision: i64,
    },
    Key {
        key: &'a Json,
        revision: Option<i64>,
    },
}

/// The result of a save, valid once committed.
pub struct Saved {
    /// In the order of the inputs.
    pub entries: Vec<(Uuid, Change)>,
    pub events: Vec<Happened>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    Updated,
    None,
}

pub async fn run(cx: &mut Cx<'_>, request: &Request<'_>, again: bool) -> Result<Saved> {
    let store = cx.store;
    let guard = Guard::new(store, request.import);
    must_save(guard, request)?;
    let mut faults = Faults::default();
    let mut items = prepare(cx.connection, guard, store, request, &mut faults).await?;
    if request.keep_ids {
        history::go_on(cx.connection, request.info, &mut items).await?;
    }
    cx.done.begin(items.iter().filter(|item| item.is_changed()).map(|item| (item.info, item.new.id)))?;
    slug::assign(&mut items, cx.connection, again).await?;
    let publishes = |item: &Item| item.publish || !item.info.drafts;
    check(store, &items, &publishes, &mut faults);
    if request.ask_unique {
        ask_unique(cx.connection, store, &items, &publishes, &mut faults).await?;
    }
    refuse(faults)?;
    store_items(cx, guard, request, items, &publishes).await
}

/// Runs the hooks, stores the rows, checks the access rules and publishes. The items have been validated.
async fn store_items(
    cx: &mut Cx<'_>,
    guard: Guard<'_>,
    request: &Request<'_>,
    mut items: Vec<Item>,
    publishes: &impl Fn(&Item) -> bool,
) -> Result<Saved> {
    let store = cx.store;
    if before_save(cx, &mut items).await? {
        let mut faults = Faults::default();
        check(store, &items, publishes, &mut faults);
        ask_unique(cx.connection, store, &items, publishes, &mut faults).await?;
        refuse(faults)?;
    }
    let marked = save::save(cx.connection, &items, &store.access, publishes).await?;
    let mut events = Vec::new();
    for item in items.iter().filter(|item| item.is_changed()) {
        after_save(cx, item).await?;
        let kind = if item.old.is_none() { EventKind::Created } else { EventKind::Updated };
        events.push(Happened { info: item.info, kind, id: item.new.id, revision: item.revision() });
    }
    let changed = || items.iter().filter(|item| item.is_changed());
    guard.check_saved(cx.connection, changed().filter(|item| item.info.drafts)).await?;
    let to_publish: Vec<&Item> = items.iter().filter(|item| publishes(item)).collect();
    // An import copies entries that are live elsewhere, and in any order.
    if !request.import {
        publishable::refuse_targets(cx.connection, &to_publish).await?;
    }
    let published = publish_items(cx, &to_publish, marked, store, &mut events).await?;
    // Access rules on types without drafts see published rows, so these are checked after publishing.
    guard.check_saved(cx.connection, changed().filter(|item| !item.info.drafts)).await?;
    Box::pin(trail::saved(cx.connection, store, request.info, (request.import, request.index), &items, &events))
        .await?;
    let roots = items.iter().filter(|item| item.is_root);
    Ok(Saved { entries: roots.map(|item| (item.new.id, change(item, &published))).collect(), events })
}

/// Saves complete entries as drafts. The last one is of the type that the others belong to.
pub async fn save_whole(cx: &mut Cx<'_>, items: Vec<Item>) -> Result<Vec<Happened>> {
    let store = cx.store;
    let Some(info) = items.last().map(|item| item.info) else { return Ok(Vec::new()) };
    cx.done.begin(items.iter().filter(|item| item.is_changed()).map(|item| (item.info, item.new.id)))?;
    let mut faults = Faults::default();
    let publishes = |item: &Item| !item.info.drafts;
    check(store, &items, &publishes, &mut faults);
    ask_unique(cx.connection, store, &items, &publishes, &mut faults).await?;
    refuse(faults)?;
    let request = super::save(info, Vec::new());
    Ok(store_items(cx, Guard::new(store, false), &request, items, &publishes).await?.events)
}

fn change(item: &Item, published: &HashSet<Uuid>) -> Change {
    match (&item.old, item.is_changed() || published.contains(&item.new.id)) {
        (None, _) => Change::Created,
        (Some(_), true) => Change::Updated,
        (Some(_), false) => Change::None,
    }
}

pub fn refuse(faults: Faults) -> Result<()> {
    if faults.is_empty() { Ok(()) } else { Err(faults.into()) }
}

/// Checks the rights that do not depend on the entries.
fn must_save(guard: Guard<'_>, request: &Request<'_>) -> Result<()> {
    let info = request.info;
    let mut problems: Vec<Problem> = Vec::new();
    let mut must = |right: Result<_, Problem>, at: Option<Step>| {
        let problem = right.err().map(|problem| problem.at(at));
        problems.extend(problem.filter(|problem| !problems.contains(problem)));
    };
    for input in &request.inputs {
        match input.target {
            Target::New | Target::Copy(_) => must(guard.rights(info, Action::Create), None),
            Target::Id { .. } => must(guard.rights(info, Action::Update), None),
            // An upsert needs either right here; each entry is checked for its own later.
            Target::Key { .. } => {
                must(
                    guard.rights(info, Action::Create).or_else(|no| guard.rights(info, Action::Update).map_err(|_| no)),
                    None,
                );
            }
        }
    }
    if request.inputs.iter().any(|input| input.publish) && info.drafts {
        must(guard.access().must(info, Action::Publish).map(|()| Rights::default()), Some("publish".into()));
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }.into()) }
}

pub fn revision_mismatch(expected: i64, actual: i64, at: At<'_>) -> Problem {
    let message = format!("the entry was changed: it has revision {actual}, not {expected}");
    let details = json!({"expected": expected, "actual": actual});
    Problem::new(Code::RevisionMismatch, message).at(at.steps()).details(details)
}

pub fn check(store: &Store, items: &[Item], publishes: &impl Fn(&Item) -> bool, faults: &mut Faults) {
    for item in items {
        let publishing = publishes(item);
        let mut checker = Checker { site: &store.schema.site, faults, root: item.root, publishing };
        checker.row(item.info, &item.new, item.old.as_ref().map(|old| &old.row), At::Steps(&item.new.path));
    }
}

async fn ask_unique(
    connection: &mut Connection,
    store: &Store,
    items: &[Item],
    publishes: &impl Fn(&Item) -> bool,
    faults: &mut Faults,
) -> Result<()> {
    unique::check(connection, store.at(Stage::Draft), items.iter(), faults).await?;
    if faults.is_empty() {
        unique::check(connection, store.at(Stage::Live), items.iter().filter(|item| publishes(item)), faults).await?;
    }
    Ok(())
}

/// Returns whether a hook changed an item.
async fn before_save(cx: &mut Cx<'_>, items: &mut [Item]) -> Result<bool> {
    let hooks = cx.hooks();
    let mut changed = false;
    for item in items {
        let Some(hook) = hooks.of(item.info).filter(|_| item.is_changed()) else { continue };
        let old = old_record(hook, item)?;
        let mut new = new_record(cx, hook, item)?;
        let row = hook.before_save(cx, old.as_ref(), &mut new).await;
        match row.map_err(|error| refused(error, item))? {
            // New children get their ids here, so the cached record is dropped and built again when needed.
            Some(row) => {
                changed = true;
                item.new.take(item.info, row);
            }
            None => item.record = OnceLock::from(new),
        }
    }
    Ok(changed)
}

async fn after_save(cx: &mut Cx<'_>, item: &Item) -> Result<()> {
    let Some(hook) = cx.hooks().of(item.info) else { return Ok(()) };
    let (old, new) = (old_record(hook, item)?, record(cx, hook, item)?);
    let called = hook.after_save(cx, old.as_ref(), new).await;
    called.map_err(|error| refused(error, item))
}

fn old_record(hook: &dyn AnyHooks, item: &Item) -> Result<Option<AnyRecord>> {
    let old = item.old.as_ref().map(|old| hook.record(old.row.entry(item.info, Some(old.system))));
    old.transpose().map_err(|error| refused(error, item))
}

fn new_record(cx: &Cx<'_>, hook: &dyn AnyHooks, item: &Item) -> Result<AnyRecord> {
    let system = item.system(cx.store.access.actor.user());
    hook.record(item.new.entry(item.info, Some(system))).map_err(|error| refused(error, item))
}

fn record<'a>(cx: &Cx<'_>, hook: &dyn AnyHooks, item: &'a Item) -> Result<&'a AnyRecord> {
    if let Some(known) = item.record.get() {
        return Ok(known);
    }
    let made = new_record(cx, hook, item)?;
    Ok(item.record.get_or_init(|| made))
}

/// A hook's error has paths that start at its entry; prepends the entry's own path.
fn refused(error: Error, item: &Item) -> Failure {
    if error == Error::in_the_way() {
        return Failure::Again(error);
    }
    let problems = error.problems.into_iter().map(|mut problem| {
        problem.path.splice(0..0, item.new.path.iter().cloned());
        (item.root, problem)
    });
    Faults(problems.collect()).into()
}

pub async fn call(cx: &mut Cx<'_>, moment: Moment, item: &Item) -> Result<()> {
    let Some(hook) = cx.hooks().of(item.info) else { return Ok(()) };
    let record = record(cx, hook, item)?;
    hook.on(moment, cx, record).await.map_err(|error| refused(error, item))
}

/// Publishes the items that differ from the live entries, and returns their ids. `marked`: the rows of those that were saved tell so already.
pub async fn publish_items(
    cx: &mut Cx<'_>,
    items: &[&Item],
    marked: bool,
    source: &Store,
    events: &mut Vec<Happened>,
) -> Result<HashSet<Uuid>> {
    let mut by_type: BTreeMap<&'static str, (&'static ContentInfo, Vec<&Item>)> = BTreeMap::new();
    for &item in items {
        by_type.entry(item.info.table).or_insert((item.info, Vec::new())).1.push(item);
    }
    let mut published = HashSet::new();
    for (info, items) in by_type.into_values() {
        let known: Vec<Uuid> = items.iter().filter(|item| item.old.is_some()).map(|item| item.new.id).collect();
        let live = if known.is_empty() { HashMap::new() } else { paths::standing(cx.connection, info, &known).await? };
        let stale = |item: &&&Item| live.get(&item.new.id).map(|known| known.revision) != Some(item.revision());
        let items: Vec<&Item> = items.iter().filter(stale).copied().collect();
        if items.is_empty() {
            continue;
        }
        // By what will be live, which may be an earlier revision.
        Guard::new(source, false).check_publishable(cx.connection, &items).await?;
        review::check(cx.connection, cx.store, &items).await?;
        for item in &items {
            call(cx, Moment::BeforePublish, item).await?;
        }
        let ids: Vec<Uuid> = items.iter().map(|item| item.new.id).collect();
        let unmarked: Vec<Uuid> =
            items.iter().filter(|item| !(marked && item.is_changed())).map(|item| item.new.id).collect();
        if !unmarked.is_empty() {
            live::mark(cx.connection, info, &unmarked, cx.store.access.actor.user()).await?;
        }
        let replaced: Vec<Uuid> = ids.iter().copied().filter(|id| live.contains_key(id)).collect();
        let moving = paths::moving(cx.connection, cx.store, info, &items, &live).await?;
        live::publish(cx.connection, source.at(Stage::Draft), info, &ids, &replaced).await?;
        if let Some(moving) = moving {
            paths::moved(cx.connection, cx.store, moving).await?;
        }
        for item in &items {
            call(cx, Moment::AfterPublish, item).await?;
            events.push(Happened { info, kind: EventKind::Published, id: item.new.id, revision: item.revision() });
        }
        published.extend(ids);
    }
    Ok(published)
}

/// Publishes an entry as last saved.
pub async fn publish(cx: &mut Cx<'_>, of: Subject) -> Result<Vec<Happened>> {
    let store = cx.store;
    let item = remove::subject(cx.connection, store, of, Action::Publish).await?;
    publish_stored(cx, &[item], store).await
}

/// Publishes entries that were read as last saved.
pub async fn publish_stored(cx: &mut Cx<'_>, items: &[Item], source: &Store) -> Result<Vec<Happened>> {
    let store = cx.store;
    cx.done.begin(items.iter().map(|item| (item.info, item.new.id)))?;
    let mut faults = Faults::default();
    check(store, items, &|_| true, &mut faults);
    unique::check(cx.connection, store.at(Stage::Live), items.iter(), &mut faults).await?;
    let all: Vec<&Item> = items.iter().collect();
    publishable::require_targets(cx.connection, &all, &mut faults).await?;
    refuse(faults)?;
    let mut events = Vec::new();
    publish_items(cx, &all, true, source, &mut events).await?;
    trail::happened(cx.connection, store, &events).await?;
    Ok(events)
}
