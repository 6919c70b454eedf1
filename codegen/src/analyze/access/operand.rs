//! Operands of conditions and `set`: a field with values, and its operators.

use serde_json::{Value as Json, json};

use super::Author;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Enum, Field, FieldKind, FilterFamily, Mapping, Scalar, SqlType, literal};
use crate::source::Spanned;
use crate::syntax::node::{Node, Value};
use crate::syntax::shape::suggest;

const EQUAL: &[&str] = &["eq", "ne", "in", "not_in"];
const NULL: &[&str] = &["is_null"];
const ORDERED: &[&str] = &["lt", "lte", "gt", "gte"];
const TEXT: &[&str] = &["contains", "starts_with"];
const CHOICES: &[&str] = &["has", "has_some", "has_every", "is_empty"];
const STATUS: &[&str] = &["draft", "published", "changed"];

/// A field with values that can be compared.
pub struct Operand<'a> {
    values: Values<'a>,
    pub operators: Vec<&'static str>,
    /// The operator implied by a plain value, and by a list of values.
    pub plain: &'static str,
    pub several: &'static str,
}

enum Values<'a> {
    Scalar(Mapping),
    Enum(&'a Enum),
    Status,
    /// Ids of entries in this table.
    Id(&'a str),
}

impl<'a> Operand<'a> {
    /// `None` if the field cannot be compared as a single value.
    pub fn of_field(field: &'a Field) -> Option<Self> {
        match &field.kind {
            // JSON has no order, and equality is rarely what is meant.
            FieldKind::Scalar { scalar, .. } if scalar.mapping().sql == SqlType::Jsonb => None,
            FieldKind::Scalar { scalar, .. } => Some(Self::scalar(*scalar)),
            FieldKind::Enum { choice, many: false } => Some(Self::equal(Values::Enum(choice), &[EQUAL, NULL])),
            FieldKind::Enum { choice, many: true } => {
                let operators = CHOICES.to_vec();
                Some(Self { values: Values::Enum(choice), operators, plain: "has", several: "has_some" })
            }
            _ => None,
        }
    }

    /// `id` and the other system fields of an entry; `children` have only the id.
    pub fn of_system(name: &str, table: &'a str, children: bool) -> Option<Self> {
        match name {
            "id" => Some(Self::id(table)),
            _ if children => None,
            "status" => Some(Self::equal(Values::Status, &[EQUAL])),
            "created_by" | "updated_by" | "published_by" => Some(Self::scalar(Scalar::User)),
            "created_at" | "updated_at" | "published_at" | "first_published_at" => Some(Self::scalar(Scalar::Datetime)),
            _ => None,
        }
    }

    pub fn id(table: &'a str) -> Self {
        Self::equal(Values::Id(table), &[EQUAL])
    }

    fn scalar(scalar: Scalar) -> Self {
        let mapping = scalar.mapping();
        let families: &[&[&str]] = match mapping.filter {
            FilterFamily::Equal => &[EQUAL, NULL],
            FilterFamily::Ordered => &[EQUAL, NULL, ORDERED],
            FilterFamily::Text => &[EQUAL, NULL, ORDERED, TEXT],
        };
        Self::equal(Values::Scalar(mapping), families)
    }

    fn equal(values: Values<'a>, families: &[&[&'static str]]) -> Self {
        Self { values, operators: families.concat(), plain: "eq", several: "in" }
    }

    fn is_user(&self) -> bool {
        matches!(&self.values, Values::Scalar(mapping) if mapping.takes.user)
    }

    /// The value as API JSON, or a description of what it should be.
    fn parse(&self, node: &Node) -> Result<Json, String> {
        let text = node.text().unwrap_or_default();
        match &self.values {
            Values::Scalar(mapping) => match literal::parse(*mapping, &node.written(), &literal::ANY) {
                Ok(parsed) => Ok(parsed.json),
                Err(_) => Err(format!("a value of type `{}`, as in `{}`", mapping.yaml, mapping.example)),
            },
            Values::Enum(choice) => match choice.values.iter().find(|value| value.name.snake() == text) {
                Some(value) => Ok(json!(value.name.upper())),
                None => Err(words(choice.values.iter().map(|value| value.name.snake()))),
            },
            Values::Status if STATUS.contains(&text) => Ok(json!(text.to_uppercase())),
            Values::Status => Err(words(STATUS.iter().copied())),
            Values::Id(table) => {
                let of_table = text.rsplit_once('_').is_some_and(|(prefix, id)| prefix == *table && id.len() == 26);
                if of_table { Ok(json!(text)) } else { Err(format!("an id of `{table}`, as the API shows it")) }
            }
        }
    }
}

