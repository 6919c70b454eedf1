//! Content on its way in and out: import by mappings, the native form, export, the demo, and what does not pass its rules.

pub mod check;
pub mod demo;
pub mod export;
mod form;
pub mod import;
