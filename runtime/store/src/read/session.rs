//! `Session`: the one connection on which the statements of a read run. Many reads at once then wait for a connection
//! once each, and not once a statement.

use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgRow;
use tokio::sync::Mutex;

use crate::sql::Statement;
use crate::{Lent, Store};
use base::error::Result;

#[derive(Default)]
pub struct Session {
    held: Mutex<Option<Lent>>,
    /// From now on every statement takes a connection for itself alone.
    apart: AtomicBool,
}

impl Session {
    /// A read has one stage, so one connection serves all its statements.
    pub async fn rows(&self, store: &Store, statement: Statement) -> Result<Vec<PgRow>> {
        let mut held = self.held.lock().await;
        if self.apart.load(Ordering::Acquire) {
            drop(held);
            return statement.fetch(store).await;
        }
        let connection = match held.as_mut() {
            Some(connection) => connection,
            None => held.insert(store.at(statement.stage).lend().await?),
        };
        statement.fetch_on(store, connection).await
    }

    /// Gives the connection back before the site's own code runs, which may take one: whoever waits for a second
    /// connection while holding the first can wait for ever.
    pub async fn release(&self) {
        self.apart.store(true, Ordering::Release);
        drop(self.held.lock().await.take());
    }
}
