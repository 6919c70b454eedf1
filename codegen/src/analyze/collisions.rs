//! Name collisions: types and tables, fields and columns, inverses, root fields.

use std::collections::BTreeMap;

use super::declared::{Declared, FieldDecl, Owner};
use super::names::plural;
use super::reserved::{FILTER, SYSTEM, is_type};
use crate::catalog::names::{currency_column, join_table, relation_column};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::Name;
use crate::source::Span;
use crate::syntax::language::{FieldType, Place, Structure};
use crate::syntax::node::{Entry, Node};

pub fn check(declared: &Declared<'_>, found: &mut Diagnostics) {
    check_types(declared, found);
    check_tables(declared, found);
    for owner in declared.owners() {
        check_fields(&owner.fields, found);
        owner.fields.iter().for_each(|field| check_fields(&field.fields, found));
    }
    check_members(declared, found);
    check_operations(declared, found);
}

/// Names already taken, with their declarations; a second use of a name is reported.
struct Taken<'d> {
    code: Code,
    names: BTreeMap<String, (Span, String)>,
    found: &'d mut Diagnostics,
}

impl<'d> Taken<'d> {
    fn new(code: Code, found: &'d mut Diagnostics) -> Self {
        Self { code, names: BTreeMap::new(), found }
    }

    /// `made` is the name derived from `declared`, which was written at `span`.
    fn take(&mut self, made: String, declared: &str, span: Span) {
        let Some((first, other)) = self.names.get(&made) else {
            self.names.insert(made, (span, declared.to_owned()));
            return;
        };
        // A declaration can produce the same name twice, but gets one report for all its derived names.
        if *first == span || self.found.iter().any(|seen| seen.code == self.code && seen.span == Some(span)) {
            return;
        }
        let message = match other == declared {
            true => format!("two declarations have the name `{declared}`"),
            false => format!("`{declared}` and `{other}` would both create `{made}`"),
        };
        let diagnostic = Diagnostic::error(self.code, span, message);
        self.found.push(diagnostic.also(*first, "the other").help("rename one of them"));
    }
}

impl Taken<'_> {
    /// Reports a derived name that is a system type. One report per declaration is enough, and a declaration with
    /// exactly that name has been reported.
    fn refuse(&mut self, made: &str, declared: &str, span: Span) {
        if self.found.iter().any(|seen| seen.code == Code::ReservedName && seen.span == Some(span)) {
            return;
        }
        let message = format!("`{declared}` would create the type `{made}`, which every API already has");
        self.found.push(Diagnostic::error(Code::ReservedName, span, message).help("choose another name"));
    }
}

/// The API and Rust types derived from a content type's name.
const CONTENT_TYPES: &[&str] = &[
    "",
    "Connection",
    "Edge",
    "Order",
    "OrderField",
    "Filter",
    "ListFilter",
    "RelationFilter",
    "CreateInput",
    "UpdateInput",
    "UpsertInput",
    "Key",
    "ReferenceInput",
    "ReferencesInput",
    "Computed",
    "Change",
    "Facet",
    "Facets",
    "Aggregate",
    "Group",
    "GroupBy",
    "Extremes",
    "Sums",
];
const CHILDREN_TYPES: &[&str] =
    &["", "Connection", "Edge", "Order", "OrderField", "Filter", "ListFilter", "Input", "UpdateInput", "Patch", "Key"];
const COMPONENT_TYPES: &[&str] = &["", "Input"];
const ENUM_TYPES: &[&str] = &["", "Filter", "ListFilter"];
const BLOCKS_TYPES: &[&str] = &["Block", "BlockInput"];
const UNION_TYPES: &[&str] =
    &["", "Filter", "ListFilter", "RelationFilter", "Key", "ReferenceInput", "ReferencesInput"];

fn check_types(declared: &Declared<'_>, found: &mut Diagnostics) {
    take_types(&mut Taken::new(Code::TypeNameTaken, found), declared);
}

fn take_types(taken: &mut Taken<'_>, declared: &Declared<'_>) {
    let owners = declared.types.values().map(|owner| (owner, CONTENT_TYPES));
    let owners: Vec<_> = owners.chain(declared.components.values().map(|owner| (owner, COMPONENT_TYPES))).collect();
    // Types first, so that a name derived from a field is the one reported.
    for (owner, suffixes) in &owners {
        take_all(taken, &owner.name.value, suffixes, &owner.name.value, owner.name.span);
    }
    for (owner, _) in &owners {
        for field in &owner.fields {
            take_field_types(taken, &owner.name.value, field);
        }
    }
}

