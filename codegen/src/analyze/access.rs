//! `access:` names roles and fields that exist, and gives each action what it can use.

use super::declared::{Declared, Owner, find};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::syntax::language::ROLES;
use crate::syntax::node::{Entry, Node};
use crate::syntax::shape::suggest;

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    let own = declared.site.and_then(|site| site.get("roles")).map_or(&[][..], Node::entries);
    let roles: Vec<_> = ROLES.iter().copied().chain(own.iter().map(|entry| entry.key.value.as_str())).collect();
    for entry in own.iter().filter(|entry| ROLES.contains(&entry.key.value.as_str())) {
        let message = format!("every site has the role `{}` already", entry.key.value);
        found.push(Diagnostic::error(Code::BadAccess, entry.key.span, message).help("remove it"));
    }
    for owner in declared.types.values() {
        for role in owner.node.get("access").map_or(&[][..], Node::entries) {
            // Without the site's file its roles are not known.
            if declared.site.is_some() && !roles.contains(&role.key.value.as_str()) {
                let message = format!("unknown role `{}`", role.key.value);
                let diagnostic = Diagnostic::error(Code::UnknownRole, role.key.span, message);
                found.push(suggest(diagnostic, &role.key.value, roles.iter().copied()));
            }
            for action in role.node.entries() {
                check_rule(owner, action, found);
            }
        }
    }
}

fn check_rule(owner: &Owner<'_>, action: &Entry, found: &mut Diagnostics) {
    let writes = matches!(action.key.value.as_str(), "create" | "update" | "import");
    for part in action.node.entries() {
        let fits = match part.key.value.as_str() {
            "check" | "set" => writes,
            "where" => action.key.value != "create",
            _ => true,
        };
        if !fits {
            let message = format!("`{}` takes no `{}`", action.key.value, part.key.value);
            found.push(Diagnostic::error(Code::BadAccess, part.key.span, message).help("remove it"));
        }
    }
    let named = action.node.get("fields").map_or(&[][..], Node::items).iter().filter_map(Node::spanned_text);
    let set = action.node.get("set").map_or(&[][..], Node::entries).iter().map(|entry| entry.key.clone());
    let computed = owner.node.get("computed");
    for name in named.chain(set) {
        let is_computed = computed.is_some_and(|computed| computed.get(&name.value).is_some());
        if find(&owner.fields, &name.value).is_none() && !is_computed {
            let message = format!("there is no field `{}`", name.value);
            let diagnostic = Diagnostic::error(Code::BadAccess, name.span, message);
            found.push(suggest(diagnostic, &name.value, owner.fields.iter().map(|field| field.name.value.as_str())));
        }
    }
}
