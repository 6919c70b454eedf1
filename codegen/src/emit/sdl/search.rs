//! Search: the part of the API that finds entries by words, of all types that are searched.

use crate::emit::sdl::{Definition, Kind, Member, words};
use crate::schema::{ContentType, Schema};

fn types(schema: &Schema) -> impl Iterator<Item = &ContentType> {
    schema.types.iter().filter(|ty| ty.search.is_some())
}

/// The field of `Query`, if anything is searched.
pub fn reads(schema: &Schema) -> Option<Member> {
    let about = "Finds entries by words, of one or several types: the best first. If nothing is found, misspelt words are corrected. \
        `docs/search.md` says how.";
    types(schema).next()?;
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
    Some(search)
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
    vec![
        Definition::new(Kind::Object, "SearchConnection", "A page of what a search finds.").members([
            Member::new("edges", "[SearchEdge!]!", "The entries, each with what the search knows of it."),
            Member::new("nodes", "[Node!]!", "The entries."),
            Member::new("pageInfo", "PageInfo!", "Where the page is in the list."),
            Member::new("totalCount", "Int!", "How many entries are found, at most 10,000 of each type."),
            Member::new(
                "correctedQuery",
                "String",
                "What was searched for instead, since nothing was found: the query with misspelt words corrected. Else null.",
            ),
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
    ]
}
