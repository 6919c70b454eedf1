//! Checks the targets of relations, and what happens to a relation when its target is deleted.

use std::collections::BTreeMap;

use super::declared::{Declared, FieldDecl};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use crate::syntax::language::{Place, Structure};
use crate::syntax::node::Node;
use crate::syntax::shape::suggest;

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.types.values() {
        for field in owner.all_fields().filter(|field| field.is_relation() && !field.dropped) {
            check_targets(field, &owner.name.value, declared, found);
            check_set_null(field, found);
        }
    }
    for owner in declared.components.values() {
        for field in owner.fields.iter().filter(|field| field.is_relation() && !field.dropped) {
            check_targets(field, "self", declared, found);
            check_single_target(field, found);
        }
    }
}

fn check_targets<'a>(field: &FieldDecl<'a>, owner: &'a str, declared: &Declared<'a>, found: &mut Diagnostics) {
    let targets = field.targets(owner);
    if field.node.get("to").is_some_and(|to| matches!(to.items(), []) && to.what() == "a list") {
        found.push(empty(field, "to", "content type"));
    }
    let mut seen = BTreeMap::new();
    for (target, span) in targets {
        if !declared.knows_type(target) {
            found.push(unknown_type(target, span, field, declared));
        } else if let Some(first) = seen.insert(target, span) {
            found.push(written_twice(target, span, first));
        }
    }
}

/// The error for an empty list of names.
pub fn empty(field: &FieldDecl<'_>, key: &str, what: &str) -> Diagnostic {
    let span = field.node.get(key).map_or(field.name.span, |node| node.span);
    Diagnostic::error(Code::WrongShape, span, format!("`{key}` names at least one {what}"))
}

pub fn written_twice(name: &str, span: Span, first: Span) -> Diagnostic {
    let message = format!("`{name}` is written twice");
    Diagnostic::error(Code::DuplicateKey, span, message).also(first, "first here").help("remove one of them")
}

fn unknown_type(target: &str, span: Span, field: &FieldDecl<'_>, declared: &Declared<'_>) -> Diagnostic {
    if field.is(Structure::Media) {
        let message = "a field of type `media` needs the content type `media`";
        let help = "add `schema/media.yaml`, with a field `url` that is unique";
        return Diagnostic::error(Code::UnknownType, span, message).help(help);
    }
    let diagnostic = Diagnostic::error(Code::UnknownType, span, format!("unknown content type `{target}`"));
    match target {
        "self" => diagnostic.help("a component has no entry of its own: name a content type"),
        _ => suggest_or_declare(diagnostic, target, "schema/", declared.types.keys().copied().chain(["self"])),
    }
}

/// Like [`suggest`], but if there is no similar name, the file is reported as missing.
pub fn suggest_or_declare<'a>(
    diagnostic: Diagnostic,
    name: &str,
    folder: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let mut diagnostic = suggest(diagnostic, name, known);
    let declare = format!("declare it in `{folder}{name}.yaml`");
    if diagnostic.label.is_none() {
        diagnostic.help = Some(diagnostic.help.map_or(declare.clone(), |known| format!("{declare}; {known}")));
    }
    diagnostic
}

fn check_single_target(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let targets = field.node.get("to").map_or(&[][..], Node::items);
    if field.place == Place::Component && targets.len() > 1 {
        let message = "a relation in a component can have only one target type";
        let help = "use one field for each content type";
        found.push(Diagnostic::error(Code::NotAllowedHere, targets[1].span, message).help(help));
    }
}

fn check_set_null(field: &FieldDecl<'_>, found: &mut Diagnostics) {
    let Some(on_delete) = field.node.get("on_delete").filter(|node| node.text() == Some("set_null")) else { return };
    if let Some(required) = field.node.entry("required").filter(|_| field.required() && !field.many()) {
        let message = format!("`{}` is required, and would become null when its target is deleted", field.name.value);
        let diagnostic = Diagnostic::error(Code::RequiredSetNull, on_delete.span, message);
        found
            .push(diagnostic.also(required.key.span, "required here").help("write `on_delete: restrict` or `cascade`"));
    }
}
