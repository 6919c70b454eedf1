//! The shape of a response: its fields in document order, beside the plan of the reads.

use std::sync::Arc;

use async_graphql::{Name, Pos};
use async_graphql_value::Value as Literal;

use base::error::Step;
use model::content::{ContentInfo, EnumInfo, FieldInfo};
use model::kind::{Kind, Part};
use store::read::aggregate::Measured;

/// `{"key":` or `,"key":`, ready to be copied and shared by all fields with the key.
pub type Prefix = Arc<[u8]>;
/// The fields of an object.
pub type Shape = Vec<(Prefix, What)>;

/// Columns, relations and computed fields are indexes into the plan's object.
#[derive(Debug)]
pub enum What {
    /// The same JSON for each row.
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
    /// One row or a list, of one or several types.
    Related {
        relation: usize,
        shapes: Vec<Shape>,
        nullable: bool,
    },
    Page {
        relation: usize,
        page: PageShape,
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

/// A field of what a redirect answers.
#[derive(Clone, Copy, Debug)]
pub enum RedirectionWhat {
    Typename,
    Status,
    Location,
}

/// The result for a component without a value for a field, because it was saved before the field was required.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    Null,
    Failure(Pos),
}

/// The JSON of components: one object or a list.
#[derive(Debug)]
pub struct StoredShape {
    pub many: bool,
    /// By `_type`; a list may contain several.
    pub of: Vec<(&'static str, Projection)>,
}

pub type Projection = Vec<(Prefix, StoredWhat)>;

#[derive(Debug)]
pub enum StoredWhat {
    Constant(Box<[u8]>),
    /// Copied unchanged.
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
        shape: Shape,
        nullable: bool,
    },
}

/// A Relay connection. Edges and nodes show the same rows, possibly in different shapes.
#[derive(Debug, Default)]
pub struct PageShape {
    pub shapes: Vec<Shape>,
    pub items: Vec<(Prefix, PageWhat)>,
}

#[derive(Debug)]
pub enum PageWhat {
    Constant(Box<[u8]>),
    Edges(Vec<(Prefix, EdgeWhat)>),
    /// An index into the page's shapes.
    Nodes(usize),
    Info(Vec<(Prefix, InfoWhat)>),
    /// An index into the page's total counts.
    TotalCount(usize),
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

/// What is selected of a search.
#[derive(Debug)]
pub struct SearchShape {
    /// Whether it completes what is typed: `suggest`.
    pub begun: bool,
    /// How many objects are searched; those of facets follow.
    pub searched: usize,
    /// For each use of the entries, the shapes by the index of their object.
    pub shapes: Vec<Vec<Shape>>,
    pub facets: Vec<FacetShape>,
    pub items: Vec<(Prefix, SearchWhat)>,
}

/// What is selected of aggregates.
#[derive(Debug)]
pub struct AggregateShape {
    pub info: &'static ContentInfo,
    pub measured: Vec<Measured>,
    pub items: Vec<(Prefix, AggregateWhat)>,
}

#[derive(Debug)]
pub enum AggregateWhat {
    Constant(Box<[u8]>),
    Count,
    Group(Vec<(Prefix, GroupWhat)>),
    Values(Statistic, Vec<(Prefix, ValueWhat)>),
}

#[derive(Clone, Copy, Debug)]
pub enum Statistic {
    Min,
    Max,
    Sum,
}

/// A value that the entries of a group have in common.
#[derive(Debug)]
pub enum GroupWhat {
    Constant(Box<[u8]>),
    Value(&'static FieldInfo),
    /// With the index of the object.
    Entry(&'static FieldInfo, usize, Shape),
}

/// An index into what is measured; of money, with its parts.
#[derive(Debug)]
pub enum ValueWhat {
    Constant(Box<[u8]>),
    Value(usize),
    Amounts(usize, Vec<(Prefix, PartWhat)>),
}

/// A facet of a type.
#[derive(Debug)]
pub struct FacetShape {
    pub given: Given,
    pub info: &'static ContentInfo,
    pub field: &'static FieldInfo,
    /// The index of the object of the entries that are counted.
    pub object: Option<usize>,
    pub items: Vec<(Prefix, CountWhat)>,
}

/// A field of a counted value.
#[derive(Debug)]
pub enum CountWhat {
    Constant(Box<[u8]>),
    Value,
    Node(Shape),
    Count,
}

/// A field of the facets, by type.
#[derive(Debug)]
pub enum FacetsWhat {
    Constant(Box<[u8]>),
    /// Indexes into the facets of the shape.
    Of(Vec<(Prefix, FacetWhat)>),
}

#[derive(Debug)]
pub enum FacetWhat {
    Constant(Box<[u8]>),
    Facet(usize),
}

#[derive(Debug)]
pub enum SearchWhat {
    Constant(Box<[u8]>),
    Edges(Vec<(Prefix, SearchEdgeWhat)>),
    /// An index into the shapes.
    Nodes(usize),
    Info(Vec<(Prefix, InfoWhat)>),
    TotalCount,
    Corrected,
    Partial,
    Facets(Vec<(Prefix, FacetsWhat)>),
    /// What is typed, completed.
    Queries,
}

#[derive(Debug)]
pub enum SearchEdgeWhat {
    Constant(Box<[u8]>),
    Cursor,
    Score,
    Node(usize),
    Marks(Vec<(Prefix, MarkWhat)>),
}

/// A field of a highlight.
#[derive(Debug)]
pub enum MarkWhat {
    Constant(Box<[u8]>),
    Field,
    Text,
    Html,
    Ranges(Vec<(Prefix, RangeWhat)>),
}

#[derive(Debug)]
pub enum RangeWhat {
    Constant(Box<[u8]>),
    Start,
    End,
}

impl InfoWhat {
    /// A field of `PageInfo`.
    pub fn named(name: &str) -> Self {
        match name {
            "hasNextPage" => Self::HasNext,
            "hasPreviousPage" => Self::HasPrevious,
            "startCursor" => Self::Start,
            "endCursor" => Self::End,
            _ => Self::Constant(super::lower::constant("PageInfo")),
        }
    }
}

/// A field's arguments from the document, shared by all spreads of its fragment.
pub type GivenArguments = Arc<[(Name, Literal)]>;

/// A field with its arguments and position.
#[derive(Debug)]
pub struct Given {
    pub parent: &'static str,
    pub field: Name,
    pub arguments: GivenArguments,
    pub pos: Pos,
}

/// A place in the document and in the response.
#[derive(Debug)]
pub struct Place {
    pub path: Path,
    pub pos: Pos,
}

/// Response keys from the root; lists have no index yet. Paths share their parents, so each field adds only one step.
#[derive(Clone, Debug, Default)]
pub struct Path(pub(super) Option<Arc<PathStep>>);

#[derive(Debug)]
pub(super) struct PathStep {
    pub above: Path,
    pub key: Name,
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
