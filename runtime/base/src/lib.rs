//! The foundation of the other server crates: errors with stable codes, memory limits, the size of cached values, the
//! settings, command output, and the logs and traces of requests.

pub mod background;
pub mod cause;
pub mod encoding;
pub mod error;
pub mod memory;
pub mod output;
pub mod response;
pub mod secret;
pub mod seen;
pub mod settings;
pub mod tls;
pub mod trace;
pub mod weigh;

pub use error::{Code, Error, Problem, Result, Step};
