//! Changed components: their values are rewritten inside the JSON of every column that may hold one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::fields::{component_kinds, may_be_nothing};
use super::{Differ, subject};
use crate::catalog::{Field, Store};
use crate::migrate::convert;
use crate::migrate::pair::{self, Pair};
use crate::migrate::step::{Fit, JsonLoss, Step};
use crate::schema::Scalar;

/// A kept column that holds components.
pub struct ComponentColumn {
    /// Its name afterwards.
    pub table: String,
    pub column: String,
    /// The components that it held, by their former names.
    pub of: Vec<String>,
    /// Those of them that it no longer accepts.
    pub without: Vec<String>,
    pub subject: String,
}

/// The arguments of `cms.rewrite` for one component, what it loses, and which fields stored components may lack.
#[derive(Default)]
struct Change {
    json: Map<String, Value>,
    losses: Vec<JsonLoss>,
    needed: Vec<String>,
}

impl<'a> Differ<'a> {
    /// Adds the steps that rewrite stored components.
    pub fn stored_components(&mut self) {
        let mut changes = BTreeMap::new();
        for (before, after) in self.components.clone() {
            let change = self.component(Pair { before, after });
            changes.insert(before, change);
        }
        for column in std::mem::take(&mut self.component_columns) {
            let reached = self.reached(&column.of);
            let mut told = Map::new();
            let mut losses: Vec<_> = column
                .without
                .iter()
                .map(|kind| JsonLoss {
                    code: "M109",
                    subject: column.subject.clone(),
                    about: format!("every `{kind}` in {} is removed", column.subject),
                    needs_value: false,
                })
                .collect();
            for &component in &reached {
                if let Some(change) = changes.get(component).filter(|change| !change.json.is_empty()) {
                    told.insert(component.to_owned(), Value::Object(change.json.clone()));
                    losses.extend(change.losses.iter().cloned());
                }
            }
            self.require_members(&column, &reached, &changes);
            if told.is_empty() && column.without.is_empty() {
                continue;
            }
            if !told.is_empty() {
                self.add_ways(&reached, &mut told);
            }
            self.push(Step::RewriteJson {
                table: column.table,
                column: column.column,
                changes: Value::Object(told).to_string(),
                without: column.without,
                losses,
            });
        }
    }

    /// Makes the migration fail if a stored component lacks a member that is required now; names are those afterwards.
    fn require_members(
        &mut self,
        column: &ComponentColumn,
        reached: &BTreeSet<&'a str>,
        changes: &BTreeMap<&'a str, Change>,
    ) {
        let mut told = Map::new();
        let mut subjects = Vec::new();
        for (&before, change) in reached.iter().filter_map(|name| changes.get_key_value(name)) {
            let after = self.components[before];
            if !change.needed.is_empty() {
                subjects.extend(change.needed.iter().map(|field| subject(after, field)));
                told.insert(after.to_owned(), json!({ "needed": change.needed }));
            }
        }
        if told.is_empty() {
            return;
        }
        for after in reached.iter().filter_map(|name| self.components.get(name)) {
            let fields = self.after.components[*after].iter();
            let nested = fields.filter(|field| !component_kinds(&field.store).0.is_empty());
            let nested: Vec<_> = nested.map(|field| json!(field.name)).collect();
            if !nested.is_empty() {
                told.entry(*after).or_insert_with(|| json!({}))["nested"] = Value::Array(nested);
            }
        }
        let (table, column) = (column.table.clone(), column.column.clone());
        self.push(Step::RequireMembers { table, column, needs: Value::Object(told).to_string(), subjects });
    }

