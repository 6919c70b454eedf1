//! Overlays an input on a row: checks the shape of every field, replaces keys with ids and adds nested entries to the batch.

mod relations;

use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::access::THE_ACTOR;
use crate::id::new_uuid;
use crate::record::to_stored;
use crate::value::Value;
use crate::write::guard::{Guard, Rights, must_know};
use crate::write::keys::Keys;
use crate::write::row::{At, Faults, Item, Row, empty};
use base::error::Code;
use model::content::{BlocksInfo, ComponentInfo, ContentInfo, EnumInfo, FieldInfo, Shape, SiteInfo};
use model::names::camel;
use relations::without_repeats;

/// The parser of a batch.
pub struct Overlay<'a> {
    pub site: &'a SiteInfo,
    pub guard: Guard<'a>,
    /// The rights on the entry that is being parsed.
    pub rights: Rights<'a>,
    /// Nested entries are published together with their root.
    pub publish: bool,
    pub keys: &'a mut Keys,
    pub faults: &'a mut Faults,
    /// Entries to be written; nested ones come before the entries that point at them.
    pub items: &'a mut Vec<Item>,
    /// Index of the input that is being parsed.
    pub root: usize,
    /// Connect a nested `create` to the existing entry if its natural key exists.
    pub reuse: bool,
}

impl<'a> Overlay<'a> {
    /// A row with the defaults of its type.
    pub fn blank(&mut self, info: &'static ContentInfo, id: Uuid, at: At<'_>) -> Row {
        let mut row = Row::new(info, id, at.steps());
        for (index, field) in info.fields.iter().enumerate() {
            if let Some(json) = field.default.and_then(|text| serde_json::from_str(text).ok()) {
                self.field(info, index, &mut row, &json, At::Key(&at, field.name));
            }
        }
        row
    }

    /// A copy of the values that the actor may read and write. A value that it may not read would become readable once the copy is
    /// published.
    pub fn copy(&mut self, info: &'static ContentInfo, id: Uuid, source: &Row, at: At<'_>) -> Row {
        let mut row = self.blank(info, id, at);
        for (index, field) in info.fields.iter().enumerate() {
            if !self.rights.has(info, field.snake) || !self.guard.reads_draft(info, field.snake) {
                continue;
            }
            let at = At::Key(&at, field.name);
            if let Shape::Children(child) = field.shape {
                let children = source.children(index).iter().enumerate();
                let children = children.map(|(place, row)| self.copy(child, new_uuid(), row, At::Index(&at, place)));
                row.children.insert(index, children.collect());
            }
            row.values[index] = source.values[index].clone();
        }
        row
    }

