//! `Node`: a YAML value and its position.

use crate::schema::literal::Written;
use crate::source::{Span, Spanned};

#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    /// The digits as written, so that nothing is rounded.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// Keys are unique: duplicates have been reported.
    Map(Vec<Entry>),
    /// Already reported; no further errors are reported for it.
    Broken,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: Spanned<String>,
    pub node: Node,
}

impl Node {
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, or the value itself.
    pub fn one_or_many(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Null | Value::Broken => &[],
            _ => std::slice::from_ref(self),
        }
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key.value == key)
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn spanned_text(&self) -> Option<Spanned<String>> {
        self.text().map(|text| Spanned { value: text.to_owned(), span: self.span })
    }

    pub fn bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a flag: false if absent.
    pub fn flag(&self, key: &str) -> bool {
        self.get(key).and_then(Self::bool).unwrap_or(false)
    }

    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// Prose as the API shows it: without the trailing line breaks of YAML blocks.
    pub fn prose(&self, key: &str) -> String {
        self.text_of(key).unwrap_or_default().trim().to_owned()
    }

    /// A description of the value, for messages.
    pub fn what(&self) -> &'static str {
        match self.value {
            Value::Null | Value::Broken => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    pub fn written(&self) -> Written {
        match &self.value {
            Value::Null | Value::Broken => Written::Null,
            Value::Bool(value) => Written::Bool(*value),
            Value::Number(digits) => Written::Number(digits.clone()),
            Value::Text(text) => Written::Text(text.clone()),
            Value::List(items) => Written::List(items.iter().map(Self::written).collect()),
            Value::Map(entries) => {
                Written::Map(entries.iter().map(|entry| (entry.key.value.clone(), entry.node.written())).collect())
            }
        }
    }
}
