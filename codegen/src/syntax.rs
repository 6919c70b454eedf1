//! Text to nodes that keep their position, checked against the tables of the language.

pub mod file;
pub mod language;
pub mod node;
pub mod shape;
mod slip;
pub mod suggest;
pub mod yaml;
