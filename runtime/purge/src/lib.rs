//! Tells a CDN what to remove when published entries change: a consumer of events turns them into the tags that responses have
//! (`store/src/generations/upcoming.rs`), and a job sends these.

mod client;
mod consumer;
mod request;
mod settings;
mod sign;
mod work;

use events::Followers;
use jobs::Jobs;

use base::error::Result;

pub use settings::{Service, Settings};

/// Follows changes, and sends what they remove.
pub fn add(followers: &mut Followers, jobs: &mut Jobs, settings: Settings) -> Result<()> {
    followers.add_all(consumer::CONSUMER, consumer::Consumer);
    jobs.add_outside(work::Purging::new(settings)?);
    Ok(())
}
