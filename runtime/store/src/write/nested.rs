//! Children in inputs: applies `set`, `create`, `update` and `delete` to the rows of an entry.

use std::collections::HashSet;

use serde_json::Value as Json;
use uuid::Uuid;

use crate::id::new_uuid;
use crate::value::Value;
use crate::write::input::{Overlay, child_key};
use crate::write::row::{At, Row};
use base::error::Code;
use model::content::{ContentInfo, Shape};

const PARTS: [&str; 4] = ["set", "create", "update", "delete"];

impl Overlay<'_> {
    pub fn children(&mut self, info: &'static ContentInfo, before: Vec<Row>, json: &Json, at: At<'_>) -> Vec<Row> {
        let Json::Object(parts) = json else {
            if !json.is_null() {
                self.fault(Code::BadUserInput, format!("must be an object, not {json}"), at);
            }
            return Vec::new();
        };
        for name in parts.keys().filter(|name| !PARTS.contains(&name.as_str())) {
            self.fault(Code::BadUserInput, format!("`{name}` is not one of {}", PARTS.join(", ")), At::Key(&at, name));
        }
        let mut rows = before;
        let list = |overlay: &mut Self, part: &str| match parts.get(part).filter(|json| !json.is_null())? {
            Json::Array(list) => Some(list),
            json => overlay.refuse(Code::BadUserInput, format!("must be a list, not {json}"), At::Key(&at, part)),
        };
        if let Some(list) = list(self, "set") {
            rows = self.set(info, rows, list, At::Key(&at, "set"));
        }
        if let Some(list) = list(self, "create") {
            self.append(info, &mut rows, list, At::Key(&at, "create"));
        }
        // Keys refer to the rows before any change, so that rows can exchange values.
        let (update, delete) = (list(self, "update").map_or(&[][..], Vec::as_slice), list(self, "delete"));
        let (at_update, at_delete) = (At::Key(&at, "update"), At::Key(&at, "delete"));
        let updated: Vec<Option<Uuid>> = update
            .iter()
            .enumerate()
            .map(|(index, json)| {
                let key = json.get("key").unwrap_or(&Json::Null);
                self.find(info, &rows, key, At::Key(&At::Index(&at_update, index), "key")).map(|place| rows[place].id)
            })
            .collect();
        let deleted: HashSet<Uuid> = delete
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(index, json)| {
                self.find(info, &rows, json, At::Index(&at_delete, index)).map(|place| rows[place].id)
            })
            .collect();
        for (index, (json, id)) in update.iter().zip(updated).enumerate() {
            let at = At::Index(&at_update, index);
            let Some(place) = rows.iter().position(|row| Some(row.id) == id) else { continue };
            let row = rows.remove(place);
            let data = json.get("data").unwrap_or(&Json::Null);
            if let Some(row) = self.child(info, row, data, At::Key(&at, "data")) {
                rows.insert(place, row);
            }
        }
        rows.retain(|row| !deleted.contains(&row.id));
        rows
    }

    /// A row identified by id or by its unique field is kept and updated. An item without either takes the id of the row at its position,
    /// if that has no unique value either: setting the same list twice changes nothing.
    fn set(&mut self, info: &'static ContentInfo, before: Vec<Row>, list: &[Json], at: At<'_>) -> Vec<Row> {
        let named: Vec<Option<usize>> = list
            .iter()
            .enumerate()
            .map(|(index, json)| self.named(info, &before, json, At::Index(&at, index)))
            .collect();
        let mut before: Vec<Option<Row>> = before.into_iter().map(Some).collect();
        let mut rows = Vec::with_capacity(list.len());
        for (index, json) in list.iter().enumerate() {
            let at = At::Index(&at, index);
            let kept = named[index].and_then(|place| before.get_mut(place)?.take());
            let row = match kept {
                Some(row) => row,
                None => {
                    let nameless = !named.contains(&Some(index)) && self.child_value(info, json).is_none();
                    let replaced = before
                        .get_mut(index)
                        .filter(|row| nameless && row.as_ref().is_some_and(|row| is_nameless(info, row)));
                    let replaced = replaced.and_then(Option::take);
                    self.blank(info, replaced.map_or_else(new_uuid, |row| row.id), at)
                }
            };
            rows.extend(self.child(info, row, json, at));
        }
        rows
    }

    fn append(&mut self, info: &'static ContentInfo, rows: &mut Vec<Row>, list: &[Json], at: At<'_>) {
        for (index, json) in list.iter().enumerate() {
            let at = At::Index(&at, index);
            let blank = self.blank(info, new_uuid(), at);
            rows.extend(self.child(info, blank, json, at));
        }
    }

    fn child(&mut self, info: &'static ContentInfo, mut row: Row, json: &Json, at: At<'_>) -> Option<Row> {
        let Json::Object(input) = json else {
            return self.refuse(Code::BadUserInput, format!("must be an object, not {json}"), at);
        };
        row.path = at.steps();
        match input.contains_key("id") {
            false => self.fields(info, &mut row, input, at),
            true => {
                let mut fields = input.clone();
                fields.shift_remove("id");
                self.fields(info, &mut row, &fields, at);
            }
        }
        Some(row)
    }

    /// Index of the owner's row that an item of `set` identifies.
    fn named(&mut self, info: &'static ContentInfo, rows: &[Row], json: &Json, at: At<'_>) -> Option<usize> {
        if let Some(id) = json.get("id").filter(|id| !id.is_null()) {
            let key = serde_json::json!({ "id": id });
            return self.find(info, rows, &key, At::Key(&at, "id"));
        }
        let (field, value) = self.child_value(info, json)?;
        rows.iter().position(|row| row.values[field] == value)
    }

    /// Index of the row with a key; a fault if there is none.
    fn find(&mut self, info: &'static ContentInfo, rows: &[Row], key: &Json, at: At<'_>) -> Option<usize> {
        let place = match key.get("id").filter(|id| !id.is_null()) {
            Some(id) => {
                let id = id.as_str().and_then(|text| info.decode(text));
                rows.iter().position(|row| Some(row.id) == id)
            }
            None => {
                let given = super::table::natural_keys(info).find_map(|(field, known)| {
                    let Shape::Scalar(kind) = known.shape else { return None };
                    Some((field, known, kind.parse(key.get(known.name)?, self.site).ok()?))
                });
                if !self.may_know(info, given.as_ref().map(|(_, known, _)| *known), at) {
                    return None;
                }
                given.and_then(|(field, _, value)| rows.iter().position(|row| row.values[field] == value))
            }
        };
        match place {
            Some(place) => Some(place),
            None => self.refuse(Code::NotFound, format!("the entry has no {} {key}", info.name), at),
        }
    }

    fn child_value(&self, info: &ContentInfo, json: &Json) -> Option<(usize, Value)> {
        let (index, field) = child_key(info)?;
        let Shape::Scalar(kind) = field.shape else { return None };
        let value = kind.parse(json.get(field.name)?, self.site).ok()?;
        (!value.is_null()).then_some((index, value))
    }
}

/// Whether a stored row has no value that identifies it in inputs.
fn is_nameless(info: &ContentInfo, row: &Row) -> bool {
    child_key(info).is_none_or(|(field, _)| row.values[field].is_null())
}
