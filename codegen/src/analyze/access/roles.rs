//! `roles:` of `cms.yaml`: the site's own roles, and changes to the built-in ones.

use crate::analyze::declared::Declared;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::{Area, Name, Role};
use crate::syntax::node::{Entry, Node};

/// Every role: the built-in ones, then the site's own in the author's order.
pub fn all(declared: &Declared<'_>, found: &mut Diagnostics) -> Vec<Role> {
    let mut roles = Role::shipped().to_vec();
    for entry in declared.site.and_then(|site| site.get("roles")).map_or(&[][..], Node::entries) {
        check(entry, found);
        let shipped = roles.iter().position(|role| role.name.snake() == entry.key.value);
        let before = shipped.map(|index| roles[index].clone());
        let role = changed(entry, before);
        match shipped {
            Some(index) => roles[index] = role,
            None => roles.push(role),
        }
    }
    roles
}

fn changed(entry: &Entry, before: Option<Role>) -> Role {
    let name = Name::new(&entry.key.value);
    let before = before.unwrap_or(Role { name, description: String::new(), second_factor: false, manages: Vec::new() });
    let description = entry.node.prose("description");
    let manages = entry.node.get("manages").map(areas);
    Role {
        description: if description.is_empty() { before.description } else { description },
        second_factor: entry.node.text_of("second_factor").map_or(before.second_factor, |word| word == "required"),
        manages: manages.unwrap_or(before.manages),
        name: before.name,
    }
}

/// In the order of the language.
fn areas(node: &Node) -> Vec<Area> {
    let mut areas: Vec<_> = node.items().iter().filter_map(|item| Area::named(item.text()?)).collect();
    areas.sort_unstable();
    areas.dedup();
    areas
}

fn check(entry: &Entry, found: &mut Diagnostics) {
    let mut refuse = |key: &str, message: &str, help: &str| {
        let span = entry.node.entry(key).map_or(entry.key.span, |part| part.key.span);
        found.push(Diagnostic::error(Code::BadRole, span, message).help(help));
    };
    if entry.key.value == Role::ANONYMOUS {
        for key in ["second_factor", "manages"] {
            if entry.node.get(key).is_some() {
                refuse(key, &format!("`anonymous` does not take `{key}`: nobody signs in with it"), "remove it");
            }
        }
    }
    let managed = entry.node.get("manages").map(areas);
    if entry.key.value == Role::ADMIN && managed.is_some_and(|managed| managed.len() < Area::ALL.len()) {
        let message = "`admin` always manages everything";
        refuse("manages", message, "remove `manages`, and give other roles what they manage");
    }
}
