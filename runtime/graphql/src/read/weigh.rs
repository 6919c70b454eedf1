//! The heap size of the shape of a response.

use super::shape::{
    AggregateShape, AggregateWhat, CountWhat, EdgeWhat, FacetShape, FacetWhat, FacetsWhat, Given, GroupWhat, InfoWhat,
    MarkWhat, PageShape, PageWhat, PartWhat, Path, Place, RangeWhat, RedirectionWhat, SearchEdgeWhat, SearchShape,
    SearchWhat, StoredShape, StoredWhat, ValueWhat, What,
};
use crate::weigh::Held;
use base::weigh::{Scales, Weigh};
use store::read::aggregate::Measured;

impl Weigh for Path {
    fn weigh(&self, scales: &mut Scales) {
        let mut path = self;
        while let Some(step) = &path.0 {
            if !scales.shared(step) {
                return;
            }
            step.key.held(scales);
            path = &step.above;
        }
    }
}

impl Weigh for Place {
    fn weigh(&self, scales: &mut Scales) {
        self.path.weigh(scales);
    }
}

impl Weigh for Given {
    fn weigh(&self, scales: &mut Scales) {
        self.field.held(scales);
        self.arguments.held(scales);
    }
}

impl Weigh for What {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Parts { columns, items } => {
                columns.weigh(scales);
                items.weigh(scales);
            }
            Self::Stored { shape, .. } => shape.weigh(scales),
            Self::Related { shapes, .. } => shapes.weigh(scales),
            Self::Page { page, .. } => page.weigh(scales),
            Self::Computed { items, .. } => items.weigh(scales),
            Self::Id | Self::Scalar { .. } | Self::Enum { .. } | Self::Enums { .. } | Self::Status { .. } => {}
        }
    }
}

impl Weigh for PartWhat {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Constant(json) = self {
            json.weigh(scales);
        }
    }
}

impl Weigh for RedirectionWhat {
    fn weigh(&self, _: &mut Scales) {}
}

impl Weigh for SearchShape {
    fn weigh(&self, scales: &mut Scales) {
        self.shapes.weigh(scales);
        self.facets.weigh(scales);
        self.items.weigh(scales);
    }
}

impl Weigh for AggregateShape {
    fn weigh(&self, scales: &mut Scales) {
        scales.block(self.measured.capacity() * size_of::<Measured>());
        self.items.weigh(scales);
    }
}

impl Weigh for AggregateWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Group(items) => items.weigh(scales),
            Self::Values(_, items) => items.weigh(scales),
            Self::Count => {}
        }
    }
}

impl Weigh for GroupWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Entry(_, _, shape) => shape.weigh(scales),
            Self::Value(_) => {}
        }
    }
}

impl Weigh for ValueWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Amounts(_, items) => items.weigh(scales),
            Self::Value(_) => {}
        }
    }
}

impl Weigh for FacetShape {
    fn weigh(&self, scales: &mut Scales) {
        self.given.weigh(scales);
        self.items.weigh(scales);
    }
}

impl Weigh for CountWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Node(shape) => shape.weigh(scales),
            Self::Value | Self::Count => {}
        }
    }
}

impl Weigh for FacetsWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Of(items) => items.weigh(scales),
        }
    }
}

impl Weigh for FacetWhat {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Constant(json) = self {
            json.weigh(scales);
        }
    }
}

impl Weigh for SearchWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Edges(items) => items.weigh(scales),
            Self::Info(items) => items.weigh(scales),
            Self::Facets(items) => items.weigh(scales),
            Self::Nodes(_) | Self::TotalCount | Self::Corrected | Self::Partial | Self::Queries => {}
        }
    }
}

impl Weigh for SearchEdgeWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Marks(items) => items.weigh(scales),
            Self::Cursor | Self::Score | Self::Node(_) => {}
        }
    }
}

impl Weigh for MarkWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Ranges(items) => items.weigh(scales),
            Self::Field | Self::Text | Self::Html => {}
        }
    }
}

impl Weigh for RangeWhat {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Constant(json) = self {
            json.weigh(scales);
        }
    }
}

impl Weigh for StoredShape {
    fn weigh(&self, scales: &mut Scales) {
        self.of.weigh(scales);
    }
}

impl Weigh for StoredWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Parts { items, .. } => items.weigh(scales),
            Self::Nested { shape, .. } => shape.weigh(scales),
            Self::Relation { shape, .. } => shape.weigh(scales),
            Self::Copy { .. } | Self::Enum { .. } | Self::Enums { .. } => {}
        }
    }
}

impl Weigh for PageShape {
    fn weigh(&self, scales: &mut Scales) {
        self.shapes.weigh(scales);
        self.items.weigh(scales);
    }
}

impl Weigh for PageWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Edges(items) => items.weigh(scales),
            Self::Info(items) => items.weigh(scales),
            Self::Nodes(_) | Self::TotalCount(_) => {}
        }
    }
}

impl Weigh for EdgeWhat {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Constant(json) = self {
            json.weigh(scales);
        }
    }
}

impl Weigh for InfoWhat {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Constant(json) = self {
            json.weigh(scales);
        }
    }
}
