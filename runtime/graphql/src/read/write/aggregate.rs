//! Groups of entries, with what was computed of them.

use std::collections::HashMap;

use serde_json::Value as Json;
use uuid::Uuid;

use super::{Result, Writer};
use crate::read::shape::{AggregateShape, AggregateWhat, GroupWhat, Statistic, ValueWhat};
use model::content::{FieldInfo, Shape};
use store::read::aggregate::{Group, Shared, Values};
use store::read::load::Loaded;
use store::read::plan::Object;

pub struct Groups<'a> {
    pub by: Vec<&'static FieldInfo>,
    pub groups: Vec<Group>,
    pub objects: &'a [Object],
    pub named: Vec<Named>,
}

/// The rows of an object.
pub struct Named {
    pub object: usize,
    pub loaded: Option<(Loaded, HashMap<Uuid, usize>)>,
}

impl Writer<'_, '_> {
    pub fn aggregates(&mut self, groups: &Groups<'_>, shape: &AggregateShape) -> Result<()> {
        self.list(groups.groups.iter(), |this, group| {
            this.fields(&shape.items, |this, what| match what {
                AggregateWhat::Constant(json) => this.bytes(json),
                AggregateWhat::Count => this.bytes(group.count.to_string().as_bytes()),
                AggregateWhat::Group(items) => this.fields(items, |this, what| this.shared(groups, group, what)),
                AggregateWhat::Values(statistic, items) => {
                    this.fields(items, |this, what| this.value(group, *statistic, what))
                }
            })
        })
    }

    fn shared(&mut self, groups: &Groups<'_>, group: &Group, what: &GroupWhat) -> Result<()> {
        let field = match what {
            GroupWhat::Constant(json) => return self.bytes(json),
            GroupWhat::Value(field) | GroupWhat::Entry(field, ..) => *field,
        };
        let place = groups.by.iter().position(|by| by.snake == field.snake);
        let key = place.and_then(|place| group.keys.get(place)?.as_ref());
        match (what, key) {
            (GroupWhat::Value(field), Some(Shared::Value(stored))) => match field.shape {
                Shape::Enum(of) | Shape::Enums(of) => match of.values.iter().find(|(value, _)| value == stored) {
                    Some((_, shown)) => self.text(shown),
                    None => self.nothing(),
                },
                _ => self.bytes(stored.as_bytes()),
            },
            (GroupWhat::Entry(_, object, shape), Some(Shared::Entry(id))) => {
                let named = groups.named.iter().find(|named| named.object == *object);
                let found = named.and_then(|named| {
                    let (loaded, places) = named.loaded.as_ref()?;
                    Some((loaded, *places.get(id)?))
                });
                match found {
                    Some((loaded, row)) => {
                        let object = &groups.objects[*object];
                        self.or_null(true, |this| this.object(object, shape, loaded, row))
                    }
                    None => self.nothing(),
                }
            }
            _ => self.nothing(),
        }
    }

    fn value(&mut self, group: &Group, statistic: Statistic, what: &ValueWhat) -> Result<()> {
        let of = |place: usize| group.values.get(place).map_or(&Json::Null, |values| one(values, statistic));
        match what {
            ValueWhat::Constant(json) => self.bytes(json),
            ValueWhat::Value(place) => self.bytes(of(*place).to_string().as_bytes()),
            ValueWhat::Amounts(place, items) => {
                let amounts = of(*place).as_array().map(Vec::as_slice).unwrap_or_default();
                self.list(amounts.iter(), |this, amount| this.parts(items, amount.to_string().as_bytes()))
            }
        }
    }
}

fn one(values: &Values, statistic: Statistic) -> &Json {
    match statistic {
        Statistic::Min => &values.min,
        Statistic::Max => &values.max,
        Statistic::Sum => &values.sum,
    }
}
