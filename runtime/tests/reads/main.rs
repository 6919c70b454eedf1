//! Planned reads over a schema written by hand, on a real PostgreSQL.

mod cursors;
mod database;
mod features;
mod property;
mod reference;
mod schema;
