//! Finds the changes of an API that would break its clients.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::emit::sdl::{Definition, Document, Kind, Member, reader};

/// One change that a client can notice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Break {
    pub code: &'static str,
    /// `Product.price`, `Query.products(first:)`.
    pub place: String,
    pub message: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "breaking[{}]: {}: {}", self.code, self.place, self.message)
    }
}

/// Sorted by place; `None` if one of the texts is not SDL.
pub fn breaking(before: &str, after: &str) -> Option<Vec<Break>> {
    let (before, after) = (definitions(before), definitions(after));
    let changed = |these: &[&str], those: &[&str]| {
        let those: BTreeSet<_> = those.iter().collect();
        let changed = these.iter().filter(|definition| !those.contains(definition));
        reader::read(&changed.map(|definition| format!("{definition}\n\n")).collect::<String>())
    };
    Some(compare(&changed(&before, &after)?, &changed(&after, &before)?))
}

/// The text of each definition. Most are unchanged, and parsing them all would take longer than writing them.
///
/// Each definition starts with its description after an empty line. A description never contains such a start: its
/// quotes are escaped.
fn definitions(sdl: &str) -> Vec<&str> {
    let starts = sdl.match_indices("\n\n\"\"\"").map(|(at, _)| at + 2);
    let mut from = 0;
    starts.chain([sdl.len()]).map(|end| sdl[std::mem::replace(&mut from, end)..end].trim_end()).collect()
}

fn compare(before: &Document, after: &Document) -> Vec<Break> {
    let new = after.by_name();
    let mut found = Breaks::default();
    for old in &before.definitions {
        match new.get(old.name.as_str()) {
            None => found.push("B101", &old.name, format!("the {} was removed", old.kind.keyword())),
            Some(new) if new.kind != old.kind => {
                let (was, is) = (old.kind.keyword(), new.kind.keyword());
                found.push("B102", &old.name, format!("changed from a {was} to a {is}"));
            }
            Some(new) => found.definition(old, new),
        }
    }
    found.list.sort_by(|a, b| (&a.place, a.code).cmp(&(&b.place, b.code)));
    found.list
}

#[derive(Default)]
struct Breaks {
    list: Vec<Break>,
}

impl Breaks {
    fn push(&mut self, code: &'static str, place: &str, message: impl Into<String>) {
        self.list.push(Break { code, place: place.to_owned(), message: message.into() });
    }

    fn definition(&mut self, old: &Definition, new: &Definition) {
        for interface in old.implements.iter().filter(|interface| !new.implements.contains(interface)) {
            self.push("B103", &old.name, format!("no longer implements {interface}"));
        }
        if new.directive == "@oneOf" && old.directive != new.directive {
            self.push("B104", &old.name, "now takes exactly one field");
        }
        match old.kind {
            Kind::Scalar => {}
            Kind::Union => self.vanished(old, new, "B302", "is no longer one of them"),
            Kind::Enum => self.vanished(old, new, "B301", "the value was removed"),
            Kind::Object | Kind::Interface => self.fields(old, new),
            Kind::Input => {
                let place = |name: &str| format!("{}.{name}", old.name);
                self.inputs(&old.members, &new.members, "input field", &place);
            }
        }
    }

    fn vanished(&mut self, old: &Definition, new: &Definition, code: &'static str, message: &str) {
        let new = by_name(&new.members);
        for member in old.members.iter().filter(|member| !new.contains_key(member.name.as_str())) {
            self.push(code, &format!("{}.{}", old.name, member.name), message);
        }
    }

    fn fields(&mut self, old: &Definition, new: &Definition) {
        let new = by_name(&new.members);
        for field in &old.members {
            let place = format!("{}.{}", old.name, field.name);
            let Some(now) = new.get(field.name.as_str()) else {
                self.push("B201", &place, "the field was removed");
                continue;
            };
            if !covers(&field.ty, &now.ty) {
                self.push("B202", &place, format!("changed from `{}` to `{}`", field.ty, now.ty));
            }
            self.inputs(&field.args, &now.args, "argument", &|name| format!("{place}({name}:)"));
        }
    }

    /// Arguments and input fields: what clients send.
    fn inputs(&mut self, old: &[Member], new: &[Member], noun: &str, place: &dyn Fn(&str) -> String) {
        let (old, new) = (by_name(old), by_name(new));
        for (name, was) in &old {
            match new.get(name) {
                None => self.push("B401", &place(name), format!("the {noun} was removed")),
                Some(now) if !covers(&now.ty, &was.ty) => {
                    self.push("B402", &place(name), format!("changed from `{}` to `{}`", was.ty, now.ty));
                }
                Some(_) => {}
            }
        }
        for (name, now) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            if now.ty.ends_with('!') && now.default.is_none() {
                self.push("B403", &place(name), format!("the new {noun} is required"));
            }
        }
    }
}

fn by_name(members: &[Member]) -> BTreeMap<&str, &Member> {
    members.iter().map(|member| (member.name.as_str(), member)).collect()
}

/// Whether every value of type `inner` is also a value of type `outer`.
fn covers(outer: &str, inner: &str) -> bool {
    match (outer.strip_suffix('!'), inner.strip_suffix('!')) {
        (Some(outer), Some(inner)) => covers(outer, inner),
        (Some(_), None) => false,
        (None, Some(inner)) => covers(outer, inner),
        (None, None) => match (item(outer), item(inner)) {
            (Some(outer), Some(inner)) => covers(outer, inner),
            (None, None) => outer == inner,
            _ => false,
        },
    }
}

fn item(ty: &str) -> Option<&str> {
    ty.strip_prefix('[')?.strip_suffix(']')
}
