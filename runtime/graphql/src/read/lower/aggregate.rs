//! Aggregates of a type: what is computed, and the entries that groups have in common.

use super::{Lowering, constant};
use crate::read::selection::Selected;
use crate::read::shape::{AggregateShape, AggregateWhat, GroupWhat, Prefix, Statistic, ValueWhat};
use model::content::{AggregateInfo, ContentInfo, Shape};
use model::kind::Kind;
use store::access::Used;
use store::read::aggregate::Measured;
use store::read::plan::Object;

const MOMENTS: [(&str, &str); 4] = [
    ("createdAt", "created_at"),
    ("updatedAt", "updated_at"),
    ("publishedAt", "published_at"),
    ("firstPublishedAt", "first_published_at"),
];

impl<'a> Lowering<'a> {
    pub fn aggregate(&mut self, info: &'static ContentInfo, selected: &Selected<'a>) -> (Vec<Object>, AggregateShape) {
        let (mut objects, mut measured) = (Vec::new(), Vec::new());
        let Some(names) = self.document.routes.connection(info).aggregates else {
            return (objects, AggregateShape { info, measured, items: Vec::new() });
        };
        let fields = self.document.fields(names.type_name, &selected.sets);
        let items = self.items(fields, |this, field| {
            let statistic = match field.name() {
                "count" => return AggregateWhat::Count,
                "group" => return AggregateWhat::Group(this.group((info, names), &mut objects, field)),
                "min" => Statistic::Min,
                "max" => Statistic::Max,
                "sum" => Statistic::Sum,
                _ => return AggregateWhat::Constant(constant(names.type_name)),
            };
            AggregateWhat::Values(statistic, this.values((info, names), statistic, &mut measured, field))
        });
        (objects, AggregateShape { info, measured, items })
    }

    fn group(
        &mut self,
        (info, names): (&'static ContentInfo, &AggregateInfo),
        objects: &mut Vec<Object>,
        selected: &Selected<'a>,
    ) -> Vec<(Prefix, GroupWhat)> {
        let fields = self.document.fields(names.group, &selected.sets);
        self.items(fields, |this, selected| {
            let Some(field) = info.field(selected.name()) else { return GroupWhat::Constant(constant(names.group)) };
            this.note(info, Used::Field(field.snake), selected.pos);
            this.note_target(&field.shape, selected.pos);
            match field.shape {
                Shape::One(relation) | Shape::Many(relation) => {
                    let (object, shape) = this.object(relation.to[0], &selected.sets);
                    objects.push(object);
                    GroupWhat::Entry(field, objects.len() - 1, shape)
                }
                _ => GroupWhat::Value(field),
            }
        })
    }

    fn values(
        &mut self,
        (info, names): (&'static ContentInfo, &AggregateInfo),
        statistic: Statistic,
        measured: &mut Vec<Measured>,
        selected: &Selected<'a>,
    ) -> Vec<(Prefix, ValueWhat)> {
        let is_summed = matches!(statistic, Statistic::Sum);
        let of = if is_summed { names.sums } else { names.extremes };
        let fields = self.document.fields(of, &selected.sets);
        self.items(fields, |this, selected| {
            let moment = MOMENTS.iter().find(|(name, _)| *name == selected.name());
            let (column, kind) = match (moment, info.field(selected.name())) {
                (Some((_, column)), _) => (*column, Kind::Datetime),
                (None, Some(field)) => {
                    this.note(info, Used::Field(field.snake), selected.pos);
                    let Shape::Scalar(kind) = field.shape else { return ValueWhat::Constant(constant(of)) };
                    (field.snake, kind)
                }
                (None, None) => return ValueWhat::Constant(constant(of)),
            };
            let known = measured.iter().position(|known| known.column == column);
            let place = known.unwrap_or_else(|| {
                measured.push(Measured { column, kind, is_summed: false });
                measured.len() - 1
            });
            measured[place].is_summed |= is_summed;
            match kind.parts() {
                None => ValueWhat::Value(place),
                Some(_) => ValueWhat::Amounts(place, this.parts(kind, &selected.sets)),
            }
        })
    }
}
