//! What the site implements itself: computed fields, own queries, own mutations.
//!
//! Written by `cargo xtask generate` from schema/; do not edit.

use crate::content::{THING, Thing, ThingComputed};
use runtime::prelude::*;

pub static QUERIES: &[OperationInfo] = &[
    OperationInfo {
        name: "countOfThings",
        args: &[],
        returns: Returns::Scalar { kind: Kind::Integer, many: false },
        roles: &["admin", "editor", "viewer", "anonymous", "merchant"],
        depends_on: None,
    },
    OperationInfo {
        name: "nearest",
        args: &[
            ArgumentInfo { name: "when", kind: Kind::Datetime, many: false, required: false, default: None },
            ArgumentInfo { name: "names", kind: Kind::String, many: true, required: true, default: None },
            ArgumentInfo { name: "limit", kind: Kind::Integer, many: false, required: false, default: Some("3") },
        ],
        returns: Returns::Content { of: &THING, many: true },
        roles: &["anonymous", "merchant"],
        depends_on: None,
    },
];

pub static MUTATIONS: &[OperationInfo] = &[
    OperationInfo {
        name: "mergeThings",
        args: &[
            ArgumentInfo { name: "into", kind: Kind::String, many: false, required: true, default: None },
        ],
        returns: Returns::Content { of: &THING, many: false },
        roles: &["merchant"],
        depends_on: None,
    },
];

/// The site's own queries.
pub trait Queries: Send + Sync + 'static {
    /// How many there are.
    fn count_of_things(&self, cx: &ReadCx<'_>) -> impl Future<Output = Result<Option<i32>>> + Send;

    /// Things that are near.
    fn nearest(
        &self, when: Option<Timestamp>, names: Vec<String>, limit: i32, cx: &ReadCx<'_>,
    ) -> impl Future<Output = Result<Vec<Id<Thing>>>> + Send;
}

/// The site's own mutations; each is one transaction.
pub trait Mutations: Send + Sync + 'static {
    /// Makes one of two.
    fn merge_things(&self, into: String, cx: &mut Cx<'_>) -> impl Future<Output = Result<Option<Id<Thing>>>> + Send;
}

/// All that the site implements.
pub trait Site: ThingComputed + Queries + Mutations + Send + Sync + 'static {}

impl<T: ThingComputed + Queries + Mutations + Send + Sync + 'static> Site for T {}

/// The site's code, as the server calls it.
pub fn site<S: Site>(site: S) -> SiteCode {
    SiteBuilder::new(site)
        .computed("worth", |site, entries: &[crate::content::Thing], cx| Box::pin(ThingComputed::worth(site, entries, cx)))
        .computed("rare", |site, entries: &[crate::content::Thing], cx| Box::pin(ThingComputed::rare(site, entries, cx)))
        .computed_with("worthOn", |site, entries: &[crate::content::Thing], args, cx| Box::pin(async move { ThingComputed::worth_on(site, entries, args.get(0)?, args.get(1)?, cx).await }))
        .query("countOfThings", |site, _, cx| Box::pin(async move { Queries::count_of_things(site, cx).await }))
        .query("nearest", |site, args, cx| Box::pin(async move { Queries::nearest(site, args.get(0)?, args.get(1)?, args.get(2)?, cx).await }))
        .mutation("mergeThings", |site, args, cx| Box::pin(async move { Mutations::merge_things(site, args.get(0)?, cx).await }))
        .build()
}
