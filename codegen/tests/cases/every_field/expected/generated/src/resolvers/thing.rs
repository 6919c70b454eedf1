//! What answers the fields of `Thing`.
//!
//! Written by `cargo xtask generate` from schema/thing.yaml; do not edit.

use crate::content::{THING, THING_PIECE};
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &THING, connection: "ThingConnection", edge: "ThingEdge", change: "ThingChange",
        aggregates: Some (& AggregateInfo { type_name : "ThingAggregate" , group : "ThingGroup" , extremes : "ThingExtremes" , sums : "ThingSums" }),
        roots: &[
            Resolver { field: "thing", verb: Verb::ById, of: &THING },
            Resolver { field: "thingBySlug", verb: Verb::ByKey("slug"), of: &THING },
            Resolver { field: "things", verb: Verb::List, of: &THING },
            Resolver { field: "thingAggregates", verb: Verb::Aggregate, of: &THING },
            Resolver { field: "thingRevision", verb: Verb::Revision, of: &THING },
            Resolver { field: "createThing", verb: Verb::Create, of: &THING },
            Resolver { field: "updateThing", verb: Verb::Update, of: &THING },
            Resolver { field: "upsertThings", verb: Verb::Upsert, of: &THING },
            Resolver { field: "deleteThing", verb: Verb::Delete, of: &THING },
            Resolver { field: "duplicateThing", verb: Verb::Duplicate, of: &THING },
            Resolver { field: "restoreThing", verb: Verb::Restore, of: &THING },
            Resolver { field: "undeleteThing", verb: Verb::Undelete, of: &THING },
            Resolver { field: "publishThing", verb: Verb::Publish, of: &THING },
            Resolver { field: "publishThings", verb: Verb::PublishAll, of: &THING },
            Resolver { field: "unpublishThing", verb: Verb::Unpublish, of: &THING },
            Resolver { field: "discardThingDraft", verb: Verb::DiscardDraft, of: &THING },
            Resolver { field: "thingChanged", verb: Verb::Changed, of: &THING },
        ],
        pages: &[
            ("picturesConnection", "pictures"), ("goesWithConnection", "goesWith"), ("matchConnection", "match"),
            ("mentionedByConnection", "mentionedBy"), ("partsConnection", "parts"),
        ],
    },
    TypeResolvers {
        of: &THING_PIECE, connection: "ThingPieceConnection", edge: "ThingPieceEdge", change: "",
        aggregates: None,
        roots: &[],
        pages: &[("extrasConnection", "extras")],
    },
];
