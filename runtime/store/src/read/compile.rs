//! From selections to plans.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use async_graphql::Pos;
use async_graphql::parser::types::{Field, SelectionSet};

use super::link::Link;
use super::order::DefaultOrder;
use super::plan::{
    Column, EdgeWhat, Given, GivenArguments, Hop, InfoWhat, List, Member, Missing, Object, Page, PageWhat, PartWhat,
    Path, Prefix, Projection, Relation, StoredShape, StoredWhat, Use, What,
};
use super::selection::{Document, Selected};
use super::sql::quoted;
use crate::access::Used;
use model::content::{ComponentInfo, ContentInfo, FieldInfo, InverseInfo, RelationInfo, Shape};
use model::json;
use model::kind::Kind;

type Sets<'a> = [&'a SelectionSet];

/// Compiles one root field. The document is valid: what the schema does not have was refused before.
pub struct Compiler<'a> {
    document: Document<'a>,
    path: Path,
    slots: usize,
    uses: Vec<Use>,
    /// What several fields have alike is kept once.
    prefixes: HashMap<(bool, &'a str), Prefix>,
    columns: HashMap<String, Arc<str>>,
    arguments: HashMap<*const Field, GivenArguments>,
}

impl<'a> Compiler<'a> {
    pub fn new(document: Document<'a>) -> Self {
        Self {
            document,
            path: Path::default(),
            slots: 0,
            uses: Vec::new(),
            prefixes: HashMap::new(),
            columns: HashMap::new(),
            arguments: HashMap::new(),
        }
    }

    /// Lists with arguments that were met so far.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// All that the field reads.
    pub fn uses(mut self) -> Vec<Use> {
        self.uses.shrink_to_fit();
        self.uses
    }

    pub fn note(&mut self, info: &'static ContentInfo, what: Used, pos: Pos) {
        self.uses.push(Use { info, what, path: self.path.clone(), pos });
    }

    pub fn member(&mut self, info: &'static ContentInfo, sets: &Sets<'a>) -> Member {
        let mut object = Object::new(info);
        let shape = self.shape(&mut object, sets);
        Member { object, shape }
    }

    fn shape(&mut self, object: &mut Object, sets: &Sets<'a>) -> super::plan::Shape {
        let fields = self.document.fields(object.info.name, sets);
        self.items(fields, |this, field| this.field(object, field))
    }

    /// Each field with its key, below its step of the path.
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

    fn column(&mut self, object: &mut Object, sql: String) -> usize {
        let sql = self.columns.entry(sql).or_insert_with_key(|sql| Arc::from(sql.as_str())).clone();
        object.column(Column::Sql(sql))
    }

    fn field(&mut self, object: &mut Object, selected: &Selected<'a>) -> What {
        let info = object.info;
        match selected.name() {
            "__typename" => return What::Constant(constant(info.name)),
            "id" => return What::Id,
            "createdBy" | "updatedBy" => self.note(info, Used::Author, selected.pos),
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
            let member = self.member(inverse.source, &selected.sets);
            let list = self.list(info.name, selected, DefaultOrder::Newest);
            let members = vec![(Link::of_inverse(inverse, info), member)];
            return self.relation(object, Relation::Many { members, list }, selected);
        }
        if let Some(index) = info.computed.iter().position(|computed| computed.name == name) {
            return self.computed(object, index, selected);
        }
        self.connection(object, selected)
    }

    fn own_field(&mut self, object: &mut Object, field: &'static FieldInfo, selected: &Selected<'a>) -> What {
        let info = object.info;
        let column = format!("t.{}", quoted(field.snake));
        self.note(info, Used::Field(field.snake), selected.pos);
        self.note_target(&field.shape, selected.pos);
        match field.shape {
            Shape::Scalar(kind) => match kind.parts() {
                None => What::Scalar { column: self.column(object, kind.select(&column)), kind },
                Some(_) => {
                    let name = |suffix| format!("t.{}", quoted(&format!("{}{suffix}", field.snake)));
                    let columns = kind.columns().iter().map(|part| self.column(object, name(part.suffix))).collect();
                    What::Parts { columns, items: self.parts(kind, &selected.sets) }
                }
            },
            Shape::Enum(of) => What::Enum { column: self.column(object, column), of },
            Shape::Enums(of) => What::Enums { column: self.column(object, column), of },
            Shape::One(info_of) => self.one(object, &info_of, selected),
            Shape::Many(info_of) => {
                let members = info_of
                    .to
                    .iter()
                    .map(|target| (Link::of_relation(&info_of, target), self.member(target, &selected.sets)));
                let members = members.collect();
                let list = self.list(info.name, selected, DefaultOrder::Position("tj"));
                self.relation(object, Relation::Many { members, list }, selected)
            }
            Shape::Children(children) => {
                let member = self.member(children, &selected.sets);
                let list = self.list(info.name, selected, DefaultOrder::Position("t"));
                let members = vec![(Link::to_children(), member)];
                self.relation(object, Relation::Many { members, list }, selected)
            }
            Shape::Component(of) => self.stored(object, column, false, &[of], selected),
            Shape::Components(of) => self.stored(object, column, true, &[of], selected),
            Shape::Blocks(blocks) => self.stored(object, column, true, blocks.of, selected),
        }
    }

