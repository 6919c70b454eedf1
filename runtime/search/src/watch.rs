//! Keeps a server's knowledge of what editors say of searches fresh, and adds up what visitors ask for.

use std::time::Duration;

use base::error::Result;
use store::Database;
use store::search::{asked, rules};

/// How long a change of a rule on another node is unknown here at most, while the database answers.
const PAUSE: Duration = Duration::from_secs(5);

/// Runs as long as the server does.
pub async fn watch(database: Database) {
    let mut has_failed = false;
    loop {
        tokio::time::sleep(PAUSE).await;
        // What was known stays in force while the database does not answer.
        match round(&database).await {
            Err(error) if !has_failed => {
                tracing::warn!(%error, "the rules of searches cannot be read");
                has_failed = true;
            }
            Err(_) => {}
            Ok(()) => has_failed = false,
        }
    }
}

async fn round(database: &Database) -> Result<()> {
    rules::load(database).await?;
    asked::store(database).await
}
