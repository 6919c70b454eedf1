//! `Backlog`: how far events and jobs are behind, read from the database at most once every few seconds, with a short timeout.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::timeout;

use base::error::Result;
use events::Lag;
use store::Database;

/// How long a result is reused, however often it is scraped.
const FRESH: Duration = Duration::from_secs(5);
/// For both queries. A scrape takes less than two seconds, even while another one is querying.
const PATIENCE: Duration = Duration::from_millis(800);

/// The result of the queries.
#[derive(Debug, Default)]
pub struct Found {
    pub lag: Vec<Lag>,
    pub jobs: Vec<jobs::Backlog>,
    pub webhooks: Vec<webhooks::Backlog>,
    /// Whether the database responded in time.
    pub is_up: bool,
}

pub struct Backlog {
    database: Database,
    last: Mutex<Option<(Instant, Arc<Found>)>>,
}

impl Backlog {
    pub fn of(database: Database) -> Self {
        Self { database, last: Mutex::default() }
    }

    pub async fn find(&self) -> Arc<Found> {
        // A scrape may be cancelled at any moment, so a waiting one does not rely on the one that runs the queries.
        timeout(2 * PATIENCE, self.fresh()).await.unwrap_or_default()
    }

    async fn fresh(&self) -> Arc<Found> {
        let mut last = self.last.lock().await;
        if let Some((_, found)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Arc::clone(found);
        }
        let found = match timeout(PATIENCE, self.ask()).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) | Err(_) => Found::default(),
        };
        let found = Arc::new(found);
        *last = Some((Instant::now(), Arc::clone(&found)));
        found
    }

    async fn ask(&self) -> Result<Found> {
        let lag = events::lag(&self.database).await?;
        let jobs = jobs::backlog(&self.database).await?;
        let webhooks = webhooks::backlog(&self.database).await?;
        Ok(Found { lag, jobs, webhooks, is_up: true })
    }
}
