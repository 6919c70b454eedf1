//! Parses YAML to nodes that know their line and column. No other file of this crate names the YAML crate.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json};
use serde_yaml::Spanned;

/// A line and a column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: u64,
    pub column: u64,
}

/// An error in the file that the author must fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub message: String,
    pub help: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub place: Place,
    pub tree: Tree,
}

#[derive(Clone, Debug)]
pub enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub place: Place,
    pub key: String,
    pub node: Node,
}

/// The value of a YAML document.
pub fn parse(text: &str) -> Result<Node, Fault> {
    let options = serde_yaml::options! { strict_booleans: true, with_snippet: false };
    match serde_yaml::from_str_with_options::<Spanned<Tree>>(text, options) {
        Ok(root) => {
            let mut root = node(root);
            keep_digits(&mut root, &text.lines().collect::<Vec<_>>());
            Ok(root)
        }
        Err(error) => {
            let place = error.location().map(|at| place(&at)).unwrap_or_default();
            Err(Fault { place, message: format!("this is not YAML: {error}"), help: None })
        }
    }
}

fn node(spanned: Spanned<Tree>) -> Node {
    Node { place: place(&spanned.referenced), tree: spanned.value }
}

/// The YAML crate parses a fraction as a float; its digits are restored from the text.
fn keep_digits(node: &mut Node, lines: &[&str]) {
    match &mut node.tree {
        Tree::Number(number) => {
            let at = |from_one: u64| usize::try_from(from_one).unwrap_or_default().saturating_sub(1);
            let line = lines.get(at(node.place.line)).copied().unwrap_or_default();
            let is_of_it = |c: &char| !c.is_whitespace() && !",]}".contains(*c);
            let text: String = line.chars().skip(at(node.place.column)).take_while(is_of_it).collect();
            if let Ok(exact) = text.parse() {
                *number = exact;
            }
        }
        Tree::List(items) => items.iter_mut().for_each(|item| keep_digits(item, lines)),
        Tree::Map(entries) => entries.iter_mut().for_each(|entry| keep_digits(&mut entry.node, lines)),
        Tree::Null | Tree::Bool(_) | Tree::Text(_) => {}
    }
}

fn place(location: &serde_yaml::Location) -> Place {
    Place { line: location.line(), column: location.column() }
}

impl Node {
    /// The kind of the node, for messages.
    pub fn what(&self) -> &'static str {
        match &self.tree {
            Tree::Null => "nothing",
            Tree::Bool(_) => "true or false",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a map",
        }
    }

    pub fn json(&self) -> Json {
        match &self.tree {
            Tree::Null => Json::Null,
            Tree::Bool(value) => Json::Bool(*value),
            Tree::Number(number) => Json::Number(number.clone()),
            Tree::Text(text) => Json::String(text.clone()),
            Tree::List(items) => items.iter().map(Self::json).collect(),
            Tree::Map(entries) => {
                let entries = entries.iter().map(|entry| (entry.key.clone(), entry.node.json()));
                Json::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

impl Fault {
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.place.line, self.place.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(value).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element::<Spanned<Tree>>()? {
            items.push(node(item));
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            let value = access.next_value::<Spanned<Tree>>()?;
            entries.push(Entry { place: place(&key.referenced), key: key.value, node: node(value) });
        }
        Ok(Tree::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_place() {
        let root = parse("a: 1\nbb:\n  - yes\n  - { c: 'x' }\n").unwrap();
        let Tree::Map(entries) = &root.tree else { panic!("{root:?}") };
        assert_eq!((entries[1].place.line, entries[1].place.column), (2, 1));
        let Tree::List(items) = &entries[1].node.tree else { panic!("{root:?}") };
        assert!(matches!(&items[0].tree, Tree::Text(text) if text == "yes"));
        assert_eq!((items[1].place.line, items[1].place.column), (4, 5));
        assert_eq!(root.json(), serde_json::json!({"a": 1, "bb": ["yes", {"c": "x"}]}));
    }

    #[test]
    fn numbers_keep_their_digits() {
        let root =
            parse("a: 99999999999999.99\nb: [0.10, -1.5e3]\nc: { d: 123456789012345678901234567890.5 }\n").unwrap();
        let json = root.json().to_string();
        assert_eq!(json, r#"{"a":99999999999999.99,"b":[0.10,-1.5e+3],"c":{"d":123456789012345678901234567890.5}}"#);
    }

    #[test]
    fn what_is_no_yaml_is_a_fault_with_its_place() {
        for (text, line) in [("a: [1", 1), ("a: 1\na: 2\n", 2), ("a:\n  - b\n c: 1", 3)] {
            let fault = parse(text).unwrap_err();
            assert!(fault.place.line >= line, "{text:?}: {fault}");
        }
    }
}
