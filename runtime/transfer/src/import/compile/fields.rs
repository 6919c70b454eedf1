//! Compiles the lines under `fields`. The type of a field decides which keys its line may have.

use super::{Compiler, get, is_key};
use crate::import::apply::is_named;
use crate::import::expr::Expr;
use crate::import::mapping::{Fill, Form, Missing, Part, Reference, Rule, TreeRule};
use crate::import::yaml::{Entry, Node, Tree};
use model::content::{BlocksInfo, ContentInfo, FieldInfo, RelationInfo, Required, Shape};

const MISSING: [&str; 4] = ["skip", "clear", "error", "skip_item"];
const LOOKUP: [&str; 8] = ["to", "by", "key", "create", "fields", "tree", "later", "missing"];

impl Compiler {
    pub fn rules(&mut self, node: &Node, fields: &'static [FieldInfo], what: &str, inside: bool) -> Vec<Rule> {
        let Tree::Map(entries) = &node.tree else {
            self.fault(
                node.place,
                format!("`fields` must be a map from fields to expressions, not {}", node.what()),
                None,
            );
            return Vec::new();
        };
        let mut rules: Vec<Rule> = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(field) = fields.iter().find(|field| is_named(field, &entry.key)) else {
                let known: Vec<&str> = fields.iter().map(|field| field.snake).collect();
                self.unknown(entry.place, &format!("field of {what}:"), &entry.key, &known);
                continue;
            };
            if rules.iter().any(|rule| rule.field.snake == field.snake) {
                self.fault(entry.place, format!("`{}` is filled twice", field.snake), None);
            }
            rules.extend(self.rule(entry, field, inside));
        }
        rules
    }

    /// `inside`: in a component, where relations are keys.
    fn rule(&mut self, entry: &Entry, field: &'static FieldInfo, inside: bool) -> Option<Rule> {
        let node = &entry.node;
        let fill = match field.shape {
            Shape::Scalar(kind) => {
                let expr = self.expr(node, &["when_missing", "numbered"]);
                let numbered = match key_of(node, "numbered") {
                    Some(flag) => self.flag(flag)?,
                    None => false,
                };
                let numbered = numbered.then(|| {
                    self.numbered += 1;
                    self.numbered - 1
                });
                Fill::Scalar { kind, expr: expr?, numbered }
            }
            Shape::Enum(info) => Fill::Enum { info, expr: self.expr(node, &["when_missing"])? },
            Shape::Enums(info) => Fill::Enums { info, expr: self.expr(node, &["when_missing"])? },
            Shape::One(relation) => self.references(node, relation, false, inside)?,
            Shape::Many(relation) => self.references(node, relation, true, inside)?,
            Shape::Component(component) => {
                self.parts(node, component.fields, component.name, true, None, Form::Component)?
            }
            Shape::Components(component) => {
                self.parts(node, component.fields, component.name, true, None, Form::Components)?
            }
            Shape::Blocks(blocks) => self.parts(node, &[], blocks.name, true, Some(blocks), Form::Blocks)?,
            Shape::Children(child) => {
                let fill = self.parts(node, child.fields, child.name, false, None, Form::Children)?;
                if let Fill::Parts { of, .. } = &fill {
                    of.iter().for_each(|part| self.check_required(node.place, &part.rules, child, child.name));
                }
                fill
            }
        };
        let missing = match key_of(node, "when_missing") {
            Some(choice) => Missing::named(self.one_of(choice, &MISSING)?)?,
            None if field.required == Required::Save && field.default.is_none() && field.rules.from.is_none() => {
                Missing::Error
            }
            None => Missing::Skip,
        };
        Some(Rule { field, missing, fill })
    }

    fn references(&mut self, node: &Node, relation: RelationInfo, many: bool, inside: bool) -> Option<Fill> {
        let polymorphic = relation.to.len() > 1;
        let of: Vec<Reference> = match &node.tree {
            Tree::List(items) if many => {
                items.iter().filter_map(|item| self.reference(item, relation, many, inside)).collect()
            }
            Tree::List(_) => {
                self.fault(node.place, "the relation is to one entry; a list fills relations to many", None);
                return None;
            }
            _ => vec![self.reference(node, relation, many, inside)?],
        };
        Some(Fill::References { of, many, keys: inside, polymorphic })
    }

    fn reference(&mut self, node: &Node, relation: RelationInfo, many: bool, inside: bool) -> Option<Reference> {
        let expr = self.expr(node, &["when_missing", "lookup"]);
        let item = Some(self.given.item());
        let lookup = match key_of(node, "lookup") {
            Some(lookup) => self.map(lookup, "`lookup`", &LOOKUP).map(|entries| (lookup, entries))?,
            None => (node, [].as_slice()),
        };
        let (place, entries) = (lookup.0.place, lookup.1);
        let to = self.target(place, get(entries, "to"), relation)?;
        let by = self.by(place, get(entries, "by"), to)?;
        let Shape::Scalar(kind) = by.shape else { return None };
        let mut flag = |key: &str| match get(entries, key) {
            Some(node) => self.flag(node),
            None => Some(false),
        };
        let (create, later) = (flag("create")?, flag("later")?);
        if create && inside {
            self.fault(
                place,
                "inside a component, a relation can only point at entries that exist",
                Some("fill a relation of the entry itself with `create: true`, or import the targets first".into()),
            );
            return None;
        }
        if create && many && relation.to.len() > 1 {
            self.fault(
                place,
                "targets of a relation to several types cannot be created by the mapping",
                Some("import them first".into()),
            );
            return None;
        }
        let optional = match get(entries, "missing") {
            Some(node) => self.one_of(node, &["error", "skip"])? == "skip",
            None => false,
        };
        let key = match get(entries, "key") {
            Some(node) => self.inside(item, |inner| inner.expr(node, &[]))?,
            None => Expr::item("the item itself (say `key` if it is an object)"),
        };
        let rules = get(entries, "fields")
            .map_or_else(Vec::new, |node| self.inside(item, |inner| inner.rules(node, to.fields, to.name, false)));
        let named = by.rules.from.and_then(|from| to.fields.iter().find(|field| field.snake == from));
        if create {
            let missing = to.fields.iter().filter(|field| super::is_needed(field)).find(|field| {
                let filled = |known: &FieldInfo| known.snake == field.snake;
                !rules.iter().any(|rule| filled(rule.field)) && !filled(by) && !named.is_some_and(filled)
            });
            if let Some(field) = missing {
                let help = format!("add it under `fields` of this `lookup`, such as `{}: some_key`", field.snake);
                self.fault(place, format!("a {} cannot be created without `{}`", to.name, field.snake), Some(help));
            }
        }
        let tree = match get(entries, "tree") {
            Some(node) => Some(self.tree(node, to, by)?),
            None => None,
        };
        Some(Reference { expr: expr?, to, by, kind, key, create, rules, named, tree, later, optional })
    }

    fn target(
        &mut self,
        place: crate::import::yaml::Place,
        named: Option<&Node>,
        relation: RelationInfo,
    ) -> Option<&'static ContentInfo> {
        let known: Vec<&str> = relation.to.iter().map(|to| to.table).collect();
        match (named, relation.to) {
            (None, [only]) => Some(only),
            (None, _) => {
                self.fault(
                    place,
                    "the relation is to one of several types",
                    Some(format!("say which in `lookup: {{ to: ... }}`: {}", known.join(", "))),
                );
                None
            }
            (Some(node), targets) => {
                let name = self.text(node, "a content type's name")?;
                let found = targets.iter().find(|to| to.table == name).copied();
                if found.is_none() {
                    self.unknown(node.place, "target", name, &known);
                }
                found
            }
        }
    }

    fn by(
        &mut self,
        place: crate::import::yaml::Place,
        named: Option<&Node>,
        to: &'static ContentInfo,
    ) -> Option<&'static FieldInfo> {
        let keys: Vec<&'static FieldInfo> = to.fields.iter().filter(|field| is_key(field)).collect();
        let Some(node) = named else {
            if keys.is_empty() {
                self.fault(place, format!("{} has no unique field by which it can be found", to.name), None);
            }
            return keys.first().copied();
        };
        let name = self.text(node, "the name of a unique field")?;
        let found = keys.iter().find(|field| is_named(field, name)).copied();
        if found.is_none() {
            let known: Vec<&str> = keys.iter().map(|field| field.snake).collect();
            self.unknown(node.place, &format!("unique field of {}:", to.name), name, &known);
        }
        found
    }

    /// `tree: true`, or `{ split: " > ", parent: parent }`.
    fn tree(&mut self, node: &Node, to: &'static ContentInfo, by: &'static FieldInfo) -> Option<TreeRule> {
        let entries = match node.tree {
            Tree::Bool(true) => [].as_slice(),
            _ => self.map(node, "`tree`", &["split", "parent"])?,
        };
        let separator = match get(entries, "split") {
            Some(split) => self.text(split, "the separator")?.to_owned(),
            None => "/".to_owned(),
        };
        if separator.is_empty() {
            self.fault(node.place, "the separator is empty", None);
        }
        let above = |field: &&FieldInfo| matches!(field.shape, Shape::One(relation) if relation.to.len() == 1 && relation.to[0].table == to.table);
        let parent = match get(entries, "parent") {
            Some(node) => {
                let name = self.text(node, "the name of a relation")?;
                let found = to.fields.iter().filter(above).find(|field| is_named(field, name));
                if found.is_none() {
                    self.fault(
                        node.place,
                        format!("`{name}` is not a relation of `{}` to its own type", to.name),
                        None,
                    );
                }
                found
            }
            None => to.fields.iter().find(above),
        };
        if by.rules.from.is_none() || parent.is_none() {
            let message = format!(
                "`{}` is not a tree: it needs a slug made from a name, and a relation to its own type",
                to.name
            );
            self.fault(node.place, message, None);
            return None;
        }
        parent.map(|parent| TreeRule { separator, parent })
    }

    fn parts(
        &mut self,
        node: &Node,
        fields: &'static [FieldInfo],
        what: &str,
        inside: bool,
        blocks: Option<&'static BlocksInfo>,
        form: Form,
    ) -> Option<Fill> {
        let of: Vec<Part> = match &node.tree {
            Tree::List(_) if form == Form::Component => {
                self.fault(node.place, "the field holds one component; a list fills lists of them", None);
                return None;
            }
            Tree::List(items) => {
                items.iter().filter_map(|item| self.part(item, fields, what, inside, blocks)).collect()
            }
            _ => vec![self.part(node, fields, what, inside, blocks)?],
        };
        Some(Fill::Parts { of, form })
    }

    fn part(
        &mut self,
        node: &Node,
        fields: &'static [FieldInfo],
        what: &str,
        inside: bool,
        blocks: Option<&'static BlocksInfo>,
    ) -> Option<Part> {
        let known: &[&str] = match blocks {
            Some(_) => &["block", "each", "where", "fields", "when_missing"],
            None => &["each", "where", "fields", "when_missing"],
        };
        let entries = self.map(node, what, known)?;
        let each = match get(entries, "each") {
            Some(node) => Some(self.expr(node, &[])?),
            None => None,
        };
        let item = each.is_some().then(|| self.given.item());
        let only = match get(entries, "where") {
            Some(node) => Some(self.inside(item, |inner| inner.expr(node, &[]))?),
            None => None,
        };
        let block = match (blocks, get(entries, "block")) {
            (None, _) => None,
            (Some(blocks), Some(node)) => {
                let name = self.text(node, "the name of a component")?;
                let found = blocks.of.iter().find(|component| component.tag == name).copied();
                if found.is_none() {
                    let known: Vec<&str> = blocks.of.iter().map(|component| component.tag).collect();
                    self.unknown(node.place, "block", name, &known);
                    return None;
                }
                found
            }
            (Some(blocks), None) => {
                let known: Vec<&str> = blocks.of.iter().map(|component| component.tag).collect();
                self.fault(
                    node.place,
                    "`block` is missing",
                    Some(format!("write `block:` with one of {}", known.join(", "))),
                );
                return None;
            }
        };
        let Some(rules) = get(entries, "fields") else {
            self.fault(node.place, format!("`fields` of {what} is missing"), None);
            return None;
        };
        let (fields, what) = block.map_or((fields, what), |block| (block.fields, block.name));
        let rules = self.inside(item, |inner| inner.rules(rules, fields, what, inside));
        Some(Part { each, only, block, rules })
    }
}

fn key_of<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.tree {
        Tree::Map(entries) => get(entries, key),
        _ => None,
    }
}
