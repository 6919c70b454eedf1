//! Compares the tables after a migration with the expected effect of the changes.

use std::collections::BTreeMap;

use codegen::catalog::{Catalog, Store};
use serde_json::{Map, Value};

use super::change::{Changes, How};
use super::data::Data;
use super::model::{Field, Kind, Model};

pub struct State<'a> {
    pub context: &'a str,
    pub sql: &'a str,
    pub changes: &'a Changes,
    pub old: &'a Model,
    pub new: &'a Model,
}

/// Every stored component has its required values at any depth; otherwise its entry could not be read or saved.
pub fn complete(data: &Data, catalog: &Catalog, context: &str) {
    for (table, rows) in data {
        let name = table.split_once('.').map_or("", |(_, name)| name);
        for field in catalog.tables.get(name).into_iter().flat_map(|table| &table.fields) {
            if holds_components(&field.store) {
                rows.iter().for_each(|row| complete_value(&row[&field.name], catalog, context));
            }
        }
    }
}

fn holds_components(store: &Store) -> bool {
    matches!(store, Store::Component { .. } | Store::Components { .. } | Store::Blocks { .. })
}

fn complete_value(value: &Value, catalog: &Catalog, context: &str) {
    if let Value::Array(items) = value {
        return items.iter().for_each(|item| complete_value(item, catalog, context));
    }
    let Some(kind) = value["_type"].as_str() else { return };
    for field in &catalog.components[kind] {
        let list = matches!(
            field.store,
            Store::Enums { .. } | Store::Components { .. } | Store::Blocks { .. } | Store::Many { .. }
        );
        let missing = field.required && !list && value[&field.name].is_null();
        assert!(!missing, "{context}: {kind}.{} is required and missing in {value}", field.name);
        if holds_components(&field.store) {
            complete_value(&value[&field.name], catalog, context);
        }
    }
}

