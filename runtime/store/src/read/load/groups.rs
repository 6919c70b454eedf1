//! Groups the rows of a statement by owner, since the rows of several owners come together.

use std::collections::HashMap;
use std::ops::Range;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::{int, uuid};
use crate::read::plan::Object;
use crate::read::prepare::Prepared;

/// `(target, row)` indexes, in order.
pub type Places = Vec<(usize, usize)>;
/// The range of each owner.
pub type Groups = HashMap<Uuid, Range<usize>>;
/// The range of each owner, and whether there are more.
pub type Pages = HashMap<Uuid, (Range<usize>, bool)>;

pub fn ordered(rows: &[PgRow]) -> Places {
    (0..rows.len()).map(|row| (0, row)).collect()
}

/// The range of each owner; its rows are consecutive.
pub fn grouped(rows: &[PgRow], owner: usize) -> Groups {
    let mut groups: Groups = HashMap::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        if let Some(id) = uuid(row, owner) {
            groups.entry(id).or_insert(index..index).end = index + 1;
        }
    }
    groups
}

/// Merges the targets of several types by position and applies the limit, which each type was read up to.
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

/// Drops each owner's extra row, which only shows that there are more.
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
