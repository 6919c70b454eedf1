//! The history of entries and the bin: the part of the API that is the same for every content type.

use crate::emit::sdl::{Definition, Kind, Member};

/// The fields of `Query`.
pub fn reads() -> [Member; 4] {
    [
        Member::new("revisions", "[Revision!]!", "The history of an entry, newest first, for those who may read it.").args([
            entry("The id of an entry of any type. It may be in the bin."),
            Member::new("first", "Int!", "The number of revisions to return at most.").default("20"),
            Member::new("before", "Int", "Return revisions before this one."),
        ]),
        Member::new("revisionDiff", "[FieldDiff!]!", "The fields in which two revisions of an entry differ.").args([
            entry("The id of an entry of any type. It may be in the bin."),
            Member::new("from", "Int!", "The number of one revision."),
            Member::new("to", "Int!", "The number of the other revision."),
        ]),
        Member::new(
            "restoreCheck",
            "[String!]!",
            "What a restore of a revision would leave out: fields that no longer exist, values that no longer fit, and references to entries that are gone. Unique values that belong to another entry are listed too: with these it is refused, unless `input` replaces them.",
        )
        .args([
            entry("The id of an entry of any type. It may be in the bin."),
            Member::new("from", "Int!", "The number of the revision to restore."),
        ]),
        Member::new("deletedEntries", "[DeletedEntry!]!", "Deleted entries, newest first, for those who may delete them.").args([
            Member::new("type", "String", "The name of the content type in this API. If omitted, all types."),
            Member::new("first", "Int!", "The number of entries to return at most.").default("20"),
            Member::new("after", "String", "Return entries after the one with this cursor."),
        ]),
    ]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 1] {
    let about = "Removes deleted entries and their history for ever. Returns how many there were.";
    [Member::new("purgeDeleted", "Int", about).args([Member::new("ids", "[ID!]!", "The ids of the deleted entries.")])]
}

pub fn definitions() -> Vec<Definition> {
    vec![revision(), field_diff(), diff_part(), diff_kind(), deleted()]
}

fn entry(about: &str) -> Member {
    Member::new("id", "ID!", about)
}

/// Who did it and when.
fn author(definition: Definition, at: &str) -> Definition {
    definition
        .member(Member::new("at", "DateTime!", at))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that did it."))
        .member(Member::new("actor", "ID", "The id of the user or API token that did it."))
        .member(Member::new("role", "String", "The role of the actor at that time."))
}

fn revision() -> Definition {
    let revision = Definition::new(Kind::Object, "Revision", "A saved version of an entry.").member(Member::new(
        "revision",
        "Int!",
        "The number of the revision.",
    ));
    author(revision, "When it was saved.")
        .member(Member::new("note", "String", "What the author said of the change."))
        .member(Member::new("fields", "[String!]!", "The fields that differ from the revision before."))
        .member(Member::new("isDraft", "Boolean!", "Whether the draft of the entry is this revision."))
        .member(Member::new("isLive", "Boolean!", "Whether the published version is this revision."))
}

fn field_diff() -> Definition {
    Definition::new(Kind::Object, "FieldDiff", "A field in which two revisions differ.")
        .member(Member::new("field", "String!", "The name of the field."))
        .member(Member::new("row", "ID", "For a list of children: the row that differs."))
        .member(Member::new("kind", "DiffKind!", "What happened to the value, or to the row."))
        .member(Member::new("before", "JSON", "The value in `from`; of a row, the fields that differ."))
        .member(Member::new("after", "JSON", "The value in `to`; of a row, the fields that differ."))
        .member(Member::new(
            "movedFrom",
            "Int",
            "Of a row that changed its place among the rows that both revisions have: its place in `from`, from 0.",
        ))
        .member(Member::new("movedTo", "Int", "The place of that row in `to`, from 0."))
        .member(Member::new("parts", "[DiffPart!]!", "The lines of a long text, or the items of a list."))
}

fn diff_part() -> Definition {
    Definition::new(Kind::Object, "DiffPart", "A line of a text, or an item of a list.")
        .member(Member::new("kind", "DiffKind!", "Whether both revisions have it."))
        .member(Member::new("value", "JSON", "The line or item."))
}

fn diff_kind() -> Definition {
    Definition::new(Kind::Enum, "DiffKind", "What happened to a value between two revisions.")
        .member(Member::value("SAME", "Both revisions have it."))
        .member(Member::value("ADDED", "Only `to` has it."))
        .member(Member::value("REMOVED", "Only `from` has it."))
        .member(Member::value("CHANGED", "Both have it, with different values."))
}

fn deleted() -> Definition {
    let deleted = Definition::new(Kind::Object, "DeletedEntry", "An entry in the bin.")
        .member(Member::new("id", "ID!", "The id of the entry."))
        .member(Member::new("type", "String!", "The name of its content type in this API."))
        .member(Member::new("title", "String", "Its first text, such as the name."))
        .member(Member::new("revision", "Int!", "Its last revision."));
    author(deleted, "When it was deleted.").member(Member::new("cursor", "String!", "Its cursor, for `after`."))
}
