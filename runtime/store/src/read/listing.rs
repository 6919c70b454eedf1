//! Lists by relation in the order of an index: a page of a category then costs a page, not the category.
//!
//! A table of the schema `listing` has the rows of a join table in `live` with copies of what their owners are ordered by
//! (`migrate/src/system/0020_listing.sql`). It stands beside the owner as the rows `l`, and gives the order. All conditions
//! and rules hold for the owner `t` as without it, so the answer is the same.

use serde_json::Value as Json;

use super::filter::{items, system_moment};
use super::link::Link;
use super::order::Order;
use crate::sql::{Sql, quoted};
use crate::{Scope, Stage};
use base::error::Result;
use model::content::{ContentInfo, FieldInfo, RelationInfo, Shape};

/// Content types have no other system columns to be ordered by.
const MOMENTS: [&str; 4] = ["created_at", "updated_at", "published_at", "first_published_at"];

/// The listing that a statement reads.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    pub name: &'static str,
    join: &'static str,
    owner: &'static ContentInfo,
    by: By<'a>,
}

/// What the rows have in common.
#[derive(Clone, Copy, Debug)]
enum By<'a> {
    /// The target is the row `p`.
    Parent,
    /// The target is the one that this filter names.
    Named(&'a Json),
}

impl<'a> Listing<'a> {
    /// The listing of the lists that the link leads to.
    pub fn of_link(scope: Scope<'_>, link: &Link, owner: &'static ContentInfo) -> Option<Self> {
        let Link::Join { table: join, listing: Some(name), far: "owner_id", .. } = link else { return None };
        is_kept(scope).then_some(Self { name, join, owner, by: By::Parent })
    }

