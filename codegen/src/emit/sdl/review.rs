//! Review before publishing: the part of the API that is the same for every content type.

use crate::emit::sdl::{Definition, Kind, Member};

/// The fields of `Query`.
pub fn reads() -> [Member; 2] {
    [
        Member::new(
            "entryReview",
            "EntryReview",
            "Where an entry stands in its review, for those who may read its draft.",
        )
        .args([entry()]),
        Member::new(
            "entriesAtStage",
            "[EntryAtStage!]!",
            "Entries whose drafts are at a stage of the review and may be read, by their ids.",
        )
        .args([
            Member::new("type", "String!", "The name of a content type in this API, such as `Post`."),
            Member::new("stage", "String!", "The name of the stage, as in the schema."),
            Member::new("first", "Int!", "The number of entries to return at most.").default("20"),
            Member::new("after", "ID", "Return entries after the one with this id."),
        ]),
    ]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 2] {
    let step = |name: &str, about: &str| Member::new(name, "EntryReview", about);
    let revision =
        || Member::new("revision", "Int!", "The revision that was read. If there is a newer one, the step is refused.");
    let comment = || Member::new("comment", "String", "Why, at most 1,000 characters.");
    [
        step(
            "moveToStage",
            "Moves an entry to a stage of its review. `NOT_APPROVED` if the stage asks for more approvals.",
        )
        .args([
            entry(),
            Member::new("stage", "String!", "The name of the stage, as in the schema."),
            revision(),
            comment(),
        ]),
        step(
            "approveRevision",
            "Approves the revision of an entry for the next stage. A change of the entry needs new approvals.",
        )
        .args([entry(), revision(), comment()]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    vec![review(), step(), kind(), at_stage()]
}

fn entry() -> Member {
    Member::new("id", "ID!", "The id of an entry of a type with a review.")
}

fn review() -> Definition {
    Definition::new(Kind::Object, "EntryReview", "Where an entry stands in its review.")
        .member(Member::new("entry", "ID!", "The id of the entry."))
        .member(Member::new("type", "String!", "The name of its content type in this API."))
        .member(Member::new("revision", "Int!", "The revision of the draft."))
        .member(Member::new("stage", "String!", "The stage of that revision."))
        .member(Member::new("stages", "[String!]!", "All stages in order. An entry can be published at the last one."))
        .member(Member::new("approvalsNeeded", "Int!", "How many approvals the next stage asks for."))
        .member(Member::new("approvals", "[EntryReviewStep!]!", "The approvals of the revision for the next stage."))
        .member(Member::new(
            "steps",
            "[EntryReviewStep!]!",
            "What was done, also with earlier revisions; the newest 100, newest first.",
        ))
}

fn step() -> Definition {
    Definition::new(Kind::Object, "EntryReviewStep", "A step of a review.")
        .member(Member::new("kind", "EntryReviewKind!", "What was done."))
        .member(Member::new("revision", "Int!", "With which revision."))
        .member(Member::new("from", "String!", "The stage before."))
        .member(Member::new("to", "String!", "The stage that it was moved to, or was approved for."))
        .member(Member::new("comment", "String", "What was said with it."))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that did it."))
        .member(Member::new("actor", "ID", "The id of the user or API token that did it."))
        .member(Member::new("role", "String", "The role of the actor at that time."))
        .member(Member::new("at", "DateTime!", "When it was done."))
}

fn kind() -> Definition {
    Definition::new(Kind::Enum, "EntryReviewKind", "What was done in a review.")
        .member(Member::value("MOVE", "The entry was moved to another stage."))
        .member(Member::value("APPROVE", "The revision was approved."))
}

fn at_stage() -> Definition {
    Definition::new(Kind::Object, "EntryAtStage", "An entry at a stage of its review.")
        .member(Member::new("entry", "ID!", "The id of the entry."))
        .member(Member::new("revision", "Int!", "The revision of the draft."))
}
