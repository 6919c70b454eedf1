//! `Touched`: records what a store's statements read, for caches that must know when a response is stale.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::stage::Stage;

/// A stage and a table name.
pub type Table = (Stage, &'static str);

/// Of more entries of a table, it is not recorded which they are.
pub const MOST_ENTRIES: usize = 100;

/// The tables read since recording began.
#[derive(Debug, Default)]
pub struct Touched {
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    /// Of which any row may have been read.
    tables: BTreeSet<Table>,
    /// Of which only the rows of these entries were read.
    entries: BTreeMap<Table, BTreeSet<Uuid>>,
    by_hand: bool,
}

impl Touched {
    /// Includes tables used only by a filter, an order or a rule, and join tables.
    pub fn tables(&self) -> Vec<Table> {
        let noted = self.noted();
        let tables: BTreeSet<Table> = noted.tables.iter().chain(noted.entries.keys()).copied().collect();
        tables.into_iter().collect()
    }

    /// The tables of which any row may have been read.
    pub fn whole(&self) -> Vec<Table> {
        self.noted().tables.iter().copied().collect()
    }

    /// The tables of which only the rows of some entries were read, and the ids that these were asked for by.
    pub fn entries(&self) -> Vec<(Table, BTreeSet<Uuid>)> {
        let noted = self.noted();
        let partly = noted.entries.iter().filter(|(table, _)| !noted.tables.contains(*table));
        partly.map(|(table, entries)| (*table, entries.clone())).collect()
    }

    /// Whether something else was read: by the site's own code, or from the server's own tables.
    pub fn by_hand(&self) -> bool {
        self.noted().by_hand
    }

    pub fn add(&self, tables: impl IntoIterator<Item = Table>) {
        self.noted().tables.extend(tables);
    }

    /// Only the rows of these entries were read of the table.
    pub fn add_entries(&self, table: Table, entries: &[Uuid]) {
        let mut noted = self.noted();
        let known = noted.entries.entry(table).or_default();
        known.extend(entries);
        if known.len() > MOST_ENTRIES {
            noted.entries.remove(&table);
            noted.tables.insert(table);
        }
    }

    pub fn add_by_hand(&self) {
        self.noted().by_hand = true;
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
