//! From content types in YAML to Rust, SDL and SQL: text in, text out. No IO, no clock, no async.
//!
//! In the order of the data:
//! 1. `syntax`: YAML to declarations that keep their place in the file.
//! 2. `analyze`: declarations to a [`schema::Schema`], reporting every mistake as a [`diagnostic::Diagnostic`].
//! 3. `emit`: `Schema` to the files of `generated/`.
//! 4. `catalog`: `Schema` to the database model; `migrate`: the difference of two models to SQL and its hazards.

pub mod catalog;
pub mod emit;
pub mod schema;
pub mod source;
