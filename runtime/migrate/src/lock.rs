//! The lock that lets only one migration run at a time. It is held by a transaction, because a connection pooler may give a lock of the
//! connection to other clients.

use std::time::Duration;

use super::Error;
use store::{Connection, Login};

/// An arbitrary, fixed number.
const LOCK: i64 = 0x7479_7065_6361_7365;

/// How often a process that waits for another migration tries again. It must not wait inside PostgreSQL: the concurrent
/// build of an index waits for every running statement.
const PATIENCE: Duration = Duration::from_millis(100);

pub struct Lock(Connection);

impl Lock {
    pub async fn take(login: &Login) -> Result<Self, Error> {
        let mut connection = login.connect().await?;
        loop {
            connection.begin().await?;
            let locked: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1)")
                .bind(LOCK)
                .fetch_one(&mut connection)
                .await?;
            if locked {
                let setting = "set local idle_in_transaction_session_timeout = 0";
                connection.run(setting, true).await?;
                return Ok(Self(connection));
            }
            connection.rollback().await?;
            tokio::time::sleep(PATIENCE).await;
        }
    }

    /// A process that has lost the lock must not continue.
    pub async fn check(&mut self) -> Result<(), Error> {
        let lost =
            |error| Error::Refused(format!("the migration lock was lost: {error}; run `typecase migrate` again"));
        self.0.ping().await.map_err(lost)
    }

    pub async fn release(mut self) {
        // The transaction ends with the connection in any case.
        let _ = self.0.rollback().await;
        let _ = self.0.close().await;
    }
}
