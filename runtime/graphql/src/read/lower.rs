//! Turns a selection into the plan of its reads and the shape of its response.

mod aggregate;
mod search;
mod stored;

use std::collections::HashMap;

use async_graphql::Pos;
use async_graphql::parser::types::{Field, SelectionSet};

use super::selection::{Document, REDIRECTION, Selected};
use super::shape::{
    self, EdgeWhat, Given, GivenArguments, InfoWhat, PageShape, PageWhat, PartWhat, Path, Place, Prefix,
    RedirectionWhat, What,
};
use model::content::{ContentInfo, FieldInfo, InverseInfo, PathPart, RelationInfo, Shape};
use model::json;
use model::kind::Kind;
use store::access::Used;
use store::read::link::Link;
use store::read::order::DefaultOrder;
use store::read::plan::{Column, List, Object, Page, Planning, ReadPlan, Relation, Root};

type Sets<'a> = [&'a SelectionSet];

/// Lowers one root field. The document is valid, so all fields exist in the schema.
pub struct Lowering<'a> {
    document: Document<'a>,
    planning: Planning,
    path: Path,
    lists: Vec<Given>,
    places: Vec<Place>,
    /// Shared by fields with the same key or arguments.
    prefixes: HashMap<(bool, &'a str), Prefix>,
    arguments: HashMap<*const Field, GivenArguments>,
}

/// The reads of a field, and their places in the document.
#[derive(Debug)]
pub struct Lowered {
    pub plan: ReadPlan,
    /// One for each list of the plan.
    pub lists: Vec<Given>,
    /// One for each use of the plan.
    pub places: Vec<Place>,
}

impl<'a> Lowering<'a> {
    pub fn new(document: Document<'a>) -> Self {
        Self {
            document,
            planning: Planning::default(),
            path: Path::default(),
            lists: Vec::new(),
            places: Vec::new(),
            prefixes: HashMap::new(),
            arguments: HashMap::new(),
        }
    }

    pub fn finish(mut self, root: Root) -> Lowered {
        self.places.shrink_to_fit();
        self.lists.shrink_to_fit();
        Lowered { plan: self.planning.plan(root), lists: self.lists, places: self.places }
    }

    pub fn note(&mut self, info: &'static ContentInfo, what: Used, pos: Pos) {
        self.planning.note(info, what);
        self.places.push(Place { path: self.path.clone(), pos });
    }

    pub fn object(&mut self, info: &'static ContentInfo, sets: &Sets<'a>) -> (Object, shape::Shape) {
        let mut object = Object::new(info);
        let shape = self.shape(&mut object, sets);
        (object, shape)
    }

    /// What is selected of a redirect.
    pub fn redirection(&mut self, sets: &Sets<'a>) -> Vec<(Prefix, RedirectionWhat)> {
        let fields = self.document.fields(REDIRECTION, sets);
        self.items(fields, |_, field| match field.name() {
            "status" => RedirectionWhat::Status,
            "location" => RedirectionWhat::Location,
            _ => RedirectionWhat::Typename,
        })
    }

    fn shape(&mut self, object: &mut Object, sets: &Sets<'a>) -> shape::Shape {
        let fields = self.document.fields(object.info.name, sets);
        self.items(fields, |this, field| this.field(object, field))
    }

