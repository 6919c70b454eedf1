//! What happens to entries later: scheduled publishing, releases, and the end of old revisions and of deleted entries.

pub mod comments;
mod fire;
mod job;
mod later;
pub mod locks;
pub mod moment;
pub mod operator;
pub mod people;
pub mod preview;
pub mod preview_link;
mod prune;
pub mod release;
pub mod review;
pub mod schedule;
mod turn;
pub mod upcoming;

use std::sync::Arc;
use std::time::Duration;

use jobs::Jobs;
use store::Standing;

pub use comments::NotifyMention;
pub use fire::NotifyFailure;
pub use job::{Fire, PREFIX};
pub use later::Later;
pub use prune::Prune;

const DAILY: Duration = Duration::from_secs(24 * 60 * 60);

/// The jobs of this crate. `accounts` knows what an actor may still do when a change fires.
pub fn add_jobs(jobs: &mut Jobs, accounts: Arc<dyn Standing>) {
    jobs.add(fire::Firing(Arc::clone(&accounts)));
    jobs.add(release::Firing(accounts));
    jobs.add_outside(prune::Pruning);
    jobs.every(DAILY, &Prune {});
}
