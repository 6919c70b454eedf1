//! What a search finds: entries of several types, with what the search knows of each.

use std::collections::HashMap;
use std::io::Write as _;

use uuid::Uuid;

use super::facet::Counts;
use super::{NULL, Result, Writer};
use crate::read::shape::{InfoWhat, MarkWhat, RangeWhat, SearchEdgeWhat, SearchShape, SearchWhat};
use model::json;
use store::read::load::Loaded;
use store::read::plan::Object;
use store::search::ask::{Found, Hit, SearchOrder};
use store::search::mark::Marked;

/// What a search has found, with the rows of the entries.
pub struct Page<'a> {
    pub objects: &'a [Object],
    pub found: Found,
    pub order: SearchOrder,
    pub after: bool,
    /// By the index of the object: the rows, and the row of each entry.
    pub rows: HashMap<usize, (Loaded, HashMap<Uuid, usize>)>,
    pub marks: HashMap<Uuid, Vec<Marked>>,
    /// In the order of the shape's facets.
    pub facets: Vec<Counts>,
    pub queries: Vec<String>,
}

impl Page<'_> {
    /// An entry that was deleted meanwhile is left out.
    fn hits(&self) -> impl Iterator<Item = (&Hit, usize, usize)> {
        self.found.hits.iter().filter_map(|hit| {
            let place = self.objects.iter().position(|object| object.info.table == hit.info.table)?;
            let (_, rows) = self.rows.get(&place)?;
            Some((hit, place, *rows.get(&hit.id)?))
        })
    }
}

impl Writer<'_, '_> {
    pub fn search(&mut self, page: &Page<'_>, shape: &SearchShape) -> Result<()> {
        let instead = page.found.instead.as_deref();
        self.fields(&shape.items, |this, what| match what {
            SearchWhat::Constant(json) => this.bytes(json),
            SearchWhat::Edges(items) => this.list(page.hits(), |this, (hit, place, row)| {
                this.fields(items, |this, what| match what {
                    SearchEdgeWhat::Constant(json) => this.bytes(json),
                    SearchEdgeWhat::Cursor => this.text(&hit.cursor(page.order, &page.found)),
                    SearchEdgeWhat::Score => {
                        // Writing to a `Vec` cannot fail.
                        let _ = write!(this.out, "{:.6}", hit.score);
                        Ok(())
                    }
                    SearchEdgeWhat::Node(node) => this.found(page, shape, *node, place, row),
                    SearchEdgeWhat::Marks(items) => {
                        let marks = page.marks.get(&hit.id).map(Vec::as_slice).unwrap_or_default();
                        this.list(marks.iter(), |this, mark| this.mark(items, mark))
                    }
                })
            }),
            SearchWhat::Nodes(node) => {
                this.list(page.hits(), |this, (_, place, row)| this.found(page, shape, *node, place, row))
            }
            SearchWhat::Info(items) => this.fields(items, |this, what| {
                let cursor = |hit: Option<&Hit>| hit.map(|hit| hit.cursor(page.order, &page.found));
                match what {
                    InfoWhat::Constant(json) => this.bytes(json),
                    InfoWhat::HasNext => this.bytes(if page.found.more { b"true" } else { b"false" }),
                    InfoWhat::HasPrevious => this.bytes(if page.after { b"true" } else { b"false" }),
                    InfoWhat::Start => this.text_or_null(cursor(page.found.hits.first()).as_deref()),
                    InfoWhat::End => this.text_or_null(cursor(page.found.hits.last()).as_deref()),
                }
            }),
            SearchWhat::TotalCount => {
                let _ = write!(this.out, "{}", page.found.total.unwrap_or_default());
                Ok(())
            }
            SearchWhat::Corrected => this.text_or_null(instead),
            SearchWhat::Partial => this.bytes(if page.found.is_partial { b"true" } else { b"false" }),
            SearchWhat::Facets(items) => this.facets(page, shape, items),
            SearchWhat::Queries => this.list(page.queries.iter(), |this, query| this.text(query)),
        })
    }

    fn found(&mut self, page: &Page<'_>, shape: &SearchShape, node: usize, place: usize, row: usize) -> Result<()> {
        match page.rows.get(&place) {
            Some((loaded, _)) => self.object(&page.objects[place], &shape.shapes[node][place], loaded, row),
            None => self.nothing(),
        }
    }

    fn mark(&mut self, items: &[(crate::read::shape::Prefix, MarkWhat)], mark: &Marked) -> Result<()> {
        self.fields(items, |this, what| match what {
            MarkWhat::Constant(json) => this.bytes(json),
            MarkWhat::Field => this.text(&mark.field),
            MarkWhat::Text => this.text(&mark.text),
            MarkWhat::Html => this.text(&mark.html()),
            MarkWhat::Ranges(items) => this.list(mark.places().into_iter(), |this, range| {
                this.fields(items, |this, what| {
                    let number = match what {
                        RangeWhat::Constant(json) => return this.bytes(json),
                        RangeWhat::Start => range.start,
                        RangeWhat::End => range.end,
                    };
                    let _ = write!(this.out, "{number}");
                    Ok(())
                })
            }),
        })
    }

    pub(super) fn bytes(&mut self, json: &[u8]) -> Result<()> {
        self.push(json);
        Ok(())
    }

    pub(super) fn text(&mut self, text: &str) -> Result<()> {
        json::write_string(text.as_bytes(), &mut self.out);
        Ok(())
    }

    fn text_or_null(&mut self, text: Option<&str>) -> Result<()> {
        match text {
            Some(text) => self.text(text),
            None => self.bytes(NULL),
        }
    }
}
