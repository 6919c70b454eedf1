//! What answers the fields of `Category`.
//!
//! Written by `cargo xtask generate` from schema/category.yaml; do not edit.

use crate::content::CATEGORY;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &CATEGORY, connection: "CategoryConnection", edge: "CategoryEdge", change: "CategoryChange",
        aggregates: Some (& AggregateInfo { type_name : "CategoryAggregate" , group : "CategoryGroup" , extremes : "CategoryExtremes" , sums : "" }),
        roots: &[
            Resolver { field: "category", verb: Verb::ById, of: &CATEGORY },
            Resolver { field: "categoryBySlug", verb: Verb::ByKey("slug"), of: &CATEGORY },
            Resolver { field: "categories", verb: Verb::List, of: &CATEGORY },
            Resolver { field: "categoryAggregates", verb: Verb::Aggregate, of: &CATEGORY },
            Resolver { field: "categoryRevision", verb: Verb::Revision, of: &CATEGORY },
            Resolver { field: "createCategory", verb: Verb::Create, of: &CATEGORY },
            Resolver { field: "updateCategory", verb: Verb::Update, of: &CATEGORY },
            Resolver { field: "upsertCategories", verb: Verb::Upsert, of: &CATEGORY },
            Resolver { field: "deleteCategory", verb: Verb::Delete, of: &CATEGORY },
            Resolver { field: "duplicateCategory", verb: Verb::Duplicate, of: &CATEGORY },
            Resolver { field: "restoreCategory", verb: Verb::Restore, of: &CATEGORY },
            Resolver { field: "undeleteCategory", verb: Verb::Undelete, of: &CATEGORY },
            Resolver { field: "categoryChanged", verb: Verb::Changed, of: &CATEGORY },
        ],
        pages: &[
            ("childrenConnection", "children"), ("mentionedInConnection", "mentionedIn"),
            ("productsConnection", "products"), ("servicesConnection", "services"),
        ],
    },
];
