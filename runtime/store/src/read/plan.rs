//! `ReadPlan`: a read as a tree of statements, independent of the protocol.
//!
//! A plan owns all its data and contains no values, so it is made once and run many times with different arguments for
//! its lists. Its statements can be counted before any is sent.

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
    /// The number of lists with arguments.
    pub lists: usize,
    /// Everything that the plan reads, to be checked against the actor's rules.
    pub uses: Vec<Use>,
}

#[derive(Debug)]
pub enum Root {
    /// Rows of any of these types, by id.
    Rows(Vec<Object>),
    /// The row with a value in a unique field.
    Key {
        object: Object,
        field: &'static FieldInfo,
        kind: Kind,
    },
    Page(Page),
}

/// Rows of one table: the columns and the relations to read.
#[derive(Debug)]
pub struct Object {
    pub info: &'static ContentInfo,
    /// The first column is the id.
    pub columns: Vec<Column>,
    pub relations: Vec<Relation>,
    pub computed: Vec<Computing>,
}

/// A computed field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Computing {
    pub info: &'static ComputedInfo,
    /// The index of its arguments among the lists of the plan; `None` if it takes none.
    pub slot: Option<usize>,
}

#[derive(Debug, PartialEq)]
pub enum Column {
    /// An expression over the row `t`, shared by all uses of the column.
    Sql(Arc<str>),
    /// The live revision, for the status; null if the entry is not live.
    LiveRevision,
    /// When the next scheduled change of the entry is due; null if there is none, or if it is not read as a draft.
    Scheduled,
    /// The path on the site; null if the actor sees none.
    Path,
    /// The stage of the review; null in published content.
    ReviewStage,
}

#[derive(Debug)]
pub enum Relation {
    /// To one row, of the first target whose column is set.
    One {
        members: Vec<(usize, Object)>,
    },
    /// To rows whose ids are in the JSON of components.
    Stored {
        column: usize,
        hops: Vec<Hop>,
        object: Object,
        list: Option<List>,
    },
    /// To a list, merged by position if it has several targets.
    Many {
        members: Vec<(Link, Object)>,
        list: List,
    },
    Page {
        link: Link,
        page: Page,
    },
}

/// One step into the JSON of components. Lists and objects are treated alike.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    pub tag: Option<&'static str>,
    pub key: &'static str,
}

/// A list with arguments.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Its index among the lists of the plan.
    pub slot: usize,
    pub default: DefaultOrder,
}

/// A page of a list, with cursors and the total count.
#[derive(Debug)]
pub struct Page {
    pub list: List,
    pub object: Object,
    /// Whether rows, cursors and the total count are requested.
    pub rows: bool,
    pub cursors: bool,
    /// For each total count, the slot of its arguments, if it has some.
    pub totals: Vec<Option<usize>>,
}

/// A part of a content type that a plan reads.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    pub info: &'static ContentInfo,
    pub what: Used,
}

/// The shared state of a plan while it is built.
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

    /// Adds a list; its slot is the number of lists before it.
    pub fn list(&mut self, default: DefaultOrder) -> List {
        self.lists += 1;
        List { slot: self.lists - 1, default }
    }

    /// Adds a use.
    pub fn note(&mut self, info: &'static ContentInfo, what: Used) {
        self.uses.push(Use { info, what });
    }

    /// The index of the column of a field with a single column.
    pub fn column(&mut self, object: &mut Object, name: &str) -> usize {
        self.expression(object, format!("t.{}", quoted(name)))
    }

    /// The indexes of the columns of a scalar, in the form that its kind reads.
    pub fn scalar(&mut self, object: &mut Object, field: &FieldInfo, kind: Kind) -> Vec<usize> {
        let names =
            kind.columns().iter().map(|part| format!("t.{}", quoted(&format!("{}{}", field.snake, part.suffix))));
        match kind.parts() {
            None => names.map(|name| self.expression(object, kind.select(&name))).collect(),
            Some(_) => names.map(|name| self.expression(object, name)).collect(),
        }
    }

    /// For a to-one relation, the index of each target's column.
    pub fn targets(&mut self, object: &mut Object, to: &RelationInfo) -> Vec<usize> {
        to.columns.iter().map(|column| self.column(object, column)).collect()
    }

    fn expression(&mut self, object: &mut Object, sql: String) -> usize {
        let sql = self.columns.entry(sql).or_insert_with_key(|sql| Arc::from(sql.as_str())).clone();
        object.column(Column::Sql(sql))
    }
}

