//! `Session`: the connection of all statements of a read, and what they see. Under load, each read then waits for a connection once, not
//! for each statement. Several statements see the same moment: an entry is never read with the children of another version.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgRow;
use tokio::sync::Mutex;

use crate::sql::Statement;
use crate::{Connection, Lent, Store};
use base::error::Result;

#[derive(Default)]
pub struct Session<'a> {
    held: Mutex<Held<'a>>,
    has_several: AtomicBool,
}

#[derive(Default)]
enum Held<'a> {
    #[default]
    Nothing,
    Lent(Lent),
    /// The connection of a transaction that continues after the read.
    Given(&'a mut Connection),
}

impl<'a> Session<'a> {
    pub fn within(connection: &'a mut Connection) -> Self {
        Self { held: Mutex::new(Held::Given(connection)), has_several: AtomicBool::new(false) }
    }

    /// Says that several statements follow. Without it, a read saves the beginning of a transaction.
    pub fn expect_several(&self) {
        self.has_several.store(true, Ordering::Release);
    }

    /// Runs a statement. A read has one stage, so one connection serves all its statements.
    pub async fn rows(&self, store: &Store, statement: Statement) -> Result<Vec<PgRow>> {
        let mut held = self.held.lock().await;
        if let Held::Nothing = *held {
            let mut lent = store.at(statement.stage).lend().await?;
            if self.has_several.load(Ordering::Acquire) {
                // It ends when the connection goes back to the pool.
                lent.begin_snapshot().await?;
            }
            *held = Held::Lent(lent);
        }
        match &mut *held {
            Held::Nothing => statement.fetch(store).await,
            Held::Lent(lent) => statement.fetch_on(store, lent).await,
            Held::Given(connection) => statement.fetch_on(store, connection).await,
        }
    }

    /// Returns the connection before the site's own code runs, which may take one. A task that waits for a second
    /// connection while holding the first can deadlock.
    pub async fn release(&self) {
        let mut held = self.held.lock().await;
        if let Held::Lent(_) = *held {
            *held = Held::Nothing;
        }
    }
}