    /// Overlays an entry's input, then the values that the rules set. The key of a new entry, a field and its value, is part of the input.
    pub fn entry(
        &mut self,
        info: &'static ContentInfo,
        row: &mut Row,
        key: Option<(usize, Value, At<'_>)>,
        input: &Map<String, Json>,
        at: At<'_>,
    ) {
        let mut keyed = None;
        if let Some((index, value, at)) = key {
            let field = &info.fields[index];
            match self.may_name(info, field, At::Key(&at, field.name)) {
                true => row.values[index] = value,
                false => row.invalid.push(index),
            }
            keyed = Some(index);
        }
        self.fields(info, row, input, at);
        for (snake, value) in self.rights.set() {
            let Some(index) = info.fields.iter().position(|field| field.snake == snake) else { continue };
            let name = info.fields[index].name;
            let is_named = keyed == Some(index) || input.contains_key(name);
            self.give(info, index, row, value, is_named, At::Key(&at, name));
        }
    }

    pub fn fields(&mut self, info: &'static ContentInfo, row: &mut Row, input: &Map<String, Json>, at: At<'_>) {
        for (name, json) in input {
            let at = At::Key(&at, name);
            match info.fields.iter().position(|field| field.name == name) {
                Some(index) if self.may_name(info, &info.fields[index], at) => self.field(info, index, row, json, at),
                Some(index) => row.invalid.push(index),
                None => self.fault(Code::BadUserInput, format!("unknown field `{name}` on `{}`", info.name), at),
            }
        }
    }

    fn may_name(&mut self, info: &ContentInfo, field: &FieldInfo, at: At<'_>) -> bool {
        let may = self.rights.has(info, field.snake);
        if !may {
            self.forbid(format!("you may not write `{}.{}`", info.name, field.name), at);
        }
        may
    }

    /// Applies the value that a rule sets. If the input names the field, it must give the same value.
    fn give(
        &mut self,
        info: &'static ContentInfo,
        index: usize,
        row: &mut Row,
        value: &Json,
        is_named: bool,
        at: At<'_>,
    ) {
        let given = row.values[index].clone();
        let user = (value == THE_ACTOR).then(|| self.guard.access().user_id());
        self.field(info, index, row, user.as_ref().unwrap_or(value), at);
        if is_named && !row.invalid.contains(&index) && row.values[index] != given {
            self.forbid(format!("you may not choose `{}.{}`", info.name, info.fields[index].name), at);
        }
    }

    /// Whether the actor may look up entries by the field; always true for the id.
    pub fn may_know(&mut self, info: &ContentInfo, field: Option<&FieldInfo>, at: At<'_>) -> bool {
        match field.map_or(Ok(()), |field| must_know(self.guard.access(), info, field.snake)) {
            Ok(()) => true,
            Err(problem) => {
                self.faults.0.push((self.root, problem.at(at.steps())));
                false
            }
        }
    }

    fn forbid(&mut self, message: String, at: At<'_>) {
        let problem = self.guard.access().refusal(message).at(at.steps());
        self.faults.0.push((self.root, problem));
    }

    fn field(&mut self, info: &'static ContentInfo, index: usize, row: &mut Row, json: &Json, at: At<'_>) {
        let value = match info.fields[index].shape {
            Shape::Children(child) => {
                let before = row.children.remove(&index).unwrap_or_default();
                let rows = self.children(child, before, json, at);
                row.children.insert(index, rows);
                return;
            }
            Shape::One(to) => self.one(&to, json, at),
            Shape::Many(to) => {
                let before = std::mem::replace(&mut row.values[index], Value::Null);
                self.many(&to, before, json, at)
            }
            shape => self.plain(&shape, json, at),
        };
        match value {
            Some(value) => row.values[index] = value,
            None => row.invalid.push(index),
        }
    }

    /// Parses any value except the row's own relations; `None` after a fault.
    fn plain(&mut self, shape: &Shape, json: &Json, at: At<'_>) -> Option<Value> {
        if json.is_null() {
            return Some(empty(shape));
        }
        match shape {
            Shape::Scalar(kind) => match kind.parse(json, self.site) {
                Ok(value) => Some(value),
                Err(message) => self.refuse(Code::InvalidValue, message, at),
            },
            Shape::Enum(info) => self.choice(info, json, at),
            Shape::Enums(info) => self.list(json, at, true, |overlay, json, at| overlay.choice(info, json, at)),
            Shape::Component(info) => self.component(info, json, at),
            Shape::Components(info) => {
                self.list(json, at, false, |overlay, json, at| overlay.component(info, json, at))
            }
            Shape::Blocks(info) => self.list(json, at, false, |overlay, json, at| overlay.block(info, json, at)),
            // Relations inside a component are plain keys, without `connect`.
            Shape::One(to) => self.kept(to.to[0], json, at),
            Shape::Many(to) => {
                let target = to.to[0];
                self.list(json, at, true, |overlay, json, at| overlay.kept(target, json, at))
            }
            Shape::Children(_) => None,
        }
    }

    /// The target of a relation inside a component.
    fn kept(&mut self, target: &'static ContentInfo, json: &Json, at: At<'_>) -> Option<Value> {
        let id = self.lookup(target, json, at)?;
        self.keys.keep(target, id);
        Some(Value::Uuid(id))
    }

    fn choice(&mut self, info: &EnumInfo, json: &Json, at: At<'_>) -> Option<Value> {
        let text = json.as_str().unwrap_or_default();
        match info.values.iter().find(|(stored, shown)| text == *shown || text == *stored) {
            Some((stored, _)) => Some(Value::Text((*stored).to_owned())),
            None => {
                let shown: Vec<_> = info.values.iter().map(|(_, shown)| *shown).collect();
                self.refuse(Code::InvalidValue, format!("must be one of {}, not {json}", shown.join(", ")), at)
            }
        }
    }

    fn list(
        &mut self,
        json: &Json,
        at: At<'_>,
        distinct: bool,
        mut item: impl FnMut(&mut Self, &Json, At<'_>) -> Option<Value>,
    ) -> Option<Value> {
        let Json::Array(list) = json else {
            return self.refuse(Code::BadUserInput, format!("must be a list, not {json}"), at);
        };
        let parsed: Vec<_> =
            list.iter().enumerate().map(|(index, json)| item(self, json, At::Index(&at, index))).collect();
        let mut values = parsed.into_iter().collect::<Option<Vec<_>>>()?;
        if distinct {
            values = without_repeats(values);
        }
        Some(Value::List(values))
    }

    fn component(&mut self, info: &ComponentInfo, json: &Json, at: At<'_>) -> Option<Value> {
        let Json::Object(input) = json else {
            return self.refuse(Code::BadUserInput, format!("must be an object, not {json}"), at);
        };
        let mut valid = true;
        for name in input.keys().filter(|name| info.fields.iter().all(|field| field.name != name.as_str())) {
            self.fault(Code::BadUserInput, format!("unknown field `{name}` on `{}`", info.name), At::Key(&at, name));
            valid = false;
        }
        let mut stored = Map::new();
        stored.insert("_type".into(), info.tag.into());
        for field in info.fields {
            let value = match (input.get(field.name), field.default) {
                (Some(json), _) => self.plain(&field.shape, json, At::Key(&at, field.name)),
                (None, Some(default)) => {
                    let json = serde_json::from_str(default).unwrap_or_default();
                    self.plain(&field.shape, &json, At::Key(&at, field.name))
                }
                (None, None) => Some(Value::Null),
            };
            match value {
                None => valid = false,
                Some(value) if is_empty(&value) => {}
                Some(value) => _ = stored.insert(field.snake.into(), to_stored(&field.shape, &value)),
            }
        }
        valid.then_some(Value::Json(Json::Object(stored)))
    }

    fn block(&mut self, info: &BlocksInfo, json: &Json, at: At<'_>) -> Option<Value> {
        let mut members = json.as_object().into_iter().flatten().filter(|(_, json)| !json.is_null());
        if let (Some((name, json)), None) = (members.next(), members.next())
            && let Some(component) = info.of.iter().find(|component| camel(component.tag) == *name)
        {
            return self.component(component, json, At::Key(&at, name));
        }
        let tags: Vec<_> = info.of.iter().map(|component| camel(component.tag)).collect();
        self.refuse(Code::BadUserInput, format!("must have exactly one of {}", tags.join(", ")), at)
    }

    pub fn fault(&mut self, code: Code, message: String, at: At<'_>) {
        self.faults.add(self.root, code, message, at);
    }

    pub fn refuse<T>(&mut self, code: Code, message: String, at: At<'_>) -> Option<T> {
        self.fault(code, message, at);
        None
    }
}

/// The value of a relation with several target types: the table and the id.
pub fn any(target: &ContentInfo, id: Uuid) -> Value {
    Value::List(vec![Value::Text(target.table.to_owned()), Value::Uuid(id)])
}

/// The field that identifies a child in inputs: the first unique one.
pub fn child_key(info: &ContentInfo) -> Option<(usize, &'static FieldInfo)> {
    super::table::natural_keys(info).next()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}
