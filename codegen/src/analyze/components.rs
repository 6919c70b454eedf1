//! Checks that the components of fields exist and do not contain themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::{Declared, FieldDecl};
use super::relations::{empty, suggest_or_declare, written_twice};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::language::Structure;
use crate::syntax::node::{Node, Value};

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for field in declared.owners().flat_map(|owner| owner.all_fields()).filter(|field| !field.dropped) {
        check_known(field, declared, found);
        check_count(field, found);
    }
    check_cycles(declared, found);
}

fn check_known(field: &FieldDecl<'_>, declared: &Declared<'_>, found: &mut Diagnostics) {
    let mut seen = BTreeMap::new();
    for (name, span) in field.components() {
        if !declared.knows_component(name) {
            let diagnostic = Diagnostic::error(Code::UnknownComponent, span, format!("unknown component `{name}`"));
            let known = declared.components.keys().copied();
            found.push(suggest_or_declare(diagnostic, name, "schema/components/", known));
        } else if let Some(first) = seen.insert(name, span) {
            found.push(written_twice(name, span, first));
        }
    }
}

fn check_count(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let Some(of) = field.node.get("of").filter(|of| matches!(of.value, Value::List(_))) else { return };
    if of.items().is_empty() {
        found.push(empty(field, "of", "component"));
    } else if field.is(Structure::Component) && of.items().len() > 1 {
        let message = "a field of type `component` has exactly one component";
        let help = "use `type: blocks` for a mix of several";
        found.push(Diagnostic::error(Code::WrongShape, of.items()[1].span, message).help(help));
    }
}

/// A component that contains itself would be an infinite type.
fn check_cycles(declared: &Declared<'_>, found: &mut Diagnostics) {
    let mut done = BTreeSet::new();
    for name in declared.components.keys() {
        let mut path = Vec::new();
        walk(name, declared, &mut path, &mut done, found);
    }
}

/// Depth first. `path` holds the components visited so far, each with the position of the reference that was followed.
fn walk<'a>(
    name: &'a str,
    declared: &Declared<'a>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    found: &mut Diagnostics,
) {
    if done.contains(name) {
        return;
    }
    path.push(name);
    for (inner, span) in contained(name, declared) {
        match path.iter().position(|on_path| *on_path == inner) {
            Some(start) => found.push(cycle(&path[start..], inner, span)),
            // A longer chain of components could also overflow the stack of code that reads the values.
            None if path.len() < 64 => walk(inner, declared, path, done, found),
            None => found.push(cycle(path, inner, span)),
        }
    }
    path.pop();
    done.insert(name);
}

fn contained<'a>(name: &str, declared: &Declared<'a>) -> Vec<(&'a str, Span)> {
    let fields = declared.components.get(name).map_or(&[][..], |owner| &owner.fields);
    fields.iter().filter(|field| !field.dropped).flat_map(FieldDecl::components).collect()
}

fn cycle(path: &[&str], back: &str, span: Span) -> Diagnostic {
    let way: Vec<_> = path.iter().chain([&back]).map(|name| format!("`{name}`")).collect();
    let message = format!("a component contains itself: {}", way.join(" → "));
    Diagnostic::error(Code::ComponentCycle, span, message).help("use a relation to a content type for nested content")
}

/// A group of fields must not be empty: GraphQL has no empty types.
pub fn check_not_empty(fields: Option<&Node>, found: &mut Diagnostics) {
    if let Some(node) = fields.filter(
        |node| matches!(&node.value, Value::Map(entries) if entries.iter().all(|entry| entry.node.flag("drop"))),
    ) {
        found.push(Diagnostic::error(Code::MissingKey, node.span, "`fields` needs at least one field"));
    }
}
