//! What answers the fields of the API.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use runtime::content::TypeResolvers;

mod maker;
mod media;
mod thing;

pub static TYPES: &[&[TypeResolvers]] = &[
    maker::RESOLVERS,
    media::RESOLVERS,
    thing::RESOLVERS,
];
