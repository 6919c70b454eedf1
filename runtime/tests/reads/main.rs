//! Planned reads with a hand-written schema, on a real PostgreSQL.

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
