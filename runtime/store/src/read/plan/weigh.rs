//! What a plan holds.

use super::{
    Column, EdgeWhat, Given, Hop, InfoWhat, List, Member, Object, Page, PageWhat, PartWhat, Path, Relation,
    StoredShape, StoredWhat, Use, What,
};
use crate::read::link::Link;
use base::weigh::{Scales, Weigh};

impl Weigh for Path {
    fn weigh(&self, scales: &mut Scales) {
        let mut path = self;
        while let Some(step) = &path.0 {
            if !scales.shared(step) {
                return;
            }
            step.key.weigh(scales);
            path = &step.above;
        }
    }
}

impl Weigh for Given {
    fn weigh(&self, scales: &mut Scales) {
        self.field.weigh(scales);
        self.arguments.weigh(scales);
    }
}

impl Weigh for Use {
    fn weigh(&self, scales: &mut Scales) {
        self.path.weigh(scales);
    }
}

impl Weigh for List {
    fn weigh(&self, scales: &mut Scales) {
        self.given.weigh(scales);
    }
}

impl Weigh for Object {
    fn weigh(&self, scales: &mut Scales) {
        self.columns.weigh(scales);
        self.relations.weigh(scales);
        scales.block(self.computed.capacity() * size_of::<usize>());
    }
}

impl Weigh for Column {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Sql(sql) = self {
            sql.weigh(scales);
        }
    }
}

impl Weigh for Member {
    fn weigh(&self, scales: &mut Scales) {
        self.object.weigh(scales);
        self.shape.weigh(scales);
    }
}

impl Weigh for Page {
    fn weigh(&self, scales: &mut Scales) {
        self.list.weigh(scales);
        self.object.weigh(scales);
        self.shapes.weigh(scales);
        self.items.weigh(scales);
    }
}

impl Weigh for Relation {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::One { members } => members.weigh(scales),
            Self::Stored { hops, member, list, .. } => {
                scales.block(hops.capacity() * size_of::<Hop>());
                member.weigh(scales);
                list.weigh(scales);
            }
            Self::Many { members, list } => {
                members.weigh(scales);
                list.weigh(scales);
            }
            Self::Page { link, page } => {
                link.weigh(scales);
                page.weigh(scales);
            }
        }
    }
}

impl Weigh for Link {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Forward { column } | Self::Backward { column } => column.weigh(scales),
            Self::Join { near, far, .. } => {
                near.weigh(scales);
                far.weigh(scales);
            }
        }
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
            Self::Computed { items, .. } => items.weigh(scales),
            Self::Id
            | Self::Scalar { .. }
            | Self::Enum { .. }
            | Self::Enums { .. }
            | Self::Status { .. }
            | Self::Relation { .. } => {}
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
            Self::Copy { .. } | Self::Enum { .. } | Self::Enums { .. } | Self::Relation { .. } => {}
        }
    }
}

impl Weigh for PageWhat {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::Constant(json) => json.weigh(scales),
            Self::Edges(items) => items.weigh(scales),
            Self::Info(items) => items.weigh(scales),
            Self::Nodes(_) | Self::TotalCount => {}
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
