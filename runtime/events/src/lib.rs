//! What follows a change: `store::outbox` writes down each change of an entry in the transaction of the write; here the changes get
//! their order, and consumers handle them, each at its own pace, every change once.

mod change;
mod consumer;
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
