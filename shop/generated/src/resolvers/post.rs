//! What answers the fields of `Post`.
//!
//! Written by `cargo xtask generate` from schema/post.yaml; do not edit.

use crate::content::POST;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &POST, connection: "PostConnection", edge: "PostEdge", change: "PostChange",
        aggregates: Some (& AggregateInfo { type_name : "PostAggregate" , group : "PostGroup" , extremes : "PostExtremes" , sums : "" }),
        roots: &[
            Resolver { field: "post", verb: Verb::ById, of: &POST },
            Resolver { field: "postBySlug", verb: Verb::ByKey("slug"), of: &POST },
            Resolver { field: "posts", verb: Verb::List, of: &POST },
            Resolver { field: "postAggregates", verb: Verb::Aggregate, of: &POST },
            Resolver { field: "postRevision", verb: Verb::Revision, of: &POST },
            Resolver { field: "createPost", verb: Verb::Create, of: &POST },
            Resolver { field: "updatePost", verb: Verb::Update, of: &POST },
            Resolver { field: "upsertPosts", verb: Verb::Upsert, of: &POST },
            Resolver { field: "deletePost", verb: Verb::Delete, of: &POST },
            Resolver { field: "duplicatePost", verb: Verb::Duplicate, of: &POST },
            Resolver { field: "restorePost", verb: Verb::Restore, of: &POST },
            Resolver { field: "undeletePost", verb: Verb::Undelete, of: &POST },
            Resolver { field: "publishPost", verb: Verb::Publish, of: &POST },
            Resolver { field: "publishPosts", verb: Verb::PublishAll, of: &POST },
            Resolver { field: "unpublishPost", verb: Verb::Unpublish, of: &POST },
            Resolver { field: "discardPostDraft", verb: Verb::DiscardDraft, of: &POST },
            Resolver { field: "postChanged", verb: Verb::Changed, of: &POST },
        ],
        pages: &[("authorsConnection", "authors"), ("tagsConnection", "tags")],
    },
];
