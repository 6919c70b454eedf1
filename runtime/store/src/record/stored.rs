//! Converts fields to the JSON in a component's column and back: API scalars under snake-case keys.

use crate::record::{Json, unexpected};
use crate::value::Value;
use model::content::Shape;
use model::kind::Kind;
use uuid::Uuid;

/// The stored JSON of a valid value. Components cannot contain children.
pub fn to_stored(shape: &Shape, value: &Value) -> Json {
    match (shape, value) {
        (_, Value::Null) => Json::Null,
        (Shape::Scalar(kind), value) => kind.json(value),
        (_, Value::Text(text)) => Json::String(text.clone()),
        (_, Value::Uuid(id)) => Json::String(id.to_string()),
        (_, Value::Json(json)) => json.clone(),
        (shape, Value::List(items)) => items.iter().map(|item| to_stored(shape, item)).collect(),
        (_, value) => Kind::Json.json(value),
    }
}

/// The value of stored JSON.
pub fn from_stored(shape: &Shape, json: &Json) -> Result<Value, String> {
    match (shape, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Shape::Scalar(kind), json) => kind.from_stored(json),
        (Shape::Enum(_), Json::String(text)) => Ok(Value::Text(text.clone())),
        (Shape::One(_), Json::String(id)) => {
            id.parse::<Uuid>().map(Value::Uuid).map_err(|_| format!("`{id}` is not a UUID"))
        }
        (Shape::Component(_), Json::Object(_)) => Ok(Value::Json(json.clone())),
        (Shape::Enums(info), Json::Array(items)) => list(items, |item| from_stored(&Shape::Enum(info), item)),
        (Shape::Many(to), Json::Array(items)) => list(items, |item| from_stored(&Shape::One(*to), item)),
        (Shape::Components(_) | Shape::Blocks(_), Json::Array(items)) => {
            list(items, |item| Ok(Value::Json(item.clone())))
        }
        (_, json) => Err(unexpected("another shape", &Value::Json(json.clone()))),
    }
}

fn list(items: &[Json], item: impl Fn(&Json) -> Result<Value, String>) -> Result<Value, String> {
    items.iter().map(item).collect::<Result<_, _>>().map(Value::List)
}
