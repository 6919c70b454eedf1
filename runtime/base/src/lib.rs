//! What every other crate of the server stands on: errors with stable codes, the memory that may be held, the weight of what is kept,
//! the settings that there are, what is seen and traced of a request.

pub mod background;
pub mod cause;
pub mod error;
pub mod memory;
pub mod response;
pub mod seen;
pub mod settings;
pub mod trace;
pub mod weigh;

pub use error::{Code, Error, Problem, Result, Step};
