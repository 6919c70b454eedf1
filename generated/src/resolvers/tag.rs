//! What answers the fields of `Tag`.
//!
//! Written by `cargo xtask generate` from schema/tag.yaml; do not edit.

use crate::content::TAG;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &TAG, connection: "TagConnection", edge: "TagEdge", change: "TagChange",
        aggregates: Some (& AggregateInfo { type_name : "TagAggregate" , group : "" , extremes : "TagExtremes" , sums : "" }),
        roots: &[
            Resolver { field: "tag", verb: Verb::ById, of: &TAG },
            Resolver { field: "tagBySlug", verb: Verb::ByKey("slug"), of: &TAG },
            Resolver { field: "tags", verb: Verb::List, of: &TAG },
            Resolver { field: "tagAggregates", verb: Verb::Aggregate, of: &TAG },
            Resolver { field: "tagRevision", verb: Verb::Revision, of: &TAG },
            Resolver { field: "createTag", verb: Verb::Create, of: &TAG },
            Resolver { field: "updateTag", verb: Verb::Update, of: &TAG },
            Resolver { field: "upsertTags", verb: Verb::Upsert, of: &TAG },
            Resolver { field: "deleteTag", verb: Verb::Delete, of: &TAG },
            Resolver { field: "duplicateTag", verb: Verb::Duplicate, of: &TAG },
            Resolver { field: "restoreTag", verb: Verb::Restore, of: &TAG },
            Resolver { field: "undeleteTag", verb: Verb::Undelete, of: &TAG },
            Resolver { field: "tagChanged", verb: Verb::Changed, of: &TAG },
        ],
        pages: &[("postsConnection", "posts"), ("productsConnection", "products"), ("servicesConnection", "services")],
    },
];
