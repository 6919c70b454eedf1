//! What the site implements itself: computed fields, own queries, own mutations.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use crate::content::{PRODUCT, Product, ProductComputed, ServiceComputed};
use runtime::prelude::*;

pub static QUERIES: &[OperationInfo] = &[
    OperationInfo {
        name: "bestOf",
        args: &[
            ArgumentInfo { name: "category", kind: Kind::Slug, many: false, required: true, default: None },
            ArgumentInfo { name: "first", kind: Kind::Integer, many: false, required: false, default: Some("10") },
        ],
        returns: Returns::Content { of: &PRODUCT, many: true },
        roles: &["admin", "editor", "viewer", "anonymous", "author"],
        depends_on: Some(&["product", "category"]),
    },
];

pub static MUTATIONS: &[OperationInfo] = &[];

/// The site's own queries.
pub trait Queries: Send + Sync + 'static {
    /// The products of a category to show first: reduced ones, then the newest.
    fn best_of(
        &self, category: String, first: i32, cx: &ReadCx<'_>,
    ) -> impl Future<Output = Result<Vec<Id<Product>>>> + Send;
}

/// All that the site implements.
pub trait Site: ProductComputed + ServiceComputed + Queries + Send + Sync + 'static {}

impl<T: ProductComputed + ServiceComputed + Queries + Send + Sync + 'static> Site for T {}

/// The site's code, as the server calls it.
pub fn site<S: Site>(site: S) -> SiteCode {
    SiteBuilder::new(site)
        .computed("onSale", |site, entries: &[crate::content::Product], cx| Box::pin(ProductComputed::on_sale(site, entries, cx)))
        .computed_with("isOpen", |site, entries: &[crate::content::Service], args, cx| Box::pin(async move { ServiceComputed::is_open(site, entries, args.get(0)?, cx).await }))
        .computed_with("nextOpening", |site, entries: &[crate::content::Service], args, cx| Box::pin(async move { ServiceComputed::next_opening(site, entries, args.get(0)?, cx).await }))
        .computed_with("nextClosing", |site, entries: &[crate::content::Service], args, cx| Box::pin(async move { ServiceComputed::next_closing(site, entries, args.get(0)?, cx).await }))
        .query("bestOf", |site, args, cx| Box::pin(async move { Queries::best_of(site, args.get(0)?, args.get(1)?, cx).await }))
        .build()
}
