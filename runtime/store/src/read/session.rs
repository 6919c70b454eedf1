//! `Session`: the connection of all statements of a read. Under load, each read then waits for a connection once, not
//! for each statement.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgRow;
use tokio::sync::Mutex;

use crate::sql::Statement;
use crate::{Connection, Lent, Store};
use base::error::Result;

#[derive(Default)]
pub struct Session<'a> {
    held: Mutex<Held<'a>>,
    /// Whether each statement takes its own connection from now on.
    apart: AtomicBool,
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
    pub fn within(connection: Option<&'a mut Connection>) -> Self {
        let held = connection.map_or(Held::Nothing, Held::Given);
        Self { held: Mutex::new(held), apart: AtomicBool::new(false) }
    }

    /// Runs a statement. A read has one stage, so one connection serves all its statements.
    pub async fn rows(&self, store: &Store, statement: Statement) -> Result<Vec<PgRow>> {
        let mut held = self.held.lock().await;
        if self.apart.load(Ordering::Acquire) {
            drop(held);
            return statement.fetch(store).await;
        }
        if let Held::Nothing = *held {
            *held = Held::Lent(store.at(statement.stage).lend().await?);
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
        self.apart.store(true, Ordering::Release);
        drop(std::mem::take(&mut *self.held.lock().await));
    }
}
