//! What answers the fields of `Maker`.
//!
//! Written by `cargo xtask generate` from schema/maker.yaml; do not edit.

use crate::content::MAKER;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &MAKER, connection: "MakerConnection", edge: "MakerEdge", change: "MakerChange",
        aggregates: Some (& AggregateInfo { type_name : "MakerAggregate" , group : "" , extremes : "MakerExtremes" , sums : "" }),
        roots: &[
            Resolver { field: "maker", verb: Verb::ById, of: &MAKER },
            Resolver { field: "makerByName", verb: Verb::ByKey("name"), of: &MAKER },
            Resolver { field: "makerByHome", verb: Verb::ByKey("home"), of: &MAKER },
            Resolver { field: "makers", verb: Verb::List, of: &MAKER },
            Resolver { field: "makerAggregates", verb: Verb::Aggregate, of: &MAKER },
            Resolver { field: "makerRevision", verb: Verb::Revision, of: &MAKER },
            Resolver { field: "createMaker", verb: Verb::Create, of: &MAKER },
            Resolver { field: "updateMaker", verb: Verb::Update, of: &MAKER },
            Resolver { field: "upsertMakers", verb: Verb::Upsert, of: &MAKER },
            Resolver { field: "deleteMaker", verb: Verb::Delete, of: &MAKER },
            Resolver { field: "duplicateMaker", verb: Verb::Duplicate, of: &MAKER },
            Resolver { field: "restoreMaker", verb: Verb::Restore, of: &MAKER },
            Resolver { field: "undeleteMaker", verb: Verb::Undelete, of: &MAKER },
            Resolver { field: "makerChanged", verb: Verb::Changed, of: &MAKER },
        ],
        pages: &[("mentionedByConnection", "mentionedBy"), ("thingsConnection", "things")],
    },
];
