//! What answers the fields of `Product`.
//!
//! Written by `cargo xtask generate` from schema/product.yaml; do not edit.

use crate::content::{PRODUCT, PRODUCT_VARIANT};
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &PRODUCT, connection: "ProductConnection", edge: "ProductEdge", change: "ProductChange",
        aggregates: Some (& AggregateInfo { type_name : "ProductAggregate" , group : "ProductGroup" , extremes : "ProductExtremes" , sums : "ProductSums" }),
        roots: &[
            Resolver { field: "product", verb: Verb::ById, of: &PRODUCT },
            Resolver { field: "productBySlug", verb: Verb::ByKey("slug"), of: &PRODUCT },
            Resolver { field: "productByExternalRef", verb: Verb::ByKey("external_ref"), of: &PRODUCT },
            Resolver { field: "products", verb: Verb::List, of: &PRODUCT },
            Resolver { field: "productAggregates", verb: Verb::Aggregate, of: &PRODUCT },
            Resolver { field: "productRevision", verb: Verb::Revision, of: &PRODUCT },
            Resolver { field: "createProduct", verb: Verb::Create, of: &PRODUCT },
            Resolver { field: "updateProduct", verb: Verb::Update, of: &PRODUCT },
            Resolver { field: "upsertProducts", verb: Verb::Upsert, of: &PRODUCT },
            Resolver { field: "deleteProduct", verb: Verb::Delete, of: &PRODUCT },
            Resolver { field: "duplicateProduct", verb: Verb::Duplicate, of: &PRODUCT },
            Resolver { field: "restoreProduct", verb: Verb::Restore, of: &PRODUCT },
            Resolver { field: "undeleteProduct", verb: Verb::Undelete, of: &PRODUCT },
            Resolver { field: "publishProduct", verb: Verb::Publish, of: &PRODUCT },
            Resolver { field: "publishProducts", verb: Verb::PublishAll, of: &PRODUCT },
            Resolver { field: "unpublishProduct", verb: Verb::Unpublish, of: &PRODUCT },
            Resolver { field: "discardProductDraft", verb: Verb::DiscardDraft, of: &PRODUCT },
            Resolver { field: "productChanged", verb: Verb::Changed, of: &PRODUCT },
        ],
        pages: &[
            ("categoriesConnection", "categories"), ("tagsConnection", "tags"), ("imagesConnection", "images"),
            ("relatedConnection", "related"), ("variantsConnection", "variants"),
            ("mentionedInConnection", "mentionedIn"), ("relatedToConnection", "relatedTo"),
            ("servicesConnection", "services"),
        ],
    },
    TypeResolvers {
        of: &PRODUCT_VARIANT, connection: "ProductVariantConnection", edge: "ProductVariantEdge", change: "",
        aggregates: None,
        roots: &[],
        pages: &[],
    },
];
