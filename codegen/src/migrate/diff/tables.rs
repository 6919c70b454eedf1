//! Compares one table before and after: columns first, then checks, foreign keys and indexes.

use std::collections::BTreeMap;

use super::Differ;
use super::fields::Columns;
use crate::catalog::{Check, ForeignKey, Index, Key, Reach, Role, Table, names};
use crate::migrate::pair::{self, Pair};
use crate::migrate::step::Step;

/// Column values for rows without one, by the field's subject: money's two columns are filled together.
type Backfills = BTreeMap<String, Vec<(String, String)>>;

impl<'a> Differ<'a> {
    /// The steps for a table with these column changes; `cause` is the subject of its rename.
    pub fn table(&mut self, name: Pair<&'a str>, cause: &str, mut columns: Columns) {
        let tables = self.both(name);
        keep_system_columns(&mut columns, tables.before);
        add_system_columns(&mut columns, tables.after);
        self.rename_columns(name, &columns, cause);
        let mut backfills = Backfills::new();
        if tables.after.role == Role::Content {
            inherit(name.after, &columns, &mut backfills);
        }
        self.keep_columns(name, tables, &columns, &mut backfills);
        self.add_columns(name, tables.after, &columns, &mut backfills);
        for (subject, values) in backfills {
            self.push(Step::Backfill { table: name.after.to_owned(), values, subject });
        }

        let kept: BTreeMap<_, _> = columns.kept.iter().map(|(from, kept)| (from.clone(), kept.to.clone())).collect();
        let mut constraint_renames = Vec::new();
        if tables.before.has_key() {
            let (from, to) = (names::primary_key(name.before), names::primary_key(name.after));
            constraint_renames.push((from, to, None));
        }
        self.checks(name, tables, &kept, &columns, &mut constraint_renames);
        self.foreign_keys(name, tables, &kept, &columns, &mut constraint_renames);
        self.rename_constraints(name.after, constraint_renames);
        self.indexes(name, tables, &kept, &columns);
    }

    /// Records the rename of a table.
    pub fn rename_table(&mut self, name: Pair<&str>, cause: &str) {
        if name.before != name.after {
            let names = Pair { before: name.before.to_owned(), after: name.after.to_owned() };
            self.table_renames.push((names, cause.to_owned()));
        }
    }

    fn rename_columns(&mut self, table: Pair<&str>, columns: &Columns, cause: &str) {
        let renames = columns.kept.iter().map(|(from, kept)| (from.clone(), kept.to.clone())).collect();
        for (order, (from, to)) in pair::in_order(renames).into_iter().enumerate() {
            let kept = columns.kept.values().find(|kept| kept.to == to);
            let subject = kept.map_or(cause, |kept| kept.subject.as_str()).to_owned();
            self.push(Step::RenameColumn { table: table.after.to_owned(), order, from, to, subject });
        }
    }

    fn add_columns(&mut self, name: Pair<&str>, table: &Table, columns: &Columns, backfills: &mut Backfills) {
        for (position, column) in table.columns.iter().enumerate() {
            let Some(added) = columns.added.get(&column.name) else { continue };
            let mut column = column.clone();
            let later = column.not_null && column.default.is_none() && (added.carried || added.fill.is_none());
            let fill = added.fill.clone().filter(|_| !added.carried);
            if later {
                column.not_null = false;
                if let Some(value) = &added.fill {
                    backfills.entry(added.subject.clone()).or_default().push((column.name.clone(), value.clone()));
                }
                self.require(name.after, &column.name, &added.subject, added.sure || added.fill.is_some());
            }
            let (table, subject) = (name.after.to_owned(), added.subject.clone());
            self.push(Step::AddColumn { table, position, column, fill, subject });
        }
    }

    fn keep_columns(&mut self, name: Pair<&str>, tables: Pair<&Table>, columns: &Columns, backfills: &mut Backfills) {
        for (from, kept) in &columns.kept {
            let (Some(before), Some(after)) = (tables.before.column(from), tables.after.column(&kept.to)) else {
                panic!("codegen bug: `{}.{from}` became no column of `{}`", name.before, name.after);
            };
            let (table, column, subject) = (name.after.to_owned(), after.name.clone(), kept.subject.clone());
            if before.not_null && !after.not_null {
                self.push(Step::DropNotNull { table: table.clone(), column: column.clone(), subject: subject.clone() });
            }
            if let Some(value) = &kept.fill {
                backfills.entry(subject.clone()).or_default().push((column.clone(), value.clone()));
            }
            // A conversion can turn a value into null, such as the first item of an empty list.
            if after.not_null && (!before.not_null || (kept.converted && !kept.sure)) {
                if before.not_null {
                    self.push(Step::DropNotNull {
                        table: table.clone(),
                        column: column.clone(),
                        subject: subject.clone(),
                    });
                }
                self.require(name.after, &column, &subject, kept.sure || kept.fill.is_some());
            }
            if before.default != after.default && !kept.converted {
                self.push(Step::SetDefault { table, column, default: after.default.clone() });
            }
        }
    }

