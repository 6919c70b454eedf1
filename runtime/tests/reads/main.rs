//! Planned reads over a schema written by hand, on a real PostgreSQL.

mod access;
mod cursors;
mod database;
mod features;
mod property;
mod reference;
mod schema;
