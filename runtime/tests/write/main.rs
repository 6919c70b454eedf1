//! Writes are stored correctly in both stages, on a real PostgreSQL.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod access_random;
mod audit;
mod bulk;
mod check;
mod composing;
mod concurrency;
mod deleting;
mod drafts;
mod helpers;
mod history;
mod hooks;
mod merging;
mod model;
mod moves;
mod naming;
mod publishing;
mod rules;
mod saving;
mod values;
