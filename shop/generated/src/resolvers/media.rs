//! What answers the fields of `Media`.
//!
//! Written by `cargo xtask generate` from schema/media.yaml; do not edit.

use crate::content::MEDIA;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &MEDIA, connection: "MediaConnection", edge: "MediaEdge", change: "MediaChange",
        aggregates: Some (& AggregateInfo { type_name : "MediaAggregate" , group : "" , extremes : "MediaExtremes" , sums : "" }),
        roots: &[
            Resolver { field: "media", verb: Verb::ById, of: &MEDIA },
            Resolver { field: "mediaByUrl", verb: Verb::ByKey("url"), of: &MEDIA },
            Resolver { field: "mediaItems", verb: Verb::List, of: &MEDIA },
            Resolver { field: "mediaAggregates", verb: Verb::Aggregate, of: &MEDIA },
            Resolver { field: "mediaRevision", verb: Verb::Revision, of: &MEDIA },
            Resolver { field: "createMedia", verb: Verb::Create, of: &MEDIA },
            Resolver { field: "updateMedia", verb: Verb::Update, of: &MEDIA },
            Resolver { field: "upsertMediaItems", verb: Verb::Upsert, of: &MEDIA },
            Resolver { field: "deleteMedia", verb: Verb::Delete, of: &MEDIA },
            Resolver { field: "duplicateMedia", verb: Verb::Duplicate, of: &MEDIA },
            Resolver { field: "restoreMedia", verb: Verb::Restore, of: &MEDIA },
            Resolver { field: "undeleteMedia", verb: Verb::Undelete, of: &MEDIA },
            Resolver { field: "mediaChanged", verb: Verb::Changed, of: &MEDIA },
        ],
        pages: &[],
    },
];
