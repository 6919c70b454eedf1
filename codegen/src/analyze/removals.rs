//! Checks that `was:` and `drop:` do not contradict existing declarations.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::{Declared, FieldDecl, Owner};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{Span, Spanned};

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    check_owners(declared.types.values().collect(), found);
    check_owners(declared.components.values().collect(), found);
    for owner in declared.owners() {
        check_fields(&owner.fields, found);
        owner.fields.iter().for_each(|field| check_fields(&field.fields, found));
    }
}

fn check_owners(owners: Vec<&Owner<'_>>, found: &mut Diagnostics) {
    let names = owners.iter().map(|owner| (owner.name.value.as_str(), owner.name.span)).collect();
    let renames = owners.iter().filter_map(|owner| Some((&*owner.name.value, owner.node.get("was")?.spanned_text()?)));
    check_renames(&names, renames, found);
}

fn check_fields(fields: &[FieldDecl<'_>], found: &mut Diagnostics) {
    let names = fields.iter().map(|field| (field.name.value.as_str(), field.name.span)).collect();
    let renames = fields.iter().filter_map(|field| Some((&*field.name.value, field.node.get("was")?.spanned_text()?)));
    check_renames(&names, renames, found);
    for field in fields.iter().filter(|field| field.dropped) {
        if let (Some(was), Some(drop)) = (field.node.entry("was"), field.node.entry("drop")) {
            let message = "a field is renamed or removed, not both";
            let diagnostic = Diagnostic::error(Code::BadRemoval, was.key.span, message);
            found.push(diagnostic.also(drop.key.span, "removed here").help("remove `was`"));
        }
    }
}

/// A former name must not be a current name, and must be the former name of one thing only.
///
/// `was` stays in the schema after the rename. If two things swapped names, it would be unclear whether they have been
/// renamed already.
fn check_renames<'a>(
    names: &BTreeMap<&str, Span>,
    renames: impl Iterator<Item = (&'a str, Spanned<String>)>,
    found: &mut Diagnostics,
) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let renames: Vec<_> = renames.collect();
    let renamed: BTreeSet<_> = renames.iter().map(|(name, _)| *name).collect();
    for (_, was) in renames {
        if let Some(present) = names.get(was.value.as_str()).filter(|_| renamed.contains(was.value.as_str())) {
            let message = format!(
                "the name `{}` moves from one field to another, which cannot be done in a single migration",
                was.value
            );
            let help = "rename one at a time, with `cargo xtask generate` after each, the first to a name that is free";
            let diagnostic = Diagnostic::error(Code::BadRemoval, was.span, message);
            found.push(diagnostic.also(*present, "has it now").help(help));
        } else if let Some(present) = names.get(was.value.as_str()) {
            let message = format!("`{}` still exists, so it was not renamed", was.value);
            let diagnostic = Diagnostic::error(Code::BadRemoval, was.span, message);
            found.push(
                diagnostic
                    .also(*present, "declared here")
                    .help("remove `was`, or the declaration that still has the name"),
            );
        } else if let Some(first) = seen.insert(was.value.clone(), was.span) {
            let message = format!("two fields cannot both have been `{}`", was.value);
            let diagnostic = Diagnostic::error(Code::BadRemoval, was.span, message);
            found.push(diagnostic.also(first, "the other").help("remove one `was`"));
        }
    }
}
