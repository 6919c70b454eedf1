//! References inside components and blocks, which are kept as JSON.

use serde_json::Value as Json;

use crate::value::Value;
use model::content::{ComponentInfo, FieldInfo, Shape};
use model::names::camel;

/// Where a relation is, in the value of a field.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// In API names, from the field on: `body.0.callToAction.products`.
    pub path: String,
    /// As a JSON pointer into what is stored: `/0/products`.
    pub pointer: String,
    /// The component that has the relation.
    pub tag: &'static str,
}

impl Place {
    fn item(&self, index: usize) -> Self {
        Self { path: format!("{}.{index}", self.path), pointer: format!("{}/{index}", self.pointer), tag: self.tag }
    }

    fn block(&self, component: &ComponentInfo) -> Self {
        Self { path: format!("{}.{}", self.path, camel(component.tag)), ..self.clone() }
    }

    fn field(&self, component: &ComponentInfo, field: &FieldInfo) -> Self {
        Self {
            path: format!("{}.{}", self.path, field.name),
            pointer: format!("{}/{}", self.pointer, field.snake),
            tag: component.tag,
        }
    }
}

/// What is called for each relation, with its JSON: an id, a list of them, or null.
pub type Each<'a> = dyn FnMut(&'static FieldInfo, &mut Json, &Place) + 'a;

/// Visits the relations inside the value of a field.
pub fn each(field: &FieldInfo, value: &mut Value, found: &mut Each<'_>) {
    let place = Place { path: field.name.to_owned(), ..Place::default() };
    match value {
        Value::Json(json) => of_value(&field.shape, json, &place, found),
        Value::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                if let Value::Json(json) = item {
                    of_item(&field.shape, json, &place.item(index), found);
                }
            }
        }
        _ => {}
    }
}

fn of_value(shape: &Shape, json: &mut Json, place: &Place, found: &mut Each<'_>) {
    match shape {
        Shape::Component(component) => of_component(component, json, place, found),
        Shape::Components(_) | Shape::Blocks(_) => {
            for (index, item) in json.as_array_mut().into_iter().flatten().enumerate() {
                of_item(shape, item, &place.item(index), found);
            }
        }
        _ => {}
    }
}

fn of_item(shape: &Shape, json: &mut Json, place: &Place, found: &mut Each<'_>) {
    match shape {
        Shape::Components(component) => of_component(component, json, place, found),
        Shape::Blocks(blocks) => {
            let tag = json.get("_type").and_then(Json::as_str);
            if let Some(component) = blocks.of.iter().find(|component| Some(component.tag) == tag) {
                of_component(component, json, &place.block(component), found);
            }
        }
        _ => {}
    }
}

fn of_component(component: &ComponentInfo, json: &mut Json, place: &Place, found: &mut Each<'_>) {
    let Some(stored) = json.as_object_mut() else { return };
    for field in component.fields {
        let place = place.field(component, field);
        match field.shape {
            Shape::One(_) | Shape::Many(_) => {
                let mut value = stored.remove(field.snake).unwrap_or_default();
                found(field, &mut value, &place);
                // Empty values are not stored.
                if !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty()) {
                    stored.insert(field.snake.to_owned(), value);
                }
            }
            shape => {
                if let Some(value) = stored.get_mut(field.snake) {
                    of_value(&shape, value, &place, found);
                }
            }
        }
    }
}
