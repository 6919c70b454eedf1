//! GraphQL from a request to the bytes of its answer: parsed and validated once, coerced and planned by us.

pub mod answer;
pub mod cache;
pub mod coerce;
pub mod document;
pub mod limits;
pub mod registry;
pub mod rules;
pub mod types;
