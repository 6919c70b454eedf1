//! The rules of access: as the schema says them, and as they hold for one actor.

mod policy;

pub use model::access::*;

pub use policy::{Access, Grant, Policy, Rule, Used};
