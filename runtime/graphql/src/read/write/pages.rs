//! Relay connections: edges with cursors, nodes, page info and total count.

use std::io::Write as _;
use std::ops::Range;

use uuid::Uuid;

use super::{NULL, Result, Writer};
use crate::read::shape::{EdgeWhat, InfoWhat, PageShape, PageWhat};
use store::read::load::LoadedPage;
use store::read::plan::Page;

impl Writer<'_, '_> {
    /// Writes the connection of an owner.
    pub fn page(&mut self, page: &Page, shape: &PageShape, found: &LoadedPage, owner: Uuid) -> Result<()> {
        let prepared = self.run.prepared(&page.list)?;
        let (range, more) = found.groups.get(&owner).cloned().unwrap_or_default();
        let rows = Rows { range, backward: prepared.backward };
        self.fields(&shape.items, |this, what| match what {
            PageWhat::Constant(json) => {
                this.push(json);
                Ok(())
            }
            PageWhat::Edges(items) => this.list(rows.iter(), |this, row| {
                this.fields(items, |this, what| match what {
                    EdgeWhat::Constant(json) => {
                        this.push(json);
                        Ok(())
                    }
                    EdgeWhat::Cursor => {
                        prepared.order.write_cursor(&found.loaded.rows[row], page.object.columns.len(), &mut this.out);
                        Ok(())
                    }
                    EdgeWhat::Node(node) => this.object(&page.object, &shape.shapes[*node], &found.loaded, row),
                })
            }),
            PageWhat::Nodes(node) => {
                this.list(rows.iter(), |this, row| this.object(&page.object, &shape.shapes[*node], &found.loaded, row))
            }
            PageWhat::Info(items) => this.fields(items, |this, what| {
                let cursor = |row: Option<usize>, out: &mut Vec<u8>| match row {
                    Some(row) => {
                        prepared.order.write_cursor(&found.loaded.rows[row], page.object.columns.len(), out);
                    }
                    None => out.extend_from_slice(NULL),
                };
                let (next, previous) = match prepared.backward {
                    false => (more || prepared.before, prepared.after),
                    true => (prepared.before, more || prepared.after),
                };
                match what {
                    InfoWhat::Constant(json) => this.push(json),
                    InfoWhat::HasNext => this.push(if next { b"true" } else { b"false" }),
                    InfoWhat::HasPrevious => this.push(if previous { b"true" } else { b"false" }),
                    InfoWhat::Start => cursor(rows.iter().next(), &mut this.out),
                    InfoWhat::End => cursor(rows.iter().last(), &mut this.out),
                }
                Ok(())
            }),
            PageWhat::TotalCount(index) => {
                // Writing to a `Vec` cannot fail.
                let _ = write!(this.out, "{}", found.total(*index, owner));
                Ok(())
            }
        })
    }
}

/// The rows of a page in list order. A page that was read from its end has them in reverse.
struct Rows {
    range: Range<usize>,
    backward: bool,
}

impl Rows {
    fn iter(&self) -> impl Iterator<Item = usize> {
        let (start, end, backward) = (self.range.start, self.range.end, self.backward);
        (start..end).map(move |row| if backward { start + end - 1 - row } else { row })
    }
}
