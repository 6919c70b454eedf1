//! Converts values to the JSON of the API: for the audit log, filters and inputs.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::id;
use crate::record::from_stored;
use crate::value::Value;
use model::content::{BlocksInfo, ComponentInfo, ContentInfo, EnumInfo, RelationInfo, Shape};
use model::names::camel;

/// The form of relations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    /// The id alone.
    Shown,
    /// A key, as in inputs.
    Input,
}

/// The JSON of a value in API responses, with relations as ids.
pub fn value_json(shape: &Shape, value: &Value) -> Json {
    plain(shape, value, Written::Shown)
}

/// The JSON of a value in API inputs.
pub fn input_json(shape: &Shape, value: &Value) -> Json {
    match (shape, value) {
        (_, Value::Null) => Json::Null,
        (Shape::One(to), value) => one(to, value),
        (Shape::Many(to), value) => json!({ "set": list(value, &|value| several(to, value)) }),
        (Shape::Children(of), value) => json!({ "set": list(value, &|row| child(of, row)) }),
        (shape, value) => plain(shape, value, Written::Input),
    }
}

fn plain(shape: &Shape, value: &Value, written: Written) -> Json {
    match shape {
        Shape::Scalar(kind) => kind.json(value),
        Shape::Enum(info) => choice(info, value),
        Shape::Enums(info) => list(value, &|value| choice(info, value)),
        Shape::One(to) => target(to.to, value, written),
        Shape::Many(to) => list(value, &|value| target(to.to, value, written)),
        Shape::Component(info) => component(info, value, written),
        Shape::Components(info) => list(value, &|value| component(info, value, written)),
        Shape::Blocks(info) => list(value, &|value| block(info, value, written)),
        Shape::Children(_) => Json::Null,
    }
}

fn list(value: &Value, each: &dyn Fn(&Value) -> Json) -> Json {
    match value {
        Value::List(items) => items.iter().map(each).collect(),
        _ => Json::Array(Vec::new()),
    }
}

fn choice(info: &EnumInfo, value: &Value) -> Json {
    match value {
        Value::Text(stored) => info.shown(stored).unwrap_or(stored).into(),
        _ => Json::Null,
    }
}

/// `{"connect": {"id": ...}}`, inside of the type's name if there are several target types.
fn one(to: &RelationInfo, value: &Value) -> Json {
    let connect = |id: Json| json!({ "connect": { "id": id } });
    match pair(to.to, value) {
        Some((target, id)) if to.to.len() > 1 => json!({ camel(target.table): connect(encoded(target, id)) }),
        Some((target, id)) => connect(encoded(target, id)),
        None => Json::Null,
    }
}

fn several(to: &RelationInfo, value: &Value) -> Json {
    match pair(to.to, value) {
        Some((target, id)) if to.to.len() > 1 => json!({ camel(target.table): { "id": encoded(target, id) } }),
        Some((target, id)) => json!({ "id": encoded(target, id) }),
        None => Json::Null,
    }
}

/// A child with its id, or without one if it was never stored.
fn child(info: &ContentInfo, row: &Value) -> Json {
    let Value::List(parts) = row else { return Json::Null };
    let Some((Value::Uuid(uuid), values)) = parts.split_first() else { return Json::Null };
    let fields = info.fields.iter().zip(values);
    let mut json: Map<_, _> =
        fields.map(|(field, value)| (field.name.to_owned(), input_json(&field.shape, value))).collect();
    if !uuid.is_nil() {
        json.insert("id".into(), encoded(info, *uuid));
    }
    Json::Object(json)
}

fn target(targets: &[&ContentInfo], value: &Value, written: Written) -> Json {
    let id = match pair(targets, value) {
        Some((target, id)) => encoded(target, id),
        None => return Json::Null,
    };
    if written == Written::Input { json!({ "id": id }) } else { id }
}

fn encoded(info: &ContentInfo, uuid: Uuid) -> Json {
    id::encode(info.table, uuid).into()
}

/// The target of a relation's value, with its type.
fn pair<'a>(targets: &[&'a ContentInfo], value: &Value) -> Option<(&'a ContentInfo, Uuid)> {
    match (targets, value) {
        ([target], Value::Uuid(id)) => Some((*target, *id)),
        (_, Value::List(parts)) => match parts.as_slice() {
            [Value::Text(table), Value::Uuid(id)] => {
                targets.iter().find(|target| target.table == table).map(|target| (*target, *id))
            }
            _ => None,
        },
        _ => None,
    }
}

fn component(info: &ComponentInfo, value: &Value, written: Written) -> Json {
    let Value::Json(Json::Object(stored)) = value else { return Json::Null };
    let fields = info.fields.iter().filter_map(|field| {
        let value = from_stored(&field.shape, stored.get(field.snake)?).ok()?;
        Some((field.name.to_owned(), plain(&field.shape, &value, written)))
    });
    Json::Object(fields.collect())
}

fn block(info: &BlocksInfo, value: &Value, written: Written) -> Json {
    let Value::Json(stored) = value else { return Json::Null };
    let tag = stored.get("_type").and_then(Json::as_str).unwrap_or_default();
    match info.of.iter().find(|component| component.tag == tag) {
        Some(of) => json!({ camel(tag): component(of, value, written) }),
        None => Json::Null,
    }
}
