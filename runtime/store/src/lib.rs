//! The database layer: connections, reads, writes, and the access rules of both.
//!
//! It is independent of protocols: reads come as plans, changes as coerced input.

pub mod access;
pub mod args;
pub mod audit;
pub mod backend;
mod bell;
mod connection;
mod database;
mod ear;
pub mod feed;
pub mod field;
pub mod find;
pub mod generations;
pub mod hooks;
pub mod id;
mod input;
pub mod outbox;
pub mod overlay;
pub mod page;
pub mod paths;
mod pool;
mod public_role;
mod pulse;
pub mod read;
pub mod record;
pub mod redirect;
mod scope;
pub mod search;
mod searched;
pub mod site;
pub mod sql;
mod stage;
mod touched;
pub mod value;
pub mod write;

/// For the macros of generated code.
#[doc(hidden)]
pub use model::content;

pub use bell::{Bell, Bells};
pub use connection::slow::{OPERATION, Statements};
pub use connection::{Connection, Login, Way};
pub use database::{Called, Database, Limits, Sizes, Standing, Store};
pub use ear::Ear;
pub use pool::{Lent, Pool, Taken, Transaction};
pub use public_role::PublicRole;
pub use pulse::Pulse;
pub use scope::Scope;
pub use stage::Stage;
pub use touched::{Table, Touched};