impl State<'_> {
    pub fn verify(
        &self,
        before: &Data,
        catalog_before: &codegen::catalog::Catalog,
        after: &Data,
        catalog_after: &codegen::catalog::Catalog,
    ) {
        for ty in &self.new.types {
            let old_name = self.changes.owners.get(&ty.name).unwrap_or(&ty.name);
            let Some(old) = self.old.types.iter().find(|ty| ty.name == *old_name) else { continue };
            let tables = (old.name.as_str(), ty.name.as_str());
            self.table(tables, &ty.name, (&old.fields, &ty.fields), (before, after), (catalog_before, catalog_after));
        }
    }

    fn table(
        &self,
        tables: (&str, &str),
        owner: &str,
        fields: (&[Field], &[Field]),
        data: (&Data, &Data),
        catalogs: (&codegen::catalog::Catalog, &codegen::catalog::Catalog),
    ) {
        for stage in ["draft", "live"] {
            let rows = &data.0[&format!("{stage}.{}", tables.0)];
            let by_id: BTreeMap<_, _> =
                data.1[&format!("{stage}.{}", tables.1)].iter().map(|row| (row["id"].to_string(), row)).collect();
            assert_eq!(rows.len(), by_id.len(), "{}: rows of {stage}.{}\n{}", self.context, tables.1, self.sql);
            for field in fields.1 {
                let key = (owner.to_owned(), field.name.clone());
                let (old_name, how) = self.changes.fields.get(&key).cloned().unwrap_or((field.name.clone(), How::Same));
                let Some(old) = fields.0.iter().find(|field| field.name == old_name) else { continue };
                let Some(before) = catalogs.0.tables[tables.0].field(&old.name) else { continue };
                let Some(now) = catalogs.1.tables[tables.1].field(&field.name) else { continue };
                let (columns, new_columns) = (before.columns(), now.columns());
                for row in rows {
                    let new =
                        by_id.get(&row["id"].to_string()).unwrap_or_else(|| panic!("{}: a row is lost", self.context));
                    let link = |data: &Data,
                                catalog: &codegen::catalog::Catalog,
                                table: &str,
                                name: &str,
                                row: &Map<String, Value>,
                                columns: &[String]| {
                        if columns.is_empty() {
                            items(data, catalog, stage, table, name, &row["id"])
                        } else {
                            columns.iter().map(|column| row[column].clone()).filter(|value| !value.is_null()).collect()
                        }
                    };
                    if let (Kind::Relation { .. }, Kind::Relation { .. }) = (&old.kind, &field.kind) {
                        let was = link(data.0, catalogs.0, tables.0, &old.name, row, &columns);
                        let is = link(data.1, catalogs.1, tables.1, &field.name, new, &new_columns);
                        match how {
                            How::Same | How::ToList => {
                                assert_eq!(was, is, "{}: {owner}.{}\n{}", self.context, field.name, self.sql)
                            }
                            How::ToOne => assert_eq!(
                                was.first(),
                                is.first(),
                                "{}: {owner}.{}\n{}",
                                self.context,
                                field.name,
                                self.sql
                            ),
                            _ => {
                                let kept = is.iter().all(|item| was.contains(item));
                                assert!(kept, "{}: {owner}.{} {was:?} {is:?}", self.context, field.name);
                                let lost = self.sql.contains(&format!("M107={owner}.{}.", field.name))
                                    || self.sql.contains(&format!("M107={}.", subject(tables.1, &field.name)));
                                assert!(
                                    lost || was == is,
                                    "{}: {owner}.{} {was:?} {is:?}\n{}",
                                    self.context,
                                    field.name,
                                    self.sql
                                );
                            }
                        }
                        continue;
                    }
                    let (Some(column), Some(new_column)) = (columns.first(), new_columns.first()) else { continue };
                    let subject = subject(tables.1, &field.name);
                    self.value(&subject, &old.kind, field, &how, &row[column], &new[new_column]);
                    if let ([_, code], [_, new_code]) = (columns.as_slice(), new_columns.as_slice())
                        && !row[column].is_null()
                    {
                        assert_eq!(row[code], new[new_code], "{}: currency", self.context);
                    }
                }
                if let (Kind::Children { fields: old_rows, .. }, Kind::Children { fields: rows, .. }) =
                    (&old.kind, &field.kind)
                {
                    let (Some(from), Some(to)) =
                        (children(catalogs.0, tables.0, &old.name), children(catalogs.1, tables.1, &field.name))
                    else {
                        continue;
                    };
                    self.table((from, to), &format!("{owner}.{}", field.name), (old_rows, rows), data, catalogs);
                }
            }
        }
    }

    fn value(&self, subject: &str, old: &Kind, field: &Field, how: &How, was: &Value, is: &Value) {
        let context = || format!("{}: {subject} was {was} and is {is}\n{}", self.context, self.sql);
        let lost =
            self.sql.lines().any(|line| line.contains("-- hazard M10") && line.contains(&format!("={subject}.")));
        let component = |value: &Value| self.component(value);
        match how {
            _ if was.is_null() => {
                assert!(is.is_null() || field.required || is == &Value::Array(Vec::new()), "{}", context())
            }
            How::Same if matches!(old, Kind::Component { .. } | Kind::Blocks { .. }) => {
                if let Some(wanted) = component(was) {
                    assert_eq!(strip(is), strip(&wanted), "{}", context());
                }
            }
            How::Same => assert_eq!(was, is, "{}", context()),
            How::Mapped(names) => {
                let map = |value: &Value| match names.get(value.as_str().unwrap_or_default()) {
                    Some(Some(new)) => Value::from(new.as_str()),
                    Some(None) => Value::Null,
                    None => value.clone(),
                };
                let wanted = match was {
                    Value::Array(items) => items.iter().map(map).filter(|item| !item.is_null()).collect(),
                    one => map(one),
                };
                assert_eq!(&wanted, is, "{}", context());
            }
            How::ToList if matches!(old, Kind::Enum { .. }) => {
                assert_eq!(&Value::Array(vec![was.clone()]), is, "{}", context())
            }
            How::ToOne if matches!(old, Kind::Enum { .. }) => {
                assert_eq!(was.get(0).unwrap_or(&Value::Null), is, "{}", context());
            }
            How::ToList => assert_eq!(is.as_array().map(Vec::len), Some(1), "{}", context()),
            How::ToOne => assert_eq!(was.get(0).is_none(), is.is_null(), "{}", context()),
            How::Retyped if !lost => {
                assert!(!is.is_null(), "{}", context());
                if let (Value::String(a), Value::String(b)) = (was, is)
                    && matches!(
                        field.kind,
                        Kind::Scalar("string" | "text" | "markdown" | "slug" | "email" | "url" | "color")
                    )
                    && matches!(
                        old,
                        Kind::Scalar(
                            "string" | "text" | "markdown" | "slug" | "email" | "url" | "color" | "date" | "time"
                        )
                    )
                {
                    assert_eq!(a, b, "{}", context());
                }
                if let (Value::Number(a), Value::Number(b)) = (was, is)
                    && !matches!((old, &field.kind), (Kind::Scalar("money"), _) | (_, Kind::Scalar("money")))
                {
                    assert_eq!(a.as_f64(), b.as_f64(), "{}", context());
                }
            }
            How::Retyped | How::Other => {}
        }
    }

    /// The expected component; `None` if a field has changed in a way that is not tracked here.
    fn component(&self, value: &Value) -> Option<Value> {
        if let Value::Array(items) = value {
            return items.iter().map(|item| self.component(item)).collect();
        }
        let Some(tag) = value.get("_type").and_then(Value::as_str) else { return Some(value.clone()) };
        let renamed = self.changes.owners.iter().find(|(_, before)| *before == tag).map(|(after, _)| after.as_str());
        let name = renamed.unwrap_or(tag);
        let part = self.new.components.iter().find(|part| part.name == name)?;
        let mut wanted = Map::new();
        wanted.insert("_type".into(), Value::from(name));
        for field in &part.fields {
            let changed = self
                .changes
                .fields
                .iter()
                .find(|((owner, after), _)| (owner == tag || owner == name) && *after == field.name);
            let (old, how) = changed.map_or((&field.name, &How::Same), |(_, (old, how))| (old, how));
            if !matches!(how, How::Same) || field.required {
                return None;
            }
            if let Some(value) = value.get(old) {
                let nested = matches!(field.kind, Kind::Component { .. });
                wanted.insert(field.name.clone(), if nested { self.component(value)? } else { value.clone() });
            }
        }
        Some(Value::Object(wanted))
    }
}

