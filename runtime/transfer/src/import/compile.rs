//! Compiles the YAML of a mapping to a [`Mapping`], checked against the content type. All mistakes are reported at
//! once.

mod compare;
mod expr;
mod fields;
mod keys;

use crate::import::apply::is_named;
use crate::import::mapping::{Group, Mapping, Rule};
use crate::import::near::nearest;
use crate::import::unread::Key;
use crate::import::yaml::{self, Entry, Fault, Node, Place, Tree};
use keys::Of;
use model::content::{ContentInfo, FieldInfo, Required, SchemaInfo, Shape};

/// Bytes of the stack for compiling mappings: expressions may nest as deep as they are long.
const STACK: usize = 32 << 20;

pub fn compile(text: &str, info: &'static ContentInfo, schema: &'static SchemaInfo) -> Result<Mapping, Vec<Fault>> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let no_thread = |error| vec![Fault::new(Place::default(), format!("no thread can be started: {error}"))];
        let reading = thread.spawn_scoped(scope, || read(text, info, schema)).map_err(no_thread)?;
        reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn read(text: &str, info: &'static ContentInfo, schema: &'static SchemaInfo) -> Result<Mapping, Vec<Fault>> {
    let root = yaml::parse(text).map_err(|fault| vec![fault])?;
    let lines = text.lines().map(str::to_owned).collect();
    let mut compiler = Compiler {
        schema,
        lines,
        faults: Vec::new(),
        numbered: 0,
        around: vec![Of::Record],
        group: None,
        given: Of::Other,
        keys: Vec::new(),
        asked_for: Vec::new(),
    };
    let mapping = compiler.mapping(&root, info);
    compiler.faults.sort_by_key(|fault| fault.place);
    match mapping {
        Some(mapping) if compiler.faults.is_empty() => Ok(mapping),
        _ => Err(compiler.faults),
    }
}

struct Compiler {
    schema: &'static SchemaInfo,
    /// The lines of the file.
    lines: Vec<String>,
    faults: Vec<Fault>,
    numbered: usize,
    /// The values that bare keys belong to, innermost last.
    around: Vec<Of>,
    /// The key of the list of rows.
    group: Option<String>,
    /// The kind of value of the last expression.
    given: Of,
    /// Keys of records that expressions name, and those tested with `is defined`.
    keys: Vec<Key>,
    asked_for: Vec<String>,
}

impl Compiler {
    fn mapping(&mut self, root: &Node, info: &'static ContentInfo) -> Option<Mapping> {
        let entries =
            self.map(root, "a mapping", &["type", "key", "trim", "where", "group_by", "publish", "fields"])?;
        if let Some(node) = get(entries, "type") {
            let name = self.text(node, "the content type's name")?;
            if name != info.table {
                let message = format!("this mapping is for `{name}`, not for `{}`", info.table);
                self.fault(node.place, message, Some(format!("give `--type {name}`")));
            }
        }
        let trim = match get(entries, "trim") {
            Some(node) => self.flag(node)?,
            None => false,
        };
        let group = get(entries, "group_by").map(|node| self.group(node));
        self.group = group.iter().flatten().next().map(|group| group.name.clone());
        let only = get(entries, "where").map(|node| self.expr(node, &[]));
        let publish = get(entries, "publish").map(|node| self.expr(node, &[]));
        let Some(fields) = get(entries, "fields") else {
            self.fault(
                root.place,
                "`fields` is missing",
                Some("write `fields:`, and a line for each field under it".into()),
            );
            return None;
        };
        let rules = self.rules(fields, info.fields, info.name, false);
        self.check_required(fields.place, &rules, info, info.name);
        let key = self.key(root, get(entries, "key"), &rules, info)?;
        let (only, group, publish) = (only.flatten(), group.flatten(), publish.flatten());
        let keys = self.read_keys();
        Some(Mapping { key, trim, only, rules, numbered: self.numbered, publish, group, keys })
    }

    /// `group_by: Handle`, or `{ value: Handle, as: lines }`.
    fn group(&mut self, node: &Node) -> Option<Group> {
        let around = std::mem::replace(&mut self.around, vec![Of::Row]);
        let by = self.expr(node, &["as"]);
        self.around = around;
        let by = by?;
        let name = match &node.tree {
            Tree::Map(entries) => get(entries, "as").map(|node| self.text(node, "a key").map(str::to_owned)),
            _ => None,
        };
        Some(Group { by, name: name.unwrap_or_else(|| Some("rows".into()))? })
    }

