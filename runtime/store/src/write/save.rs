//! Stores the rows of a batch in `draft`, with one statement per table and kind of work, for any number of entries.

use std::collections::{BTreeMap, HashMap};

use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Connection;
use crate::access::Access;
use crate::value::Value;
use crate::write::failure::Result;
use crate::write::keep::Keeping;
use crate::write::live;
use crate::write::row::{Item, Row};
use crate::write::sheet::Sheet;
use crate::write::table::{self, cell, target};
use crate::write::unique;
use model::content::{ContentInfo, RelationInfo};

/// A row to be stored, with its stored state.
#[derive(Clone, Copy)]
struct Write<'a> {
    row: &'a Row,
    old: Option<&'a Row>,
    /// The last revision of an entry that comes back.
    after: i64,
    /// For children: the owner and the index among its children.
    place: Option<(Uuid, usize)>,
}

/// The columns of a sheet besides the fields.
#[derive(Clone, Copy)]
enum System {
    /// `user` is `None` if no user acts.
    Entry {
        publish: bool,
        user: Option<Uuid>,
    },
    Child,
}

/// Saves the changed items, and keeps in the history what they were. Returns whether the rows of those that are to be published tell so now, which saves a statement.
pub async fn save(
    connection: &mut Connection,
    items: &[Item],
    access: &Access,
    publishes: &impl Fn(&Item) -> bool,
) -> Result<bool> {
    let (user, at_once) = (access.actor.user(), !access.heeds_publication());
    let mut marked = at_once;
    for (info, items) in in_order(items) {
        let publish = at_once && items.iter().all(|item| publishes(item));
        marked &= publish || !items.iter().any(|item| publishes(item));
        let writes = items.iter().filter(|item| item.is_changed()).map(|item| Write {
            row: &item.new,
            old: item.old.as_ref().map(|old| &old.row),
            after: item.after,
            place: None,
        });
        let writes: Vec<_> = writes.collect();
        let gone = gone_children(info, &writes);
        let old = writes.iter().filter_map(|write| write.old);
        let kept = match &writes[..] {
            // Nothing changes before the statement on this row.
            [Write { old: Some(_), .. }] if gone.is_empty() => Some(Keeping::of(info, old)),
            _ => {
                Keeping::of(info, old.clone()).store(connection, &old.map(|row| row.id).collect::<Vec<_>>()).await?;
                None
            }
        };
        remove(connection, &gone).await?;
        free(connection, info, &writes).await?;
        rows(connection, info, &writes, System::Entry { publish, user }, kept.as_ref()).await?;
        for (field, child) in table::children(info) {
            let writes: Vec<_> = writes.iter().flat_map(|write| children_of(write, field)).collect();
            free(connection, child, &writes).await?;
            rows(connection, child, &writes, System::Child, None).await?;
        }
    }
    Ok(marked)
}

/// Groups the items by type, targets before the entries that point at them. Nested items come before their owners in the batch, so one
/// pass computes the level of each. Entries of the batch's own type may point at each other, so they share one statement.
fn in_order(items: &[Item]) -> Vec<(&'static ContentInfo, Vec<&Item>)> {
    let last = items.last().map_or("", |item| item.info.table);
    let mut levels: HashMap<Uuid, usize> = HashMap::new();
    let mut groups: BTreeMap<(usize, &'static str), (&'static ContentInfo, Vec<&Item>)> = BTreeMap::new();
    for item in items {
        let level = match item.info.table == last {
            true => usize::MAX,
            false => {
                let level = 1 + deepest(&item.new, &levels);
                levels.insert(item.new.id, level);
                level
            }
        };
        groups.entry((level, item.info.table)).or_insert((item.info, Vec::new())).1.push(item);
    }
    groups.into_values().collect()
}

fn deepest(row: &Row, levels: &HashMap<Uuid, usize>) -> usize {
    fn of(value: &Value, levels: &HashMap<Uuid, usize>) -> usize {
        match value {
            Value::Uuid(id) => levels.get(id).copied().unwrap_or(0),
            Value::List(items) => items.iter().map(|item| of(item, levels)).max().unwrap_or(0),
            _ => 0,
        }
    }
    let own = row.values.iter().map(|value| of(value, levels)).max();
    let children = row.children.values().flatten().map(|child| deepest(child, levels)).max();
    own.max(children).unwrap_or(0)
}

fn children_of<'a>(write: &Write<'a>, field: usize) -> Vec<Write<'a>> {
    let before = write.old.map_or(&[][..], |old| old.children(field));
    let rows = write.row.children(field).iter().enumerate().filter_map(|(position, row)| {
        let known = before.iter().position(|old| old.id == row.id);
        let old = known.map(|place| &before[place]);
        let same = known == Some(position) && old.is_some_and(|old| old.same_values(row));
        (!same).then_some(Write { row, old, after: 0, place: Some((write.row.id, position)) })
    });
    rows.collect()
}

