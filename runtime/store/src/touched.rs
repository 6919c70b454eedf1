//! `Touched`: records which tables a store's statements read, for caches that must know when a response is stale.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::stage::Stage;

/// A stage and a table name.
pub type Table = (Stage, &'static str);

/// The tables read since recording began.
#[derive(Debug, Default)]
pub struct Touched {
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    tables: BTreeSet<Table>,
    by_hand: bool,
}

impl Touched {
    /// Includes tables used only by a filter, an order or a rule, and join tables.
    pub fn tables(&self) -> Vec<Table> {
        self.noted().tables.iter().copied().collect()
    }

    /// Whether something else was read: by the site's own code, or from the server's own tables.
    pub fn by_hand(&self) -> bool {
        self.noted().by_hand
    }

    pub fn add(&self, tables: &[Table]) {
        self.noted().tables.extend(tables);
    }

    pub fn add_by_hand(&self) {
        self.noted().by_hand = true;
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
