//! Planned reads over a schema written by hand, on a real PostgreSQL.

mod access;
mod computed;
mod cursors;
mod database;
mod features;
mod nulls;
mod order;
mod property;
mod reference;
mod schema;
mod touched;
