//! Outgoing webhooks: a consumer of events writes a delivery for each webhook that asks for the event, in the transaction that moves it
//! on; a worker on each node signs the deliveries that are due (Standard Webhooks), and sends them until they are answered.

pub mod address;
mod attempt;
mod client;
mod consumer;
mod delivery;
mod document;
mod manage;
mod prune;
mod queue;
mod replay;
mod reseal;
mod results;
mod retry;
mod secret;
mod target;
mod webhook;
mod worker;

pub use address::Allowed;
pub use consumer::{CONSUMER, Consumer};
pub use delivery::{DELIVERY_PREFIX, Delivery, Part, State, deliveries, find};
pub use document::{Asked, Documents};
pub use manage::Webhooks;
pub use prune::prune;
pub use queue::switch;
pub use replay::{replay, replay_since, test};
pub use reseal::Resealing;
pub use results::{Backlog, Results, backlog};
pub use webhook::{Wanted, Webhook, all, find as find_webhook};
pub use worker::{Bench, work};

/// Of the ids of webhooks.
pub const PREFIX: &str = "webhook";
