//! Publishing of entries of any type: what a publication takes along, and many at once.

use crate::emit::sdl::{Definition, Kind, Member};

/// The fields of `Query`.
pub fn reads() -> [Member; 1] {
    let about = "What is published along with an entry by `withDependencies: true`: the targets of its required relations that are not live, and theirs.";
    [Member::new("publishDependencies", "[PublishDependency!]!", about).args([Member::new(
        "id",
        "ID!",
        "The id of an entry of any type with drafts.",
    )])]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 1] {
    let about = "Publishes each of these entries as it was last saved, in a transaction of its own: one that is refused does not stop the others.";
    [Member::new("publishEach", "[PublishOutcome!]", about).args([Member::new(
        "ids",
        "[ID!]!",
        "The ids of at most 100 entries, of any types with drafts.",
    )])]
}

pub fn definitions() -> Vec<Definition> {
    let dependency =
        Definition::new(Kind::Object, "PublishDependency", "An entry that is published along with another.")
            .member(Member::new("id", "ID!", "The id of the entry."))
            .member(Member::new("type", "String!", "The name of its content type in this API."))
            .member(Member::new("title", "String", "What it is called."));
    let outcome = Definition::new(Kind::Object, "PublishOutcome", "What became of the publication of an entry.")
        .member(Member::new("id", "ID!", "The id of the entry."))
        .member(Member::new("isPublished", "Boolean!", "Whether the entry is live as it was last saved."))
        .member(Member::new("problems", "[PublishProblem!]!", "Why it was refused."));
    vec![dependency, outcome]
}
