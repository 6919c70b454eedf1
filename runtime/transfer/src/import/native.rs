//! The native form, as `typecase export` writes it: the API's names, relations as keys (`{"slug": "chair"}`), children in order.

use crate::form::{LIVE, PUBLISHED, STATUS, points_at};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value as Json, json};

use crate::import::apply::{Applied, Item, hash, is_named};
use crate::import::compile::is_key;
use base::error::{Code, Problem};
use model::content::{ContentInfo, FieldInfo, Required, Shape};

pub struct Native {
    info: &'static ContentInfo,
    /// Types whose entries may not exist yet.
    coming: Vec<&'static ContentInfo>,
    lines: HashMap<u64, u64>,
}

impl Native {
    /// Fields that may refer to one of the `coming` types wait until all records are saved.
    pub fn new(info: &'static ContentInfo, coming: Vec<&'static ContentInfo>) -> Self {
        Self { info, coming, lines: HashMap::new() }
    }

    pub fn apply(&mut self, line: u64, record: Json) -> Applied {
        let Json::Object(record) = record else { return Applied::Rejected(Vec::new()) };
        let mut problems = Vec::new();
        let mut record = record;
        let (publish, live) = status(self.info, &mut record, &mut problems);
        let (mut data, id) = fields(self.info, record, &mut problems);
        let key = match key(self.info, &data, id) {
            Some(key) => key,
            None => {
                let message = "has neither an `id` nor one of its unique fields";
                problems.push(Problem::new(Code::InvalidValue, format!("the record {message}")));
                Json::Null
            }
        };
        if !problems.is_empty() {
            return Applied::Rejected(problems);
        }
        match self.lines.entry(hash(&key)) {
            Entry::Occupied(first) => {
                let message = format!("line {} has the same key, {key}", first.get());
                let name = key.as_object().and_then(|key| key.keys().next()).map(|name| name.as_str().into());
                return Applied::Rejected(vec![Problem::new(Code::Conflict, message).at(name)]);
            }
            Entry::Vacant(free) => _ = free.insert(line),
        }
        let later = later(self.info, &self.coming, &mut data);
        Applied::Item(Box::new(Item { key, data, later, optional: Vec::new(), publish, live }))
    }
}

/// Whether the entry is published, and its published content if that differs from the record.
fn status(
    info: &'static ContentInfo,
    record: &mut Map<String, Json>,
    problems: &mut Vec<Problem>,
) -> (bool, Option<Map<String, Json>>) {
    if !info.drafts {
        return (false, None);
    }
    match record.shift_remove(STATUS) {
        None => (false, None),
        Some(Json::String(status)) if status == PUBLISHED => (true, None),
        Some(Json::String(status)) if status == "DRAFT" => (false, None),
        Some(Json::Object(mut changed)) if changed.len() == 1 && changed.get(LIVE).is_some_and(Json::is_object) => {
            let Some(Json::Object(live)) = changed.shift_remove(LIVE) else { return (false, None) };
            let known = problems.len();
            let (live, _) = fields(info, live, problems);
            for problem in &mut problems[known..] {
                problem.path.splice(0..0, [STATUS.into(), LIVE.into()]);
            }
            (false, Some(live))
        }
        Some(_) => {
            let message =
                format!("must be \"{PUBLISHED}\", \"DRAFT\" or {{\"{LIVE}\": {{...}}}} with what is published");
            problems.push(Problem::new(Code::InvalidValue, message).at([STATUS.into()]));
            (false, None)
        }
    }
}

/// The fields of an input, and the id.
fn fields(
    info: &'static ContentInfo,
    record: Map<String, Json>,
    problems: &mut Vec<Problem>,
) -> (Map<String, Json>, Option<Json>) {
    let mut data = Map::with_capacity(record.len());
    let mut id = None;
    for (name, value) in record {
        if name == "id" {
            id = Some(value);
            continue;
        }
        let Some(field) = info.fields.iter().find(|field| is_named(field, &name)) else {
            let message = format!(
                "unknown field `{name}` on `{}`: without `--map`, a record has the field names of the API",
                info.name
            );
            problems.push(Problem::new(Code::BadUserInput, message).at([name.as_str().into()]));
            continue;
        };
        let known = problems.len();
        let value = input(field, value, problems);
        for problem in &mut problems[known..] {
            problem.path.insert(0, field.name.into());
        }
        data.insert(field.name.to_owned(), value);
    }
    (data, id)
}

/// A field's value in the API's form.
fn input(field: &FieldInfo, value: Json, problems: &mut Vec<Problem>) -> Json {
    match (field.shape, value) {
        (Shape::One(_), Json::Null) => Json::Null,
        (Shape::One(relation), value) if relation.to.len() == 1 => json!({ "connect": value }),
        (Shape::One(_), Json::Object(targets)) => {
            targets.into_iter().map(|(to, key)| (to, json!({ "connect": key }))).collect()
        }
        (Shape::Many(_), value) => json!({ "set": if value.is_null() { json!([]) } else { value } }),
        (Shape::Children(child), Json::Array(items)) => {
            let mut rows = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                let Json::Object(item) = item else {
                    problems.push(Problem::new(Code::BadUserInput, "must be an object").at([index.into()]));
                    continue;
                };
                let known = problems.len();
                let (mut row, id) = fields(child, item, problems);
                problems[known..].iter_mut().for_each(|problem| problem.path.insert(0, index.into()));
                if let Some(id) = id {
                    row.insert("id".to_owned(), id);
                }
                rows.push(Json::Object(row));
            }
            json!({ "set": rows })
        }
        (Shape::Children(_), Json::Null) => json!({ "set": [] }),
        (Shape::Enums(_) | Shape::Components(_) | Shape::Blocks(_), Json::Null) => json!([]),
        (_, value) => value,
    }
}

fn key(info: &ContentInfo, data: &Map<String, Json>, id: Option<Json>) -> Option<Json> {
    if let Some(id) = id.filter(|id| !id.is_null()) {
        return Some(json!({ "id": id }));
    }
    let field = info
        .fields
        .iter()
        .filter(|field| is_key(field))
        .find(|field| data.get(field.name).is_some_and(|value| !value.is_null()))?;
    Some(json!({ field.name: data[field.name] }))
}

/// Removes the fields whose targets may not exist yet.
fn later(
    info: &'static ContentInfo,
    coming: &[&'static ContentInfo],
    data: &mut Map<String, Json>,
) -> Map<String, Json> {
    let mut later = Map::new();
    let waits =
        |field: &FieldInfo| field.required != Required::Save && coming.iter().any(|target| points_at(field, target));
    for field in info.fields.iter().filter(|field| waits(field)) {
        if data.get(field.name).is_some_and(has_target)
            && let Some(value) = data.shift_remove(field.name)
        {
            later.insert(field.name.to_owned(), value);
        }
    }
    later
}

/// Whether the value has a target, or is an empty list.
pub fn has_target(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().any(has_target),
        Json::Object(object) => object.values().any(has_target),
        Json::Null => false,
        _ => true,
    }
}
