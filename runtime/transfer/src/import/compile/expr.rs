//! Expressions and conditions of a mapping.

use regex::{Regex, RegexBuilder};

use super::{Compiler, get};
use crate::import::expr::{Column, Expr, Source, Template};
use crate::import::mapping::{Condition, Test};
use crate::import::path::Path;
use crate::import::yaml::{Entry, Node, Tree};

pub const SOURCES: [&str; 7] = ["path", "const", "first_of", "template", "object", "list", "zip"];
/// Bytes of one regular expression once it is compiled. Matching takes linear time whatever it says.
const LARGEST_PATTERN: usize = 1 << 20;
const TESTS: [&str; 6] = ["is", "is_not", "in", "not_in", "matches", "filled"];

impl Compiler {
    /// A path as text, or a map of a source, steps and a default; `also` are keys that the caller reads.
    pub fn expr(&mut self, node: &Node, also: &[&str]) -> Option<Expr> {
        match &node.tree {
            Tree::Text(text) => {
                let path = self.path(node)?;
                Some(Expr::path(path, &format!("`{text}`"), self.trim))
            }
            Tree::Map(entries) => self.expr_map(node, entries, also),
            Tree::Null => {
                self.fault(
                    node.place,
                    "nothing is said here",
                    Some("write a path, such as `attributes.material`".into()),
                );
                None
            }
            _ => {
                let help = Some(format!("write `{{ const: {} }}` for a constant", node.json()));
                self.fault(node.place, format!("a path or a map is expected, and this is {}", node.what()), help);
                None
            }
        }
    }

    fn expr_map(&mut self, node: &Node, entries: &[Entry], also: &[&str]) -> Option<Expr> {
        let sources: Vec<&Entry> = entries.iter().filter(|entry| SOURCES.contains(&entry.key.as_str())).collect();
        let [source] = sources.as_slice() else {
            let help = format!("write exactly one of {}", SOURCES.join(", "));
            let message = match sources.len() {
                0 => "nothing says where the value comes from",
                _ => "two keys say where the value comes from",
            };
            self.fault(node.place, message, Some(help));
            return None;
        };
        let about = match &source.node.tree {
            Tree::Text(text) => format!("`{text}`"),
            _ => format!("`{}`", source.key),
        };
        let trim = match get(entries, "trim") {
            Some(trim) => self.flag(trim),
            None => Some(self.trim),
        };
        let made = self.source(source);
        let mut steps = Vec::new();
        for entry in entries {
            let read_elsewhere = SOURCES.contains(&entry.key.as_str())
                || also.contains(&entry.key.as_str())
                || matches!(entry.key.as_str(), "default" | "trim");
            if !read_elsewhere {
                self.step(entry, &mut steps, also);
            }
        }
        let default = get(entries, "default").map(Node::json);
        Some(Expr { source: made?, trim: trim?, steps, default, about })
    }

    fn source(&mut self, entry: &Entry) -> Option<Source> {
        let node = &entry.node;
        match entry.key.as_str() {
            "path" => self.path(node).map(Source::Path),
            "const" => Some(Source::Const(node.json())),
            "first_of" => self.exprs(node).map(Source::FirstOf),
            "list" => self.exprs(node).map(Source::List),
            "zip" => self.zip(node),
            "template" => {
                let text = self.text(node, "a template")?;
                match Template::parse(text) {
                    Ok(template) => Some(Source::Template(template)),
                    Err(message) => {
                        self.fault(node.place, message, None);
                        None
                    }
                }
            }
            _ => {
                let Tree::Map(entries) = &node.tree else {
                    self.fault(
                        node.place,
                        format!("`object` is a map from keys to paths, and this is {}", node.what()),
                        None,
                    );
                    return None;
                };
                let mut made = Vec::with_capacity(entries.len());
                for entry in entries {
                    made.extend(self.expr(&entry.node, &[]).map(|expr| (entry.key.clone(), expr)));
                }
                Some(Source::Object(made))
            }
        }
    }

