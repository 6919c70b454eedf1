//! The verbs shared by every content type: storage, GraphQL, migrations, import. It never names a content type.

pub mod content;
pub mod error;
pub mod kind;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{Code, Error, Problem, Result};