    /// The listing of the first target that the filters name.
    pub fn of_filters(scope: Scope<'_>, owner: &'static ContentInfo, filters: &[&'a Json]) -> Option<Self> {
        if !is_kept(scope) {
            return None;
        }
        filters.iter().find_map(|filter| Self::within(owner, filter))
    }

    fn within(owner: &'static ContentInfo, filter: &'a Json) -> Option<Self> {
        filter.as_object()?.iter().find_map(|(key, value)| match key.as_str() {
            "and" => items(value).iter().find_map(|filter| Self::within(owner, filter)),
            key => Self::by_relation(owner, owner.field(key)?, value),
        })
    }

    fn by_relation(owner: &'static ContentInfo, field: &'static FieldInfo, value: &'a Json) -> Option<Self> {
        let Shape::Many(relation @ RelationInfo { to: [target], join, .. }) = field.shape else { return None };
        let (name, some) = (relation.listing(target)?, value.get("some")?);
        names_one(target, some).then_some(Self { name, join, owner, by: By::Named(some) })
    }

    /// Whether this is the filter that names the target.
    pub fn is_by(&self, filter: &Json) -> bool {
        matches!(self.by, By::Named(named) if std::ptr::eq(named, filter))
    }

    /// Whether these filters do nothing but name the target.
    pub fn is_all(&self, filters: &[&Json]) -> bool {
        match self.by {
            By::Parent => filters.is_empty(),
            By::Named(named) => matches!(filters, [only] if is_only(only, named)),
        }
    }

    /// The row's copy of an owner's column, by its name without quotes.
    pub fn copy(&self, column: &str) -> Option<String> {
        match column {
            "id" => Some("l.owner_id".to_owned()),
            column => is_copied(self.owner, column).then(|| format!("l.{}", quoted(column))),
        }
    }

    /// The order over the copies; `None` if it does not begin with one, so that the listing is of no use.
    pub fn order(&self, order: &Order) -> Option<Order> {
        order.over(|column| self.copy(column))
    }

    /// Whether the filters name a target of another list as well. Few rows are in both lists, and ids alone find them: they
    /// are read from two indexes side by side, which takes less than looking up most of one list in the other.
    pub fn is_narrowed(&self, filters: &[&'a Json]) -> bool {
        filters.iter().any(|filter| self.names_another(filter))
    }

    fn names_another(&self, filter: &'a Json) -> bool {
        filter.as_object().is_some_and(|members| {
            members.iter().any(|(key, value)| match key.as_str() {
                "and" => items(value).iter().any(|filter| self.names_another(filter)),
                key => {
                    let other = self.owner.field(key).and_then(|field| Self::by_relation(self.owner, field, value));
                    other.is_some_and(|other| {
                        value.get("some").is_some_and(|some| !self.is_by(some) && other.is_by(some))
                    })
                }
            })
        })
    }

    /// Whether the filters ask only for what the listing has copies of, so that the owners need not be read.
    pub fn covers(&self, filters: &[&Json]) -> bool {
        filters.iter().all(|filter| self.covers_one(filter))
    }

    fn covers_one(&self, filter: &Json) -> bool {
        filter.as_object().is_some_and(|members| {
            members.iter().all(|(key, value)| match key.as_str() {
                "and" | "or" => items(value).iter().all(|filter| self.covers_one(filter)),
                "not" => self.covers_one(value),
                "id" => true,
                key if system_moment(self.owner, key).is_some() => true,
                key => match self.owner.field(key) {
                    Some(FieldInfo { shape: Shape::Scalar(_) | Shape::Enum(_), snake, .. }) => {
                        is_copied(self.owner, snake)
                    }
                    Some(_) => {
                        value.as_object().is_some_and(|operators| operators.values().all(|some| self.is_by(some)))
                    }
                    None => false,
                },
            })
        })
    }

    /// ` FROM listing."product_tags" l JOIN live."product" t ON .. WHERE ..`
    pub fn from(&self, scope: Scope<'_>, sql: &mut Sql) -> Result<()> {
        sql.note(Stage::Live, self.join);
        sql.push(" FROM listing.").push(&quoted(self.name)).push(" l JOIN ");
        scope.push(self.owner, "t", sql)?;
        sql.push(" ON t.id = l.owner_id WHERE ").push(self.of_target());
        Ok(())
    }

    /// ` FROM listing."product_tags" l WHERE ..`, where nothing is read of the owners and no rule hides any.
    pub fn push_copies(&self, sql: &mut Sql) {
        sql.note(Stage::Live, self.join);
        sql.note(Stage::Live, self.owner.table);
        sql.push(" FROM listing.").push(&quoted(self.name)).push(" l WHERE ").push(self.of_target());
    }

    /// The number of rows, which the database keeps: ` FROM listing.count l WHERE ..`
    pub fn push_count(&self, sql: &mut Sql) {
        sql.note(Stage::Live, self.join);
        sql.note(Stage::Live, self.owner.table);
        push_count(self.name, sql);
        sql.push(" AND ").push(self.of_target());
    }

    fn of_target(&self) -> &'static str {
        match self.by {
            By::Parent => "l.target_id = p.id",
            // The filter has it.
            By::Named(_) => "true",
        }
    }
}

/// The number of all entries of the type, which the database keeps.
pub fn push_count_of_entries(info: &'static ContentInfo, sql: &mut Sql) {
    sql.note(Stage::Live, info.table);
    push_count(info.table, sql);
    sql.push(" AND l.target_id = '00000000-0000-0000-0000-000000000000'");
}

fn push_count(list: &str, sql: &mut Sql) {
    sql.push(&format!("SELECT coalesce(sum(l.n), 0)::bigint FROM listing.count l WHERE l.list = '{list}'"));
}

/// Copies are of what is live.
pub fn is_kept(scope: Scope<'_>) -> bool {
    scope.stage == Stage::Live && scope.store.overlay.is_none()
}

/// Whether at most one entry can match, because the filter gives its id or the value of a unique field.
pub fn names_one(info: &'static ContentInfo, filter: &Json) -> bool {
    let is_equal = |value: &Json| value.get("eq").is_some_and(|value| !value.is_null());
    let is_unique = |key: &str| key == "id" || info.field(key).is_some_and(|field| field.unique == Some(&[]));
    filter.as_object().is_some_and(|members| members.iter().any(|(key, value)| is_unique(key) && is_equal(value)))
}

/// What the generator copies (`catalog/lower/lists.rs`): the moments, and the columns of all that can be ordered by.
fn is_copied(info: &ContentInfo, column: &str) -> bool {
    let is_of = |field: &FieldInfo| match field.shape {
        Shape::Scalar(kind) => kind.columns().iter().any(|part| column.strip_prefix(field.snake) == Some(part.suffix)),
        Shape::Enum(_) => field.snake == column,
        _ => false,
    };
    MOMENTS.contains(&column) || info.fields.iter().any(|field| field.sortable && is_of(field))
}

/// Whether the filter has no other condition than this part of it.
fn is_only(filter: &Json, part: &Json) -> bool {
    let Some(mut members) = filter.as_object().map(|members| members.iter()) else { return false };
    let (Some((key, value)), None) = (members.next(), members.next()) else { return false };
    match key.as_str() {
        "and" => matches!(items(value), [only] if is_only(only, part)),
        _ => {
            value.as_object().is_some_and(|operators| operators.len() == 1)
                && value.get("some").is_some_and(|some| std::ptr::eq(some, part))
        }
    }
}
