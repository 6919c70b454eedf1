//! PostgreSQL's limits: columns, index keys, function arguments, row width, names in one schema.

use std::collections::BTreeMap;

use super::declared::Declared;
use crate::catalog::{self, Catalog, Index, Role, Store, Table};
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::schema::Schema;
use crate::source::Span;

/// `MaxHeapAttributeNumber` of PostgreSQL.
const COLUMNS: usize = 1600;
/// `INDEX_MAX_KEYS`
const KEYS: usize = 32;
/// `FUNC_MAX_ARGS`, the limit for `num_nonnulls` over the targets of one relation.
const TARGETS: usize = 100;
/// The largest row on an 8 kB page.
const ROW: usize = 8160;

/// Call this only for a schema without errors: it inspects the resulting tables.
pub fn check(declared: &Declared<'_>, schema: &Schema, found: &mut Diagnostics) {
    let catalog = catalog::lower(schema);
    let places = places(declared);
    let place = |table: &str| {
        let owner = match catalog.tables.get(table).map(|table| &table.role) {
            Some(Role::List { of, .. }) => of.as_str(),
            _ => table,
        };
        places.get(owner).copied().unwrap_or(Span { file: 0, start: 0, end: 0 })
    };
    for (name, table) in &catalog.tables {
        check_table(name, table, place(name), found);
    }
    check_names(&catalog, &place, found);
}

/// Where each table of entries and of children is declared.
fn places(declared: &Declared<'_>) -> BTreeMap<String, Span> {
    let mut places = BTreeMap::new();
    for (name, owner) in &declared.types {
        places.insert((*name).to_owned(), owner.name.span);
        for field in owner.fields.iter().filter(|field| !field.fields.is_empty()) {
            places.insert(format!("{name}_{}", field.singular()), field.name.span);
        }
    }
    places
}

fn check_table(name: &str, table: &Table, place: Span, found: &mut Diagnostics) {
    let columns = table.columns.len();
    if columns > COLUMNS {
        let message = format!("`{name}` has {columns} columns, but a PostgreSQL table has at most {COLUMNS}");
        let help = "money has two columns, a relation to several types one for each; put fields that belong together into a component";
        found.push(Diagnostic::error(Code::TooMuch, place, message).help(help));
    } else if widest(table) > ROW {
        let message = format!(
            "a row of `{name}` with a long value in every field takes {} bytes, but a PostgreSQL page holds {ROW}",
            widest(table)
        );
        let help =
            "entries with fewer or shorter values can be saved; put fields that belong together into a component";
        found.push(Diagnostic::warning(Code::WideRow, place, message).help(help));
    }
    for field in &table.fields {
        if let Store::One { to } | Store::Many { to } = &field.store
            && to.len() > TARGETS
        {
            let message = format!("`{name}.{}` has {} target types, the most is {TARGETS}", field.name, to.len());
            found.push(Diagnostic::error(Code::TooMuch, place, message).help("use several relations"));
        }
    }
    for index in table.indexes.iter().filter(|index| index.on.len() > KEYS) {
        let message = format!(
            "the index `{}` has {} columns, but a PostgreSQL index has at most {KEYS}",
            index.name,
            index.on.len()
        );
        found.push(Diagnostic::error(Code::TooMuch, place, message).help("use fewer fields"));
    }
}

/// Bytes of a row with the longest possible values. Long values are stored out of line, with an 18-byte pointer.
fn widest(table: &Table) -> usize {
    let width = |sql_type: &str| match sql_type {
        "boolean" => 1,
        "date" => 4,
        "bigint" | "time" | "timestamptz" => 8,
        "uuid" => 16,
        _ => 18,
    };
    let head = 24 + table.columns.len().div_ceil(8);
    head + table.columns.iter().map(|column| width(&column.sql_type)).sum::<usize>()
}

/// In PostgreSQL, the tables and indexes of a schema share one namespace.
fn check_names(catalog: &Catalog, place: &dyn Fn(&str) -> Span, found: &mut Diagnostics) {
    let mut taken: BTreeMap<String, (&str, String)> = BTreeMap::new();
    let mut take = |name: String, table, what: String| {
        let Some((other, before)) = taken.insert(name.clone(), (table, what.clone())) else { return };
        let message = format!("{before} and {what} would both create `{name}` in the database");
        let diagnostic = Diagnostic::error(Code::TypeNameTaken, place(table), message);
        let diagnostic =
            if place(other) == place(table) { diagnostic } else { diagnostic.also(place(other), "the other") };
        found.push(diagnostic.help("rename one of the fields"));
    };
    for name in catalog.tables.keys() {
        take(name.clone(), name, format!("the table `{name}`"));
    }
    for (name, table) in &catalog.tables {
        if table.has_key() {
            take(catalog::names::primary_key(name), name, format!("the primary key of `{name}`"));
        }
        for index in &table.indexes {
            take(index.name.clone(), name, format!("the index of `{name}` on {}", keys(index)));
        }
    }
}

fn keys(index: &Index) -> String {
    index.on.iter().map(|key| format!("`{}`", key.column)).collect::<Vec<_>>().join(" and ")
}
