//! Access rules: their definition in the schema, and the rules of one actor.

mod policy;

pub use model::access::*;

pub use policy::{Access, Grant, Policy, Rule, Used};
