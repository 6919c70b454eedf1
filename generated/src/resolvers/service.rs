//! What answers the fields of `Service`.
//!
//! Written by `cargo xtask generate` from schema/service.yaml; do not edit.

use crate::content::SERVICE;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &SERVICE, connection: "ServiceConnection", edge: "ServiceEdge", change: "ServiceChange",
        aggregates: Some (& AggregateInfo { type_name : "ServiceAggregate" , group : "ServiceGroup" , extremes : "ServiceExtremes" , sums : "ServiceSums" }),
        roots: &[
            Resolver { field: "service", verb: Verb::ById, of: &SERVICE },
            Resolver { field: "serviceBySlug", verb: Verb::ByKey("slug"), of: &SERVICE },
            Resolver { field: "serviceByExternalRef", verb: Verb::ByKey("external_ref"), of: &SERVICE },
            Resolver { field: "services", verb: Verb::List, of: &SERVICE },
            Resolver { field: "serviceAggregates", verb: Verb::Aggregate, of: &SERVICE },
            Resolver { field: "serviceRevision", verb: Verb::Revision, of: &SERVICE },
            Resolver { field: "createService", verb: Verb::Create, of: &SERVICE },
            Resolver { field: "updateService", verb: Verb::Update, of: &SERVICE },
            Resolver { field: "upsertServices", verb: Verb::Upsert, of: &SERVICE },
            Resolver { field: "deleteService", verb: Verb::Delete, of: &SERVICE },
            Resolver { field: "duplicateService", verb: Verb::Duplicate, of: &SERVICE },
            Resolver { field: "restoreService", verb: Verb::Restore, of: &SERVICE },
            Resolver { field: "undeleteService", verb: Verb::Undelete, of: &SERVICE },
            Resolver { field: "publishService", verb: Verb::Publish, of: &SERVICE },
            Resolver { field: "publishServices", verb: Verb::PublishAll, of: &SERVICE },
            Resolver { field: "unpublishService", verb: Verb::Unpublish, of: &SERVICE },
            Resolver { field: "discardServiceDraft", verb: Verb::DiscardDraft, of: &SERVICE },
            Resolver { field: "serviceChanged", verb: Verb::Changed, of: &SERVICE },
        ],
        pages: &[
            ("categoriesConnection", "categories"), ("tagsConnection", "tags"), ("imagesConnection", "images"),
            ("productsConnection", "products"), ("mentionedInConnection", "mentionedIn"),
        ],
    },
];