    fn require(&mut self, table: &str, column: &str, subject: &str, sure: bool) {
        let (table, column) = (table.to_owned(), column.to_owned());
        self.push(Step::SetNotNull { table: table.clone(), column: column.clone() });
        self.push(Step::Require { table, column, subject: subject.to_owned(), sure });
    }

    fn checks(
        &mut self,
        name: Pair<&str>,
        tables: Pair<&Table>,
        kept: &BTreeMap<String, String>,
        columns: &Columns,
        renames: &mut Vec<(String, String, Option<Reach>)>,
    ) {
        let mut new: Vec<&Check> = tables.after.checks.iter().collect();
        for check in &tables.before.checks {
            let on: Option<Vec<_>> = check.on.iter().map(|column| kept.get(column).cloned()).collect();
            let same = on.and_then(|on| new.iter().position(|new| new.on == on && new.expression == check.expression));
            match same {
                Some(index) => renames.push((check.name.clone(), new.remove(index).name.clone(), None)),
                // It is dropped with its column.
                None if check.on.iter().any(|column| columns.dropped.contains(column)) => {}
                None => {
                    let (table, name) = (name.before.to_owned(), check.name.clone());
                    self.push(Step::DropCheck { table, name });
                }
            }
        }
        for check in new {
            let kept = columns.kept.values().find(|kept| check.on.contains(&kept.to));
            let subject = kept.map_or("", |kept| kept.subject.as_str()).to_owned();
            let doubtful = kept.is_some_and(|kept| kept.doubtful);
            let table = name.after.to_owned();
            self.push(Step::AddCheck { table: table.clone(), check: check.clone(), filled: true, subject, doubtful });
            self.push(Step::ValidateConstraint { table, name: check.name.clone(), reach: Reach::Each });
        }
    }

    fn foreign_keys(
        &mut self,
        name: Pair<&str>,
        tables: Pair<&Table>,
        kept: &BTreeMap<String, String>,
        columns: &Columns,
        renames: &mut Vec<(String, String, Option<Reach>)>,
    ) {
        let mut new: Vec<&ForeignKey> = tables.after.foreign_keys.iter().collect();
        for key in &tables.before.foreign_keys {
            let column = kept.get(&key.column);
            let target = self.table_after(&key.table);
            let same = new.iter().position(|new| {
                Some(&new.column) == column
                    && new.table == target
                    && new.reach == key.reach
                    && new.on_delete == key.on_delete
            });
            match same {
                Some(index) => renames.push((key.name.clone(), new.remove(index).name.clone(), Some(key.reach))),
                None if columns.dropped.contains(&key.column) => {}
                None => {
                    let (table, name) = (name.before.to_owned(), key.name.clone());
                    self.push(Step::DropForeignKey { table, name, reach: key.reach });
                }
            }
        }
        for key in new {
            let table = name.after.to_owned();
            self.push(Step::AddForeignKey { table: table.clone(), key: key.clone(), filled: true });
            self.push(Step::ValidateConstraint { table, name: key.name.clone(), reach: key.reach });
        }
    }

    /// The new name of a referenced table: that of a content type, or of the owner of children and lists.
    fn table_after(&self, before: &str) -> String {
        let children = self.table_renames.iter().find(|(names, _)| names.before == before);
        match (self.tables.get(before), children) {
            (Some(&after), _) => after.to_owned(),
            (None, Some((names, _))) => names.after.clone(),
            (None, None) => before.to_owned(),
        }
    }

    fn rename_constraints(&mut self, table: &str, renames: Vec<(String, String, Option<Reach>)>) {
        let reaches: BTreeMap<_, _> = renames.iter().map(|(_, to, reach)| (to.clone(), *reach)).collect();
        let pairs = renames.into_iter().map(|(from, to, _)| (from, to)).collect();
        for (order, (from, to)) in pair::in_order(pairs).into_iter().enumerate() {
            let reach = reaches.get(&to).copied().flatten();
            self.push(Step::RenameConstraint { table: table.to_owned(), order, from, to, reach });
        }
    }

