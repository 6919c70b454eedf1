//! Components and blocks, which are JSON in a column of their owner.

use std::iter;

use super::{Lowering, Sets, constant};
use crate::read::selection::Selected;
use crate::read::shape::{Missing, Projection, StoredShape, StoredWhat, What};
use model::content::{ComponentInfo, FieldInfo, Shape};
use store::read::order::DefaultOrder;
use store::read::plan::{Hop, Object, Relation};

impl<'a> Lowering<'a> {
    pub(super) fn stored(
        &mut self,
        object: &mut Object,
        field: &FieldInfo,
        many: bool,
        of: &[&'static ComponentInfo],
        selected: &Selected<'a>,
    ) -> What {
        let column = self.planning.column(object, field.snake);
        let shape = self.stored_shape(object, column, many, of, &selected.sets, &[]);
        What::Stored { column, shape, nullable: self.is_nullable(object.info.name, selected) }
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
                    let (target, shape) = this.object(to.to[0], &selected.sets);
                    let list = many.then(|| this.list(component.name, selected, DefaultOrder::Newest));
                    let relation = object.relation(Relation::Stored { column, hops, object: target, list });
                    StoredWhat::Relation { key, many, relation, shape, nullable }
                }
                Shape::Children(_) => panic!("codegen bug: `{}` is a component with children", component.name),
            }
        })
    }
}
