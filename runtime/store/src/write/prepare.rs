//! Builds the rows of a batch of inputs, before validation and saving.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use uuid::Uuid;

use crate::access::Action;
use crate::id::new_uuid;
use crate::write::batch::{Input, Request, Target};
use crate::write::conflict::{Conflicts, Stale};
use crate::write::failure::Result;
use crate::write::guard::{Guard, must_know};
use crate::write::input::Overlay;
use crate::write::keys::{Collector, Key, Keys};
use crate::write::load::load;
use crate::write::row::{At, Faults, Item, Old, Row};
use crate::{Connection, Stage, Store};
use base::error::Code;

/// Resolves keys to ids, reads and locks the stored entries and overlays the inputs on them.
pub async fn prepare(
    connection: &mut Connection,
    guard: Guard<'_>,
    store: &Store,
    request: &Request<'_>,
    faults: &mut Faults,
) -> Result<Vec<Item>> {
    let (info, site) = (request.info, &store.schema.site);
    // Two sets of keys: the entries that the actor may point at differ from those that it may write.
    let (mut keys, mut target_keys) = (Keys::default(), Keys::default());
    let targets: Vec<Option<Key>> =
        request.inputs.iter().map(|input| target_key(request, input, store, faults)).collect();
    let mut collector = Collector { keys: &mut keys, site, reuse: request.reuse };
    for input in &request.inputs {
        collector.fields(info, input.data);
    }
    targets.iter().flatten().for_each(|key| target_keys.want(key));
    keys.resolve(connection, store).await?;
    target_keys.resolve_all(connection, store).await?;
    let ids: Vec<Uuid> = targets.iter().flatten().filter_map(|key| target_keys.get(key)).collect();
    let mut stored = load(connection, store.at(Stage::Draft), info, &ids, true).await?;
    let locked = stored.keys().copied().collect();
    let admitted = guard.admitted(connection, info, Action::Update, locked).await?;
    stored.retain(|id, _| admitted.contains(id));
    let plans = plans(request, &targets, &stored, &mut target_keys, &mut keys, faults);
    let named = request.inputs.iter().zip(&plans).filter_map(|(input, plan)| {
        let old = stored.get(&plan.as_ref()?.id)?;
        Some((input, old.row.id, stale(input, old)?))
    });
    let named: Vec<_> = named.collect();
    let mut conflicts = Conflicts::load(connection, store, guard, info, named).await?;
    let mut items = Vec::with_capacity(request.inputs.len());
    for (input, plan) in request.inputs.iter().zip(plans) {
        let Some(Plan { id, key, free }) = plan else { continue };
        let old = stored.remove(&id);
        let action = if old.is_none() { Action::Create } else { Action::Update };
        let of_key = At::Key(&At::Steps(&input.outer), "key");
        let rights = match guard.rights(info, action) {
            Ok(rights) => rights,
            Err(problem) => {
                faults.0.push((input.root, problem.at(of_key.steps())));
                continue;
            }
        };
        let given: Vec<&'static str> = rights.set().iter().map(|(field, _)| *field).collect();
        let mut overlay = Overlay {
            site,
            guard,
            rights,
            publish: input.publish,
            keys: &mut keys,
            faults,
            items: &mut items,
            root: input.root,
            reuse: request.reuse,
        };
        let at = At::Steps(&input.path);
        let mut new = match (&old, &input.target) {
            (Some(old), _) => Row { path: input.path.clone(), ..conflicts.base(old).clone() },
            (None, Target::Copy(source)) => overlay.copy(info, id, source, at),
            (None, _) => overlay.blank(info, id, at),
        };
        new.claimed.extend(key.as_ref().filter(|_| free).map(|(field, _)| *field));
        let named = key.clone().map(|(field, value)| (field, value, of_key));
        overlay.entry(info, &mut new, named, input.data, at);
        if let Some((old, expected)) = old.as_ref().and_then(|old| Some((old, stale(input, old)?))) {
            new = conflicts.settle(Stale { input, expected, given, old, ours: new }, faults);
        }
        // The input may override the value of the key, and the new value may be taken.
        if let Some((field, value)) = key {
            new.claimed.retain(|claimed| *claimed != field || new.values[field] == value);
        }
        items.push(Item {
            info,
            root: input.root,
            is_root: true,
            publish: input.publish,
            after: 0,
            old,
            new,
            record: OnceLock::new(),
        });
    }
    let new: HashSet<Uuid> = items.iter().filter(|item| item.old.is_none()).map(|item| item.new.id).collect();
    keys.hold(connection, &new).await?;
    Ok(items)
}

