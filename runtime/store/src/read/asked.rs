//! `Asked`: the arguments of a list, as API JSON from a client or as Rust values from the site's own code.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::filter;
use super::order::{DefaultOrder, Order, Place};
use crate::{Scope, page};
use base::error::{Code, Problem};
use model::content::ContentInfo;

#[derive(Debug)]
pub enum Asked<'a> {
    /// `filter`, `orderBy`, `first`, `last`, `after` and `before`, coerced.
    Client(Cow<'a, Map<String, Json>>),
    Site(SiteList<'a>),
}

/// May use any field that the actor may read, even if the API cannot filter or order by it.
#[derive(Clone, Copy, Debug)]
pub struct SiteList<'a> {
    /// All must hold.
    pub conditions: &'a [Json],
    /// `(field, descending)`.
    pub order: &'a [(&'static str, bool)],
    pub first: usize,
    pub after: Option<&'a str>,
}

impl Asked<'_> {
    pub fn is_sites(&self) -> bool {
        matches!(self, Self::Site(_))
    }

    pub fn filters(&self) -> Vec<&Json> {
        match self {
            Self::Client(arguments) => filter::given(arguments).into_iter().collect(),
            Self::Site(list) => list.conditions.iter().collect(),
        }
    }

    pub fn order(
        &self,
        scope: Scope<'_>,
        info: &'static ContentInfo,
        default: DefaultOrder,
        problems: &mut Vec<Problem>,
    ) -> Order {
        match self {
            Self::Client(arguments) => Order::new(scope, info, arguments.get("orderBy"), default, problems),
            Self::Site(list) => Order::by(info, list.order, default).unwrap_or_else(|problem| {
                problems.push(problem);
                Order::new(scope, info, None, default, problems)
            }),
        }
    }

    /// The number of entries, from `first` or `last`.
    pub fn size(&self, scope: Scope<'_>, name: &'static str, problems: &mut Vec<Problem>) -> Option<usize> {
        match self {
            Self::Client(arguments) => page::size(arguments, name, scope.store.schema.site.limits.page, problems),
            Self::Site(list) => (name == "first").then_some(list.first),
        }
    }

    /// The place where the list continues, from `after` or `before`.
    pub fn place(&self, scope: Scope<'_>, name: &str, order: &Order, problems: &mut Vec<Problem>) -> Option<Place> {
        let cursor = match self {
            Self::Client(arguments) => arguments.get(name).filter(|value| !value.is_null())?.as_str(),
            Self::Site(list) => Some(list.after.filter(|_| name == "after")?),
        };
        let place = cursor.and_then(|cursor| order.read_cursor(cursor, &scope.store.schema.site));
        if place.is_none() {
            let message = format!("`{name}` is not a cursor of this list with this order");
            problems.push(Problem::new(Code::InvalidCursor, message).at([name.into()]));
        }
        place
    }
}
