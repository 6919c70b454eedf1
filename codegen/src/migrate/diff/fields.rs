//! Compares the fields of one table before and after: what happens to each column and its values.

use std::collections::{BTreeMap, BTreeSet};

use super::components::ComponentColumn;
use super::{Differ, subject};
use crate::catalog::{Field, Store};
use crate::migrate::convert::{self, Conversion};
use crate::migrate::pair::{self, Pair};
use crate::migrate::step::{ColumnLoss, Fit, Instead, Rows, Step};
use crate::schema::Scalar;

/// What happens to the columns of one table.
#[derive(Debug, Default)]
pub struct Columns {
    /// By former name.
    pub kept: BTreeMap<String, Kept>,
    /// By new name.
    pub added: BTreeMap<String, Added>,
    /// Former names of columns that are dropped at the start; other columns that are not kept are dropped after their
    /// values have been carried over.
    pub dropped: BTreeSet<String>,
}

#[derive(Debug)]
pub struct Kept {
    pub to: String,
    pub subject: String,
    /// The value for rows without one, as SQL.
    pub fill: Option<String>,
    /// Whether no row is without a value.
    pub sure: bool,
    /// Whether the values are converted in place.
    pub converted: bool,
    /// Whether values may break the new CHECK.
    pub doubtful: bool,
}

#[derive(Debug, Default)]
pub struct Added {
    pub subject: String,
    pub fill: Option<String>,
    /// Whether its values come from elsewhere.
    pub carried: bool,
    /// Whether they leave no row without a value.
    pub sure: bool,
}

impl<'a> Differ<'a> {
    /// Compares one table before and after; `cause` is the subject of its rename.
    pub fn fields(&mut self, owner: Pair<&'a str>, cause: &str) {
        let tables = self.both(owner);
        self.found.tables.insert(owner.before.to_owned(), owner.after.to_owned());
        self.rename_table(owner, cause);
        if (tables.before.drafts, tables.after.drafts) == (Some(true), Some(false)) {
            self.push(Step::EndDrafts { table: owner.after.to_owned() });
        }
        let mut columns = Columns::default();
        let names: Vec<_> = tables.before.fields.iter().map(|field| field.name.as_str()).collect();
        let hints = self.declared.fields(owner.after);
        let sources = pair::sources(&names, &hints);
        self.refuse_taken(owner.after, &names, &hints);
        for field in &tables.after.fields {
            match sources.get(field.name.as_str()).and_then(|&source| tables.before.field(source)) {
                Some(before) => {
                    self.tightened(owner, Pair { before, after: field });
                    self.field(owner, Pair { before, after: field }, &mut columns);
                }
                None => self.new_field(owner.after, field, &mut columns),
            }
        }
        for field in &tables.before.fields {
            if !sources.values().any(|&source| source == field.name) {
                let loss = ColumnLoss::Values;
                self.gone_field(owner, field, &subject(owner.after, &field.name), loss, &mut columns);
            }
        }
        self.table(owner, cause, columns);
    }

    pub fn new_field(&mut self, owner: &'a str, field: &'a Field, columns: &mut Columns) {
        match &field.store {
            Store::Children { table } => self.create_with_owned(table),
            Store::Many { .. } => {
                if let Some(list) = list_table(self.after, owner, &field.name) {
                    self.create(list);
                }
            }
            _ => {
                let fill = self.fill(owner, field).unwrap_or_default();
                let mut values = fill.into_iter();
                for column in field.columns() {
                    let subject = subject(owner, &field.name);
                    columns.added.insert(column, Added { subject, fill: values.next(), ..Added::default() });
                }
            }
        }
    }

    pub fn gone_field(
        &mut self,
        owner: Pair<&'a str>,
        field: &Field,
        subject: &str,
        loss: ColumnLoss,
        columns: &mut Columns,
    ) {
        match &field.store {
            Store::Children { table } => self.drop_with_owned(table, Rows::Children, subject),
            Store::Many { .. } => {
                if let Some(list) = list_table(self.before, owner.before, &field.name) {
                    self.drop_with_owned(list, Rows::Links, subject);
                }
            }
            _ => {
                let names = field.columns();
                columns.dropped.extend(names.iter().cloned());
                let (table, subject) = (owner.before.to_owned(), subject.to_owned());
                self.push(Step::DropColumns { table, columns: names, subject, loss });
            }
        }
    }

