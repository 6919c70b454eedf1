//! The keys of records that expressions name, as far as the value that they are evaluated on is known.

use minijinja::machinery::ast::{CallArg, Expr as Tree, Filter};

use super::Compiler;
use crate::import::unread::Key;
use crate::import::yaml::Place;

/// Filters that return some of their input rows, or the same ones in another order.
const OF_THE_SAME: [&str; 7] = ["selectattr", "rejectattr", "select", "reject", "unique", "reverse", "list"];
/// Filters whose first argument is a key of the items.
const BY_KEY: [&str; 3] = ["selectattr", "rejectattr", "groupby"];

/// The kind of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Of {
    Record,
    /// A row of a group, and the list of rows.
    Row,
    Rows,
    #[default]
    Other,
}

impl Of {
    /// The kind of its items. A single value counts as a list of one.
    pub fn item(self) -> Self {
        if self == Self::Rows { Self::Row } else { self }
    }
}

impl Compiler {
    pub fn of(&self, tree: &Tree<'_>) -> Of {
        match tree {
            Tree::Var(name) => {
                let around = |out: usize| self.around.iter().rev().nth(out).copied().unwrap_or_default();
                match name.id {
                    "item" => around(0),
                    "parent" => around(1),
                    "record" => self.around.first().copied().unwrap_or_default(),
                    key => self.member(around(0), key),
                }
            }
            Tree::GetAttr(get) => self.member(self.of(&get.expr), get.name),
            Tree::GetItem(get) => match self.of(&get.expr) {
                Of::Rows => Of::Row,
                of => get
                    .subscript_expr
                    .as_const()
                    .map_or(Of::Other, |key| key.as_str().map_or(Of::Other, |key| self.member(of, key))),
            },
            Tree::Filter(filter) => match (self.given_to(filter), filter.name) {
                (Of::Rows, "first" | "last") => Of::Row,
                (Of::Rows, name) if OF_THE_SAME.contains(&name) => Of::Rows,
                _ => Of::Other,
            },
            Tree::Slice(slice) if self.of(&slice.expr) == Of::Rows => Of::Rows,
            _ => Of::Other,
        }
    }

    fn member(&self, of: Of, key: &str) -> Of {
        if of == Of::Record && self.group.as_deref() == Some(key) { Of::Rows } else { Of::Other }
    }

    fn given_to(&self, filter: &Filter<'_>) -> Of {
        filter.expr.as_ref().map_or(Of::Other, |expr| self.of(expr))
    }

    /// The key of a record that an expression reads, without those of its subexpressions, and the byte after which the
    /// key occurs.
    pub fn key_in(&self, tree: &Tree<'_>) -> Option<(String, usize)> {
        let (of, name, after) = match tree {
            Tree::Var(name) if matches!(name.id, "item" | "parent" | "record" | "loop") => return None,
            Tree::Var(name) => (self.around.last().copied()?, name.id.to_owned(), tree.span().start_offset),
            Tree::GetAttr(get) => (self.of(&get.expr), get.name.to_owned(), get.expr.span().end_offset),
            Tree::GetItem(get) => {
                let key = get.subscript_expr.as_const()?;
                (self.of(&get.expr), key.as_str()?.to_owned(), get.subscript_expr.span().start_offset)
            }
            _ => return None,
        };
        let is_read = matches!(of, Of::Record | Of::Row) && self.member(of, &name) != Of::Rows;
        is_read.then_some((name, after as usize))
    }

    /// The key of rows that is passed to a filter: `map(attribute="Price")`.
    pub fn key_of_rows(&self, filter: &Filter<'_>) -> Option<(String, usize)> {
        let told = filter.args.iter().enumerate().find_map(|(place, arg)| match arg {
            CallArg::Kwarg("attribute", tree) => Some(tree),
            CallArg::Pos(tree) if place == 0 && BY_KEY.contains(&filter.name) => Some(tree),
            _ => None,
        })?;
        if self.given_to(filter) != Of::Rows {
            return None;
        }
        let text = told.as_const()?;
        let name = text.as_str()?.split('.').next()?.to_owned();
        Some((name, told.span().start_offset as usize))
    }

    pub fn reads(&mut self, name: String, place: Place) {
        self.keys.push(Key { name, place });
    }

    /// Each key once. A key tested with `is defined` may be missing.
    pub fn read_keys(&mut self) -> Vec<Key> {
        let mut keys = std::mem::take(&mut self.keys);
        keys.retain(|key| !self.asked_for.contains(&key.name));
        keys.sort_by(|a, b| (&a.name, a.place).cmp(&(&b.name, b.place)));
        keys.dedup_by(|later, first| later.name == first.name);
        keys.sort_by_key(|key| key.place);
        keys
    }

    /// Compiles inside an `each` or a `lookup`, where a bare key belongs to the item; without an item, where it was
    /// before.
    pub fn inside<T>(&mut self, item: Option<Of>, read: impl FnOnce(&mut Self) -> T) -> T {
        let depth = self.around.len();
        self.around.extend(item);
        let result = read(self);
        self.around.truncate(depth);
        result
    }
}
