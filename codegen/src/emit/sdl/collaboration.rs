//! Working together: conflicts, locks and comments, the part of the API that is the same for every content type.

use crate::emit::sdl::{Definition, Kind, Member};

/// The argument of an update.
pub fn on_conflict() -> Member {
    let about = "What happens if the entry was saved since the revision that the input was made from.";
    Member::new("onConflict", "OnConflict!", about).default("FAIL")
}

/// The fields of `Query`.
pub fn reads() -> [Member; 2] {
    [
        Member::new(
            "entryLocks",
            "[EntryLock!]!",
            "Who edits these entries now, of those whose drafts the actor may read.",
        )
        .args([Member::new("ids", "[ID!]!", "The ids of entries of any type.")]),
        Member::new(
            "entryComments",
            "[EntryComment!]!",
            "The threads of comments on an entry, for those who may read its draft, oldest first.",
        )
        .args([
            Member::new("entry", "ID!", "The id of an entry of any type."),
            Member::new("field", "String", "Return only comments on this field, or on a part of it."),
            Member::new("resolved", "Boolean", "Return only threads that are resolved, or only those that are not."),
            Member::new("first", "Int!", "The number of threads to return at most.").default("20"),
            Member::new("after", "ID", "Return threads after the one with this id."),
        ]),
    ]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 9] {
    let lock = |name: &str, about: &str| Member::new(name, "EntryLock", about).args([entry()]);
    let comment = |name: &str, about: &str| Member::new(name, "EntryComment", about);
    [
        lock(
            "lockEntry",
            "Says that the actor edits the entry, for the next minute. Call it again before that. `CONFLICT` if someone else edits it.",
        ),
        lock("takeOverLock", "Makes the actor the one who edits the entry, even if someone else does."),
        Member::new("unlockEntry", "Boolean", "Says that the actor does not edit the entry any more. False if it did not.")
            .args([entry()]),
        comment("commentOn", "Begins a thread of comments on an entry, or on a field of it.").args([
            entry(),
            Member::new("field", "String", "The field, such as `price`; or a part of it, such as `seo.title` or `variants.<id of the row>.sku`."),
            words(),
            mentions(),
        ]),
        comment("replyToComment", "Adds a comment to a thread.").args([id("A comment of the thread."), words(), mentions()]),
        comment("editComment", "Changes an own comment.").args([id("The id of the comment."), words(), mentions()]),
        Member::new(
            "removeComment",
            "ID",
            "Removes a comment, with its thread if it is the first one: an own one, or any by those who may delete the entry.",
        )
        .args([id("The id of the comment.")]),
        comment("resolveComment", "Marks a thread as resolved.").args([id("A comment of the thread.")]),
        comment("reopenComment", "Marks a thread as not resolved.").args([id("A comment of the thread.")]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    vec![on_conflict_enum(), lock(), comment(), reply()]
}

fn entry() -> Member {
    id("The id of an entry of any type.")
}

fn id(about: &str) -> Member {
    Member::new("id", "ID!", about)
}

fn words() -> Member {
    Member::new("text", "String!", "Plain text, at most 10,000 characters.")
}

fn mentions() -> Member {
    Member::new("mentions", "[ID!]", "Users who get a mail, at most 20. They must be able to read the draft.")
}

fn on_conflict_enum() -> Definition {
    Definition::new(
        Kind::Enum,
        "OnConflict",
        "What happens if an entry was saved since the revision that an input was made from.",
    )
    .member(Member::value("FAIL", "The input is refused with `REVISION_MISMATCH`, which shows both sides."))
    .member(Member::value(
        "MERGE",
        "What others changed stays. The input is refused only if it changes the same field in another way.",
    ))
}

fn lock() -> Definition {
    Definition::new(Kind::Object, "EntryLock", "That someone edits an entry. Changes by others are not refused.")
        .member(Member::new("entry", "ID!", "The id of the entry."))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that edits it."))
        .member(Member::new("actor", "ID", "The id of the user or API token that edits it."))
        .member(Member::new("isMine", "Boolean!", "Whether it is the actor that asks."))
        .member(Member::new("since", "DateTime!", "When it began."))
        .member(Member::new("until", "DateTime!", "When it ends, unless it is prolonged."))
}

fn said(name: &str, about: &str) -> Definition {
    Definition::new(Kind::Object, name, about)
        .member(Member::new("id", "ID!", "The id of the comment."))
        .member(Member::new("text", "String!", "Plain text."))
        .member(Member::new("mentions", "[ID!]!", "The users who are mentioned."))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that wrote it."))
        .member(Member::new("actor", "ID", "The id of the user or API token that wrote it."))
        .member(Member::new("role", "String", "The role of the actor at that time."))
        .member(Member::new("at", "DateTime!", "When it was written."))
        .member(Member::new("editedAt", "DateTime", "When it was changed last."))
}

fn comment() -> Definition {
    said("EntryComment", "The first comment of a thread.")
        .member(Member::new("entry", "ID!", "The id of the entry."))
        .member(Member::new("type", "String!", "The name of its content type in this API."))
        .member(Member::new("field", "String", "The field that it is about; null for the entry as a whole."))
        .member(Member::new("resolvedAt", "DateTime", "When the thread was resolved; null if it is not."))
        .member(Member::new("resolvedBy", "ID", "The id of the user or API token that resolved it."))
        .member(Member::new("replies", "[EntryCommentReply!]!", "The other comments of the thread, oldest first."))
}

fn reply() -> Definition {
    said("EntryCommentReply", "A further comment of a thread.")
}
