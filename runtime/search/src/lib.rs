//! The search index after a change. An entry's own row is written with it (`store::search::document`); here are the rows of other entries
//! that have a text of it, and those of types whose search was changed.

mod consumer;
mod refresh;
mod watch;
mod whole;

use events::Followers;
use jobs::Jobs;

pub use watch::watch;
pub use whole::begin;

/// Its name among the consumers; stays the same.
pub const CONSUMER: &str = "typecase.search";

pub fn follow(followers: &mut Followers) {
    followers.add_all(CONSUMER, consumer::Consumer);
}

pub fn add_jobs(jobs: &mut Jobs) {
    jobs.add_outside(refresh::Refreshing);
    jobs.add_outside(refresh::Writing);
    jobs.add_outside(whole::Making);
}
