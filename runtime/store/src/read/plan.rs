//! `ReadPlan`: what is to be read, as a tree of statements, whatever protocol asks for it.
//!
//! A plan owns all it needs and knows no values, so that it is made once and run many times: the arguments of its lists
//! come with each run. Its statements are counted before one is sent.

mod weigh;

use std::collections::HashMap;
use std::sync::Arc;

use super::link::Link;
use super::order::DefaultOrder;
use crate::access::Used;
use crate::sql::quoted;
use model::content::{ComputedInfo, ContentInfo, FieldInfo, RelationInfo, Shape};
use model::kind::Kind;

#[derive(Debug)]
pub struct ReadPlan {
    pub root: Root,
    /// How many lists take arguments.
    pub lists: usize,
    /// Everything that is read, to be checked against the rules of the actor.
    pub uses: Vec<Use>,
}

#[derive(Debug)]
pub enum Root {
    /// Rows of any of these types, by ids.
    Rows(Vec<Object>),
    /// The row that has a value in a unique field.
    Key {
        object: Object,
        field: &'static FieldInfo,
        kind: Kind,
    },
    Page(Page),
}

/// Rows of one table: the columns to read, and what to read along with them.
#[derive(Debug)]
pub struct Object {
    pub info: &'static ContentInfo,
    /// The first one is the id.
    pub columns: Vec<Column>,
    pub relations: Vec<Relation>,
    pub computed: Vec<&'static ComputedInfo>,
}

#[derive(Debug, PartialEq)]
pub enum Column {
    /// An expression over the row `t`, shared by all places that read the column.
    Sql(Arc<str>),
    /// The revision that is live, for the status; null where there is none.
    LiveRevision,
}

#[derive(Debug)]
pub enum Relation {
    /// To one row, of the first of the targets whose column is set.
    One {
        members: Vec<(usize, Object)>,
    },
    /// To rows whose ids stand in the JSON of components.
    Stored {
        column: usize,
        hops: Vec<Hop>,
        object: Object,
        list: Option<List>,
    },
    /// To a list; merged by position where it has several targets.
    Many {
        members: Vec<(Link, Object)>,
        list: List,
    },
    Page {
        link: Link,
        page: Page,
    },
}

/// One step into the JSON of components, through objects and lists alike.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    pub tag: Option<&'static str>,
    pub key: &'static str,
}

/// A list that takes arguments.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Its place among those of the plan.
    pub slot: usize,
    pub default: DefaultOrder,
}

/// A part of a list, with its cursors and its number.
#[derive(Debug)]
pub struct Page {
    pub list: List,
    pub object: Object,
    /// Whether rows, their cursors and their number are asked for.
    pub rows: bool,
    pub cursors: bool,
    pub total: bool,
}

/// What a plan reads of a type.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    pub info: &'static ContentInfo,
    pub what: Used,
}

/// Gathers what all parts of a plan have in common, while it is made.
#[derive(Debug, Default)]
pub struct Planning {
    lists: usize,
    uses: Vec<Use>,
    columns: HashMap<String, Arc<str>>,
}

impl Planning {
    pub fn plan(mut self, root: Root) -> ReadPlan {
        self.uses.shrink_to_fit();
        ReadPlan { root, lists: self.lists, uses: self.uses }
    }

    /// One more list; its slot is the number of those before it.
    pub fn list(&mut self, default: DefaultOrder) -> List {
        self.lists += 1;
        List { slot: self.lists - 1, default }
    }

    /// One more use; its place is the number of those before it.
    pub fn note(&mut self, info: &'static ContentInfo, what: Used) {
        self.uses.push(Use { info, what });
    }

    /// The index of the column that holds a field which has no other.
    pub fn column(&mut self, object: &mut Object, name: &str) -> usize {
        self.expression(object, format!("t.{}", quoted(name)))
    }

