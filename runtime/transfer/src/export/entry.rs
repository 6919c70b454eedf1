//! Writes one entry in the native form: its stored row with the API's names, and natural keys in place of ids.

use model::names::camel;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value as Json, json};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;

use model::content::{ComponentInfo, ContentInfo, EnumInfo, FieldInfo, RelationInfo, Shape};
use store::Connection;
use store::id;
use store::value::Value;
use store::write::failure::Result;
use store::write::guard::{Exported, readable};
use store::write::row::Row;
use store::write::table;

/// The natural keys of the targets of some rows; targets that are not in the stage have none.
pub struct Names {
    by_table: BTreeMap<&'static str, HashMap<Uuid, Json>>,
}

type Wanted = BTreeMap<&'static str, (&'static ContentInfo, BTreeSet<Uuid>)>;

impl Names {
    /// One statement for each target type.
    pub async fn of<'r>(
        connection: &mut Connection,
        exported: Exported<'_>,
        info: &ContentInfo,
        rows: impl Iterator<Item = &'r Row>,
    ) -> Result<Self> {
        let mut wanted = Wanted::new();
        rows.for_each(|row| collect(info.fields, row, &mut wanted));
        let mut by_table = BTreeMap::new();
        for (table, (info, ids)) in wanted {
            by_table.insert(table, names(connection, exported, info, ids.into_iter().collect()).await?);
        }
        Ok(Self { by_table })
    }

    fn get(&self, table: &str, id: Uuid) -> Option<&Json> {
        self.by_table.get(table)?.get(&id)
    }
}

