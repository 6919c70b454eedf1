//! The heap size of a plan.

use super::{Column, Computing, Hop, Object, Page, ReadPlan, Relation, Root, Use};
use crate::read::link::Link;
use base::weigh::{Scales, Weigh};

impl Weigh for ReadPlan {
    fn weigh(&self, scales: &mut Scales) {
        match &self.root {
            Root::Rows(objects) => objects.weigh(scales),
            Root::Key { object, .. } => object.weigh(scales),
            Root::Page(page) => page.weigh(scales),
        }
        scales.block(self.uses.capacity() * size_of::<Use>());
    }
}

impl Weigh for Object {
    fn weigh(&self, scales: &mut Scales) {
        self.columns.weigh(scales);
        self.relations.weigh(scales);
        scales.block(self.computed.capacity() * size_of::<Computing>());
    }
}

impl Weigh for Column {
    fn weigh(&self, scales: &mut Scales) {
        if let Self::Sql(sql) = self {
            sql.weigh(scales);
        }
    }
}

impl Weigh for Page {
    fn weigh(&self, scales: &mut Scales) {
        self.object.weigh(scales);
        scales.block(self.totals.capacity() * size_of::<Option<usize>>());
    }
}

impl Weigh for Relation {
    fn weigh(&self, scales: &mut Scales) {
        match self {
            Self::One { members } => members.weigh(scales),
            Self::Stored { hops, object, .. } => {
                scales.block(hops.capacity() * size_of::<Hop>());
                object.weigh(scales);
            }
            Self::Many { members, .. } => members.weigh(scales),
            Self::Page { page, .. } => page.weigh(scales),
        }
    }
}

impl Weigh for Link {
    fn weigh(&self, _: &mut Scales) {}
}
