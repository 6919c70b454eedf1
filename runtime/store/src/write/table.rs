//! The tables of a content type in the write path: columns, join tables and tables of children.

use std::borrow::Cow;

use crate::value::Value;
use model::content::{ContentInfo, FieldInfo, RelationInfo, Shape};

/// A column of a field.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    /// The SQL type that a text parameter is cast to.
    pub cast: &'static str,
    /// Index of the field in `ContentInfo::fields`.
    pub field: usize,
    /// Index among the columns of the field: money has two, a relation to several types has one for each.
    pub part: usize,
}

/// The columns of the fields in the table itself, in order.
pub fn columns(info: &ContentInfo) -> Vec<Column> {
    info.fields.iter().enumerate().flat_map(|(index, field)| field_columns(index, field)).collect()
}

pub fn field_columns(index: usize, field: &FieldInfo) -> Vec<Column> {
    let one = |name: String, cast| vec![Column { name, cast, field: index, part: 0 }];
    match field.shape {
        Shape::Scalar(kind) => {
            let parts = kind.columns().iter().enumerate();
            let column = |(part, column): (usize, &model::kind::Column)| Column {
                name: format!("{}{}", field.snake, column.suffix),
                cast: column.cast,
                field: index,
                part,
            };
            parts.map(column).collect()
        }
        Shape::Enum(_) => one(field.snake.into(), "text"),
        Shape::Enums(_) => one(field.snake.into(), "text[]"),
        Shape::Component(_) | Shape::Components(_) | Shape::Blocks(_) => one(field.snake.into(), "jsonb"),
        Shape::One(to) => {
            let column =
                |(part, name): (usize, &&str)| Column { name: (*name).to_owned(), cast: "uuid", field: index, part };
            to.columns.iter().enumerate().map(column).collect()
        }
        Shape::Many(_) | Shape::Children(_) => Vec::new(),
    }
}

/// The text of a field's value in one of its columns.
pub fn cell<'a>(shape: &Shape, value: &'a Value, part: usize) -> Option<Cow<'a, str>> {
    match shape {
        Shape::One(to) => target(to, value, part).map(|id| Cow::Owned(id.to_string())),
        Shape::Components(_) | Shape::Blocks(_) => Some(Cow::Owned(json_array(value))),
        _ => value.text(part),
    }
}

/// The id that a relation points at, if its target has this type.
pub fn target(to: &RelationInfo, value: &Value, part: usize) -> Option<uuid::Uuid> {
    match value {
        Value::Uuid(id) => Some(*id),
        Value::List(pair) => match pair.as_slice() {
            [Value::Text(table), Value::Uuid(id)] if to.to[part].table == table => Some(*id),
            _ => None,
        },
        _ => None,
    }
}

fn json_array(value: &Value) -> String {
    let Value::List(items) = value else { return "[]".into() };
    let items: Vec<_> = items.iter().filter_map(|item| item.text(0)).collect();
    format!("[{}]", items.join(","))
}

/// The to-many relations of a type: index of the field and relation.
pub fn joins(info: &ContentInfo) -> impl Iterator<Item = (usize, RelationInfo)> {
    info.fields.iter().enumerate().filter_map(|(index, field)| match field.shape {
        Shape::Many(to) => Some((index, to)),
        _ => None,
    })
}

/// The children of a type: index of the field and type.
pub fn children(info: &ContentInfo) -> impl Iterator<Item = (usize, &'static ContentInfo)> {
    info.fields.iter().enumerate().filter_map(|(index, field)| match field.shape {
        Shape::Children(child) => Some((index, child)),
        _ => None,
    })
}

/// The column with a row's title for messages: the first text.
pub fn title(info: &ContentInfo) -> Option<&'static str> {
    let text = |field: &&FieldInfo| matches!(field.shape, Shape::Scalar(kind) if kind.cast() == "text");
    info.fields.iter().find(text).map(|field| field.snake)
}

/// The scalar fields that are unique by themselves.
pub fn natural_keys(info: &ContentInfo) -> impl Iterator<Item = (usize, &'static FieldInfo)> {
    let alone =
        |field: &FieldInfo| matches!(field.shape, Shape::Scalar(_)) && field.unique.is_some_and(<[_]>::is_empty);
    info.fields.iter().enumerate().filter(move |(_, field)| alone(field))
}
