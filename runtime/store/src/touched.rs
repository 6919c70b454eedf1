//! `Touched`: which tables the statements of a store have read, for caches that must know when a response is out of date.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::stage::Stage;

/// A table of a stage, by its name.
pub type Table = (Stage, &'static str);

/// What was read since the store began to note it.
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
    /// Also those that only a filter, an order or a rule names, and the tables between.
    pub fn tables(&self) -> Vec<Table> {
        self.noted().tables.iter().copied().collect()
    }

    /// Whether the site's own code has sent SQL of its own: of that it is not known what it reads.
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
