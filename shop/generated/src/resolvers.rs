//! What answers the fields of the API.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use runtime::content::TypeResolvers;

mod author;
mod brand;
mod category;
mod media;
mod post;
mod product;
mod service;
mod tag;

pub static TYPES: &[&[TypeResolvers]] = &[
    author::RESOLVERS,
    brand::RESOLVERS,
    category::RESOLVERS,
    media::RESOLVERS,
    post::RESOLVERS,
    product::RESOLVERS,
    service::RESOLVERS,
    tag::RESOLVERS,
];