    fn field(&mut self, owner: Pair<&'a str>, field: Pair<&'a Field>, columns: &mut Columns) {
        let before = self.renamed(&field.before.store);
        let name = subject(owner.after, &field.after.name);
        match (&before, &field.after.store) {
            (Store::One { .. } | Store::Many { .. }, Store::One { .. } | Store::Many { .. }) => {
                self.relation(owner, field, columns);
            }
            (Store::Children { .. }, Store::Children { .. }) => self.children(owner, field),
            (before, after) => match self.conversion(before, after) {
                Some(conversion) => self.convert(owner, field, before, conversion, columns),
                None => {
                    self.gone_field(owner, field.before, &name, ColumnLoss::Unconvertible, columns);
                    self.new_field(owner.after, field.after, columns);
                }
            },
        }
    }

    fn children(&mut self, owner: Pair<&'a str>, field: Pair<&'a Field>) {
        if let (Store::Children { table: before }, Store::Children { table: after }) =
            (&field.before.store, &field.after.store)
        {
            let renamed = field.before.name != field.after.name || owner.before == owner.after;
            let cause = if renamed { subject(owner.after, &field.after.name) } else { owner.after.to_owned() };
            self.fields(Pair { before, after }, &cause);
        }
    }

    /// How the values of one column become values of another kind; stores use the names afterwards.
    fn conversion(&self, before: &Store, after: &Store) -> Option<Conversion> {
        let as_is = |fit| Some(Conversion { fit, using: None });
        let using = |fit, sql: &str| Some(Conversion { fit, using: Some(sql.to_owned()) });
        let text = Scalar::named("string").unwrap_or_else(|| panic!("codegen bug: no field type `string`"));
        let to_list = "case when $col is null then '[]'::jsonb else jsonb_build_array($col) end";
        match (before, after) {
            (Store::Scalar { scalar: before }, Store::Scalar { scalar: after }) => {
                let (before, after) = (Scalar::named(before)?, Scalar::named(after)?);
                match (before.has_currency(), after.has_currency()) {
                    (false, true) => convert::to_money(before, &self.declared.schema.site.currency),
                    (true, false) => convert::from_money(after),
                    _ => convert::column(before, after),
                }
            }
            (Store::Enum { .. }, Store::Enum { .. }) | (Store::Enums { .. }, Store::Enums { .. }) => as_is(Fit::Exact),
            (Store::Enum { .. }, Store::Enums { .. }) => {
                using(Fit::Exact, "case when $col is null then '{}'::text[] else array[$col] end")
            }
            (Store::Enums { .. }, Store::Enum { .. }) => using(Fit::Lossy, "$col[1]"),
            (Store::Enum { .. }, Store::Scalar { scalar }) => convert::column(text, Scalar::named(scalar)?),
            (Store::Enums { .. }, Store::Scalar { scalar }) => {
                let mapping = Scalar::named(scalar)?.mapping();
                match mapping.sql {
                    crate::schema::SqlType::Text => using(Fit::Exact, "array_to_string($col, ', ')"),
                    crate::schema::SqlType::Jsonb => using(Fit::Exact, "to_jsonb($col)"),
                    _ => None,
                }
            }
            (Store::Scalar { scalar }, Store::Enum { .. }) => {
                let conversion = convert::column(Scalar::named(scalar)?, text)?;
                Some(Conversion { fit: Fit::Checked, ..conversion })
            }
            (
                Store::Component { .. } | Store::Components { .. } | Store::Blocks { .. },
                Store::Component { .. } | Store::Components { .. } | Store::Blocks { .. },
            ) => {
                let (kinds, list) = component_kinds(before);
                let (wanted, wanted_list) = component_kinds(after);
                if !kinds.iter().any(|kind| wanted.contains(kind)) {
                    return None;
                }
                match (list, wanted_list) {
                    (false, true) => using(Fit::Exact, to_list),
                    (true, false) => using(Fit::Lossy, "$col -> 0"),
                    _ => as_is(Fit::Exact),
                }
            }
            (Store::Component { .. } | Store::Components { .. } | Store::Blocks { .. }, Store::Scalar { scalar })
                if Scalar::named(scalar)?.mapping().sql == crate::schema::SqlType::Jsonb =>
            {
                as_is(Fit::Exact)
            }
            _ => None,
        }
    }