    fn key(
        &mut self,
        root: &Node,
        named: Option<&Node>,
        rules: &[Rule],
        info: &'static ContentInfo,
    ) -> Option<&'static FieldInfo> {
        let mapped = |field: &FieldInfo| rules.iter().any(|rule| rule.field.snake == field.snake);
        let unique: Vec<_> = info.fields.iter().filter(|field| is_key(field)).collect();
        let names = || unique.iter().map(|field| field.snake).collect::<Vec<_>>().join(", ");
        let Some(node) = named else {
            let found = unique.iter().find(|field| mapped(field)).copied();
            if found.is_none() {
                let help = format!("map one of its unique fields: {}", names());
                self.fault(
                    root.place,
                    format!("no field identifies the entries of `{}` at the next import", info.name),
                    Some(help),
                );
            }
            return found;
        };
        let name = self.text(node, "the name of a unique field")?;
        match unique.iter().find(|field| is_named(field, name)) {
            Some(field) if mapped(field) => Some(field),
            Some(field) => {
                self.fault(
                    node.place,
                    format!("`{}` is the key, but is not mapped", field.snake),
                    Some("add it under `fields`".into()),
                );
                None
            }
            None => {
                self.fault(
                    node.place,
                    format!("`{name}` is not a unique field of `{}`", info.name),
                    Some(format!("write one of {}", names())),
                );
                None
            }
        }
    }

    /// Fields that are required to create an entry must have a rule.
    fn check_required(&mut self, place: Place, rules: &[Rule], info: &'static ContentInfo, what: &str) {
        for field in info.fields.iter().filter(|field| is_needed(field)) {
            if !rules.iter().any(|rule| rule.field.snake == field.snake) {
                let message = format!("`{}` of {what} is required and not mapped", field.snake);
                self.fault(place, message, Some(format!("add a line such as `{}: some_key`", field.snake)));
            }
        }
    }

    fn fault(&mut self, place: Place, message: impl Into<String>, help: Option<String>) {
        let fault = Fault::new(place, message);
        self.faults.push(match help {
            Some(help) => fault.help(help),
            None => fault,
        });
    }

    /// The entries of a map, if all its keys are known.
    fn map<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<&'n [Entry]> {
        let Tree::Map(entries) = &node.tree else {
            self.fault(node.place, format!("{what} must be a map of {}, not {}", known.join(", "), node.what()), None);
            return None;
        };
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            self.unknown(entry.place, "key", &entry.key, known);
        }
        Some(entries)
    }

    fn unknown(&mut self, place: Place, what: &str, name: &str, known: &[&str]) {
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", known.join(", ")),
        };
        self.fault(place, format!("unknown {what} `{name}`"), Some(help));
    }

    fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        match &node.tree {
            Tree::Text(text) => Some(text),
            _ => {
                self.fault(node.place, format!("{what} must be text, not {}", node.what()), None);
                None
            }
        }
    }

    fn flag(&mut self, node: &Node) -> Option<bool> {
        match node.tree {
            Tree::Bool(value) => Some(value),
            _ => {
                self.fault(node.place, format!("expected `true` or `false`, not {}", node.what()), None);
                None
            }
        }
    }

    /// Exactly one of the names, as the value of `key`.
    fn one_of<'k>(&mut self, node: &Node, names: &[&'k str]) -> Option<&'k str> {
        let name = self.text(node, &format!("one of {}", names.join(", ")))?;
        let found = names.iter().find(|known| **known == name).copied();
        if found.is_none() {
            self.unknown(node.place, "choice", name, names);
        }
        found
    }
}

fn get<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Node> {
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
}

/// Whether the field alone identifies an entry.
pub fn is_key(field: &FieldInfo) -> bool {
    matches!(field.unique, Some([])) && matches!(field.shape, Shape::Scalar(_))
}

fn is_needed(field: &FieldInfo) -> bool {
    field.required == Required::Save
        && field.default.is_none()
        && field.rules.from.is_none()
        && !matches!(
            field.shape,
            Shape::Many(_) | Shape::Enums(_) | Shape::Components(_) | Shape::Blocks(_) | Shape::Children(_)
        )
}
