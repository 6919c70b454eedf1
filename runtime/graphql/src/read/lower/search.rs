//! `search`: a page of entries of several types.

use super::{Lowering, constant};
use crate::read::selection::Selected;
use crate::read::shape::{
    CountWhat, FacetShape, FacetWhat, FacetsWhat, InfoWhat, MarkWhat, Prefix, RangeWhat, SearchEdgeWhat, SearchShape,
    SearchWhat, Shape,
};
use model::content::{ContentInfo, FacetInfo, FieldInfo, SearchInfo};
use store::access::Used;
use store::read::plan::Object;
use store::search::matches::filter_key;

const CONNECTION: &str = "SearchConnection";
const EDGE: &str = "SearchEdge";
const HIGHLIGHT: &str = "SearchHighlight";
const RANGE: &str = "SearchRange";
const FACETS: &str = "SearchFacets";
const SUGGESTIONS: &str = "Suggestions";

impl<'a> Lowering<'a> {
    pub fn search(&mut self, selected: &Selected<'a>, begun: bool) -> (Vec<Object>, SearchShape) {
        let types = self.document.schema.types.iter().filter(|info| info.search.is_some());
        let mut objects: Vec<Object> = types.map(|info| Object::new(info)).collect();
        let searched = objects.len();
        let mut counted: Vec<Object> = Vec::new();
        let (mut shapes, mut facets) = (Vec::new(), Vec::new());
        let of = if begun { SUGGESTIONS } else { CONNECTION };
        let fields = self.document.fields(of, &selected.sets);
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
            "isPartial" => SearchWhat::Partial,
            "queries" => SearchWhat::Queries,
            "facets" => SearchWhat::Facets(this.facets(&mut facets, (&mut counted, searched), field)),
            _ => SearchWhat::Constant(constant(of)),
        });
        objects.extend(counted);
        (objects, SearchShape { begun, searched, shapes, facets, items })
    }

    /// The facets of the types. Their entries get objects after those that are searched.
    fn facets(
        &mut self,
        facets: &mut Vec<FacetShape>,
        (counted, searched): (&mut Vec<Object>, usize),
        selected: &Selected<'a>,
    ) -> Vec<(Prefix, FacetsWhat)> {
        let fields = self.document.fields(FACETS, &selected.sets);
        self.items(fields, |this, field| {
            let is_of = |info: &&ContentInfo| info.search.is_some() && filter_key(info) == field.name();
            let found = this.document.schema.types.iter().copied().find(is_of);
            let Some((info, search)) = found.and_then(|info| Some((info, info.search?))) else {
                return FacetsWhat::Constant(constant(FACETS));
            };
            this.note(info, Used::Type, field.pos);
            let fields = this.document.fields(search.facets_type, &field.sets);
            FacetsWhat::Of(this.items(fields, |this, selected| {
                let facet = search
                    .facets
                    .iter()
                    .find(|facet| info.field(selected.name()).is_some_and(|field| field.snake == facet.field));
                let found = facet.zip(info.field(selected.name()));
                let Some((facet, field)) = found else { return FacetWhat::Constant(constant(search.facets_type)) };
                let shape = this.facet((info, search, facet, field), (counted, searched), selected);
                facets.push(shape);
                FacetWhat::Facet(facets.len() - 1)
            }))
        })
    }

    fn facet(
        &mut self,
        (info, search, facet, field): (
            &'static ContentInfo,
            &'static SearchInfo,
            &'static FacetInfo,
            &'static FieldInfo,
        ),
        (counted, searched): (&mut Vec<Object>, usize),
        selected: &Selected<'a>,
    ) -> FacetShape {
        self.note(info, Used::Field(field.snake), selected.pos);
        self.note_target(&field.shape, selected.pos);
        let given = self.given(search.facets_type, selected);
        let mut object = match field.shape {
            model::content::Shape::One(to) | model::content::Shape::Many(to) => Some(Object::new(to.to[0])),
            _ => None,
        };
        let items = match facet.type_name {
            "" => Vec::new(),
            ty => {
                let fields = self.document.fields(ty, &selected.sets);
                self.items(fields, |this, field| match (field.name(), &mut object) {
                    ("value", _) => CountWhat::Value,
                    ("count", _) => CountWhat::Count,
                    ("node", Some(object)) => CountWhat::Node(this.shape(object, &field.sets)),
                    _ => CountWhat::Constant(constant(ty)),
                })
            }
        };
        let object = object.map(|object| {
            counted.push(object);
            searched + counted.len() - 1
        });
        FacetShape { given, info, field, object, items }
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