    /// A field whose column is kept.
    fn convert(
        &mut self,
        owner: Pair<&'a str>,
        field: Pair<&'a Field>,
        before: &Store,
        conversion: Conversion,
        columns: &mut Columns,
    ) {
        let subject = subject(owner.after, &field.after.name);
        let (names, wanted) = (field.before.columns(), field.after.columns());
        let (column, currency) = (&wanted[0], names.get(1));
        let emptied = conversion.using.is_some() && may_be_nothing(before);
        let fill = self.fill_newly(owner.after, field, emptied);
        self.map_enum(owner.after, field, &fill);
        let kinds = Pair { before: kind_of(before), after: kind_of(&field.after.store) };
        if let Some(using) = &conversion.using {
            let using = using.replace("$currency", currency.map_or("", String::as_str));
            let tables = self.both(owner);
            let (old, new) = (tables.before.column(&names[0]), tables.after.column(column));
            if let (Some(old), Some(new)) = (old, new) {
                self.push(Step::Convert {
                    table: owner.after.to_owned(),
                    column: column.clone(),
                    sql_type: new.sql_type.clone(),
                    using,
                    default: new.default.clone(),
                    had_default: old.default.is_some(),
                    subject: subject.clone(),
                    fit: conversion.fit,
                    about: format!("{} to {}", kinds.before, kinds.after),
                });
            }
        } else if kinds.before != kinds.after {
            let about = format!("{subject} was {}, and is now {}", kinds.before, kinds.after);
            self.push(Step::Relabel { subject: subject.clone(), about });
        }
        self.watch_components(owner.after, field, before, &subject);
        let mut fill = fill.into_iter();
        // An amount converted to a number may be out of range.
        let doubtful = conversion.fit == Fit::Checked || names.len() > wanted.len();
        let lists = matches!(field.after.store, Store::Enums { .. } | Store::Components { .. } | Store::Blocks { .. });
        for (index, name) in names.iter().enumerate() {
            let Some(to) = wanted.get(index) else {
                let lossy = conversion.fit == Fit::Lossy;
                self.push(Step::DropCarriedColumns {
                    table: owner.after.to_owned(),
                    columns: vec![name.clone()],
                    subject: subject.clone(),
                    loss: if lossy { ColumnLoss::Currency } else { ColumnLoss::Carried },
                });
                continue;
            };
            let kept = Kept {
                to: to.clone(),
                subject: subject.clone(),
                fill: fill.next(),
                sure: lists || (field.before.required && !emptied),
                converted: conversion.using.is_some(),
                doubtful,
            };
            columns.kept.insert(name.clone(), kept);
        }
        if let Some(extra) = wanted.get(names.len()) {
            let currency = self.declared.schema.site.currency.clone();
            self.push(Step::FillCurrency {
                table: owner.after.to_owned(),
                column: column.clone(),
                currency_column: extra.clone(),
                currency,
                subject: subject.clone(),
            });
            let sure = field.before.required;
            let fill = fill.next();
            columns.added.insert(extra.clone(), Added { subject, fill, carried: true, sure });
        }
    }

    /// The value for rows without one, if the field is required only now, was emptied, or a value is given.
    fn fill_newly(&mut self, owner: &str, field: Pair<&Field>, emptied: bool) -> Vec<String> {
        let given = self.answers.value(&subject(owner, &field.after.name)).is_some();
        let newly = field.after.required && (!field.before.required || emptied);
        if given || newly { self.fill(owner, field.after).unwrap_or_default() } else { Vec::new() }
    }