impl ReadPlan {
    /// The maximum number of statements. Fewer are sent if there are no rows to look up. Rows by id need only the statements of the ids'
    /// types; with `one`, there is a single type.
    pub fn statements(&self, one: bool) -> usize {
        match &self.root {
            Root::Rows(objects) if one => objects.iter().map(Object::statements).max().unwrap_or(0),
            Root::Rows(objects) => objects.iter().map(Object::statements).sum(),
            Root::Key { object, .. } => object.statements(),
            Root::Page(page) => page.statements(),
        }
    }
}

impl ReadPlan {
    pub fn computes(&self) -> bool {
        match &self.root {
            Root::Rows(objects) => objects.iter().any(Object::computes),
            Root::Key { object, .. } => object.computes(),
            Root::Page(page) => page.object.computes(),
        }
    }
}

impl Object {
    fn computes(&self) -> bool {
        !self.computed.is_empty() || self.relations.iter().any(Relation::computes)
    }

    pub fn new(info: &'static ContentInfo) -> Self {
        Self { info, columns: vec![Column::Sql(Arc::from("t.id"))], relations: Vec::new(), computed: Vec::new() }
    }

    /// The index of a column, added if it is new.
    pub fn column(&mut self, column: Column) -> usize {
        self.columns.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.columns.push(column);
            self.columns.len() - 1
        })
    }

    /// The index of a computed field, added if it is new or has arguments.
    pub fn computed(&mut self, info: &'static ComputedInfo, slot: Option<usize>) -> usize {
        let is_same = |known: &Computing| known.info.name == info.name && known.slot.is_none() && slot.is_none();
        self.computed.iter().position(is_same).unwrap_or_else(|| {
            self.computed.push(Computing { info, slot });
            self.computed.len() - 1
        })
    }

    /// Adds a relation and returns its index.
    pub fn relation(&mut self, relation: Relation) -> usize {
        self.relations.push(relation);
        self.relations.len() - 1
    }

    /// The number of statements of this object and all below it.
    pub fn statements(&self) -> usize {
        let relations: usize = self.relations.iter().map(Relation::statements).sum();
        1 + relations + self.computed_statements()
    }

    /// One typed record is read for all computed fields, with the lists that any of them needs.
    fn computed_statements(&self) -> usize {
        if self.computed.is_empty() {
            return 0;
        }
        let with = super::computed_with(&self.computed);
        let lists = self.info.fields.iter().filter(|field| with.contains(&field.snake));
        1 + lists.map(list_statements).sum::<usize>()
    }
}

/// Children are read with their own lists.
fn list_statements(field: &FieldInfo) -> usize {
    match field.shape {
        Shape::Children(of) => 1 + of.fields.iter().filter(|field| matches!(field.shape, Shape::Many(_))).count(),
        _ => 1,
    }
}

impl Relation {
    /// The list with arguments.
    pub fn list(&self) -> Option<&List> {
        match self {
            Self::One { .. } => None,
            Self::Stored { list, .. } => list.as_ref(),
            Self::Many { list, .. } => Some(list),
            Self::Page { page, .. } => Some(&page.list),
        }
    }

    fn computes(&self) -> bool {
        match self {
            Self::One { members } => members.iter().any(|(_, object)| object.computes()),
            Self::Stored { object, .. } => object.computes(),
            Self::Many { members, .. } => members.iter().any(|(_, object)| object.computes()),
            Self::Page { page, .. } => page.object.computes(),
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
        Self { list, object: Object::new(target), rows: false, cursors: false, totals: Vec::new() }
    }

    pub fn statements(&self) -> usize {
        let rows = if self.rows { self.object.statements() } else { 0 };
        // One that is exact, and one that is not.
        rows + self.totals.len().min(2)
    }
}
