//! `search`: a page of entries of several types.

use super::{Lowering, constant};
use crate::read::selection::Selected;
use crate::read::shape::{InfoWhat, MarkWhat, Prefix, RangeWhat, SearchEdgeWhat, SearchShape, SearchWhat, Shape};
use store::read::plan::Object;

const CONNECTION: &str = "SearchConnection";
const EDGE: &str = "SearchEdge";
const HIGHLIGHT: &str = "SearchHighlight";
const RANGE: &str = "SearchRange";

impl<'a> Lowering<'a> {
    pub fn search(&mut self, selected: &Selected<'a>) -> (Vec<Object>, SearchShape) {
        let types = self.document.schema.types.iter().filter(|info| info.search.is_some());
        let mut objects: Vec<Object> = types.map(|info| Object::new(info)).collect();
        let mut shapes: Vec<Vec<Shape>> = Vec::new();
        let fields = self.document.fields(CONNECTION, &selected.sets);
        let items = self.items(fields, |this, field| match field.name() {
            "edges" => {
                let fields = this.document.fields(EDGE, &field.sets);
                SearchWhat::Edges(this.items(fields, |this, field| this.search_edge(&mut objects, &mut shapes, field)))
            }
            "nodes" => SearchWhat::Nodes(this.search_node(&mut objects, &mut shapes, field)),
            "pageInfo" => {
                let fields = this.document.fields("PageInfo", &field.sets);
                SearchWhat::Info(this.items(fields, |_, field| InfoWhat::named(field.name())))
            }
            "totalCount" => SearchWhat::TotalCount,
            "correctedQuery" => SearchWhat::Corrected,
            _ => SearchWhat::Constant(constant(CONNECTION)),
        });
        (objects, SearchShape { shapes, items })
    }

    fn search_edge(
        &mut self,
        objects: &mut [Object],
        shapes: &mut Vec<Vec<Shape>>,
        field: &Selected<'a>,
    ) -> SearchEdgeWhat {
        match field.name() {
            "cursor" => SearchEdgeWhat::Cursor,
            "score" => SearchEdgeWhat::Score,
            "node" => SearchEdgeWhat::Node(self.search_node(objects, shapes, field)),
            "highlights" => SearchEdgeWhat::Marks(self.marks(field)),
            _ => SearchEdgeWhat::Constant(constant(EDGE)),
        }
    }

    /// The index of the shapes of a node, one for each object.
    fn search_node(&mut self, objects: &mut [Object], shapes: &mut Vec<Vec<Shape>>, field: &Selected<'a>) -> usize {
        let shape = |object: &mut Object| self.shape(object, &field.sets);
        shapes.push(objects.iter_mut().map(shape).collect());
        shapes.len() - 1
    }

    fn marks(&mut self, field: &Selected<'a>) -> Vec<(Prefix, MarkWhat)> {
        let fields = self.document.fields(HIGHLIGHT, &field.sets);
        self.items(fields, |this, field| match field.name() {
            "field" => MarkWhat::Field,
            "text" => MarkWhat::Text,
            "html" => MarkWhat::Html,
            "ranges" => {
                let fields = this.document.fields(RANGE, &field.sets);
                MarkWhat::Ranges(this.items(fields, |_, field| match field.name() {
                    "start" => RangeWhat::Start,
                    "end" => RangeWhat::End,
                    _ => RangeWhat::Constant(constant(RANGE)),
                }))
            }
            _ => MarkWhat::Constant(constant(HIGHLIGHT)),
        })
    }
}
