//! What a selection asks for, as a tree of statements and of instructions to write the answer.
//!
//! A plan owns all it needs and knows no values of variables but those of `@skip` and `@include`, so that it is compiled
//! once for a document. Its statements are counted before one is sent.

mod weigh;

use std::sync::Arc;

use async_graphql::{Name, Pos};
use async_graphql_value::Value as Literal;

use super::link::Link;
use super::order::DefaultOrder;
use crate::access::Used;
use base::error::Step;
use model::content::{ComputedInfo, ContentInfo, EnumInfo, FieldInfo};
use model::kind::{Kind, Part};

/// `{"key":` or `,"key":`, ready to be copied; shared by all fields that have the key.
pub type Prefix = Arc<[u8]>;
/// How one object is written, field by field.
pub type Shape = Vec<(Prefix, What)>;

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
    /// The revision that is live, for the status; null where the stage is live itself.
    LiveRevision,
}

#[derive(Debug)]
pub enum What {
    /// JSON that is the same for each row.
    Constant(Box<[u8]>),
    Id,
    Scalar {
        column: usize,
        kind: Kind,
    },
    Parts {
        columns: Vec<usize>,
        items: Vec<(Prefix, PartWhat)>,
    },
    Enum {
        column: usize,
        of: &'static EnumInfo,
    },
    Enums {
        column: usize,
        of: &'static EnumInfo,
    },
    Status {
        revision: usize,
        live: usize,
    },
    Stored {
        column: usize,
        shape: StoredShape,
        nullable: bool,
    },
    Relation {
        /// An index into the object's relations.
        relation: usize,
        nullable: bool,
    },
    Computed {
        index: usize,
        items: Vec<(Prefix, PartWhat)>,
        nullable: bool,
        pos: Pos,
    },
}

#[derive(Debug)]
pub enum PartWhat {
    Constant(Box<[u8]>),
    Part(&'static Part),
}

/// What it means that a component has no value for a field: one that was saved before the field was required.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    Null,
    Failure(Pos),
}

/// How the JSON of components is written: one object, or a list of them.
#[derive(Debug)]
pub struct StoredShape {
    pub many: bool,
    /// By `_type`; a list may mix several.
    pub of: Vec<(&'static str, Projection)>,
}

pub type Projection = Vec<(Prefix, StoredWhat)>;

#[derive(Debug)]
pub enum StoredWhat {
    Constant(Box<[u8]>),
    /// Copied as it is.
    Copy {
        key: &'static str,
        missing: Missing,
    },
    Parts {
        key: &'static str,
        items: Vec<(Prefix, PartWhat)>,
        missing: Missing,
    },
    Enum {
        key: &'static str,
        of: &'static EnumInfo,
        missing: Missing,
    },
    Enums {
        key: &'static str,
        of: &'static EnumInfo,
    },
    Nested {
        key: &'static str,
        shape: StoredShape,
        nullable: bool,
    },
    Relation {
        key: &'static str,
        many: bool,
        relation: usize,
        nullable: bool,
    },
}

#[derive(Debug)]
pub enum Relation {
    /// To one row, of the first of the targets whose column is set.
    One {
        members: Vec<(usize, Member)>,
    },
    /// To rows whose ids stand in the JSON of a component.
    Stored {
        column: usize,
        hops: Vec<Hop>,
        member: Member,
        list: Option<List>,
    },
    /// To a list; merged by position where it has several targets.
    Many {
        members: Vec<(Link, Member)>,
        list: List,
    },
    Page {
        link: Link,
        page: Page,
    },
}

/// Rows of one type as they are written.
#[derive(Debug)]
pub struct Member {
    pub object: Object,
    pub shape: Shape,
}

/// One step into the JSON of components, through objects and lists alike.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    pub tag: Option<&'static str>,
    pub key: &'static str,
}

/// A list's arguments and its place among those of the plan.
#[derive(Debug)]
pub struct List {
    pub slot: usize,
    pub given: Given,
    pub default: DefaultOrder,
}

/// A connection. Edges and nodes read the same rows and may show them in different shapes.
#[derive(Debug)]
pub struct Page {
    pub list: List,
    pub object: Object,
    pub shapes: Vec<Shape>,
    pub items: Vec<(Prefix, PageWhat)>,
    /// Whether rows, their cursors and their number are asked for.
    pub rows: bool,
    pub cursors: bool,
    pub total: bool,
}

#[derive(Debug)]
pub enum PageWhat {
    Constant(Box<[u8]>),
    Edges(Vec<(Prefix, EdgeWhat)>),
    /// An index into the page's shapes.
    Nodes(usize),
    Info(Vec<(Prefix, InfoWhat)>),
    TotalCount,
}

#[derive(Debug)]
pub enum EdgeWhat {
    Constant(Box<[u8]>),
    Cursor,
    Node(usize),
}

#[derive(Debug)]
pub enum InfoWhat {
    Constant(Box<[u8]>),
    HasNext,
    HasPrevious,
    Start,
    End,
}

/// What a plan reads at one place of a document, to be held against the rules of whoever runs it.
#[derive(Debug)]
pub struct Use {
    pub info: &'static ContentInfo,
    pub what: Used,
    pub path: Path,
    pub pos: Pos,
}

/// A field's arguments as the document gives them, shared by all places where its fragment is spread.
pub type GivenArguments = Arc<[(Name, Literal)]>;

/// A field's arguments, and where it is.
#[derive(Debug)]
pub struct Given {
    pub parent: &'static str,
    pub field: Name,
    pub arguments: GivenArguments,
    pub pos: Pos,
}

/// Response keys from the root; lists on the way have no index yet. Paths share what is above them, so that each field of
/// a plan adds its own step and no more.
#[derive(Clone, Debug, Default)]
pub struct Path(Option<Arc<PathStep>>);

#[derive(Debug)]
struct PathStep {
    above: Path,
    key: Name,
}

impl Path {
    pub fn below(&self, key: Name) -> Self {
        Self(Some(Arc::new(PathStep { above: self.clone(), key })))
    }

    pub fn above(&self) -> Self {
        self.0.as_ref().map(|step| step.above.clone()).unwrap_or_default()
    }

    pub fn len(&self) -> usize {
        std::iter::successors(self.0.as_ref(), |step| step.above.0.as_ref()).count()
    }

    pub fn steps(&self) -> Vec<Step> {
        let steps = std::iter::successors(self.0.as_ref(), |step| step.above.0.as_ref());
        let mut steps: Vec<_> = steps.map(|step| Step::from(step.key.as_str())).collect();
        steps.reverse();
        steps
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

    /// Statements below this object's own.
    pub fn statements(&self) -> usize {
        let relations: usize = self.relations.iter().map(Relation::statements).sum();
        relations + self.computed_statements()
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
    use model::content::Shape;
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
            Self::One { members } => members.iter().map(|(_, member)| member.statements()).sum(),
            Self::Stored { member, .. } => member.statements(),
            Self::Many { members, .. } => members.iter().map(|(_, member)| member.statements()).sum(),
            Self::Page { page, .. } => page.statements(),
        }
    }
}

impl Member {
    pub fn statements(&self) -> usize {
        1 + self.object.statements()
    }
}

impl Page {
    pub fn statements(&self) -> usize {
        let rows = if self.rows { 1 + self.object.statements() } else { 0 };
        rows + usize::from(self.total)
    }
}
