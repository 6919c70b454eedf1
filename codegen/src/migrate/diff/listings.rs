//! Which listings a migration makes anew: those that differ, and those whose rows or columns other steps replace.
//!
//! A listing is a copy, so it is never altered. One that stays follows the values that a migration fills in by its
//! triggers; these name its columns, so it has to go before one of them does.

use super::Differ;
use crate::catalog::{Catalog, Listing, Role};
use crate::migrate::step::Step;

/// A listing, with the table of its relation and the one of its owners.
type Found<'a> = (&'a Listing, &'a str, &'a str);

impl Differ<'_> {
    pub fn listings(&mut self) {
        self.counts();
        let (before, after) = (listings(self.before), listings(self.after));
        let stays = |found: &Found<'_>| !self.found.steps.iter().any(|step| replaces(step, *found));
        let kept: Vec<_> = before.iter().filter(|found| after.contains(found) && stays(found)).cloned().collect();
        for (listing, ..) in before.iter().filter(|found| !kept.contains(found)) {
            self.found.steps.push(Step::DropListing { name: listing.name.clone() });
        }
        for (listing, table, owner) in after.into_iter().filter(|found| !kept.contains(found)) {
            let (table, owner) = (table.to_owned(), owner.to_owned());
            self.found.steps.push(Step::CreateListing { table, owner, listing: listing.clone() });
        }
    }

    /// A table that is renamed takes its triggers along, but they have its old name.
    fn counts(&mut self) {
        let (before, after) = (counted(self.before), counted(self.after));
        let is_replaced = |name: &str| {
            self.found.steps.iter().any(|step| match step {
                Step::RenameTable { from, to, .. } => from == name || to == name,
                Step::DropTable { table, .. } | Step::CreateTable { table, .. } => table == name,
                _ => false,
            })
        };
        let kept: Vec<_> = before.iter().filter(|name| after.contains(name) && !is_replaced(name)).copied().collect();
        let ended = before.iter().filter(|name| !kept.contains(name));
        let ended: Vec<_> = ended.map(|name| Step::EndCount { table: (*name).to_owned() }).collect();
        let begun = after.iter().filter(|name| !kept.contains(name));
        let begun: Vec<_> = begun.map(|name| Step::BeginCount { table: (*name).to_owned() }).collect();
        self.found.steps.extend(ended.into_iter().chain(begun));
    }
}

fn counted(catalog: &Catalog) -> Vec<&str> {
    catalog.tables.iter().filter(|(_, table)| table.counted).map(|(name, _)| name.as_str()).collect()
}

fn listings(catalog: &Catalog) -> Vec<Found<'_>> {
    let lists = catalog.tables.iter().filter_map(|(name, table)| match &table.role {
        Role::List { of, .. } => Some((name, table, of)),
        _ => None,
    });
    let found = lists
        .flat_map(|(name, table, of)| table.listings.iter().map(move |listing| (listing, name.as_str(), of.as_str())));
    found.collect()
}

/// Whether the step replaces a table or a column that the listing is made from, without telling its triggers.
fn replaces(step: &Step, (listing, list, owner): Found<'_>) -> bool {
    let is_copied = |table: &str, column: &String| table == owner && listing.columns.contains(column);
    let is_own = |table: &str| table == list || table == owner;
    match step {
        Step::DropTable { table, .. }
        | Step::DropCarriedTable { table, .. }
        | Step::CreateTable { table, .. }
        | Step::SetAside { table } => is_own(table),
        Step::RenameTable { from, to, .. } => is_own(from) || is_own(to),
        Step::DropColumns { table, columns, .. } | Step::DropCarriedColumns { table, columns, .. } => {
            table == list || columns.iter().any(|column| is_copied(table, column))
        }
        Step::RenameColumn { table, from, to, .. } => table == list || is_copied(table, from) || is_copied(table, to),
        Step::AddColumn { table, column, .. } => is_copied(table, &column.name),
        Step::Convert { table, column, .. } => is_copied(table, column),
        _ => false,
    }
}
