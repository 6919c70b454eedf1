//! Changed relations: new targets, and one becoming a list or the reverse. Links are carried over.

use super::fields::{Added, Columns, Kept, list_table};
use super::{Differ, subject};
use crate::catalog::{Field, Store, names};
use crate::migrate::pair::Pair;
use crate::migrate::step::{ColumnLoss, Rows, Step};

/// A target that a relation has both before and after, with its columns.
struct Target {
    before: String,
    after: String,
}

impl<'a> Differ<'a> {
    pub fn relation(&mut self, owner: Pair<&'a str>, field: Pair<&'a Field>, columns: &mut Columns) {
        let (from, from_many) = targets(&field.before.store);
        let (to, to_many) = targets(&field.after.store);
        let from: Vec<(String, String)> = from.iter().map(|name| (name.clone(), self.type_after(name))).collect();
        let common: Vec<Target> = from
            .iter()
            .filter(|(_, after)| to.contains(after))
            .map(|(before, after)| Target { before: before.clone(), after: after.clone() })
            .collect();
        let lost: Vec<String> =
            from.iter().filter(|(_, after)| !to.contains(after)).map(|(before, _)| before.clone()).collect();
        let name = subject(owner.after, &field.after.name);
        if common.is_empty() {
            self.gone_field(owner, field.before, &name, ColumnLoss::Links, columns);
            self.new_field(owner.after, field.after, columns);
            return;
        }
        match (from_many, to_many) {
            (false, false) => self.one_to_one(owner, field, &common, &lost, columns),
            (false, true) => self.one_to_many(owner, field, &common, &lost, &name),
            (true, false) => self.many_to_one(owner, field, &common, columns, &name),
            (true, true) => self.many_to_many(owner, field, &common, &lost, &name),
        }
    }

    fn one_to_one(
        &mut self,
        owner: Pair<&'a str>,
        field: Pair<&'a Field>,
        common: &[Target],
        lost: &[String],
        columns: &mut Columns,
    ) {
        let name = subject(owner.after, &field.after.name);
        let fill = self.fill(owner.after, field.after).unwrap_or_default();
        for target in common {
            let kept = Kept {
                to: column(field.after, &target.after),
                subject: name.clone(),
                fill: fill.first().cloned(),
                sure: false,
                converted: false,
                doubtful: field.after.required && (!field.before.required || !lost.is_empty()),
            };
            columns.kept.insert(column(field.before, &target.before), kept);
        }
        let gone: Vec<_> = lost.iter().map(|target| column(field.before, target)).collect();
        if !gone.is_empty() {
            columns.dropped.extend(gone.iter().cloned());
            let (table, loss) = (owner.before.to_owned(), ColumnLoss::Links);
            self.push(Step::DropColumns { table, columns: gone, subject: name.clone(), loss });
        }
        let (to, _) = targets(&field.after.store);
        for target in to.iter().filter(|&target| !common.iter().any(|known| known.after == *target)) {
            let added = Added { subject: name.clone(), ..Added::default() };
            columns.added.insert(column(field.after, target), added);
        }
    }

    fn one_to_many(
        &mut self,
        owner: Pair<&'a str>,
        field: Pair<&'a Field>,
        common: &[Target],
        lost: &[String],
        name: &str,
    ) {
        let Some(list) = list_table(self.after, owner.after, &field.after.name) else { return };
        let several = targets(&field.after.store).0.len() > 1;
        self.create(list);
        let carried = common
            .iter()
            .map(|target| (column(field.before, &target.before), names::item_column(&target.after, several)));
        let columns = carried.collect();
        let (table, owner_table) = (list.to_owned(), owner.after.to_owned());
        self.push(Step::FillList { table, owner: owner_table, columns, subject: name.to_owned() });
        self.push(Step::DropCarriedColumns {
            table: owner.after.to_owned(),
            columns: field.before.columns(),
            subject: name.to_owned(),
            loss: if lost.is_empty() { ColumnLoss::Carried } else { ColumnLoss::Links },
        });
    }

    fn many_to_one(
        &mut self,
        owner: Pair<&'a str>,
        field: Pair<&'a Field>,
        common: &[Target],
        columns: &mut Columns,
        name: &str,
    ) {
        let Some(list) = list_table(self.before, owner.before, &field.before.name) else { return };
        let several = targets(&field.before.store).0.len() > 1;
        let carried = common
            .iter()
            .map(|target| (names::item_column(&target.before, several), column(field.after, &target.after)));
        self.push(Step::TakeFirst {
            list: list.to_owned(),
            owner: owner.after.to_owned(),
            columns: carried.collect(),
            several,
            subject: name.to_owned(),
        });
        let (table, subject) = (list.to_owned(), name.to_owned());
        self.push(Step::DropCarriedTable { table, subject, rows: Rows::AllButFirst });
        let fill = self.fill(owner.after, field.after).unwrap_or_default();
        for column in field.after.columns() {
            let added = Added { subject: name.to_owned(), fill: fill.first().cloned(), carried: true, sure: false };
            columns.added.insert(column, added);
        }
    }

    fn many_to_many(
        &mut self,
        owner: Pair<&'a str>,
        field: Pair<&'a Field>,
        common: &[Target],
        lost: &[String],
        name: &str,
    ) {
        let before = list_table(self.before, owner.before, &field.before.name);
        let after = list_table(self.after, owner.after, &field.after.name);
        let (Some(before), Some(after)) = (before, after) else { return };
        let (from, to) = (targets(&field.before.store).0, targets(&field.after.store).0);
        let item = |target: &Target| {
            let source = names::item_column(&target.before, from.len() > 1);
            (source, names::item_column(&target.after, to.len() > 1))
        };
        if lost.is_empty() && from.len() == to.len() {
            let mut columns = Columns::default();
            for (column, to) in common.iter().map(item) {
                let kept =
                    Kept { to, subject: name.to_owned(), fill: None, sure: false, converted: false, doubtful: false };
                columns.kept.insert(column, kept);
            }
            let renamed = field.before.name != field.after.name;
            let cause = if renamed { name } else { owner.after };
            self.rename_table(Pair { before, after }, cause);
            self.table(Pair { before, after }, cause, columns);
            return;
        }
        self.push(Step::SetAside { table: before.to_owned() });
        self.create(after);
        self.push(Step::BringBack {
            from: before.to_owned(),
            table: after.to_owned(),
            columns: common.iter().map(item).collect(),
            lost: lost.to_vec(),
            subject: name.to_owned(),
        });
    }

    fn type_after(&self, before: &str) -> String {
        self.tables.get(before).map_or_else(|| before.to_owned(), |&after| after.to_owned())
    }
}

fn targets(store: &Store) -> (&[String], bool) {
    match store {
        Store::One { to } => (to, false),
        Store::Many { to } => (to, true),
        _ => (&[], false),
    }
}

/// The column of a to-one relation for this target.
fn column(field: &Field, target: &str) -> String {
    names::relation_column(&field.name, target, targets(&field.store).0.len() > 1)
}
