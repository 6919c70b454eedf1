//! Consumers of changes. `store::outbox` records each change of an entry in the transaction of the write. This crate puts the
//! changes in order, and consumers handle each of them once, at their own pace.

mod change;
mod consumer;
mod feed;
mod follow;
mod lag;
mod order;
mod prune;
mod work;

pub use change::{Change, ChangeOf};
pub use follow::{Follow, FollowAll, Followers, StartAt};
pub use lag::{Lag, lag};
pub use order::{CHANNEL, give_positions};
pub use prune::prune;
pub use work::work;
