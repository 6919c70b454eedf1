//! Search: the part of the API that finds entries by words, of all types that are searched.

use std::collections::BTreeSet;

use crate::emit::sdl::{Definition, Kind, Member, words};
use crate::schema::facet::{Facet, FacetOf};
use crate::schema::{ContentType, Schema};

fn types(schema: &Schema) -> impl Iterator<Item = &ContentType> {
    schema.types.iter().filter(|ty| ty.search.is_some())
}

/// The fields of `Query`, if anything is searched.
pub fn reads(schema: &Schema) -> Vec<Member> {
    let about = "Finds entries by words, of one or several types: the best first. If nothing is found, misspelt words are corrected. \
        `docs/search.md` says how.";
    if types(schema).next().is_none() {
        return Vec::new();
    }
    let search = Member::new("search", "SearchConnection!", about).args([
        Member::new(
            "query",
            "String!",
            "What to find: all of these words, \"a phrase\", one word OR another, -without a word. At most 300 characters.",
        ),
        Member::new("types", "[SearchType!]", "Find only entries of these types. By default, of all that the actor may read."),
        Member::new("filter", "SearchFilter", "Find only entries that match."),
        Member::new("orderBy", "SearchOrder!", "The order of the entries.").default("RELEVANCE"),
        Member::new("first", "Int", "The number of entries to return at most, from the start or after `after`."),
        Member::new("after", "String", "Return entries after this cursor."),
        super::roots::stage(),
    ]);
    let about = "Completes what a visitor types: to be asked with each letter. `docs/search.md` says how.";
    let suggest = Member::new("suggest", "Suggestions!", about).args([
        Member::new("query", "String!", "What has been typed. At most 300 characters."),
        Member::new(
            "types",
            "[SearchType!]",
            "Suggest only entries of these types. By default, of all that the actor may read.",
        ),
        Member::new("filter", "SearchFilter", "Suggest only entries that match."),
        Member::new("first", "Int", "The number of entries, and of queries, to return at most. By default 8."),
        super::roots::stage(),
    ]);
    vec![search, suggest]
}

pub fn definitions(schema: &Schema) -> Vec<Definition> {
    let values = types(schema).map(|ty| {
        let about = format!("Entries of the type `{}`.", ty.name.pascal());
        Member::value(ty.name.upper().to_string(), about)
    });
    let filters = types(schema).map(|ty| {
        let about =
            format!("Of {}, only those that match. Entries of other types are found all the same.", words(&ty.plural));
        Member::new(ty.name.camel(), format!("{}Filter", ty.name.pascal()), about)
    });
    let mut definitions = facets(schema);
    let facets =
        Member::new("facets", "SearchFacets!", "How many of the found entries have each value of a field, by type.");
    let facets = (!definitions.is_empty()).then_some(facets);
    definitions.extend([
        Definition::new(Kind::Object, "SearchConnection", "A page of what a search finds.").members(facets).members([
            Member::new("edges", "[SearchEdge!]!", "The entries, each with what the search knows of it."),
            Member::new("nodes", "[Node!]!", "The entries."),
            Member::new("pageInfo", "PageInfo!", "Where the page is in the list."),
            Member::new("totalCount", "Int!", "How many entries are found, at most 10,000 of each type."),
            Member::new(
                "correctedQuery",
                "String",
                "What was searched for instead, since nothing was found: the query with misspelt words corrected. Else null.",
            ),
            Member::new("isPartial", "Boolean!", "Whether no entry has all of the words, and these have some of them."),
        ]),
        Definition::new(Kind::Object, "Suggestions", "What a visitor may want to find who has typed only the beginning of it.").members([
            Member::new("queries", "[String!]!", "What has been typed, with its last word completed to words of the entries: the most frequent first."),
            Member::new("nodes", "[Node!]!", "The entries whose texts of the weights A and B have these words."),
        ]),
        Definition::new(Kind::Object, "SearchEdge", "An entry that a search finds.").members([
            Member::new("cursor", "String!", "The place of the entry in the list, for `after`."),
            Member::new("score", "Float!", "How well it fits; to be compared only within a search."),
            Member::new("node", "Node!", "The entry."),
            Member::new("highlights", "[SearchHighlight!]!", "Parts of its texts in which words of the query are."),
        ]),
        Definition::new(Kind::Object, "SearchHighlight", "A part of a text in which words of a query are.").members([
            Member::new("field", "String!", "The field; `brand.name` for a text of a related entry."),
            Member::new("text", "String!", "The part, as plain text of at most 240 characters."),
            Member::new("html", "String!", "The part as HTML: the words are in `<mark>`, and everything else is escaped."),
            Member::new("ranges", "[SearchRange!]!", "Where the words are in `text`."),
        ]),
        Definition::new(Kind::Object, "SearchRange", "A range of a text, in UTF-16 code units, as JavaScript counts.").members([
            Member::new("start", "Int!", "The first unit."),
            Member::new("end", "Int!", "The unit after the last one."),
        ]),
        Definition::new(Kind::Enum, "SearchType", "A type whose entries are searched.").members(values),
        Definition::new(Kind::Input, "SearchFilter", "Filters of a search, by type.").members(filters),
        Definition::new(Kind::Enum, "SearchOrder", "The order of what a search finds.").members([
            Member::value("RELEVANCE", "The best first."),
            Member::value("CREATED_AT", "The latest first, by when they were created."),
            Member::value("UPDATED_AT", "The latest first, by when they were changed."),
            Member::value("PUBLISHED_AT", "The latest first, by when they were last published."),
        ]),
    ]);
    definitions
}

