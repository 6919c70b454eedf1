//! Searches by the Elasticsearch and OpenSearch API. PostgreSQL keeps what is true: an index has the words of its rows `search.*`, is told
//! of every change in order (`feed`), and is asked for candidates (`engine`), to which PostgreSQL applies rules, filters and orders.
//! While the engine is away, slow or late, PostgreSQL answers alone.

mod ask;
mod build;
mod check;
mod circuit;
mod client;
mod consumer;
mod engine;
mod feed;
mod indexes;
mod lost;
mod mapping;
mod settings;
mod watch;

use std::sync::Arc;

use base::error::Result;
use events::Followers;
use jobs::Jobs;
use store::Database;

pub use build::rebuild;
pub use check::{Checked, check};
pub use consumer::CONSUMER;
pub use engine::Engine;
pub use settings::Settings;

/// Follows changes, and makes indexes.
pub fn add(followers: &mut Followers, jobs: &mut Jobs, engine: &Arc<Engine>) {
    followers.add_all(CONSUMER, consumer::Consumer);
    jobs.add_outside(build::Building(Arc::clone(engine)));
}

/// Enqueues what is to be made, before changes are followed.
pub async fn begin(engine: &Engine, database: &Database) -> Result<()> {
    build::begin(engine, database).await
}

/// Runs as long as the server does; `sends`: whether this node has a part in background work.
pub async fn watch(engine: Arc<Engine>, database: Database, sends: bool) {
    watch::run(engine, database, sends).await;
}
