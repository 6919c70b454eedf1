//! Relations in an input: entries that are connected by key, and entries that are created with it.

use std::sync::OnceLock;

use serde_json::Value as Json;
use uuid::Uuid;

use super::{Overlay, any};
use crate::access::Action;
use crate::id::new_uuid;
use crate::value::Value;
use crate::write::guard::Rights;
use crate::write::keys::{Key, member, natural_key};
use crate::write::row::{At, Item};
use base::error::Code;
use model::content::{ContentInfo, RelationInfo};
use model::names::camel;

impl<'a> Overlay<'a> {
    pub(super) fn one(&mut self, to: &RelationInfo, json: &Json, at: At<'_>) -> Option<Value> {
        if json.is_null() {
            return Some(Value::Null);
        }
        if let [target] = to.to {
            return self.reference(target, json, at).map(Value::Uuid);
        }
        match sole_member(to, json) {
            Some((target, json)) => {
                let id = self.reference(target, json, At::Key(&at, &camel(target.table)))?;
                Some(any(target, id))
            }
            None => self.refuse(Code::BadUserInput, one_target(to), at),
        }
    }

    /// `{connect: key}` or `{create: input}`.
    fn reference(&mut self, target: &'static ContentInfo, json: &Json, at: At<'_>) -> Option<Uuid> {
        let given = |part| json.get(part).filter(|json: &&Json| !json.is_null());
        match (given("connect"), given("create")) {
            (Some(key), None) => self.lookup(target, key, At::Key(&at, "connect")),
            (None, Some(input)) => self.create(target, input, At::Key(&at, "create")),
            _ => self.refuse(Code::BadUserInput, "must have exactly one of connect, create".into(), at),
        }
    }

    pub(super) fn lookup(&mut self, target: &'static ContentInfo, json: &Json, at: At<'_>) -> Option<Uuid> {
        match Key::parse(target, json, self.site) {
            Ok(key) if !self.may_know(target, key.field, at) => None,
            Ok(key) => match self.keys.get(&key) {
                Some(id) => Some(id),
                None => self.refuse(Code::NotFound, key.missing(), at),
            },
            Err(no) => self.refuse(no.code, no.message, at),
        }
    }

    fn create(&mut self, target: &'static ContentInfo, json: &Json, at: At<'_>) -> Option<Uuid> {
        let Json::Object(input) = json else {
            return self.refuse(Code::BadUserInput, format!("must be an object, not {json}"), at);
        };
        let natural = self.reuse.then(|| natural_key(target, input, self.site)).flatten();
        if let Some(id) = natural.as_ref().and_then(|key| self.keys.get(key)) {
            return Some(id);
        }
        let rights = self.rights_to_create(target, at)?;
        let id = new_uuid();
        let outer = std::mem::replace(&mut self.rights, rights);
        let mut row = self.blank(target, id, at);
        self.entry(target, &mut row, None, input, at);
        self.rights = outer;
        self.items.push(Item {
            info: target,
            root: self.root,
            is_root: false,
            publish: self.publish,
            after: 0,
            old: None,
            new: row,
            record: OnceLock::new(),
        });
        if let Some(key) = natural {
            self.keys.set(&key, id);
        }
        Some(id)
    }

    fn rights_to_create(&mut self, target: &'static ContentInfo, at: At<'_>) -> Option<Rights<'a>> {
        let publishes = self.publish && target.drafts;
        let may_publish = if publishes { self.guard.access().must(target, Action::Publish) } else { Ok(()) };
        match self.guard.rights(target, Action::Create).and_then(|rights| may_publish.map(|()| rights)) {
            Ok(rights) => Some(rights),
            Err(problem) => {
                self.faults.0.push((self.root, problem.at(at.steps())));
                None
            }
        }
    }

    pub(super) fn many(&mut self, to: &RelationInfo, before: Value, json: &Json, at: At<'_>) -> Option<Value> {
        let mut items = match before {
            Value::List(items) => items,
            _ => Vec::new(),
        };
        if json.is_null() {
            return Some(Value::List(Vec::new()));
        }
        let Json::Object(parts) = json else {
            return self.refuse(Code::BadUserInput, format!("must be an object, not {json}"), at);
        };
        let mut valid = true;
        for name in parts.keys().filter(|name| !matches!(name.as_str(), "set" | "connect" | "create" | "disconnect")) {
            self.fault(
                Code::BadUserInput,
                format!("`{name}` is not one of set, connect, create, disconnect"),
                At::Key(&at, name),
            );
            valid = false;
        }
        for part in ["set", "connect", "create", "disconnect"] {
            let Some(json) = parts.get(part).filter(|json| !json.is_null()) else { continue };
            let listed = self.list(json, At::Key(&at, part), true, |overlay, json, at| match (part, to.to) {
                ("create", [target]) => overlay.create(target, json, at).map(Value::Uuid),
                _ => overlay.target(to, json, at),
            });
            match (part, listed) {
                (_, None) => valid = false,
                ("set", Some(Value::List(listed))) => items = listed,
                ("disconnect", Some(Value::List(listed))) => items.retain(|item| !listed.contains(item)),
                (_, Some(Value::List(listed))) => items.extend(listed),
                (_, Some(_)) => {}
            }
        }
        valid.then(|| Value::List(without_repeats(items)))
    }

    /// A key of the relation's target, or of one of its targets.
    fn target(&mut self, to: &RelationInfo, json: &Json, at: At<'_>) -> Option<Value> {
        if let [target] = to.to {
            return self.lookup(target, json, at).map(Value::Uuid);
        }
        match sole_member(to, json) {
            Some((target, json)) => {
                let id = self.lookup(target, json, At::Key(&at, &camel(target.table)))?;
                Some(any(target, id))
            }
            None => self.refuse(Code::BadUserInput, one_target(to), at),
        }
    }
}

pub(super) fn without_repeats(values: Vec<Value>) -> Vec<Value> {
    let mut distinct = Vec::with_capacity(values.len());
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

fn sole_member<'a>(to: &RelationInfo, json: &'a Json) -> Option<(&'static ContentInfo, &'a Json)> {
    let given = json.as_object()?.values().filter(|json| !json.is_null()).count();
    let mut known = to.to.iter().filter_map(|target| Some((*target, member(json, target)?)));
    known.next().filter(|_| given == 1)
}

fn one_target(to: &RelationInfo) -> String {
    let names: Vec<_> = to.to.iter().map(|target| camel(target.table)).collect();
    format!("must have exactly one of {}", names.join(", "))
}
