//! The rows of one page in an order that an index has, wherever the page begins and whatever it must contain.

use super::{Preparing, Select};
use crate::read::filter::{Contained, Contains};
use crate::read::link::Link;
use crate::read::listing::{Listing, is_kept};
use crate::read::order::{Order, Place};
use crate::read::plan::Object;
use crate::sql::Sql;
use base::error::{Problem, Result};

/// How many rows are looked at for a text before its index.
const HEAD: usize = 500;

/// The parts of a statement.
struct Parts {
    columns: String,
    /// With the conditions.
    from: String,
    keys: String,
}

impl Preparing<'_> {
    pub(super) fn ordered_rows(
        &self,
        link: Option<&Link>,
        object: &Object,
        select: &Select<'_>,
        problems: &mut Vec<Problem>,
    ) -> Result<Sql> {
        let listing = self.listing(link, object.info, select.filters);
        let order = listing.map(|listing| listing.order(&select.order));
        // Without its order, it is of use only to find what is in several lists.
        let is_narrowed = listing.is_some_and(|listing| listing.is_narrowed(&select.filters.all));
        let order = order.flatten().filter(|_| !is_narrowed);
        let listing = listing.filter(|_| order.is_some() || is_narrowed);
        let ordered = listing.filter(|_| order.is_some());

        let mut sql = self.scope.sql();
        self.push_columns(object, select, &mut sql)?;
        let columns = std::mem::take(&mut sql.text);
        let mut contained = Vec::new();
        let contains = match link.is_none() && is_kept(self.scope) {
            true => Contains::Apart(&mut contained),
            false => Contains::ByRow,
        };
        self.from(link, object.info, listing, &mut sql)?;
        self.filter(link, object.info, select.filters, (listing, contains), &mut sql, problems)?;
        let places: Vec<_> = select.places.iter().map(|(order, place)| (over(ordered, order), place)).collect();
        let two_parts = match places.as_slice() {
            [(order, place)] if link.is_none() && contained.is_empty() && order.has_two_parts(place) => {
                Some((order, *place))
            }
            _ => None,
        };
        if two_parts.is_none() {
            for (order, place) in &places {
                order.push_after(place, sql.push(" AND "));
            }
        }
        let mut parts = Parts { columns, from: std::mem::take(&mut sql.text), keys: String::new() };
        order.as_ref().unwrap_or(&select.order).push_keys(&mut parts.keys);
        match two_parts {
            Some((order, place)) => push_two_parts(&parts, order, place, select.limit, &mut sql),
            None if !contained.is_empty() => self.push_containing(object, select, &contained, &parts, &mut sql),
            None => parts.push(select.limit, &mut sql),
        }
        if link.is_some() {
            // One loop for each id of `p`, in order, which preserves the inner order.
            let inner = std::mem::take(&mut sql.text);
            sql.push("SELECT x.*, p.id FROM unnest(").ids().push(&format!(") p(id) CROSS JOIN LATERAL ({inner}) x"));
        }
        Ok(sql)
    }

    /// Reads a page of the rows that contain a text. Nobody knows how many do: if they are many, a page is among the first
    /// rows of the order; else the index of trigrams finds all of them. The first rows are therefore looked at first.
    fn push_containing(
        &self,
        object: &Object,
        select: &Select<'_>,
        contained: &[Contained],
        Parts { columns, from, keys }: &Parts,
        sql: &mut Sql,
    ) {
        let all = |condition: &dyn Fn(&Contained) -> String| {
            contained.iter().map(condition).collect::<Vec<_>>().join(" AND ")
        };
        let (by_row, by_index) = (all(&|text| text.by_row("t")), all(&|text| text.by_index("g")));
        let (limit, mut own_keys) = (select.limit, String::new());
        select.order.push_keys(&mut own_keys);
        sql.push(&format!(
            "WITH head AS MATERIALIZED (SELECT {columns} FROM (SELECT t.*{from} ORDER BY {keys} LIMIT {HEAD}) t \
             WHERE {by_row} ORDER BY {own_keys} LIMIT {limit}) \
             SELECT * FROM head WHERE (SELECT count(*) FROM head) >= {limit} UNION ALL \
             (SELECT {columns}{from} AND t.id = ANY(ARRAY(SELECT g.id FROM "
        ));
        self.scope.push_rows(object.info.table, sql);
        sql.push(&format!(
            " g WHERE {by_index})) AND (SELECT count(*) FROM head) < {limit} ORDER BY {keys} LIMIT {limit})"
        ));
    }
}

impl Parts {
    fn push(&self, limit: usize, sql: &mut Sql) {
        let Self { columns, from, keys } = self;
        // A literal, because a parameter here makes PostgreSQL plan at each execution.
        sql.push(&format!("SELECT {columns}{from} ORDER BY {keys} LIMIT {limit}"));
    }
}

fn over(listing: Option<Listing<'_>>, order: &Order) -> Order {
    listing.and_then(|listing| listing.order(order)).unwrap_or_else(|| order.clone())
}

/// The part of the order that the place is in, and then, if that does not fill the page, the other.
fn push_two_parts(Parts { columns, from, keys }: &Parts, order: &Order, place: &Place, limit: usize, sql: &mut Sql) {
    sql.push(&format!("(SELECT {columns}{from} AND "));
    order.push_first_part(place, sql);
    sql.push(&format!(" ORDER BY {keys} LIMIT {limit}) UNION ALL (SELECT {columns}{from} AND "));
    order.push_second_part(sql);
    sql.push(&format!(" ORDER BY {keys} LIMIT {limit}) LIMIT {limit}"));
}
