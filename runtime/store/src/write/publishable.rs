//! Checks of a draft before publishing besides its field rules, and `publishCheck`, which reports all problems to a client in advance.

use std::collections::{BTreeMap, HashSet};

use serde_json::json;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::access::Action;
use crate::id;
use crate::value::Value;
use crate::write::batch::check;
use crate::write::failure::{Failure, Result};
use crate::write::guard::Guard;
use crate::write::load::load;
use crate::write::remove::{item, not_found, refused};
use crate::write::row::{At, Faults, Item, Row};
use crate::write::{paths, review, unique};
use crate::{Connection, Stage, Store};
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, FieldInfo, RelationInfo, Required, Shape};

/// A required relation and its targets.
struct Needed {
    root: usize,
    path: Vec<Step>,
    field: &'static FieldInfo,
    /// One live target is enough: lists leave out entries that are not live.
    targets: Vec<(&'static ContentInfo, Uuid)>,
}

/// Each required relation must have a target that is live, or is published in the same batch.
pub async fn require_targets(connection: &mut Connection, items: &[&Item], faults: &mut Faults) -> Result<()> {
    let mut needed = Vec::new();
    for item in items.iter().filter(|item| item.info.drafts) {
        collect(item.root, item.info, &item.new, At::Steps(&item.new.path), &mut needed);
    }
    if needed.is_empty() {
        return Ok(());
    }
    let mut live: HashSet<(&str, Uuid)> = items.iter().map(|item| (item.info.table, item.new.id)).collect();
    let mut wanted: BTreeMap<&'static str, Vec<Uuid>> = BTreeMap::new();
    for (info, id) in needed.iter().flat_map(|needed| &needed.targets) {
        if !live.contains(&(info.table, *id)) {
            wanted.entry(info.table).or_default().push(*id);
        }
    }
    for (table, ids) in wanted {
        let sql = format!(r#"select id from live."{table}" where id = any($1)"#);
        let found: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(&mut *connection).await?;
        live.extend(found.into_iter().map(|id| (table, id)));
    }
    for Needed { root, path, field, targets } in needed {
        if !targets.iter().any(|(info, id)| live.contains(&(info.table, *id))) {
            let ids: Vec<String> = targets.iter().map(|(info, uuid)| id::encode(info.table, *uuid)).collect();
            let message = format!("`{}` is required, and what it refers to is not published", field.name);
            let problem = Problem::new(Code::NotPublished, message).at(path).details(json!({ "targets": ids }));
            faults.0.push((root, problem));
        }
    }
    Ok(())
}

/// The targets of each required relation of an entry and its children.
pub fn needed(info: &'static ContentInfo, row: &Row) -> Vec<Vec<(&'static ContentInfo, Uuid)>> {
    let mut found = Vec::new();
    collect(0, info, row, At::Steps(&[]), &mut found);
    found.into_iter().map(|needed| needed.targets).collect()
}

fn collect(root: usize, info: &'static ContentInfo, row: &Row, at: At<'_>, needed: &mut Vec<Needed>) {
    for (index, field) in info.fields.iter().enumerate() {
        let at = At::Key(&at, field.name);
        match field.shape {
            Shape::One(to) | Shape::Many(to) if field.required != Required::No => {
                let targets = targets(&to, &row.values[index]);
                // The field rules report empty values.
                if !targets.is_empty() {
                    needed.push(Needed { root, path: at.steps(), field, targets });
                }
            }
            Shape::Children(child) => {
                for (place, row) in row.children(index).iter().enumerate() {
                    match row.path.as_slice() {
                        [] => collect(root, child, row, At::Index(&at, place), needed),
                        path => collect(root, child, row, At::Steps(path), needed),
                    }
                }
            }
            _ => {}
        }
    }
}

fn targets(to: &RelationInfo, value: &Value) -> Vec<(&'static ContentInfo, Uuid)> {
    match value {
        Value::Uuid(id) => to.to.first().map(|info| (*info, *id)).into_iter().collect(),
        Value::List(parts) => match parts.as_slice() {
            // A single target of a relation to several types.
            [Value::Text(table), Value::Uuid(id)] => {
                to.to.iter().find(|info| info.table == table).map(|info| (*info, *id)).into_iter().collect()
            }
            items => items.iter().flat_map(|item| targets(to, item)).collect(),
        },
        _ => Vec::new(),
    }
}

/// All problems that would prevent publishing the entry as last saved; paths start at its fields.
pub async fn publish_check(store: &Store, info: &'static ContentInfo, id: Uuid) -> base::error::Result<Vec<Problem>> {
    // Checked before a connection is taken.
    Guard::new(store, false).rights(info, Action::Publish)?;
    let mut lent = store.at(Stage::Draft).lend().await?;
    let found = found(&mut lent, store, info, id).await;
    found.map_err(|failure| failure.into_error(store.schema, false))
}

async fn found(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
) -> Result<Vec<Problem>> {
    let guard = Guard::new(store, false);
    let stored = load(connection, store.at(Stage::Draft), info, &[id], false).await?.remove(&id);
    let admitted = guard.admitted(connection, info, Action::Publish, vec![id]).await?;
    let stored = stored.filter(|_| admitted.contains(&id));
    let item = item(info, stored.ok_or_else(|| refused(not_found(info, id).at([Step::from("id")])))?);
    let mut faults = Faults::default();
    check(store, std::slice::from_ref(&item), &|_| true, &mut faults);
    unique::check(connection, store.at(Stage::Live), std::iter::once(&item), &mut faults).await?;
    require_targets(connection, &[&item], &mut faults).await?;
    paths::in_the_way(connection, store, &item, &mut faults).await?;
    faults.0.extend(review::faults(connection, store, &[&item]).await?.0);
    match guard.check_publishable(connection, &[&item]).await {
        Err(Failure::Faults(more)) => faults.0.extend(more.0),
        done => done?,
    }
    Ok(faults.0.into_iter().map(|(_, problem)| problem).collect())
}

/// [`require_targets`] with the faults as an error.
pub async fn refuse_targets(connection: &mut Connection, items: &[&Item]) -> Result<()> {
    let mut faults = Faults::default();
    require_targets(connection, items, &mut faults).await?;
    if faults.is_empty() { Ok(()) } else { Err(Failure::from(faults)) }
}
