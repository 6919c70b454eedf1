//! Three versions of an entry become one: what an input changed since the revision it was made from, and what others changed since.

use uuid::Uuid;

use crate::id;
use crate::value::Value;
use crate::write::guard::Guard;
use crate::write::row::Row;
use model::content::{ContentInfo, FieldInfo, Shape};

/// A merge of one entry. Fields are merged whole, and children by row and field.
pub struct Merge<'a> {
    guard: Guard<'a>,
    /// Fields, by `snake`, whose value a rule gives: they never collide.
    given: &'a [&'static str],
    collisions: Vec<Vec<String>>,
}

/// A value in its three versions.
struct Versions<'v, T> {
    base: &'v T,
    ours: T,
    theirs: &'v T,
}

impl<'a> Merge<'a> {
    /// The merged entry, and the places where both sides changed something in different ways: a field, or a row of children and its field.
    pub fn of(
        guard: Guard<'a>,
        given: &'a [&'static str],
        info: &'static ContentInfo,
        base: &Row,
        ours: Row,
        theirs: &Row,
    ) -> (Row, Vec<Vec<String>>) {
        let mut merge = Self { guard, given, collisions: Vec::new() };
        let merged = merge.row(info, Versions { base, ours, theirs }, &[]);
        (merged, merge.collisions)
    }

    fn row(&mut self, info: &'static ContentInfo, of: Versions<'_, Row>, path: &[String]) -> Row {
        let Versions { base, ours: mut merged, theirs } = of;
        for (index, field) in info.fields.iter().enumerate() {
            if path.is_empty() && self.given.contains(&field.snake) {
                continue;
            }
            let path = extended(path, field.name);
            if let Shape::Children(child) = field.shape {
                let ours = merged.children.remove(&index).unwrap_or_default();
                let is_known = self.is_known(info, field);
                let rows = self.children(child, base.children(index), ours, theirs.children(index), is_known, &path);
                merged.children.insert(index, rows);
                continue;
            }
            let ours = std::mem::replace(&mut merged.values[index], Value::Null);
            let of = Versions { base: &base.values[index], ours, theirs: &theirs.values[index] };
            merged.values[index] = self.value(of, self.is_known(info, field), path);
        }
        merged
    }

    /// Whether the actor may learn by a merge what the draft has: that both sides have the same value.
    fn is_known(&self, info: &ContentInfo, field: &FieldInfo) -> bool {
        self.guard.reads_draft(info, field.snake)
    }

    fn value(&mut self, of: Versions<'_, Value>, is_known: bool, path: Vec<String>) -> Value {
        let Versions { base, ours, theirs } = of;
        if ours == *base {
            return theirs.clone();
        }
        if theirs != base && !(is_known && ours == *theirs) {
            self.collisions.push(path);
        }
        ours
    }

    fn children(
        &mut self,
        info: &'static ContentInfo,
        base: &[Row],
        ours: Vec<Row>,
        theirs: &[Row],
        is_known: bool,
        path: &[String],
    ) -> Vec<Row> {
        let stays = |row: &&Row| [base, &ours, theirs].iter().all(|rows| find(rows, row.id).is_some());
        let order = |rows: &[Row]| rows.iter().filter(stays).map(|row| row.id).collect::<Vec<_>>();
        let (before, our_order, their_order) = (order(base), order(&ours), order(theirs));
        let theirs_leads = our_order == before;
        if !theirs_leads && their_order != before && !(is_known && our_order == their_order) {
            self.collisions.push(path.to_vec());
        }
        let ids = |rows: &[Row]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        let (lead, other) = if theirs_leads { (ids(theirs), ids(&ours)) } else { (ids(&ours), ids(theirs)) };
        let mut merged: Vec<Uuid> = lead.clone();
        for (place, id) in other.iter().enumerate().filter(|(_, id)| !lead.contains(id)) {
            let before = other[..place].iter().rev().find_map(|id| merged.iter().position(|known| known == id));
            let mut at = before.map_or(0, |before| before + 1);
            // After rows that only the leading side has: those that it added there, and those that the other one removed.
            while merged.get(at).is_some_and(|next| !other.contains(next)) {
                at += 1;
            }
            merged.insert(at, *id);
        }
        let mut ours = ours;
        let rows = merged.into_iter().filter_map(|id| {
            let our = ours.iter().position(|row| row.id == id).map(|place| ours.swap_remove(place));
            self.child(info, find(base, id), our, find(theirs, id), &extended(path, id::encode(info.table, id)))
        });
        rows.collect()
    }

    /// A row that a side removed and the other changed collides.
    fn child(
        &mut self,
        info: &'static ContentInfo,
        base: Option<&Row>,
        ours: Option<Row>,
        theirs: Option<&Row>,
        path: &[String],
    ) -> Option<Row> {
        match (base, ours, theirs) {
            (Some(base), Some(ours), Some(theirs)) => Some(self.row(info, Versions { base, ours, theirs }, path)),
            (None, Some(only), None) => Some(only),
            (None, None, only) => only.cloned(),
            (Some(base), left, right) => {
                let is_changed = left.as_ref().or(right).is_some_and(|row| !row.same(base, info));
                if is_changed {
                    self.collisions.push(path.to_vec());
                }
                None
            }
            (None, Some(ours), Some(theirs)) => {
                if !ours.same(theirs, info) {
                    self.collisions.push(path.to_vec());
                }
                Some(ours)
            }
        }
    }
}

fn find(rows: &[Row], id: Uuid) -> Option<&Row> {
    rows.iter().find(|row| row.id == id)
}

fn extended(path: &[String], step: impl Into<String>) -> Vec<String> {
    path.iter().cloned().chain([step.into()]).collect()
}