/// Absent equals null, and the order of keys does not matter.
fn strip(value: &Value) -> String {
    fn go(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let sorted: BTreeMap<_, _> = object.iter().filter(|(_, value)| !value.is_null()).collect();
                sorted.into_iter().map(|(key, value)| (key.clone(), go(value))).collect::<Map<_, _>>().into()
            }
            Value::Array(items) => items.iter().map(go).collect(),
            other => other.clone(),
        }
    }
    go(value).to_string()
}

fn subject(table: &str, field: &str) -> String {
    format!("{table}.{field}")
}

fn children<'a>(catalog: &'a codegen::catalog::Catalog, of: &str, field: &str) -> Option<&'a str> {
    let role = codegen::catalog::Role::Children { of: of.to_owned(), field: field.to_owned() };
    catalog.table_of(&role).map(|(name, _)| name)
}

/// The items of a list relation, in order.
fn items(
    data: &Data,
    catalog: &codegen::catalog::Catalog,
    stage: &str,
    of: &str,
    field: &str,
    id: &Value,
) -> Vec<Value> {
    let role = codegen::catalog::Role::List { of: of.to_owned(), field: field.to_owned() };
    let Some((table, _)) = catalog.table_of(&role) else { return Vec::new() };
    let mut rows: Vec<_> = data[&format!("{stage}.{table}")].iter().filter(|row| row["owner_id"] == *id).collect();
    rows.sort_by_key(|row| row["position"].as_i64());
    let item = |row: &&Map<String, Value>| {
        let columns =
            row.iter().filter(|(name, value)| name.ends_with("_id") && *name != "owner_id" && !value.is_null());
        columns.map(|(_, value)| value.clone()).next()
    };
    rows.iter().filter_map(item).collect()
}