async fn names(
    connection: &mut Connection,
    Exported { scope }: Exported<'_>,
    info: &'static ContentInfo,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, Json>> {
    let ids = readable(connection, scope, info, ids).await?;
    let grant = scope.reads(info);
    let keys = table::natural_keys(info).map(|(_, field)| field).filter(|field| grant.has(info, field.snake));
    let keys: Vec<&FieldInfo> = keys.collect();
    let columns: String = keys.iter().map(|field| format!(r#", "{}"::text"#, field.snake)).collect();
    let sql = format!(r#"select id{columns} from {} where id = any($1)"#, scope.table(info.table));
    let found = sqlx::query(AssertSqlSafe(sql)).bind(ids).fetch_all(connection).await?;
    let mut names = HashMap::with_capacity(found.len());
    for row in &found {
        let id: Uuid = row.try_get(0)?;
        let mut name = json!({ "id": id::encode(info.table, id) });
        for (place, field) in keys.iter().enumerate() {
            if let (Some(text), Shape::Scalar(kind)) = (row.try_get::<Option<String>, _>(place + 1)?, field.shape) {
                name = json!({ field.name: kind.json(&key_value(kind, text)) });
                break;
            }
        }
        names.insert(id, name);
    }
    Ok(names)
}

/// Converts a unique value read as text to JSON: a number if it is one in JSON.
fn key_value(kind: model::kind::Kind, text: String) -> Value {
    match (kind.cast(), text.parse()) {
        ("bigint", Ok(number)) => Value::Int(number),
        _ => Value::Text(text),
    }
}

fn collect(fields: &'static [FieldInfo], row: &Row, wanted: &mut Wanted) {
    for (index, (field, value)) in fields.iter().zip(&row.values).enumerate() {
        match field.shape {
            Shape::One(to) => want(&to, value, wanted),
            Shape::Many(to) => items(value).iter().for_each(|item| want(&to, item, wanted)),
            Shape::Component(component) => stored(component, value, wanted),
            Shape::Components(component) => items(value).iter().for_each(|item| stored(component, item, wanted)),
            Shape::Blocks(blocks) => {
                for item in items(value) {
                    if let Some(component) = block(blocks.of, item) {
                        stored(component, item, wanted);
                    }
                }
            }
            Shape::Children(child) => {
                row.children.get(&index).into_iter().flatten().for_each(|row| collect(child.fields, row, wanted));
            }
            Shape::Scalar(_) | Shape::Enum(_) | Shape::Enums(_) => {}
        }
    }
}

fn stored(component: &'static ComponentInfo, value: &Value, wanted: &mut Wanted) {
    if let Value::Json(json) = value {
        stored_json(component, json, wanted);
    }
}

fn stored_json(component: &'static ComponentInfo, json: &Json, wanted: &mut Wanted) {
    for field in component.fields {
        let Some(value) = json.get(field.snake) else { continue };
        match field.shape {
            Shape::One(to) => want(&to, &stored_target(value), wanted),
            Shape::Many(to) => list(value).iter().for_each(|item| want(&to, &stored_target(item), wanted)),
            Shape::Component(inner) => stored_json(inner, value, wanted),
            Shape::Components(inner) => list(value).iter().for_each(|item| stored_json(inner, item, wanted)),
            Shape::Blocks(blocks) => {
                for item in list(value) {
                    if let Some(inner) = blocks.of.iter().find(|known| item.get("_type") == Some(&known.tag.into())) {
                        stored_json(inner, item, wanted);
                    }
                }
            }
            _ => {}
        }
    }
}

fn want(to: &RelationInfo, value: &Value, wanted: &mut Wanted) {
    for (part, info) in to.to.iter().enumerate() {
        if let Some(id) = table::target(to, value, part) {
            wanted.entry(info.table).or_insert_with(|| (info, BTreeSet::new())).1.insert(id);
            return;
        }
    }
}

/// How a component's JSON stores a target: its id, or the table and the id.
fn stored_target(json: &Json) -> Value {
    let id = |text: &str| text.parse().map_or(Value::Null, Value::Uuid);
    match json {
        Json::String(text) => id(text),
        Json::Array(pair) => match pair.as_slice() {
            [Json::String(table), Json::String(text)] => Value::List(vec![Value::Text(table.clone()), id(text)]),
            _ => Value::Null,
        },
        _ => Value::Null,
    }
}

/// The entry with every exportable field, so that importing it gives the same entry whatever existed before.
pub fn entry(exported: Exported<'_>, info: &'static ContentInfo, row: &Row, names: &Names) -> Json {
    let mut object = Map::new();
    let is_named =
        |(index, field): (usize, &FieldInfo)| !row.values[index].is_null() && exported.has(info, field.snake);
    if !table::natural_keys(info).any(is_named) {
        object.insert("id".to_owned(), id::encode(info.table, row.id).into());
    }
    fields(exported, info, row, names, &mut object);
    Json::Object(object)
}

fn fields(
    exported: Exported<'_>,
    info: &'static ContentInfo,
    row: &Row,
    names: &Names,
    object: &mut Map<String, Json>,
) {
    let fields_with_values = info.fields.iter().zip(&row.values).enumerate();
    for (index, (field, value)) in fields_with_values.filter(|(_, (field, _))| exported.has(info, field.snake)) {
        let json = match field.shape {
            Shape::Scalar(kind) => kind.json(value),
            Shape::Enum(choice) => shown(choice, value),
            Shape::Enums(choice) => items(value).iter().map(|item| shown(choice, item)).collect(),
            Shape::One(to) => target(&to, value, names).unwrap_or(Json::Null),
            Shape::Many(to) => items(value).iter().filter_map(|item| target(&to, item, names)).collect(),
            Shape::Component(of) => component(of, value, names),
            Shape::Components(of) => items(value).iter().map(|item| component(of, item, names)).collect(),
            Shape::Blocks(blocks) => items(value)
                .iter()
                .filter_map(|item| {
                    block(blocks.of, item).map(|of| json!({ camel(of.tag): component(of, item, names) }))
                })
                .collect(),
            Shape::Children(child) => {
                let rows = row.children.get(&index).into_iter().flatten();
                let one = |row: &Row| {
                    let mut object = Map::new();
                    fields(exported, child, row, names, &mut object);
                    Json::Object(object)
                };
                rows.map(one).collect()
            }
        };
        object.insert(field.name.to_owned(), json);
    }
}

fn component(info: &'static ComponentInfo, value: &Value, names: &Names) -> Json {
    match value {
        Value::Json(json) => component_json(info, json, names),
        _ => Json::Null,
    }
}

fn component_json(info: &'static ComponentInfo, json: &Json, names: &Names) -> Json {
    let mut object = Map::new();
    for field in info.fields {
        let Some(value) = json.get(field.snake).filter(|value| !value.is_null()) else { continue };
        let many = |one: &dyn Fn(&Json) -> Option<Json>| list(value).iter().filter_map(one).collect();
        let value = match field.shape {
            Shape::Scalar(_) | Shape::Children(_) => Some(value.clone()),
            Shape::Enum(choice) => Some(shown_text(choice, value)),
            Shape::Enums(choice) => Some(many(&|item| Some(shown_text(choice, item)))),
            Shape::One(to) => target(&to, &stored_target(value), names),
            Shape::Many(to) => Some(many(&|item| target(&to, &stored_target(item), names))),
            Shape::Component(of) => Some(component_json(of, value, names)),
            Shape::Components(of) => Some(many(&|item| Some(component_json(of, item, names)))),
            Shape::Blocks(blocks) => Some(many(&|item| {
                let of = blocks.of.iter().find(|known| item.get("_type") == Some(&known.tag.into()))?;
                Some(json!({ camel(of.tag): component_json(of, item, names) }))
            })),
        };
        if let Some(value) = value {
            object.insert(field.name.to_owned(), value);
        }
    }
    Json::Object(object)
}

/// The key of a target, under its type's name if there are several types.
fn target(to: &RelationInfo, value: &Value, names: &Names) -> Option<Json> {
    to.to.iter().enumerate().find_map(|(part, info)| {
        let name = names.get(info.table, table::target(to, value, part)?)?.clone();
        Some(if to.to.len() > 1 { json!({ camel(info.table): name }) } else { name })
    })
}

fn block(known: &[&'static ComponentInfo], value: &Value) -> Option<&'static ComponentInfo> {
    let tag = store::record::tag(value)?;
    known.iter().find(|component| component.tag == tag).copied()
}

fn shown(choice: &EnumInfo, value: &Value) -> Json {
    value.text(0).map_or(Json::Null, |stored| shown_text(choice, &Json::from(stored.as_ref())))
}

fn shown_text(choice: &EnumInfo, stored: &Json) -> Json {
    let found = choice.values.iter().find(|(name, _)| stored == name);
    found.map_or_else(|| stored.clone(), |(_, shown)| Json::from(*shown))
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        _ => &[],
    }
}

fn list(json: &Json) -> &[Json] {
    json.as_array().map_or(&[], Vec::as_slice)
}