    /// Converts each field, with its key and its step of the path.
    fn items<T>(
        &mut self,
        fields: Vec<Selected<'a>>,
        mut each: impl FnMut(&mut Self, &Selected<'a>) -> T,
    ) -> Vec<(Prefix, T)> {
        let mut items = Vec::with_capacity(fields.len());
        for field in fields {
            let prefix = self.prefix(items.is_empty(), field.key);
            items.push((prefix, self.below(&field, |this| each(this, &field))));
        }
        items
    }

    pub fn below<T>(&mut self, selected: &Selected<'a>, inner: impl FnOnce(&mut Self) -> T) -> T {
        self.path = self.path.below(selected.field.response_key().node.clone());
        let result = inner(self);
        self.path = self.path.above();
        result
    }

    fn prefix(&mut self, first: bool, key: &'a str) -> Prefix {
        let make = || format!("{}\"{key}\":", if first { '{' } else { ',' }).into_bytes().into();
        self.prefixes.entry((first, key)).or_insert_with(make).clone()
    }

    fn field(&mut self, object: &mut Object, selected: &Selected<'a>) -> What {
        let info = object.info;
        match selected.name() {
            "__typename" => return What::Constant(constant(info.name)),
            "id" => return What::Id,
            "createdBy" | "updatedBy" | "publishedBy" => self.note(info, Used::Author, selected.pos),
            "path" => self.note_path(info, selected.pos),
            _ => {}
        }
        match selected.name() {
            name if info.owner.is_none() => {
                if let Some(what) = self.system_field(object, name) {
                    return what;
                }
            }
            _ => {}
        }
        let name = selected.name();
        if let Some(field) = info.field(name) {
            return self.own_field(object, field, selected);
        }
        if let Some(inverse) = info.inverses.iter().find(|inverse| inverse.name == name) {
            self.note_inverse(inverse, selected.pos);
            let link = Link::of_inverse(inverse, info);
            return self.many(object, vec![(link, inverse.source)], selected, DefaultOrder::Newest);
        }
        if let Some(index) = info.computed.iter().position(|computed| computed.name == name) {
            return self.computed(object, index, selected);
        }
        self.connection(object, selected)
    }

    fn own_field(&mut self, object: &mut Object, field: &'static FieldInfo, selected: &Selected<'a>) -> What {
        let info = object.info;
        self.note(info, Used::Field(field.snake), selected.pos);
        self.note_target(&field.shape, selected.pos);
        match field.shape {
            Shape::Scalar(kind) => {
                let columns = self.planning.scalar(object, field, kind);
                match (kind.parts(), columns.as_slice()) {
                    (None, [column]) => What::Scalar { column: *column, kind },
                    _ => What::Parts { columns, items: self.parts(kind, &selected.sets) },
                }
            }
            Shape::Enum(of) => What::Enum { column: self.planning.column(object, field.snake), of },
            Shape::Enums(of) => What::Enums { column: self.planning.column(object, field.snake), of },
            Shape::One(to) => self.one(object, &to, selected),
            Shape::Many(to) => {
                let targets = to.to.iter().map(|target| (Link::of_relation(&to, target), *target)).collect();
                self.many(object, targets, selected, DefaultOrder::Position("tj"))
            }
            Shape::Children(children) => {
                self.many(object, vec![(Link::to_children(), children)], selected, DefaultOrder::Position("t"))
            }
            Shape::Component(of) => self.stored(object, field, false, &[of], selected),
            Shape::Components(of) => self.stored(object, field, true, &[of], selected),
            Shape::Blocks(blocks) => self.stored(object, field, true, blocks.of, selected),
        }
    }

    fn one(&mut self, object: &mut Object, to: &RelationInfo, selected: &Selected<'a>) -> What {
        let columns = self.planning.targets(object, to);
        let (objects, shapes): (Vec<_>, _) = to.to.iter().map(|target| self.object(target, &selected.sets)).unzip();
        let members = columns.into_iter().zip(objects).collect();
        let relation = object.relation(Relation::One { members });
        What::Related { relation, shapes, nullable: self.is_nullable(object.info.name, selected) }
    }

    fn many(
        &mut self,
        object: &mut Object,
        targets: Vec<(Link, &'static ContentInfo)>,
        selected: &Selected<'a>,
        default: DefaultOrder,
    ) -> What {
        let (mut members, mut shapes) = (Vec::with_capacity(targets.len()), Vec::with_capacity(targets.len()));
        for (link, target) in targets {
            let (object, shape) = self.object(target, &selected.sets);
            members.push((link, object));
            shapes.push(shape);
        }
        let list = self.list(object.info.name, selected, default);
        let relation = object.relation(Relation::Many { members, list });
        What::Related { relation, shapes, nullable: self.is_nullable(object.info.name, selected) }
    }

    /// A relation to one type is rejected if the actor may not read it. A relation to several leaves out such types.
    fn note_target(&mut self, shape: &Shape, pos: Pos) {
        if let Shape::One(RelationInfo { to: [target], .. }) | Shape::Many(RelationInfo { to: [target], .. }) = shape {
            self.note(target, Used::Type, pos);
        }
    }

    /// A path tells the fields that it is made of.
    fn note_path(&mut self, info: &'static ContentInfo, pos: Pos) {
        for part in info.path {
            if let PathPart::Slug(field) | PathPart::Above(field) = part {
                self.note(info, Used::Field(field), pos);
            }
        }
    }

    /// A role that may not read a relation must not learn it from the other end.
    fn note_inverse(&mut self, inverse: &InverseInfo, pos: Pos) {
        self.note(inverse.source, Used::Type, pos);
        self.note(inverse.source, Used::Field(inverse.field), pos);
    }

    /// `tagsConnection`: of a to-many relation, of children or of an inverse.
    fn connection(&mut self, object: &mut Object, selected: &Selected<'a>) -> What {
        let info = object.info;
        let name = self.document.routes.paged(info, selected.name()).unwrap_or_default();
        let found = info.field(name).map(|field| (field, field.shape));
        if let Some((field, shape)) = found {
            self.note(info, Used::Field(field.snake), selected.pos);
            self.note_target(&shape, selected.pos);
        }
        let (link, target, default) = match found {
            Some((_, Shape::Many(to))) if to.to.len() == 1 => {
                (Link::of_relation(&to, to.to[0]), to.to[0], DefaultOrder::Position("tj"))
            }
            Some((_, Shape::Children(children))) => (Link::to_children(), children, DefaultOrder::Position("t")),
            _ => match info.inverses.iter().find(|inverse| inverse.name == name) {
                Some(inverse) => {
                    self.note_inverse(inverse, selected.pos);
                    (Link::of_inverse(inverse, info), inverse.source, DefaultOrder::Newest)
                }
                None => panic!("codegen bug: `{}` has no field `{}`", info.name, selected.name()),
            },
        };
        let (page, shape) = self.page(info.name, target, selected, default);
        let relation = object.relation(Relation::Page { link, page });
        What::Page { relation, page: shape, nullable: self.is_nullable(info.name, selected) }
    }

    pub fn page(
        &mut self,
        parent: &'static str,
        target: &'static ContentInfo,
        selected: &Selected<'a>,
        default: DefaultOrder,
    ) -> (Page, PageShape) {
        let list = self.list(parent, selected, default);
        let (mut page, mut shapes) = (Page::new(target, list), Vec::new());
        let fields = self.document.fields(self.document.routes.connection(target).connection, &selected.sets);
        let items = self.items(fields, |this, field| this.page_field(&mut page, &mut shapes, field));
        (page, PageShape { shapes, items })
    }

    fn page_field(&mut self, page: &mut Page, shapes: &mut Vec<shape::Shape>, selected: &Selected<'a>) -> PageWhat {
        let names = self.document.routes.connection(page.object.info);
        page.rows |= matches!(selected.name(), "edges" | "nodes" | "pageInfo");
        match selected.name() {
            "edges" => {
                let fields = self.document.fields(names.edge, &selected.sets);
                PageWhat::Edges(self.items(fields, |this, field| match field.name() {
                    "cursor" => {
                        page.cursors = true;
                        EdgeWhat::Cursor
                    }
                    "node" => EdgeWhat::Node(this.page_shape(page, shapes, &field.sets)),
                    _ => EdgeWhat::Constant(constant(names.edge)),
                }))
            }
            "nodes" => PageWhat::Nodes(self.page_shape(page, shapes, &selected.sets)),
            "pageInfo" => {
                let fields = self.document.fields("PageInfo", &selected.sets);
                PageWhat::Info(self.items(fields, |_, field| {
                    page.cursors |= matches!(field.name(), "startCursor" | "endCursor");
                    InfoWhat::named(field.name())
                }))
            }
            "totalCount" => {
                let has_arguments = !selected.field.arguments.is_empty();
                let slot = has_arguments.then(|| self.list(names.connection, selected, DefaultOrder::Newest).slot);
                page.totals.push(slot);
                PageWhat::TotalCount(page.totals.len() - 1)
            }
            _ => PageWhat::Constant(constant(names.connection)),
        }
    }

    fn page_shape(&mut self, page: &mut Page, shapes: &mut Vec<shape::Shape>, sets: &Sets<'a>) -> usize {
        shapes.push(self.shape(&mut page.object, sets));
        shapes.len() - 1
    }

    fn computed(&mut self, object: &mut Object, index: usize, selected: &Selected<'a>) -> What {
        let computed = &object.info.computed[index];
        self.note(object.info, Used::Computed(computed.name), selected.pos);
        let has_args = !computed.args.is_empty();
        let slot = has_args.then(|| self.list(object.info.name, selected, DefaultOrder::Newest).slot);
        let index = object.computed(computed, slot);
        let nullable = self.is_nullable(object.info.name, selected);
        What::Computed { index, items: self.parts(computed.kind, &selected.sets), nullable, pos: selected.pos }
    }

    /// The fields of money; empty for a kind that is not an object.
    fn parts(&mut self, kind: Kind, sets: &Sets<'a>) -> Vec<(Prefix, PartWhat)> {
        let Some(parts) = kind.parts() else { return Vec::new() };
        let fields = self.document.fields(parts.type_name, sets);
        self.items(fields, |_, field| match parts.fields.iter().find(|part| part.name == field.name()) {
            Some(part) => PartWhat::Part(part),
            None => PartWhat::Constant(constant(parts.type_name)),
        })
    }

    fn is_nullable(&self, parent: &str, selected: &Selected<'_>) -> bool {
        (self.document.nullable)(parent, selected.name())
    }

    fn list(&mut self, parent: &'static str, selected: &Selected<'a>, default: DefaultOrder) -> List {
        let given = self.given(parent, selected);
        self.lists.push(given);
        self.planning.list(default)
    }

    pub fn given(&mut self, parent: &'static str, selected: &Selected<'a>) -> Given {
        let field = selected.field;
        let arguments =
            || field.arguments.iter().map(|(name, value)| (name.node.clone(), value.node.clone())).collect();
        Given {
            parent,
            field: field.name.node.clone(),
            arguments: self.arguments.entry(std::ptr::from_ref(field)).or_insert_with(arguments).clone(),
            pos: selected.pos,
        }
    }

    /// The system fields of an entry; children have none.
    fn system_field(&mut self, object: &mut Object, name: &str) -> Option<What> {
        let mut column = |name: &str| self.planning.column(object, name);
        Some(match name {
            "revision" => What::Scalar { column: column("revision"), kind: Kind::Integer },
            "createdAt" => What::Scalar { column: column("created_at"), kind: Kind::Datetime },
            "updatedAt" => What::Scalar { column: column("updated_at"), kind: Kind::Datetime },
            "publishedAt" => What::Scalar { column: column("published_at"), kind: Kind::Datetime },
            "firstPublishedAt" => What::Scalar { column: column("first_published_at"), kind: Kind::Datetime },
            "createdBy" => What::Scalar { column: column("created_by"), kind: Kind::User },
            "updatedBy" => What::Scalar { column: column("updated_by"), kind: Kind::User },
            "scheduledAt" => What::Scalar { column: object.column(Column::Scheduled), kind: Kind::Datetime },
            "publishedBy" => What::Scalar { column: column("published_by"), kind: Kind::User },
            "status" => {
                let revision = column("revision");
                What::Status { revision, live: object.column(Column::LiveRevision) }
            }
            "path" if !object.info.path.is_empty() => {
                What::Scalar { column: object.column(Column::Path), kind: Kind::String }
            }
            "reviewStage" if self.document.schema.review(object.info).is_some() => {
                What::Scalar { column: object.column(Column::ReviewStage), kind: Kind::String }
            }
            _ => return None,
        })
    }
}

/// A text as JSON.
pub fn constant(text: &str) -> Box<[u8]> {
    let mut out = Vec::new();
    json::write_string(text.as_bytes(), &mut out);
    out.into()
}