    fn one(&mut self, object: &mut Object, to: &RelationInfo, selected: &Selected<'a>) -> What {
        let members = to.to.iter().zip(to.columns).map(|(target, column)| {
            let column = self.column(object, format!("t.{}", quoted(column)));
            (column, self.member(target, &selected.sets))
        });
        let members = members.collect();
        self.relation(object, Relation::One { members }, selected)
    }

    /// A relation to one type is refused where that may not be read; one to several leaves out what may not.
    fn note_target(&mut self, shape: &Shape, pos: Pos) {
        if let Shape::One(RelationInfo { to: [target], .. }) | Shape::Many(RelationInfo { to: [target], .. }) = shape {
            self.note(target, Used::Type, pos);
        }
    }

    /// Whoever may not read a relation must not find it out from its other end.
    fn note_inverse(&mut self, inverse: &InverseInfo, pos: Pos) {
        self.note(inverse.source, Used::Type, pos);
        self.note(inverse.source, Used::Field(inverse.field), pos);
    }

    /// `tagsConnection`: of a to-many relation, of children or of an inverse.
    fn connection(&mut self, object: &mut Object, selected: &Selected<'a>) -> What {
        let info = object.info;
        let name = selected.name().strip_suffix("Connection").unwrap_or_default();
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
        let page = self.page(info.name, target, selected, default);
        self.relation(object, Relation::Page { link, page }, selected)
    }

    pub fn page(
        &mut self,
        parent: &'static str,
        target: &'static ContentInfo,
        selected: &Selected<'a>,
        default: DefaultOrder,
    ) -> Page {
        let list = self.list(parent, selected, default);
        let mut page = Page {
            list,
            object: Object::new(target),
            shapes: Vec::new(),
            items: Vec::new(),
            rows: false,
            cursors: false,
            total: false,
        };
        let fields = self.document.fields(&format!("{}Connection", target.name), &selected.sets);
        page.items = self.items(fields, |this, field| this.page_field(&mut page, field));
        page
    }

    fn page_field(&mut self, page: &mut Page, selected: &Selected<'a>) -> PageWhat {
        let target = page.object.info.name;
        page.rows |= matches!(selected.name(), "edges" | "nodes" | "pageInfo");
        match selected.name() {
            "edges" => {
                let fields = self.document.fields(&format!("{target}Edge"), &selected.sets);
                PageWhat::Edges(self.items(fields, |this, field| match field.name() {
                    "cursor" => {
                        page.cursors = true;
                        EdgeWhat::Cursor
                    }
                    "node" => EdgeWhat::Node(this.page_shape(page, &field.sets)),
                    _ => EdgeWhat::Constant(constant(&format!("{target}Edge"))),
                }))
            }
            "nodes" => PageWhat::Nodes(self.page_shape(page, &selected.sets)),
            "pageInfo" => {
                let fields = self.document.fields("PageInfo", &selected.sets);
                PageWhat::Info(self.items(fields, |_, field| {
                    page.cursors |= matches!(field.name(), "startCursor" | "endCursor");
                    match field.name() {
                        "hasNextPage" => InfoWhat::HasNext,
                        "hasPreviousPage" => InfoWhat::HasPrevious,
                        "startCursor" => InfoWhat::Start,
                        "endCursor" => InfoWhat::End,
                        _ => InfoWhat::Constant(constant("PageInfo")),
                    }
                }))
            }
            "totalCount" => {
                page.total = true;
                PageWhat::TotalCount
            }
            _ => PageWhat::Constant(constant(&format!("{target}Connection"))),
        }
    }

    fn page_shape(&mut self, page: &mut Page, sets: &Sets<'a>) -> usize {
        let shape = self.shape(&mut page.object, sets);
        page.shapes.push(shape);
        page.shapes.len() - 1
    }

    fn computed(&mut self, object: &mut Object, index: usize, selected: &Selected<'a>) -> What {
        let computed = &object.info.computed[index];
        self.note(object.info, Used::Computed(computed.name), selected.pos);
        let known = object.computed.iter().position(|known| known.name == computed.name);
        let index = known.unwrap_or_else(|| {
            object.computed.push(computed);
            object.computed.len() - 1
        });
        let nullable = self.is_nullable(object.info.name, selected);
        What::Computed { index, items: self.parts(computed.kind, &selected.sets), nullable, pos: selected.pos }
    }

