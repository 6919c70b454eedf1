//! Whole responses of reads, kept in memory while what they show has not changed. `store/src/generations.rs` says when that is so.
//!
//! A second level, such as Redis, goes between [`Responses::find`] and the read; a strict mode of several nodes asks it in `find`.

mod flights;
mod kept;
mod key;
mod responses;
#[cfg(test)]
mod tests;

pub use flights::Flight;
pub use kept::{Kept, New};
pub use key::Key;
pub use responses::{Cached, Found, Responses, Turn, Usage, Why};