fn take_all(taken: &mut Taken<'_>, name: &str, suffixes: &[&str], declared: &str, span: Span) {
    let pascal = Name::new(name).pascal();
    for suffix in suffixes {
        let made = format!("{pascal}{suffix}");
        if is_type(&made) {
            taken.refuse(&made, declared, span);
        }
        taken.take(made, declared, span);
    }
}

/// The types that a field generates, named after its owner and itself.
fn take_field_types(taken: &mut Taken<'_>, owner: &str, field: &FieldDecl<'_>) {
    let name = format!("{owner}_{}", field.name.value);
    let mut take = |name: &str, suffixes: &[&str]| take_all(taken, name, suffixes, &field.name.value, field.name.span);
    if field.is(Structure::Enum) {
        take(&name, ENUM_TYPES);
    } else if field.is(Structure::Blocks) {
        take(&name, BLOCKS_TYPES);
    } else if field.is(Structure::Relation) && field.targets("self").len() > 1 {
        take(&name, UNION_TYPES);
    } else if field.is(Structure::Children) {
        let child = format!("{owner}_{}", field.singular());
        take(&child, CHILDREN_TYPES);
        take(&name, &["Input"]);
        field.fields.iter().for_each(|inner| take_field_types(taken, &child, inner));
    }
}

fn check_tables(declared: &Declared<'_>, found: &mut Diagnostics) {
    let mut taken = Taken::new(Code::TypeNameTaken, found);
    for owner in declared.types.values() {
        taken.take(owner.name.value.clone(), &owner.name.value, owner.name.span);
    }
    for owner in declared.types.values() {
        take_tables(&mut taken, &owner.name.value, &owner.fields);
    }
}

fn take_tables(taken: &mut Taken<'_>, owner: &str, fields: &[FieldDecl<'_>]) {
    for field in fields {
        if field.is(Structure::Children) {
            let table = format!("{owner}_{}", field.singular());
            taken.take(table.clone(), &field.name.value, field.name.span);
            take_tables(taken, &table, &field.fields);
        } else if field.is_relation() && field.many() {
            let table = join_table(owner, &Name::new(&field.name.value));
            taken.take(table, &field.name.value, field.name.span);
        }
    }
}

/// Columns of one table, or keys of one object for components.
fn check_fields(fields: &[FieldDecl<'_>], found: &mut Diagnostics) {
    let mut columns = Taken::new(Code::FieldNameTaken, found);
    let live = || fields.iter().filter(|field| !field.dropped);
    for field in live() {
        for column in columns_of(field) {
            columns.take(column, &field.name.value, field.name.span);
        }
    }
    let mut members = Taken::new(Code::FieldNameTaken, found);
    for field in live() {
        let name = &field.name.value;
        members.take(Name::new(name).camel(), name, field.name.span);
        if field.place == Place::Children && field.is_relation() && field.many() && field.targets("self").len() == 1 {
            members.take(Name::new(format!("{name}_connection")).camel(), name, field.name.span);
        }
    }
}

fn columns_of(field: &FieldDecl<'_>) -> Vec<String> {
    let name = &field.name.value;
    match field.ty {
        Some(FieldType::Scalar(scalar)) if scalar.has_currency() => vec![name.clone(), currency_column(name)],
        Some(FieldType::Structure(Structure::Relation | Structure::Media)) if field.place == Place::Component => {
            vec![name.clone()]
        }
        Some(FieldType::Structure(Structure::Relation | Structure::Media)) => {
            let targets = field.targets("self");
            let several = targets.len() > 1;
            match field.many() {
                true => Vec::new(),
                false => targets.iter().map(|(target, _)| relation_column(name, target, several)).collect(),
            }
        }
        Some(FieldType::Structure(Structure::Children)) => Vec::new(),
        _ => vec![name.clone()],
    }
}

/// Members of a content type besides its fields: computed fields, inverses, and the connections of lists.
fn check_members(declared: &Declared<'_>, found: &mut Diagnostics) {
    let mut inverses = inverses(declared);
    for (target, owner) in &declared.types {
        let mut taken = Taken::new(Code::FieldNameTaken, found);
        // Entries with paths have a field for them.
        if let Some(pattern) = owner.node.get("path") {
            taken.take("path".to_owned(), "path", pattern.span);
        }
        for field in owner.fields.iter().filter(|field| !field.dropped) {
            let name = &field.name.value;
            taken.take(Name::new(name).camel(), name, field.name.span);
            let in_pages = field.is_relation() && field.many() && field.targets(target).len() == 1;
            if in_pages || field.is(Structure::Children) {
                taken.take(Name::new(format!("{name}_connection")).camel(), name, field.name.span);
            }
        }
        for entry in computed(owner) {
            taken.take(Name::new(&entry.key.value).camel(), &entry.key.value, entry.key.span);
        }
        taken.code = Code::InverseTaken;
        for (name, span) in inverses.remove(target).unwrap_or_default() {
            for made in [name.to_owned(), format!("{name}_connection")] {
                taken.take(Name::new(made).camel(), name, span);
            }
        }
        computed(owner).iter().for_each(|entry| check_arguments(entry, found));
    }
}

fn computed<'a>(owner: &Owner<'a>) -> &'a [Entry] {
    owner.node.get("computed").map_or(&[][..], Node::entries)
}