fn words<'n>(known: impl Iterator<Item = &'n str>) -> String {
    format!("one of {}", known.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
}

impl<'a> Author<'a, '_> {
    /// `draft`, `[draft, changed]` or `{ ne: draft }`, as the API's operators.
    pub fn operators(&mut self, operand: &Operand<'_>, node: &'a Node, key: &Spanned<String>) -> Json {
        match &node.value {
            Value::Map(entries) => {
                self.check_any(node, key);
                let pairs = entries.iter().map(|entry| {
                    let operator = &entry.key;
                    if !operand.operators.contains(&operator.value.as_str()) {
                        let message = format!("unknown operator `{}` for `{}`", operator.value, key.value);
                        let diagnostic = Diagnostic::error(Code::BadCondition, operator.span, message);
                        self.push(suggest(diagnostic, &operator.value, operand.operators.iter().copied()));
                        return (operator.value.clone(), Json::Null);
                    }
                    let name = crate::schema::Name::new(&operator.value).camel();
                    (name, self.operator(operand, &operator.value, &entry.node, key))
                });
                pairs.collect::<serde_json::Map<_, _>>().into()
            }
            Value::List(_) => {
                json!({ crate::schema::Name::new(operand.several).camel(): self.list(operand, node, key) })
            }
            _ => json!({ operand.plain: self.value(operand, node, key) }),
        }
    }

    fn operator(&mut self, operand: &Operand<'_>, operator: &str, node: &Node, key: &Spanned<String>) -> Json {
        match operator {
            "is_null" | "is_empty" => self.flag(node, operator),
            "in" | "not_in" | "has_some" | "has_every" => self.list(operand, node, key),
            // Part of a value need not be a valid value.
            "contains" | "starts_with" => {
                let part = Operand::equal(Values::Scalar(Scalar::Text.mapping()), &[]);
                self.value(&part, node, key)
            }
            _ => self.value(operand, node, key),
        }
    }

    pub fn flag(&mut self, node: &Node, operator: &str) -> Json {
        if node.bool().is_none() && !matches!(node.value, Value::Broken) {
            let message = format!("`{operator}` takes `true` or `false`");
            self.push(Diagnostic::error(Code::BadConditionValue, node.span, message));
        }
        json!(node.bool())
    }

    fn list(&mut self, operand: &Operand<'_>, node: &Node, key: &Spanned<String>) -> Json {
        let items = node.items();
        if items.is_empty() && !matches!(node.value, Value::Broken) {
            let message = format!("`{}` must be compared with a list of values here", key.value);
            self.push(Diagnostic::error(Code::BadConditionValue, node.span, message).help("write `[a, b]`"));
        }
        items.iter().map(|item| self.value(operand, item, key)).collect()
    }

    /// One value of the field `key`. `$user` stands for the actor.
    pub fn value(&mut self, operand: &Operand<'_>, node: &Node, key: &Spanned<String>) -> Json {
        if node.text() == Some("$user") {
            self.check_user(operand, node, key);
            return json!("$user");
        }
        match operand.parse(node) {
            Ok(json) => return json,
            Err(_) if matches!(node.value, Value::Broken) => {}
            Err(_) if matches!(node.value, Value::Null) => {
                let message = format!("`{}` is compared with null", key.value);
                let span = if node.span.start == node.span.end { key.span } else { node.span };
                self.push(Diagnostic::error(Code::BadConditionValue, span, message).help("write `{ is_null: true }`"));
            }
            Err(expected) => {
                let message = format!("`{}` takes {expected}", key.value);
                self.push(Diagnostic::error(Code::BadConditionValue, node.span, message));
            }
        }
        Json::Null
    }

    fn check_user(&mut self, operand: &Operand<'_>, node: &Node, key: &Spanned<String>) {
        let (message, help) = match (operand.is_user(), self.is_anonymous()) {
            (true, false) => return,
            (true, true) => (
                "`$user` is the signed-in user, and `anonymous` has none".to_owned(),
                "remove the condition, or give the rule to another role",
            ),
            (false, _) => (
                format!("`$user` is a user, but `{}` is not", key.value),
                "users are in `created_by`, `updated_by`, `published_by` and fields of type `user`",
            ),
        };
        self.push(Diagnostic::error(Code::NotAUser, node.span, message).help(help));
    }
}