fn facets(schema: &Schema) -> Vec<Definition> {
    let by_type = types(schema)
        .filter(|ty| !ty.facets().is_empty())
        .map(|ty| Member::new(ty.name.camel(), format!("{}!", ty.facets_type()), format!("Of {}.", words(&ty.plural))));
    if types(schema).all(|ty| ty.facets().is_empty()) {
        return Vec::new();
    }
    let all = Definition::new(Kind::Object, "SearchFacets", "What is counted among the found entries, by type.");
    let value = Definition::new(Kind::Object, "FacetValue", "A value, and how many entries have it.").members([
        Member::new("value", "String!", "The value: of an enum its name, of a boolean `true` or `false`."),
        Member::new("count", "Int!", "The number of found entries that have it."),
    ]);
    let mut definitions = vec![all.members(by_type), value];
    let mut targets = BTreeSet::new();
    for ty in types(schema) {
        let facets = ty.facets();
        if facets.is_empty() {
            continue;
        }
        definitions.push(
            Definition::new(Kind::Object, ty.facets_type(), format!("What is counted among {}.", words(&ty.plural)))
                .members(facets.iter().map(facet)),
        );
        for facet in facets {
            let FacetOf::Entries { target } = &facet.of else { continue };
            if targets.insert(target.clone()) {
                let about = format!("An entry of the type `{target}`, and how many entries refer to it.");
                definitions.push(Definition::new(Kind::Object, facet.type_name(), about).members([
                    Member::new("node", format!("{target}!"), "The entry."),
                    Member::new("count", "Int!", "The number of found entries that refer to it."),
                ]));
            }
        }
    }
    definitions
}

fn facet(facet: &Facet<'_>) -> Member {
    let name = facet.field.name.camel();
    match &facet.of {
        FacetOf::Values => {
            Member::new(&name, "[FacetValue!]!", format!("The values of `{name}`, the most frequent first."))
        }
        FacetOf::Entries { .. } => {
            let about = format!("The entries that `{name}` refers to, those with the most references first.");
            Member::new(&name, format!("[{}!]!", facet.type_name()), about).args([Member::new(
                "first",
                "Int",
                "The number of entries to return at most, from 1 to 100. By default 10.",
            )])
        }
        FacetOf::Ranges { input } => {
            let about = format!(
                "How many have a `{name}` below the first bound, from there to below the second one, and so on, and from the last bound \
                on: one number more than bounds."
            );
            let bounds =
                "From 1 to 50 values in ascending order; of money, in one currency, in which others are not counted.";
            Member::new(&name, "[Int!]!", about).args([Member::new("bounds", format!("[{input}!]!"), bounds)])
        }
    }
}