/// The tables of children, and which of their rows are deleted.
fn gone_children(info: &ContentInfo, writes: &[Write<'_>]) -> Vec<(&'static str, Vec<Uuid>)> {
    let gone = table::children(info).map(|(field, child)| {
        let gone = writes.iter().flat_map(|write| {
            let before = write.old.map_or(&[][..], |old| old.children(field));
            let stays = |old: &&Row| write.row.children(field).iter().any(|row| row.id == old.id);
            before.iter().filter(move |old| !stays(old)).map(|old| old.id)
        });
        (child.table, gone.collect::<Vec<_>>())
    });
    gone.filter(|(_, ids)| !ids.is_empty()).collect()
}

/// Runs before rows are inserted: a unique value may move from a deleted row to a new one.
async fn remove(connection: &mut Connection, gone: &[(&'static str, Vec<Uuid>)]) -> Result<()> {
    for (table, ids) in gone {
        let sql = format!(r#"delete from draft."{table}" where id = any($1)"#);
        sqlx::query(AssertSqlSafe(sql)).bind(ids).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn free(connection: &mut Connection, info: &'static ContentInfo, writes: &[Write<'_>]) -> Result<()> {
    let rows: Vec<_> = writes.iter().map(|write| (write.row, write.old)).collect();
    unique::free(connection, info, &rows).await
}

async fn rows(
    connection: &mut Connection,
    info: &'static ContentInfo,
    writes: &[Write<'_>],
    system: System,
    kept: Option<&Keeping>,
) -> Result<()> {
    let name = format!(r#"draft."{}""#, info.table);
    let (changed, new): (Vec<Write<'_>>, Vec<Write<'_>>) = writes.iter().partition(|write| write.old.is_some());
    if !new.is_empty() {
        let mut sheet = sheet(info, &new, |_| false);
        if let System::Entry { publish, user } = system {
            match new.iter().any(|write| write.after > 0) {
                true => sheet.numbers("revision", new.iter().map(|write| write.after + 1)),
                false => sheet.constant("revision", "1"),
            }
            sheet.ids("created_by", new.iter().map(|_| user));
            sheet.ids("updated_by", new.iter().map(|_| user));
            sheet.constant("created_at", "now()");
            sheet.constant("updated_at", "now()");
            if publish {
                sheet.constant("published_at", "now()");
                sheet.constant("first_published_at", "now()");
                sheet.ids("published_by", new.iter().map(|_| user));
            }
        }
        sheet.insert(connection, &name, "id").await?;
    }
    if !changed.is_empty() {
        // A long text that stays is not written again. Rows of a batch share a statement, and `free` may have cleared any of their columns.
        let stays = |field: usize| match writes {
            [Write { row, old: Some(old), .. }] => old.values[field] == row.values[field],
            _ => false,
        };
        let mut sheet = sheet(info, &changed, stays);
        if let System::Entry { publish, user } = system {
            sheet.constant("revision", "t.revision + 1");
            sheet.ids("updated_by", changed.iter().map(|_| user));
            sheet.constant("updated_at", "now()");
            if publish {
                sheet.constant("published_at", "now()");
                sheet.constant("first_published_at", live::FIRST);
                sheet.ids("published_by", changed.iter().map(|_| user));
            }
        }
        sheet.update(connection, &name, kept).await?;
    }
    for (field, to) in table::joins(info) {
        join(connection, field, &to, writes).await?;
    }
    Ok(())
}

/// Without the fields that stay as they are.
fn sheet<'a>(info: &'static ContentInfo, writes: &[Write<'a>], stays: impl Fn(usize) -> bool) -> Sheet<'a> {
    let mut sheet = Sheet::new(writes.iter().map(|write| write.row.id).collect());
    if writes.iter().any(|write| write.place.is_some()) {
        sheet.ids("parent_id", writes.iter().map(|write| write.place.map(|(parent, _)| parent)));
        sheet.numbers("position", writes.iter().map(|write| write.place.map_or(0, |(_, position)| position as i64)));
    }
    for column in table::columns(info).into_iter().filter(|column| !stays(column.field)) {
        let shape = &info.fields[column.field].shape;
        let cells = writes.iter().map(|write| cell(shape, &write.row.values[column.field], column.part));
        sheet.texts(column.name, column.cast, cells);
    }
    sheet
}

async fn join(connection: &mut Connection, field: usize, to: &RelationInfo, writes: &[Write<'_>]) -> Result<()> {
    let differs = |write: &&Write<'_>| write.old.is_some_and(|old| old.values[field] != write.row.values[field]);
    let cleared: Vec<Uuid> = writes.iter().filter(differs).map(|write| write.row.id).collect();
    if !cleared.is_empty() {
        let sql = format!(r#"delete from draft."{}" where owner_id = any($1)"#, to.join);
        sqlx::query(AssertSqlSafe(sql)).bind(cleared).execute(&mut *connection).await?;
    }
    let mut owners = Vec::new();
    let mut items: Vec<(usize, &Value)> = Vec::new();
    for write in writes.iter().filter(|write| write.old.is_none() || differs(write)) {
        if let Value::List(targets) = &write.row.values[field] {
            owners.extend(targets.iter().map(|_| write.row.id));
            items.extend(targets.iter().enumerate());
        }
    }
    if owners.is_empty() {
        return Ok(());
    }
    let mut sheet = Sheet::new(owners);
    sheet.numbers("position", items.iter().map(|(position, _)| *position as i64));
    for (part, column) in to.columns.iter().enumerate() {
        sheet.ids(*column, items.iter().map(|(_, value)| target(to, value, part)));
    }
    sheet.insert(connection, &format!(r#"draft."{}""#, to.join), "owner_id").await
}
