//! What is written is what is stored, in both stages, on a real PostgreSQL.

#[path = "../support/mod.rs"]
mod support;

mod helpers;
mod saving;
