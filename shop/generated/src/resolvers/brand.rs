//! What answers the fields of `Brand`.
//!
//! Written by `cargo xtask generate` from schema/brand.yaml; do not edit.

use crate::content::BRAND;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &BRAND, connection: "BrandConnection", edge: "BrandEdge", change: "BrandChange",
        aggregates: Some (& AggregateInfo { type_name : "BrandAggregate" , group : "BrandGroup" , extremes : "BrandExtremes" , sums : "" }),
        roots: &[
            Resolver { field: "brand", verb: Verb::ById, of: &BRAND },
            Resolver { field: "brandBySlug", verb: Verb::ByKey("slug"), of: &BRAND },
            Resolver { field: "brands", verb: Verb::List, of: &BRAND },
            Resolver { field: "brandAggregates", verb: Verb::Aggregate, of: &BRAND },
            Resolver { field: "brandRevision", verb: Verb::Revision, of: &BRAND },
            Resolver { field: "createBrand", verb: Verb::Create, of: &BRAND },
            Resolver { field: "updateBrand", verb: Verb::Update, of: &BRAND },
            Resolver { field: "upsertBrands", verb: Verb::Upsert, of: &BRAND },
            Resolver { field: "deleteBrand", verb: Verb::Delete, of: &BRAND },
            Resolver { field: "duplicateBrand", verb: Verb::Duplicate, of: &BRAND },
            Resolver { field: "restoreBrand", verb: Verb::Restore, of: &BRAND },
            Resolver { field: "undeleteBrand", verb: Verb::Undelete, of: &BRAND },
            Resolver { field: "brandChanged", verb: Verb::Changed, of: &BRAND },
        ],
        pages: &[("productsConnection", "products")],
    },
];
