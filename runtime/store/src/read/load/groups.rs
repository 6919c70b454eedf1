//! Which rows of a statement are whose: those of several owners come together.

use std::collections::HashMap;
use std::ops::Range;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{int, uuid};
use crate::read::plan::Object;
use crate::read::prepare::Prepared;

/// Targets and rows of them, in order.
pub type Places = Vec<(usize, usize)>;
/// For each owner its range.
pub type Groups = HashMap<Uuid, Range<usize>>;
/// For each owner its range, and whether there are more.
pub type Pages = HashMap<Uuid, (Range<usize>, bool)>;

pub fn ordered(rows: &[PgRow]) -> Places {
    (0..rows.len()).map(|row| (0, row)).collect()
}

/// The range of each owner: its rows follow one another.
pub fn grouped(rows: &[PgRow], owner: usize) -> Groups {
    let mut groups: Groups = HashMap::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        if let Some(id) = uuid(row, owner) {
            groups.entry(id).or_insert(index..index).end = index + 1;
        }
    }
    groups
}

/// The targets of several types, by position, and cut again: each type came with up to the whole limit.
pub fn merged(fetched: &[(&Object, Vec<PgRow>)], prepared: &Prepared) -> (Places, Groups) {
    let mut places = Vec::new();
    for (target, (object, rows)) in fetched.iter().enumerate() {
        let position = object.columns.len();
        let owner = position + prepared.order.columns();
        let found = rows.iter().enumerate();
        places.extend(found.filter_map(|(row, of)| Some((uuid(of, owner)?, int(of, position)?, target, row))));
    }
    places.sort_unstable();
    let mut order = Vec::with_capacity(places.len());
    let mut groups: Groups = HashMap::new();
    for (owner, _, target, row) in places {
        let group = groups.entry(owner).or_insert(order.len()..order.len());
        if group.len() < prepared.limit {
            order.push((target, row));
            group.end = order.len();
        }
    }
    (order, groups)
}

/// Drops the row that only tells that there are more, for each owner.
pub fn cut(rows: Vec<PgRow>, owner: usize, limit: usize) -> (Vec<PgRow>, Pages) {
    let mut kept = Vec::with_capacity(rows.len());
    let mut groups: Pages = HashMap::new();
    for row in rows {
        let Some(id) = uuid(&row, owner) else { continue };
        let (range, more) = groups.entry(id).or_insert((kept.len()..kept.len(), false));
        if range.len() < limit {
            kept.push(row);
            range.end = kept.len();
        } else {
            *more = true;
        }
    }
    (kept, groups)
}