    /// The indexes of the columns of a scalar, ready to be written or read by its kind.
    pub fn scalar(&mut self, object: &mut Object, field: &FieldInfo, kind: Kind) -> Vec<usize> {
        let names =
            kind.columns().iter().map(|part| format!("t.{}", quoted(&format!("{}{}", field.snake, part.suffix))));
        match kind.parts() {
            None => names.map(|name| self.expression(object, kind.select(&name))).collect(),
            Some(_) => names.map(|name| self.expression(object, name)).collect(),
        }
    }

    /// The index of the column of each target of a relation to one row.
    pub fn targets(&mut self, object: &mut Object, to: &RelationInfo) -> Vec<usize> {
        to.columns.iter().map(|column| self.column(object, column)).collect()
    }

    fn expression(&mut self, object: &mut Object, sql: String) -> usize {
        let sql = self.columns.entry(sql).or_insert_with_key(|sql| Arc::from(sql.as_str())).clone();
        object.column(Column::Sql(sql))
    }
}

impl ReadPlan {
    /// Statements that it sends at most. It sends fewer where there is nothing to ask for; of rows by ids, those of the types that the ids
    /// are of: with `one`, of one.
    pub fn statements(&self, one: bool) -> usize {
        match &self.root {
            Root::Rows(objects) if one => objects.iter().map(Object::statements).max().unwrap_or(0),
            Root::Rows(objects) => objects.iter().map(Object::statements).sum(),
            Root::Key { object, .. } => object.statements(),
            Root::Page(page) => page.statements(),
        }
    }
}

impl Object {
    pub fn new(info: &'static ContentInfo) -> Self {
        Self { info, columns: vec![Column::Sql(Arc::from("t.id"))], relations: Vec::new(), computed: Vec::new() }
    }

    /// The index of a column, which is read once.
    pub fn column(&mut self, column: Column) -> usize {
        self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }

    /// The index of a computed field, which is computed once.
    pub fn computed(&mut self, computed: &'static ComputedInfo) -> usize {
        self.computed.iter().position(|known| known.name == computed.name).unwrap_or_else(|| {
            self.computed.push(computed);
            self.computed.len() - 1
        })
    }

    /// The index of one more relation.
    pub fn relation(&mut self, relation: Relation) -> usize {
        self.relations.push(relation);
        self.relations.len() - 1
    }

    /// Its own and those below it.
    pub fn statements(&self) -> usize {
        let relations: usize = self.relations.iter().map(Relation::statements).sum();
        1 + relations + self.computed_statements()
    }

    /// A typed record is read once for all computed fields, with the lists that any of them needs.
    fn computed_statements(&self) -> usize {
        if self.computed.is_empty() {
            return 0;
        }
        let with = super::computed_with(&self.computed);
        let lists = self.info.fields.iter().filter(|field| with.contains(&field.snake));
        1 + lists.map(list_statements).sum::<usize>()
    }
}

/// Children come with their own lists.
fn list_statements(field: &FieldInfo) -> usize {
    match field.shape {
        Shape::Children(of) => 1 + of.fields.iter().filter(|field| matches!(field.shape, Shape::Many(_))).count(),
        _ => 1,
    }
}

impl Relation {
    /// The list that has arguments.
    pub fn list(&self) -> Option<&List> {
        match self {
            Self::One { .. } => None,
            Self::Stored { list, .. } => list.as_ref(),
            Self::Many { list, .. } => Some(list),
            Self::Page { page, .. } => Some(&page.list),
        }
    }

    pub fn statements(&self) -> usize {
        match self {
            Self::One { members } => members.iter().map(|(_, object)| object.statements()).sum(),
            Self::Stored { object, .. } => object.statements(),
            Self::Many { members, .. } => members.iter().map(|(_, object)| object.statements()).sum(),
            Self::Page { page, .. } => page.statements(),
        }
    }
}

impl Page {
    pub fn new(target: &'static ContentInfo, list: List) -> Self {
        Self { list, object: Object::new(target), rows: false, cursors: false, total: false }
    }

    pub fn statements(&self) -> usize {
        let rows = if self.rows { self.object.statements() } else { 0 };
        rows + usize::from(self.total)
    }
}
