//! The foundation of all other server crates: errors with stable codes, bounds on memory, the size of cached values,
//! the settings, what commands print, and what is logged and traced of a request.

pub mod background;
pub mod cause;
pub mod error;
pub mod memory;
pub mod output;
pub mod response;
pub mod seen;
pub mod settings;
pub mod trace;
pub mod weigh;

pub use error::{Code, Error, Problem, Result, Step};