    /// The fields of money; none for a kind that is no object.
    fn parts(&mut self, kind: Kind, sets: &Sets<'a>) -> Vec<(Prefix, PartWhat)> {
        let Some(parts) = kind.parts() else { return Vec::new() };
        let fields = self.document.fields(parts.type_name, sets);
        self.items(fields, |_, field| match parts.fields.iter().find(|part| part.name == field.name()) {
            Some(part) => PartWhat::Part(part),
            None => PartWhat::Constant(constant(parts.type_name)),
        })
    }

    fn stored(
        &mut self,
        object: &mut Object,
        column: String,
        many: bool,
        of: &[&'static ComponentInfo],
        selected: &Selected<'a>,
    ) -> What {
        let column = self.column(object, column);
        let shape = self.stored_shape(object, column, many, of, &selected.sets, &[]);
        What::Stored { column, shape, nullable: self.is_nullable(object.info.name, selected) }
    }

    fn is_nullable(&self, parent: &str, selected: &Selected<'_>) -> bool {
        (self.document.nullable)(parent, selected.name())
    }

    fn relation(&self, object: &mut Object, relation: Relation, selected: &Selected<'_>) -> What {
        object.relations.push(relation);
        let nullable = self.is_nullable(object.info.name, selected);
        What::Relation { relation: object.relations.len() - 1, nullable }
    }

    fn stored_shape(
        &mut self,
        object: &mut Object,
        column: usize,
        many: bool,
        of: &[&'static ComponentInfo],
        sets: &Sets<'a>,
        hops: &[Hop],
    ) -> StoredShape {
        let of = of.iter().map(|component| {
            let tag = (of.len() > 1).then_some(component.tag);
            (component.tag, self.projection(object, column, component, sets, hops, tag))
        });
        StoredShape { many, of: of.collect() }
    }

    fn projection(
        &mut self,
        object: &mut Object,
        column: usize,
        component: &'static ComponentInfo,
        sets: &Sets<'a>,
        hops: &[Hop],
        tag: Option<&'static str>,
    ) -> Projection {
        let fields = self.document.fields(component.name, sets);
        self.items(fields, |this, selected| {
            let Some(field) = component.field(selected.name()) else {
                return StoredWhat::Constant(constant(component.name));
            };
            let key = field.snake;
            let hops: Vec<_> = hops.iter().copied().chain(iter::once(Hop { tag, key })).collect();
            let nullable = this.is_nullable(component.name, selected);
            let missing = if nullable { Missing::Null } else { Missing::Failure(selected.pos) };
            let mut nested = |many, of: &[&'static ComponentInfo]| {
                let shape = this.stored_shape(object, column, many, of, &selected.sets, &hops);
                StoredWhat::Nested { key, shape, nullable }
            };
            match field.shape {
                Shape::Component(of) => nested(false, &[of]),
                Shape::Components(of) => nested(true, &[of]),
                Shape::Blocks(blocks) => nested(true, blocks.of),
                Shape::Scalar(kind) if kind.parts().is_none() => StoredWhat::Copy { key, missing },
                Shape::Scalar(kind) => StoredWhat::Parts { key, items: this.parts(kind, &selected.sets), missing },
                Shape::Enum(of) => StoredWhat::Enum { key, of, missing },
                Shape::Enums(of) => StoredWhat::Enums { key, of },
                Shape::One(to) | Shape::Many(to) => {
                    this.note_target(&field.shape, selected.pos);
                    let many = matches!(field.shape, Shape::Many(_));
                    let member = this.member(to.to[0], &selected.sets);
                    let list = many.then(|| this.list(component.name, selected, DefaultOrder::Newest));
                    object.relations.push(Relation::Stored { column, hops, member, list });
                    StoredWhat::Relation { key, many, relation: object.relations.len() - 1, nullable }
                }
                Shape::Children(_) => panic!("codegen bug: `{}` is a component with children", component.name),
            }
        })
    }

    fn list(&mut self, parent: &'static str, selected: &Selected<'a>, default: DefaultOrder) -> List {
        let slot = self.slots;
        self.slots += 1;
        List { slot, given: self.given(parent, selected), default }
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

    /// What every entry has; children have none of it.
    fn system_field(&mut self, object: &mut Object, name: &str) -> Option<What> {
        let mut column = |name: &str| self.column(object, format!("t.{name}"));
        Some(match name {
            "revision" => What::Scalar { column: column("revision"), kind: Kind::Integer },
            "createdAt" => What::Scalar { column: column("created_at"), kind: Kind::Datetime },
            "updatedAt" => What::Scalar { column: column("updated_at"), kind: Kind::Datetime },
            "publishedAt" => What::Scalar { column: column("published_at"), kind: Kind::Datetime },
            "createdBy" => What::Scalar { column: column("created_by"), kind: Kind::User },
            "updatedBy" => What::Scalar { column: column("updated_by"), kind: Kind::User },
            "status" => {
                let revision = column("revision");
                What::Status { revision, live: object.column(Column::LiveRevision) }
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