    /// Renamed and removed values of an enum.
    fn map_enum(&mut self, owner: &str, field: Pair<&Field>, fill: &[String]) {
        let (before, many) = match &field.before.store {
            Store::Enum { values } => (values, false),
            Store::Enums { values } => (values, true),
            _ => return,
        };
        let (Store::Enum { values: after } | Store::Enums { values: after }) = &field.after.store else { return };
        let names: Vec<_> = before.iter().map(String::as_str).collect();
        let mut hints = self.declared.values(owner, &field.after.name);
        hints.retain(|name, _| after.iter().any(|value| value == name));
        let sources = pair::sources(&names, &hints);
        self.refuse_taken(&subject(owner, &field.after.name), &names, &hints);
        let renamed: Vec<_> = sources
            .iter()
            .filter(|(after, before)| after != before)
            .map(|(after, before)| ((*before).to_owned(), (*after).to_owned()))
            .collect();
        let gone = |value: &&String| !sources.values().any(|source| *source == value.as_str());
        let removed: Vec<_> = before.iter().filter(gone).cloned().collect();
        if renamed.is_empty() && removed.is_empty() {
            return;
        }
        let instead = match fill.first() {
            Some(value) if !many => Instead::Value(value.clone()),
            None if field.after.required && !many && !removed.is_empty() => {
                match self.fill(owner, field.after).and_then(|values| values.into_iter().next()) {
                    Some(value) => Instead::Value(value),
                    None => Instead::Missing,
                }
            }
            _ => Instead::Null,
        };
        self.push(Step::MapEnum {
            table: owner.to_owned(),
            column: field.after.name.clone(),
            subject: subject(owner, &field.after.name),
            many,
            renamed,
            removed,
            instead,
        });
    }

    fn watch_components(&mut self, table: &str, field: Pair<&Field>, before: &Store, subject: &str) {
        let (kinds, _) = component_kinds(before);
        if kinds.is_empty() {
            return;
        }
        let json = matches!(field.after.store, Store::Scalar { .. });
        let (wanted, _) = component_kinds(&field.after.store);
        let (old, _) = component_kinds(&field.before.store);
        let removed = old.iter().zip(&kinds).filter(|(_, kind)| !json && !wanted.contains(kind));
        self.component_columns.push(ComponentColumn {
            table: table.to_owned(),
            column: field.after.name.clone(),
            without: removed.map(|(old, _)| (*old).clone()).collect(),
            of: old.into_iter().cloned().collect(),
            subject: subject.to_owned(),
        });
    }
}

/// The components that a store may hold, and whether it holds a list of them.
pub fn component_kinds(store: &Store) -> (Vec<&String>, bool) {
    match store {
        Store::Component { of } => (vec![of], false),
        Store::Components { of } => (vec![of], true),
        Store::Blocks { of } => (of.iter().collect(), true),
        _ => (Vec::new(), false),
    }
}

/// Whether the converted value may be null where the stored one was not: a list may be empty, JSON may be `null`.
pub fn may_be_nothing(store: &Store) -> bool {
    match store {
        Store::Scalar { scalar } => {
            Scalar::named(scalar).is_some_and(|scalar| scalar.mapping().sql == crate::schema::SqlType::Jsonb)
        }
        Store::Enums { .. } | Store::Components { .. } | Store::Blocks { .. } => true,
        _ => false,
    }
}

/// The table of a list relation.
pub fn list_table<'c>(catalog: &'c crate::catalog::Catalog, owner: &str, field: &str) -> Option<&'c str> {
    let role = crate::catalog::Role::List { of: owner.to_owned(), field: field.to_owned() };
    catalog.table_of(&role).map(|(name, _)| name)
}

/// The name of a store's kind in messages.
pub fn kind_of(store: &Store) -> String {
    match store {
        Store::Scalar { scalar } => scalar.clone(),
        Store::Enum { .. } => "enum".to_owned(),
        Store::Enums { .. } => "enum (many)".to_owned(),
        Store::One { to } => format!("relation to {}", to.join(" or ")),
        Store::Many { to } => format!("relation to many of {}", to.join(" or ")),
        Store::Component { of } => format!("component {of}"),
        Store::Components { of } => format!("list of {of}"),
        Store::Blocks { .. } => "blocks".to_owned(),
        Store::Children { .. } => "children".to_owned(),
    }
}
