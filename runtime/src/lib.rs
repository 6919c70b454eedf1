//! The verbs shared by every content type: storage, GraphQL, migrations, import. It never names a content type.

pub mod access;
pub mod audit;
pub mod check;
pub mod cli;
pub mod config;
pub mod content;
pub mod demo;
pub mod doctor;
pub mod error;
pub mod export;
pub mod graphql;
pub mod hooks;
pub mod http;
pub mod id;
pub mod identity;
pub mod import;
pub mod memory;
pub mod migrate;
pub mod prelude;
pub mod record;
pub mod server;
pub mod site;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod value;
mod weigh;

pub use axum;
pub use model::{currency, json, kind};
pub use serde_json;

pub use error::{Code, Error, Problem, Result};
pub use id::Id;
pub use server::Server;
pub use store::{Database, Stage, Store};
pub use value::Value;