/// The key of the entry that an input writes, if it has one.
fn target_key(request: &Request<'_>, input: &Input<'_>, store: &Store, faults: &mut Faults) -> Option<Key> {
    match input.target {
        Target::New | Target::Copy(_) => None,
        Target::Id { id, .. } => Some(Key { info: request.info, field: None, value: crate::value::Value::Uuid(id) }),
        Target::Key { key, .. } => match Key::parse(request.info, key, &store.schema.site) {
            Ok(key) => match key.field.map(|field| must_know(&store.access, request.info, field.snake)) {
                None | Some(Ok(())) => Some(key),
                Some(Err(problem)) => {
                    let at = At::Key(&At::Steps(&input.outer), "key");
                    faults.0.push((input.root, problem.at(at.steps())));
                    None
                }
            },
            Err(no) => {
                faults.add(input.root, no.code, no.message, At::Key(&At::Steps(&input.outer), "key"));
                None
            }
        },
    }
}

/// The entry that an input writes.
struct Plan {
    id: Uuid,
    /// The field and value of the key of a new entry.
    key: Option<(usize, crate::value::Value)>,
    /// Whether no entry has this key. One may exist that the actor may not write.
    free: bool,
}

/// The entry of each input: a stored one, or a new one with the value of its key; `None` after a fault. An entry that the actor may not
/// write is not in `stored` and counts as missing.
fn plans(
    request: &Request<'_>,
    targets: &[Option<Key>],
    stored: &HashMap<Uuid, Old>,
    target_keys: &mut Keys,
    keys: &mut Keys,
    faults: &mut Faults,
) -> Vec<Option<Plan>> {
    let mut seen: HashSet<Uuid> = HashSet::new();
    let mut plans = Vec::with_capacity(targets.len());
    for (input, key) in request.inputs.iter().zip(targets) {
        let outer = At::Steps(&input.outer);
        let found = key.as_ref().and_then(|key| target_keys.get(key));
        let free = found.is_none();
        let plan = match (key, found.filter(|id| stored.contains_key(id) || seen.contains(id))) {
            (None, _) => {
                matches!(input.target, Target::New | Target::Copy(_)).then(|| Plan { id: new_uuid(), key: None, free })
            }
            (Some(_), Some(id)) => Some(Plan { id, key: None, free }),
            (Some(key), None) => match (key.field, &key.value) {
                _ if expected(input).is_some() && matches!(input.target, Target::Key { .. }) => {
                    // Only a field's value can create an entry.
                    let advice = if key.field.is_some() { ": omit `revision` to create it" } else { "" };
                    let message = key.missing() + advice;
                    faults.add(input.root, Code::Conflict, message, At::Key(&outer, "revision"));
                    None
                }
                (Some(field), value) => {
                    let place = request.info.fields.iter().position(|other| std::ptr::eq(other, field));
                    let id = new_uuid();
                    keys.set(key, id);
                    target_keys.set(key, id);
                    place.map(|place| Plan { id, key: Some((place, value.clone())), free })
                }
                (None, crate::value::Value::Uuid(id)) if request.keep_ids && free => {
                    Some(Plan { id: *id, key: None, free })
                }
                _ => {
                    let name = if matches!(input.target, Target::Id { .. }) { "id" } else { "key" };
                    faults.add(input.root, Code::NotFound, key.missing(), At::Key(&outer, name));
                    None
                }
            },
        };
        match plan {
            Some(Plan { id, .. }) if !seen.insert(id) => {
                faults.add(input.root, Code::Conflict, "another item of the list has this key", At::Key(&outer, "key"));
                plans.push(None);
            }
            plan => plans.push(plan),
        }
    }
    plans
}

/// The revision that the input expects, if it names one.
fn expected(input: &Input<'_>) -> Option<i64> {
    match input.target {
        Target::New | Target::Copy(_) => None,
        Target::Id { revision, .. } => Some(revision),
        Target::Key { revision, .. } => revision,
    }
}

/// The revision that the input names, if it is not the current one.
fn stale(input: &Input<'_>, old: &Old) -> Option<i64> {
    expected(input).filter(|expected| *expected != old.system.revision)
}