    /// The components that can be nested in these, including themselves.
    fn reached(&self, roots: &[String]) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = roots.iter().map(String::as_str).collect();
        while let Some(name) = open.pop() {
            let Some((name, fields)) = self.before.components.get_key_value(name) else { continue };
            if reached.insert(name.as_str()) {
                open.extend(fields.iter().flat_map(|field| component_kinds(&field.store).0).map(String::as_str));
            }
        }
        reached
    }

    /// Adds which keys of a component hold other components.
    fn add_ways(&self, reached: &BTreeSet<&str>, told: &mut Map<String, Value>) {
        for &component in reached {
            let fields = self.before.components.get(component).into_iter().flatten();
            let keys: Vec<_> = fields
                .filter(|field| !component_kinds(&field.store).0.is_empty())
                .map(|field| json!(field.name))
                .collect();
            if !keys.is_empty() {
                let change = told.entry(component.to_owned()).or_insert_with(|| json!({}));
                change["nested"] = Value::Array(keys);
            }
        }
    }

    fn component(&mut self, name: Pair<&'a str>) -> Change {
        let (before, after) = (&self.before.components[name.before], &self.after.components[name.after]);
        let names: Vec<_> = before.iter().map(|field| field.name.as_str()).collect();
        let sources = pair::sources(&names, &self.declared.fields(name.after));
        let mut change = Change::default();
        let mut drop = Vec::new();
        let mut set = Vec::new();
        self.refuse_taken(name.after, &names, &self.declared.fields(name.after));
        for field in before.iter().filter(|field| !sources.values().any(|&source| source == field.name)) {
            drop.push(json!(field.name));
            change.losses.push(loss("M108", name.after, &field.name, "every value of it in stored components is lost"));
        }
        for field in after {
            let source =
                sources.get(field.name.as_str()).and_then(|&source| before.iter().find(|field| field.name == source));
            let told = match source {
                Some(source) => {
                    self.tightened(name, Pair { before: source, after: field });
                    self.member(name.after, Pair { before: source, after: field }, &mut change)
                }
                None => self.new_member(name.after, field, &mut change),
            };
            set.extend(told);
        }
        if name.before != name.after {
            change.json.insert("tag".to_owned(), json!(name.after));
        }
        if !drop.is_empty() {
            change.json.insert("drop".to_owned(), Value::Array(drop));
        }
        if !set.is_empty() {
            change.json.insert("set".to_owned(), Value::Array(set));
        }
        change
    }

    fn new_member(&mut self, component: &str, field: &Field, change: &mut Change) -> Option<Value> {
        let mut told = json!({ "to": field.name });
        self.fill_member(component, field, &mut told, change).then_some(told)
    }

    fn member(&mut self, component: &str, field: Pair<&Field>, change: &mut Change) -> Option<Value> {
        let store = self.renamed(&field.before.store);
        let mut told = json!({ "from": field.before.name, "to": field.after.name });
        let mut changed = field.before.name != field.after.name;
        // Whether a stored component may lose a value that it had.
        let mut emptied = false;
        match self.json_conversion(&store, &field.after.store) {
            None => {
                let about = "its values cannot be converted and are lost";
                change.losses.push(loss("M108", component, &field.after.name, about));
                told["as"] = json!("null");
                self.fill_member(component, field.after, &mut told, change);
                return Some(told);
            }
            Some((fit, Some(into))) => {
                changed = true;
                emptied = may_be_nothing(&store);
                told["as"] = json!(into);
                match fit {
                    Fit::Exact => {}
                    Fit::Checked => {
                        change.losses.push(loss(
                            "M203",
                            component,
                            &field.after.name,
                            "values that do not fit make it fail",
                        ));
                    }
                    Fit::Lossy => {
                        change.losses.push(loss("M105", component, &field.after.name, "a part of each value is lost"))
                    }
                }
            }
            Some((_, None)) => {}
        }
        let removed = self.member_values(component, field, &mut told);
        changed |= told.get("values").is_some();
        let (old, _) = component_kinds(&field.before.store);
        let ((kinds, _), (wanted, _)) = (component_kinds(&store), component_kinds(&field.after.store));
        let gone: Vec<_> =
            old.iter().zip(&kinds).filter(|(_, kind)| !wanted.contains(kind)).map(|(old, _)| json!(old)).collect();
        if !gone.is_empty() {
            changed = true;
            emptied = true;
            told["without"] = Value::Array(gone);
            change.losses.push(loss(
                "M109",
                component,
                &field.after.name,
                "components of kinds it no longer takes are removed",
            ));
        }
        let given = self.answers.value(&subject(component, &field.after.name)).is_some();
        let one = matches!(field.after.store, Store::Enum { .. });
        let newly = !field.before.required || emptied || (one && !removed.is_empty());
        if given || (field.after.required && newly) {
            changed |= self.fill_member(component, field.after, &mut told, change);
        }
        if !removed.is_empty() {
            change.losses.push(gone_values(component, field.after, &removed, told.get("fill")));
        }
        changed.then_some(told)
    }

    /// Renamed and removed enum values; returns the removed ones.
    fn member_values(&mut self, component: &str, field: Pair<&Field>, told: &mut Value) -> Vec<String> {
        let (Store::Enum { values: before } | Store::Enums { values: before }) = &field.before.store else {
            return Vec::new();
        };
        let (Store::Enum { values: after } | Store::Enums { values: after }) = &field.after.store else {
            return Vec::new();
        };
        let names: Vec<_> = before.iter().map(String::as_str).collect();
        let mut hints = self.declared.values(component, &field.after.name);
        hints.retain(|name, _| after.iter().any(|value| value == name));
        let sources = pair::sources(&names, &hints);
        self.refuse_taken(&subject(component, &field.after.name), &names, &hints);
        let (mut mapped, mut removed) = (Map::new(), Vec::new());
        for value in before {
            match sources.iter().find(|(_, source)| *source == value).map(|(name, _)| *name) {
                Some(name) if name == value => {}
                Some(name) => drop(mapped.insert(value.clone(), json!(name))),
                None => {
                    removed.push(value.clone());
                    mapped.insert(value.clone(), Value::Null);
                }
            }
        }
        if !mapped.is_empty() {
            told["values"] = Value::Object(mapped);
        }
        removed
    }

    /// The value for stored components without one, if the field is required now.
    fn fill_member(&mut self, component: &str, field: &Field, told: &mut Value, change: &mut Change) -> bool {
        match self.fill_with(component, field, crate::migrate::literal::json) {
            Some(value) => {
                told["fill"] = value;
                true
            }
            None => {
                let list = matches!(
                    field.store,
                    Store::Enums { .. } | Store::Components { .. } | Store::Blocks { .. } | Store::Many { .. }
                );
                if field.required && !list {
                    change.needed.push(field.name.clone());
                }
                false
            }
        }
    }

    /// The argument of `cms.convert`; stores use the names afterwards.
    fn json_conversion(&self, before: &Store, after: &Store) -> Option<(Fit, Option<&'static str>)> {
        let string = Scalar::named("string").unwrap_or_else(|| panic!("codegen bug: no field type `string`"));
        let kept = Some((Fit::Exact, None));
        let to_list = Some((Fit::Exact, Some("list")));
        let to_first = Some((Fit::Lossy, Some("first")));
        match (before, after) {
            (Store::Scalar { scalar: before }, Store::Scalar { scalar: after }) => {
                convert::json(Scalar::named(before)?, Scalar::named(after)?)
            }
            (Store::Enum { .. }, Store::Scalar { scalar }) => convert::json(string, Scalar::named(scalar)?),
            (Store::Enum { .. }, Store::Enum { .. }) | (Store::Enums { .. }, Store::Enums { .. }) => kept,
            (Store::Enum { .. }, Store::Enums { .. }) => to_list,
            (Store::Enums { .. }, Store::Enum { .. }) => to_first,
            (Store::One { to: from } | Store::Many { to: from }, Store::One { to } | Store::Many { to })
                if from == to =>
            {
                match (before, after) {
                    (Store::One { .. }, Store::Many { .. }) => to_list,
                    (Store::Many { .. }, Store::One { .. }) => to_first,
                    _ => kept,
                }
            }
            (
                Store::Component { .. } | Store::Components { .. } | Store::Blocks { .. },
                Store::Component { .. } | Store::Components { .. } | Store::Blocks { .. },
            ) => {
                let ((kinds, list), (wanted, wanted_list)) = (component_kinds(before), component_kinds(after));
                match (list, wanted_list) {
                    _ if !kinds.iter().any(|kind| wanted.contains(kind)) => None,
                    (false, true) => to_list,
                    (true, false) => to_first,
                    _ => kept,
                }
            }
            _ => None,
        }
    }
}

/// A list loses the removed values; in a required field, a single value must be replaced.
fn gone_values(component: &str, field: &Field, removed: &[String], fill: Option<&Value>) -> JsonLoss {
    let one = matches!(field.store, Store::Enum { .. });
    let instead = match fill.and_then(Value::as_str).filter(|_| one) {
        Some(value) => format!("get `{value}`"),
        None if field.required && one => "need another value, because the field is required".to_owned(),
        None => "lose it".to_owned(),
    };
    let about = format!("stored components that have {} {instead}", removed.join(" or "));
    JsonLoss { needs_value: field.required && one && fill.is_none(), ..loss("M104", component, &field.name, &about) }
}

fn loss(code: &'static str, component: &str, field: &str, about: &str) -> JsonLoss {
    let subject = subject(component, field);
    JsonLoss { code, about: format!("{subject}: {about}"), subject, needs_value: false }
}
