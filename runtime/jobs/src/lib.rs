//! Work for later: typed jobs in the database, each done once: at once, at a given time, or periodically.
//!
//! Every attempt has a lease, which a heartbeat renews. A job with effects in the database is finished in the same transaction as its
//! effects, and only under its own lease. It is therefore done once, even if a server stops at any point.

mod attempt;
mod backlog;
mod enqueue;
mod job;
mod list;
mod pace;
mod queue;
mod registry;
mod rhythm;
mod schedule;
mod work;

pub use attempt::Bench;
pub use backlog::{Backlog, backlog};
pub use enqueue::{Enqueue, Enqueueing, enqueue};
pub use job::{Attempt, Job, OutsideWork, PREFIX, Work};
pub use list::{Filter, Listed, State, cancel, list, retry, retry_all};
pub use queue::{CHANNEL, tell};
pub use registry::Jobs;
pub use schedule::{Scheduled, schedules};
pub use work::work;
