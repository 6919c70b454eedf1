//! The façade that a site depends on: `Server`, the prelude, the command line, the configuration, the test kit. The crates below do the
//! work; none of them names a content type.

pub mod background;
pub mod cli;
pub mod config;
pub mod doctor;
mod hooked;
pub mod hours;
mod metrics;
pub mod prelude;
pub mod server;
#[cfg(feature = "testing")]
pub mod testing;
mod traces;

pub use axum;
pub use base::{error, memory, settings};
pub use events;
pub use graphql;
pub use identity;
pub use jobs;
pub use lifecycle;
pub use migrate;
pub use model::{content, currency, json, kind};
pub use serde;
pub use serde_json;
pub use store::{
    self, access, audit, blocks, children, choice, component, entry, field, find, hooks, id, record, site, value,
};
pub use transfer::{check, demo, export, import};
pub use web as http;
pub use webhooks;

pub use error::{Code, Error, Problem, Result};
pub use id::Id;
pub use server::Server;
pub use store::{Database, Stage, Store};
pub use value::Value;
