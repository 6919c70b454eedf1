//! `where` and `check`: YAML to the equivalent API filter, field by field.

use serde_json::{Map, Value as Json, json};

use super::Author;
use super::operand::Operand;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Children, ContentType, Field, FieldKind, Name};
use crate::source::Spanned;
use crate::syntax::node::{Entry, Node, Value};

const ONE: &[&str] = &["is", "is_not", "is_null"];
const LIST: &[&str] = &["some", "none", "every"];
const SYSTEM: &[&str] = &[
    "id",
    "created_by",
    "updated_by",
    "published_by",
    "created_at",
    "updated_at",
    "published_at",
    "first_published_at",
    "status",
];

/// The rows that conditions apply to.
#[derive(Clone, Copy)]
pub enum Rows<'a> {
    Entries(&'a ContentType),
    Children(&'a Children),
}

impl<'a> Rows<'a> {
    fn table(self) -> &'a Name {
        match self {
            Self::Entries(ty) => &ty.name,
            Self::Children(children) => &children.name,
        }
    }

    fn fields(self) -> &'a [Field] {
        match self {
            Self::Entries(ty) => &ty.fields,
            Self::Children(children) => &children.fields,
        }
    }

    fn names(self) -> Vec<&'a str> {
        let own = self.fields().iter().map(|field| field.name.snake());
        match self {
            Self::Entries(ty) => own
                .chain(ty.inverses.iter().map(|inverse| inverse.name.snake()))
                .chain(SYSTEM.iter().copied())
                .collect(),
            Self::Children(_) => own.chain(["id"]).collect(),
        }
    }
}

impl<'a> Author<'a, '_> {
    /// A map of conditions, combined with AND.
    pub fn conditions(&mut self, rows: Rows<'a>, node: &'a Node, key: &Spanned<String>) -> Json {
        if !matches!(node.value, Value::Map(_) | Value::Broken) {
            let message = format!("`{}` must be a map of conditions, not {}", key.value, node.what());
            self.push(Diagnostic::error(Code::BadCondition, node.span, message));
        }
        self.check_any(node, key);
        let pairs = node.entries().iter().filter_map(|entry| self.one(rows, entry));
        pairs.collect::<Map<_, _>>().into()
    }

    /// An empty map matches everything; leaving it out says that better.
    pub fn check_any(&mut self, node: &Node, key: &Spanned<String>) {
        if matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
            let message = format!("`{}` has no condition", key.value);
            self.push(Diagnostic::error(Code::BadCondition, node.span, message).help("remove it, or write one"));
        }
    }

    fn one(&mut self, rows: Rows<'a>, entry: &'a Entry) -> Option<(String, Json)> {
        let (key, node) = (&entry.key, &entry.node);
        match key.value.as_str() {
            "and" | "or" => return Some((key.value.clone(), self.all_of(rows, node, key))),
            "not" => return Some((key.value.clone(), self.conditions(rows, node, key))),
            _ => {}
        }
        let children = matches!(rows, Rows::Children(_));
        let name = Name::new(&key.value).camel();
        if let Some(operand) = Operand::of_system(&key.value, rows.table().snake(), children) {
            return Some((name, self.operators(&operand, node, key)));
        }
        if let Some(field) = rows.fields().iter().find(|field| field.name.snake() == key.value) {
            return Some((name, self.field(field, node, key)));
        }
        if let Rows::Entries(ty) = rows
            && let Some(inverse) = ty.inverses.iter().find(|inverse| inverse.name.snake() == key.value)
        {
            let source = self.rows_of(&inverse.source)?;
            return Some((name, self.relation(source, LIST, node, key)));
        }
        self.unknown(rows, key);
        None
    }

    fn all_of(&mut self, rows: Rows<'a>, node: &'a Node, key: &Spanned<String>) -> Json {
        if node.items().is_empty() && !matches!(node.value, Value::Broken) {
            let message = format!("`{}` must be a list of conditions", key.value);
            self.push(Diagnostic::error(Code::BadCondition, node.span, message).help("write `[{ a: 1 }, { b: 2 }]`"));
        }
        node.items().iter().map(|item| self.conditions(rows, item, key)).collect()
    }

    fn field(&mut self, field: &'a Field, node: &'a Node, key: &Spanned<String>) -> Json {
        if let Some(operand) = Operand::of_field(field) {
            return self.operators(&operand, node, key);
        }
        let refused = match &field.kind {
            FieldKind::Relation(relation) => match &relation.to[..] {
                [target] => {
                    let Some(rows) = self.rows_of(target) else { return Json::Null };
                    return self.relation(rows, if relation.many { LIST } else { ONE }, node, key);
                }
                _ => "it points at several types, which share no fields",
            },
            FieldKind::Children(children) => return self.relation(Rows::Children(children), LIST, node, key),
            FieldKind::Component { .. } | FieldKind::Blocks { .. } => "it consists of components",
            FieldKind::Scalar { .. } | FieldKind::Enum { .. } => "it holds arbitrary JSON",
        };
        let message = format!("`{}` cannot be used in a condition: {refused}", key.value);
        self.push(Diagnostic::error(Code::BadCondition, key.span, message));
        Json::Null
    }

    /// `{ name: x }` is short for the first operator: `is` for a to-one relation, `some` for a to-many one.
    fn relation(&mut self, rows: Rows<'a>, operators: &[&'static str], node: &'a Node, key: &Spanned<String>) -> Json {
        let is_operator = |entry: &Entry| operators.contains(&entry.key.value.as_str());
        match &node.value {
            Value::Map(entries) if !entries.is_empty() && entries.iter().all(is_operator) => {
                let pairs = entries.iter().map(|entry| {
                    let json = match entry.key.value.as_str() {
                        "is_null" => self.flag(&entry.node, "is_null"),
                        _ => self.conditions(rows, &entry.node, &entry.key),
                    };
                    (Name::new(&entry.key.value).camel(), json)
                });
                pairs.collect::<Map<_, _>>().into()
            }
            Value::Map(_) => json!({ operators[0]: self.conditions(rows, node, key) }),
            _ => {
                let id = Operand::id(rows.table().snake());
                json!({ operators[0]: { "id": self.operators(&id, node, key) } })
            }
        }
    }

    fn rows_of(&self, name: &Name) -> Option<Rows<'a>> {
        self.schema.types.iter().find(|ty| ty.name == *name).map(Rows::Entries)
    }

    fn unknown(&mut self, rows: Rows<'a>, key: &Spanned<String>) {
        let files = &self.declared.files;
        // The relation whose inverse this is may be in a file that cannot be read.
        if !files.type_stems.iter().all(|stem| self.declared.types.contains_key(stem.as_str())) {
            return;
        }
        let computed =
            matches!(rows, Rows::Entries(ty) if ty.computed.iter().any(|field| field.name.snake() == key.value));
        if computed {
            let message = format!(
                "`{}` cannot be used in a condition: it is a computed field, which the database does not have",
                key.value
            );
            return self.push(Diagnostic::error(Code::BadCondition, key.span, message));
        }
        self.unknown_field(key, rows.names().into_iter());
    }
}
