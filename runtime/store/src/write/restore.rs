//! A draft becomes an earlier revision again, as far as the schema and the content of today have a place for it.

use std::sync::OnceLock;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::access::Action;
use crate::hooks::{Cx, Happened};
use crate::write::batch;
use crate::write::draft::may_change;
use crate::write::failure::Result;
use crate::write::fit::fit;
use crate::write::guard::Guard;
use crate::write::history::Kept;
use crate::write::load::load;
use crate::write::remove::{self, Subject, refused};
use crate::write::row::{Faults, Item, Old, Row, empty};
use crate::write::{given, table, unique};
use crate::{Connection, Stage, Store};
use base::error::{Code, Problem, Step};
use model::content::{ContentInfo, Required, Shape};

/// What a revision becomes under the schema of today.
pub struct Fitted {
    pub row: Row,
    /// What can be restored no more, as paths in API or database names.
    pub lost: Vec<String>,
}

/// The draft becomes what it was at an earlier revision, but for what `input` names. It is a new revision, and nothing is published.
pub async fn restore(
    cx: &mut Cx<'_>,
    of: Subject,
    from: i64,
    input: &Map<String, Json>,
    again: bool,
) -> Result<Vec<Happened>> {
    let store = cx.store;
    let mut item = remove::subject(cx.connection, store, of, Action::Update).await?;
    let old = item.old.as_ref().map(|old| old.row.clone()).unwrap_or_else(|| item.new.clone());
    item.new = fitted(cx.connection, store, of.info, of.id, from, &old).await?.row;
    may_change(Guard::new(store, false), &item)?;
    let items = given::lay_over(cx.connection, store, vec![item], input, again).await?;
    batch::save_whole(cx, items).await
}

/// Unique values of the row that belong to other entries by now, as paths with what is wrong.
pub async fn taken(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    old: Option<Old>,
    row: Row,
) -> Result<Vec<String>> {
    let item = Item { info, root: 0, is_root: true, publish: false, after: 0, old, new: row, record: OnceLock::new() };
    let mut faults = Faults::default();
    unique::check(connection, store.at(Stage::Draft), std::iter::once(&item), &mut faults).await?;
    if faults.is_empty() && !info.drafts {
        unique::check(connection, store.at(Stage::Live), std::iter::once(&item), &mut faults).await?;
    }
    let shown = |problem: Problem| {
        let path: String = problem
            .path
            .iter()
            .map(|step| match step {
                Step::Key(key) => format!(".{key}"),
                Step::Index(index) => format!(".{index}"),
            })
            .collect();
        format!("{}{path}: {}", info.name, problem.message)
    };
    Ok(faults.0.into_iter().map(|(_, problem)| shown(problem)).collect())
}

/// The revision as it could be restored over the row, for those who may read the history.
pub async fn fitted(
    connection: &mut Connection,
    store: &Store,
    info: &'static ContentInfo,
    id: Uuid,
    from: i64,
    over: &Row,
) -> Result<Fitted> {
    let missing = || {
        let message =
            format!("the history of {} `{}` has no revision {from}", info.name, crate::id::encode(info.table, id));
        refused(Problem::new(Code::NotFound, message).at([Step::from("from")]))
    };
    Guard::new(store, false).rights(info, Action::ReadHistory).map_err(refused)?;
    let kept = Kept::find(connection, info, id, from).await?.ok_or_else(missing)?;
    let past = store.over(kept.overlay());
    let stored = load(connection, past.at(Stage::Draft), info, &[id], false).await?.remove(&id);
    let admitted = Guard::new(&past, false).admitted(connection, info, Action::ReadHistory, vec![id]).await?;
    let mut row = stored.filter(|_| admitted.contains(&id)).ok_or_else(missing)?.row;
    keep_newer(&kept, info, &mut row, over);
    keep_hidden(Guard::new(store, false), info, &mut row, over);
    let mut lost = kept.lost.clone();
    lost.extend(fit(connection, &mut [(info, &mut row)]).await?.lost);
    lost.sort();
    fill_required(info, &mut row, over);
    Ok(Fitted { row, lost })
}

/// Fields whose history the actor may not read keep the values of today: it would read them in the draft.
fn keep_hidden(guard: Guard<'_>, info: &'static ContentInfo, row: &mut Row, over: &Row) {
    for (index, field) in info.fields.iter().enumerate() {
        let is_hidden = !guard.reads_history(info, field.snake);
        match field.shape {
            Shape::Children(_) if is_hidden => _ = row.children.insert(index, over.children(index).to_vec()),
            Shape::Children(child) => {
                for row in row.children.entry(index).or_default() {
                    match over.children(index).iter().find(|over| over.id == row.id) {
                        Some(over) => keep_hidden(guard, child, row, over),
                        None => keep_hidden(guard, child, row, &Row::new(child, row.id, Vec::new())),
                    }
                }
            }
            _ if is_hidden => row.values[index] = over.values[index].clone(),
            _ => {}
        }
    }
}

/// Fields that are younger than the revision keep the values of today.
fn keep_newer(kept: &Kept, info: &'static ContentInfo, row: &mut Row, over: &Row) {
    for (index, field) in info.fields.iter().enumerate() {
        match field.shape {
            Shape::Many(to) if !kept.knows(to.join, None) => row.values[index] = over.values[index].clone(),
            Shape::Children(child) if !kept.knows(child.table, None) => {
                row.children.insert(index, over.children(index).to_vec());
            }
            Shape::Children(child) => {
                let rows = row.children.entry(index).or_default();
                for row in rows {
                    if let Some(over) = over.children(index).iter().find(|over| over.id == row.id) {
                        keep_newer(kept, child, row, over);
                    }
                }
            }
            Shape::Many(_) => {}
            _ => {
                let columns = table::field_columns(index, field);
                if !columns.iter().any(|column| kept.knows(info.table, Some(&column.name))) {
                    row.values[index] = over.values[index].clone();
                }
            }
        }
    }
}

/// What must have a value, and lost it, keeps the value of today.
fn fill_required(info: &'static ContentInfo, row: &mut Row, over: &Row) {
    for (index, field) in info.fields.iter().enumerate() {
        if field.required == Required::Save && row.values[index] == empty(&field.shape) {
            row.values[index] = over.values[index].clone();
        }
    }
}
