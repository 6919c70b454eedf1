//! Import by mappings, the native form, export, the demo, and the check of entries against their rules.

pub mod check;
pub mod demo;
pub mod export;
mod form;
pub mod import;
