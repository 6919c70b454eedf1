//! What editors say of searches: entries that come first, synonyms, and what visitors ask for.

use crate::emit::sdl::{Definition, Kind, Member};
use crate::schema::Schema;

const ONLY: &str = "Only for roles that manage `search`.";

fn is_searched(schema: &Schema) -> bool {
    schema.types.iter().any(|ty| ty.search.is_some())
}

/// The fields of `Query`.
pub fn reads(schema: &Schema) -> Vec<Member> {
    if !is_searched(schema) {
        return Vec::new();
    }
    let counts = "What visitors ask for, the most frequent first. A server adds its counts every few seconds.";
    vec![
        Member::new("searchRules", "[SearchRule!]", format!("The rules in the order of their queries. {ONLY}")),
        Member::new(
            "searchSynonyms",
            "[SearchSynonyms!]",
            format!("The groups of words that mean the same, besides those of the schema. {ONLY}"),
        ),
        Member::new("searchQueries", "[SearchQueryCount!]", format!("{counts} {ONLY}")).args([
            Member::new("days", "Int!", "Of this many days, with today: 1 to 90.").default("30"),
            Member::new("withoutResult", "Boolean!", "Return only queries that found nothing, by how often they did.")
                .default("false"),
            Member::new("first", "Int", "The number of queries to return at most."),
        ]),
    ]
}

/// The fields of `Mutation`.
pub fn writes(schema: &Schema) -> Vec<Member> {
    if !is_searched(schema) {
        return Vec::new();
    }
    let set =
        "Sets which entries come first for a query, and which it does not find. Without any, the query has no rule.";
    vec![
        Member::new("setSearchRule", "SearchRule", format!("{set} {ONLY}")).args([Member::new(
            "input",
            "SearchRuleInput!",
            "The rule.",
        )]),
        Member::new("addSearchSynonyms", "SearchSynonyms", format!("Adds a group of words that mean the same. {ONLY}"))
            .args([Member::new("words", "[String!]!", "2 to 20 words or phrases, of at most 100 characters.")]),
        Member::new("removeSearchSynonyms", "ID", format!("Removes a group. {ONLY}")).args([Member::new(
            "id",
            "ID!",
            "The id of the group.",
        )]),
    ]
}

pub fn definitions(schema: &Schema) -> Vec<Definition> {
    if !is_searched(schema) {
        return Vec::new();
    }
    let query = "The query as it is written; case and spaces do not matter.";
    vec![
        Definition::new(Kind::Object, "SearchRule", "What a query finds first, and what it does not find.").members([
            Member::new("query", "String!", query),
            Member::new("pinned", "[ID!]!", "The entries that come first, in this order."),
            Member::new("hidden", "[ID!]!", "The entries that are not found."),
        ]),
        Definition::new(Kind::Input, "SearchRuleInput", "What a query finds first, and what it does not find.")
            .members([
                Member::new("query", "String!", query),
                Member::new("pinned", "[ID!]", "The entries that come first, in this order: at most 100."),
                Member::new("hidden", "[ID!]", "The entries that are not found: at most 100."),
            ]),
        Definition::new(Kind::Object, "SearchSynonyms", "Words that mean the same.").members([
            Member::new("id", "ID!", "The id of the group."),
            Member::new("words", "[String!]!", "The words and phrases."),
        ]),
        Definition::new(Kind::Object, "SearchQueryCount", "How often visitors asked for something.").members([
            Member::new("query", "String!", "The query, in small letters."),
            Member::new("times", "Int!", "How often it was asked."),
            Member::new(
                "withoutResult",
                "Int!",
                "How often nothing was found that has all of its words as they were written.",
            ),
        ]),
    ]
}