/// The inverses that all relations add to each content type, with their positions.
fn inverses<'a>(declared: &Declared<'a>) -> BTreeMap<&'a str, Vec<(&'a str, Span)>> {
    let mut inverses: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (source, owner) in &declared.types {
        for field in owner.fields.iter().filter(|field| field.is_relation() && !field.dropped) {
            let Some(inverse) = field.node.get("inverse") else { continue };
            // System names have been reported.
            let Some(name) = inverse.text().filter(|name| !SYSTEM.contains(name) && !FILTER.contains(name)) else {
                continue;
            };
            for (target, _) in field.targets(source) {
                inverses.entry(target).or_default().push((name, inverse.span));
            }
        }
    }
    inverses
}

/// API root fields: those of each content type, and the site's own.
fn check_operations(declared: &Declared<'_>, found: &mut Diagnostics) {
    for (key, fields) in [("queries", query_fields as fn(&Owner<'_>) -> Vec<String>), ("mutations", mutation_fields)] {
        let mut taken = Taken::new(Code::OperationNameTaken, found);
        for owner in declared.types.values() {
            let span = owner.node.get("plural").map_or(owner.name.span, |plural| plural.span);
            let mut own = BTreeMap::new();
            for field in fields(owner) {
                if own.insert(field.clone(), ()).is_some() {
                    taken.found.push(same_plural(owner));
                } else {
                    taken.take(field, &owner.name.value, span);
                }
            }
        }
        for entry in declared.site.and_then(|site| site.get(key)).map_or(&[][..], Node::entries) {
            taken.take(Name::new(&entry.key.value).camel(), &entry.key.value, entry.key.span);
        }
        let operations = declared.site.and_then(|site| site.get(key)).map_or(&[][..], Node::entries);
        operations.iter().for_each(|operation| check_arguments(operation, found));
    }
}

fn same_plural(owner: &Owner<'_>) -> Diagnostic {
    let span = owner.node.get("plural").map_or(owner.name.span, |plural| plural.span);
    let message = format!("`{}` is the same word in the plural", owner.name.value);
    Diagnostic::error(Code::OperationNameTaken, span, message).help("give another plural with `plural:`")
}

pub fn plural_of(owner: &Owner<'_>) -> Name {
    Name::new(owner.node.text_of("plural").map_or_else(|| plural(&owner.name.value), str::to_owned))
}

fn query_fields(owner: &Owner<'_>) -> Vec<String> {
    let name = Name::new(&owner.name.value);
    let unique = |field: &&FieldDecl<'_>| {
        field.takes().text && field.node.get("unique").is_some_and(|unique| unique.bool() == Some(true))
    };
    let keys = owner.fields.iter().filter(unique);
    let by_key = keys.map(|field| format!("{}By{}", name.camel(), Name::new(&field.name.value).pascal()));
    let revision = format!("{}Revision", name.camel());
    [name.camel(), plural_of(owner).camel(), revision].into_iter().chain(by_key).collect()
}

fn mutation_fields(owner: &Owner<'_>) -> Vec<String> {
    let pascal = Name::new(&owner.name.value).pascal();
    let verbs = ["create", "update", "delete", "duplicate", "restore", "undelete", "publish", "unpublish"];
    let one = verbs.iter().map(|verb| format!("{verb}{pascal}")).chain([format!("discard{pascal}Draft")]);
    one.chain(["upsert", "publish"].map(|verb| format!("{verb}{}", plural_of(owner).pascal()))).collect()
}

/// The arguments of an operation or of a computed field.
fn check_arguments(of: &Entry, found: &mut Diagnostics) {
    let mut taken = Taken::new(Code::OperationNameTaken, found);
    for entry in of.node.get("args").map_or(&[][..], Node::entries) {
        taken.take(Name::new(&entry.key.value).camel(), &entry.key.value, entry.key.span);
    }
}

/// Every type that the files generate, for the test that checks the list is complete.
#[cfg(test)]
pub fn made_types(sources: &[crate::SourceFile]) -> std::collections::BTreeSet<String> {
    let mut found = Diagnostics::default();
    let files = crate::syntax::file::read(sources, &mut found);
    let mut taken = Taken::new(Code::TypeNameTaken, &mut found);
    take_types(&mut taken, &Declared::new(&files));
    taken.names.into_keys().collect()
}
