//! `roles:` of own queries and mutations: who may call them.

use std::collections::BTreeMap;

use super::unknown_role;
use crate::analyze::declared::Declared;
use crate::analyze::relations::written_twice;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Name, Operation, Role, Schema};
use crate::source::Span;
use crate::syntax::node::{Entry, Node, Value};

/// Fills in who may call each operation. The schema must have its roles.
pub fn check(declared: &Declared<'_>, schema: &mut Schema, found: &mut Diagnostics) {
    let Schema { roles, queries, mutations, .. } = schema;
    for (key, operations) in [("queries", queries), ("mutations", mutations)] {
        for entry in declared.site.and_then(|site| site.get(key)).map_or(&[][..], Node::entries) {
            let named = roles_of(entry, roles, found);
            let built =
                operations.iter_mut().find(|operation: &&mut Operation| operation.name.snake() == entry.key.value);
            if let Some(operation) = built {
                operation.roles = named;
            }
        }
    }
}

/// In the order of the site's roles.
fn roles_of(operation: &Entry, known: &[Role], found: &mut Diagnostics) -> Vec<Name> {
    let written = operation.node.entry("roles");
    let items = written.map_or(&[][..], |roles| roles.node.items());
    // Values that are not lists have been reported.
    if written.is_none_or(|roles| matches!(roles.node.value, Value::List(_)) && items.is_empty()) {
        let span = written.map_or(operation.key.span, |roles| roles.key.span);
        let message = format!("`{}` has no `roles`", operation.key.value);
        let help = "name the roles that may call it, such as `roles: [admin, editor]`; `anonymous` stands for visitors who have not signed in";
        found.push(Diagnostic::error(Code::NoRoles, span, message).help(help));
    }
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for role in items.iter().filter_map(Node::spanned_text) {
        if !known.iter().any(|known| known.name.snake() == role.value) {
            found.push(unknown_role(&role, known));
        }
        if let Some(first) = seen.insert(role.value.clone(), role.span) {
            found.push(written_twice(&role.value, role.span, first));
        }
    }
    known.iter().filter(|role| seen.contains_key(role.name.snake())).map(|role| role.name.clone()).collect()
}
