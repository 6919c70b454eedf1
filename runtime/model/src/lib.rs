//! Shared by the generator and the server: facts about content types, kinds of values, ids, money, moments. No IO.

pub mod access;
mod civil;
pub mod content;
pub mod currency;
mod cut;
pub mod hours;
pub mod id;
pub mod json;
pub mod kind;
pub mod names;
pub mod number;
pub mod path;
pub mod timestamp;
pub mod value;

pub use cut::cut;
pub use kind::Kind;
pub use timestamp::Timestamp;
pub use value::Value;