    fn indexes(&mut self, name: Pair<&str>, tables: Pair<&Table>, kept: &BTreeMap<String, String>, columns: &Columns) {
        let mut new: Vec<&Index> = tables.after.indexes.iter().collect();
        for index in &tables.before.indexes {
            let on: Option<Vec<_>> = index
                .on
                .iter()
                .map(|key| kept.get(&key.column).map(|column| Key { column: column.clone(), ..key.clone() }))
                .collect();
            let same = on.and_then(|on| {
                let kind = |index: &Index| (index.unique, index.gin, index.trigrams, index.live);
                let is_same = |new: &&Index| kind(new) == kind(index);
                new.iter().position(|new| is_same(new) && new.on == on)
            });
            let converted = index.on.iter().any(|key| columns.kept.get(&key.column).is_some_and(|kept| kept.converted));
            // Filled rows may all get the same value.
            let filled = |key: &Key| columns.kept.get(&key.column).is_some_and(|kept| kept.fill.is_some());
            let in_the_way = converted || index.unique && index.on.iter().any(filled);
            let gone = index.on.iter().any(|key| !kept.contains_key(&key.column));
            match same {
                Some(position) => {
                    let to = new.remove(position).name.clone();
                    self.index_renames.push((index.name.clone(), to, index.live));
                }
                // It is dropped with its column.
                None if gone => {}
                None if in_the_way => self.push(Step::DropIndexNow { name: index.name.clone() }),
                None => self.push(Step::DropIndex { name: index.name.clone() }),
            }
        }
        for index in new {
            let table = name.after.to_owned();
            let empty =
                |column: &String| columns.added.get(column).is_some_and(|added| added.fill.is_none() && !added.carried);
            let doubtful = index.unique && !index.on.iter().any(|key| empty(&key.column));
            if doubtful {
                let columns = index.on.iter().map(|key| key.column.clone()).collect();
                self.push(Step::ProbeUnique { table: table.clone(), columns });
            }
            // Enum values are short.
            let is_long = |column: &&String| {
                let text = tables.after.columns.iter().any(|after| after.name == **column && after.sql_type == "text");
                let of_scalar = |field: &crate::catalog::Field| {
                    matches!(field.store, crate::catalog::Store::Scalar { .. }) && field.columns().contains(column)
                };
                let stays = columns.kept.values().any(|kept| kept.to == **column);
                text && stays && tables.after.fields.iter().any(of_scalar)
            };
            let long: Vec<_> = index.on.iter().map(|key| &key.column).filter(is_long).cloned().collect();
            if !long.is_empty() && !index.gin {
                self.push(Step::ProbeLength { table: table.clone(), columns: long });
            }
            let subject = index_subject(name.after, index, columns);
            self.push(Step::CreateIndex { table, index: index.clone(), subject, doubtful });
        }
    }
}

/// The field that an index belongs to.
fn index_subject(table: &str, index: &Index, columns: &Columns) -> String {
    let first = &index.on[0].column;
    let kept = columns.kept.values().find(|kept| kept.to == *first).map(|kept| kept.subject.clone());
    let added = columns.added.get(first).map(|added| added.subject.clone());
    kept.or(added).filter(|subject| subject.contains('.')).unwrap_or_else(|| super::subject(table, first))
}

/// Columns that belong to no field: `id`, `created_at`, the owner of an item.
fn keep_system_columns(columns: &mut Columns, before: &Table) {
    let of_fields: Vec<_> = before.fields.iter().flat_map(crate::catalog::Field::columns).collect();
    for column in &before.columns {
        let system = !of_fields.contains(&column.name) && !columns.kept.contains_key(&column.name);
        if system {
            let kept = super::fields::Kept {
                to: column.name.clone(),
                subject: String::new(),
                fill: None,
                sure: false,
                converted: false,
                doubtful: false,
            };
            columns.kept.insert(column.name.clone(), kept);
        }
    }
}

/// System columns whose values another one had in an earlier version.
const INHERITED: [(&str, &str); 1] = [("first_published_at", "published_at")];

fn inherit(table: &str, columns: &Columns, backfills: &mut Backfills) {
    for (column, from) in INHERITED {
        if columns.added.contains_key(column) && columns.kept.contains_key(from) {
            let value = (column.to_owned(), from.to_owned());
            backfills.entry(super::subject(table, column)).or_default().push(value);
        }
    }
}

/// Columns that belong to no field and that entries lacked in an earlier version: they must be nullable.
fn add_system_columns(columns: &mut Columns, after: &Table) {
    for column in &after.columns {
        if !columns.kept.values().any(|kept| kept.to == column.name) {
            columns.added.entry(column.name.clone()).or_default();
        }
    }
}