    /// `{ name: "names[]", value: { path: values, split: "," } }`; a list has a source for each place.
    fn zip(&mut self, node: &Node) -> Option<Source> {
        let Tree::Map(entries) = &node.tree else {
            self.fault(node.place, format!("`zip` is a map from keys to lists, and this is {}", node.what()), None);
            return None;
        };
        let mut columns = Vec::with_capacity(entries.len());
        for entry in entries {
            let column = match &entry.node.tree {
                Tree::List(_) => self.exprs(&entry.node).map(Column::Items),
                _ => self.expr(&entry.node, &[]).map(Column::List),
            };
            columns.push((entry.key.clone(), column?));
        }
        Some(Source::Zip(columns))
    }

    fn exprs(&mut self, node: &Node) -> Option<Vec<Expr>> {
        let Tree::List(items) = &node.tree else {
            self.fault(node.place, format!("a list of paths is expected, and this is {}", node.what()), None);
            return None;
        };
        Some(items.iter().filter_map(|item| self.expr(item, &[])).collect())
    }

    pub fn path(&mut self, node: &Node) -> Option<Path> {
        let text = self.text(node, "a path")?;
        match Path::parse(text) {
            Ok(path) => Some(path),
            Err(message) => {
                self.fault(node.place, message, None);
                None
            }
        }
    }

    /// `{ matches: "^Size:" }`: exactly one test, and whether it is negated.
    pub fn test(&mut self, node: &Node) -> Option<(Test, bool)> {
        let entries = self.map(node, "a test", &TESTS)?;
        let [only] = entries else {
            self.fault(node.place, format!("one test is expected: {}", TESTS.join(", ")), None);
            return None;
        };
        self.one_test(only)
    }

    fn one_test(&mut self, entry: &Entry) -> Option<(Test, bool)> {
        Some(match entry.key.as_str() {
            "filled" => (Test::Filled, !self.flag(&entry.node)?),
            "matches" => (Test::Matches(self.pattern(&entry.node)?), false),
            key => (Test::In(self.texts(&entry.node, "a text")?), key.contains("not")),
        })
    }

    pub fn condition(&mut self, node: &Node) -> Option<Condition> {
        let Tree::Map(entries) = &node.tree else { return self.expr(node, &[]).map(Condition::Filled) };
        if let [only] = entries.as_slice() {
            match only.key.as_str() {
                "all" => return self.conditions(&only.node).map(Condition::All),
                "any" => return self.conditions(&only.node).map(Condition::Any),
                "not" => return self.condition(&only.node).map(|inner| Condition::Not(Box::new(inner))),
                _ => {}
            }
        }
        let expr = self.expr(node, &TESTS);
        let tests: Vec<&Entry> = entries.iter().filter(|entry| TESTS.contains(&entry.key.as_str())).collect();
        let test = match tests.as_slice() {
            [] => return expr.map(Condition::Filled),
            [test] => test,
            [_, second, ..] => {
                self.fault(
                    second.place,
                    "a condition has one test",
                    Some("combine conditions with `all:` or `any:`".into()),
                );
                return None;
            }
        };
        let (condition, negated) = match self.one_test(test)? {
            (Test::Filled, negated) => (Condition::Filled(expr?), negated),
            (test, negated) => (Condition::Test { expr: expr?, test }, negated),
        };
        Some(if negated { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn conditions(&mut self, node: &Node) -> Option<Vec<Condition>> {
        let Tree::List(items) = &node.tree else {
            self.fault(node.place, format!("a list of conditions is expected, and this is {}", node.what()), None);
            return None;
        };
        Some(items.iter().filter_map(|item| self.condition(item)).collect())
    }

    pub fn pattern(&mut self, node: &Node) -> Option<Regex> {
        let text = self.text(node, "a regular expression")?;
        match RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build() {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.fault(node.place, format!("this is no regular expression: {error}"), None);
                None
            }
        }
    }
}
