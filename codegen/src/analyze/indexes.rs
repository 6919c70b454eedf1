//! Checks that `indexes:` names existing columns that can be ordered.

use std::collections::BTreeSet;

use super::declared::{Declared, Owner};
use super::fields::named;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};
use crate::syntax::node::{Node, Value};

const SYSTEM: &[&str] = &["created_at", "updated_at", "published_at", "first_published_at"];

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    for owner in declared.types.values() {
        for index in owner.node.get("indexes").map_or(&[][..], Node::items) {
            check_index(owner, index, found);
        }
    }
}

fn check_index(owner: &Owner<'_>, index: &Node, found: &mut Diagnostics) {
    let Some(on) = index.get("on").filter(|on| matches!(on.value, Value::List(_))) else { return };
    if on.items().is_empty() {
        found.push(bad_index(on.span, "an index needs at least one field"));
    }
    let mut seen = BTreeSet::new();
    for column in on.items().iter().filter_map(Node::spanned_text) {
        let (name, order) = column.value.split_once(' ').unwrap_or((&column.value, "asc"));
        let name = Spanned { value: name.to_owned(), span: column.span };
        if !matches!(order.trim(), "asc" | "desc") {
            found.push(bad_index(column.span, "only ` desc` may follow the name of a field"));
        }
        if !seen.insert(name.value.clone()) {
            found.push(bad_index(column.span, &format!("`{}` is in the index twice", name.value)));
        }
        if SYSTEM.contains(&name.value.as_str()) {
            if index.flag("unique") {
                let help = "the server sets it, and entries saved together get the same value";
                found.push(bad_index(column.span, &format!("`{}` cannot be in a unique index", name.value)).help(help));
            }
            continue;
        }
        match named(&name, &owner.fields) {
            Err(unknown) => found.push(*unknown),
            Ok(field) if field.ty.is_some() && !field.is_column() => {
                let help = "lists, components, JSON and long text are not stored in a single sortable column";
                found.push(bad_index(column.span, &format!("`{}` cannot be in an index", name.value)).help(help));
            }
            Ok(_) => {}
        }
    }
}

fn bad_index(span: Span, message: &str) -> Diagnostic {
    Diagnostic::error(Code::BadIndex, span, message)
}
