//! What answers the fields of `Author`.
//!
//! Written by `cargo xtask generate` from schema/author.yaml; do not edit.

use crate::content::AUTHOR;
use runtime::content::{AggregateInfo, Resolver, TypeResolvers, Verb};

pub static RESOLVERS: &[TypeResolvers] = &[
    TypeResolvers {
        of: &AUTHOR, connection: "AuthorConnection", edge: "AuthorEdge", change: "AuthorChange",
        aggregates: Some (& AggregateInfo { type_name : "AuthorAggregate" , group : "AuthorGroup" , extremes : "AuthorExtremes" , sums : "" }),
        roots: &[
            Resolver { field: "author", verb: Verb::ById, of: &AUTHOR },
            Resolver { field: "authorBySlug", verb: Verb::ByKey("slug"), of: &AUTHOR },
            Resolver { field: "authors", verb: Verb::List, of: &AUTHOR },
            Resolver { field: "authorAggregates", verb: Verb::Aggregate, of: &AUTHOR },
            Resolver { field: "authorRevision", verb: Verb::Revision, of: &AUTHOR },
            Resolver { field: "createAuthor", verb: Verb::Create, of: &AUTHOR },
            Resolver { field: "updateAuthor", verb: Verb::Update, of: &AUTHOR },
            Resolver { field: "upsertAuthors", verb: Verb::Upsert, of: &AUTHOR },
            Resolver { field: "deleteAuthor", verb: Verb::Delete, of: &AUTHOR },
            Resolver { field: "duplicateAuthor", verb: Verb::Duplicate, of: &AUTHOR },
            Resolver { field: "restoreAuthor", verb: Verb::Restore, of: &AUTHOR },
            Resolver { field: "undeleteAuthor", verb: Verb::Undelete, of: &AUTHOR },
            Resolver { field: "authorChanged", verb: Verb::Changed, of: &AUTHOR },
        ],
        pages: &[("postsConnection", "posts")],
    },
];
