//! The counted values of what a search finds.

use std::collections::HashMap;
use std::io::Write as _;

use uuid::Uuid;

use super::search::Page;
use super::{Result, Writer};
use crate::read::shape::{CountWhat, FacetShape, FacetWhat, FacetsWhat, Prefix, SearchShape};
use store::read::load::Loaded;
use store::search::facet::Counted;

/// A facet, with the rows of its entries.
pub struct Counts {
    pub counted: Counted,
    pub loaded: Option<(Loaded, HashMap<Uuid, usize>)>,
}

impl Writer<'_, '_> {
    pub(super) fn facets(
        &mut self,
        page: &Page<'_>,
        shape: &SearchShape,
        items: &[(Prefix, FacetsWhat)],
    ) -> Result<()> {
        self.fields(items, |this, what| match what {
            FacetsWhat::Constant(json) => this.bytes(json),
            FacetsWhat::Of(items) => this.fields(items, |this, what| match what {
                FacetWhat::Constant(json) => this.bytes(json),
                FacetWhat::Facet(facet) => this.facet(page, &shape.facets[*facet], &page.facets[*facet]),
            }),
        })
    }

    fn facet(&mut self, page: &Page<'_>, shape: &FacetShape, counts: &Counts) -> Result<()> {
        match &counts.counted {
            Counted::Ranges(ranges) => self.list(ranges.iter(), |this, number| this.number(*number)),
            Counted::Values(values) => self.list(values.iter(), |this, (value, count)| {
                this.fields(&shape.items, |this, what| match what {
                    CountWhat::Constant(json) => this.bytes(json),
                    CountWhat::Value => this.text(value),
                    CountWhat::Count => this.number(*count),
                    CountWhat::Node(_) => this.nothing(),
                })
            }),
            Counted::Entries(entries) => {
                let loaded = counts.loaded.as_ref().zip(shape.object);
                // What the actor may not see is left out.
                let seen = entries.iter().filter_map(|(id, count)| {
                    let ((loaded, rows), object) = loaded?;
                    Some((loaded, &page.objects[object], *rows.get(id)?, *count))
                });
                self.list(seen, |this, (loaded, object, row, count)| {
                    this.fields(&shape.items, |this, what| match what {
                        CountWhat::Constant(json) => this.bytes(json),
                        CountWhat::Count => this.number(count),
                        CountWhat::Node(shape) => this.object(object, shape, loaded, row),
                        CountWhat::Value => this.nothing(),
                    })
                })
            }
        }
    }

    fn number(&mut self, number: i64) -> Result<()> {
        // Writing to a `Vec` cannot fail.
        let _ = write!(self.out, "{number}");
        Ok(())
    }
}
