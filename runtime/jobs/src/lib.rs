//! Work for later: typed jobs that the database keeps, each done once; now, at a moment, or periodically.
//!
//! Every attempt has a lease, which a heartbeat renews. A job whose effects are in the
//! database is finished by the transaction of its effects, and only under its own lease; so it is done once, wherever a server stops.

mod attempt;
mod backlog;
mod enqueue;
mod job;
mod list;
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
