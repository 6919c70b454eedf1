//! Releases: the part of the API that is the same for every content type.

use crate::emit::sdl::{Definition, Kind, Member};

/// The fields of `Query`.
pub fn reads() -> [Member; 3] {
    [
        Member::new("releases", "[Release!]!", "Releases, newest first, for accounts that may publish entries.").args(
            [
                Member::new("state", "ReleaseState", "Return only releases in this state."),
                Member::new(
                    "entry",
                    "ID",
                    "Return only releases with a change of this entry, if the actor may make that change.",
                ),
                Member::new("first", "Int!", "The number of releases to return at most.").default("20"),
                Member::new("after", "ID", "Return releases after the one with this id."),
            ],
        ),
        Member::new("release", "Release", "The release with this id.").args([id()]),
        Member::new(
            "releaseCheck",
            "[PublishProblem!]!",
            "All that keeps a release from being published. The path of a problem begins with the id of its entry.",
        )
        .args([id()]),
    ]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 9] {
    let release = |name: &str, about: &str| Member::new(name, "Release", about);
    [
        release("createRelease", "Creates a release without changes.").args([
            Member::new("title", "String!", "What it is called. At most 200 characters."),
            description(),
        ]),
        release("updateRelease", "Changes what a release is called.").args([
            id(),
            Member::new("title", "String", "What it is called. If omitted, it stays."),
            description(),
        ]),
        Member::new("deleteRelease", "ID", "Deletes a release. No entry changes; what it published stays published.")
            .args([id()]),
        release("addToRelease", "Adds changes to a release that is not published: at most 500 in all.").args([
            id(),
            Member::new("changes", "[ReleaseChangeInput!]!", "The changes. One replaces an earlier one of the same entry."),
        ]),
        release("removeFromRelease", "Removes changes from a release that is not published.")
            .args([id(), Member::new("entries", "[ID!]!", "The ids of their entries.")]),
        release("publishRelease", "Makes all changes of a release in one transaction, or none.").args([id()]),
        release(
            "scheduleRelease",
            "Publishes a release at a time, with the rights that the user or token that scheduled it has then.",
        )
        .args([id(), super::schedules::at("at"), super::schedules::zone()]),
        release("unscheduleRelease", "Keeps a scheduled release from being published at its time.").args([id()]),
        release(
            "undoRelease",
            "Makes live again what was live before a release, within 30 days after its publication. Drafts stay as they are.",
        )
        .args([id(), super::schedules::force()]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    vec![release(), change(), change_input(), action(), state()]
}

fn id() -> Member {
    Member::new("id", "ID!", "The id of the release.")
}

fn description() -> Member {
    Member::new("description", "String", "What it is for. At most 2,000 characters.")
}

fn release() -> Definition {
    Definition::new(Kind::Object, "Release", "A named set of changes that are made together.")
        .member(id())
        .member(Member::new("title", "String!", "What it is called."))
        .member(Member::new("description", "String", "What it is for."))
        .member(Member::new("state", "ReleaseState!", "How far it is."))
        .member(Member::new("changes", "[ReleaseChange!]!", "Its changes of entries that the actor may change so."))
        .member(Member::new("size", "Int!", "The number of its changes."))
        .member(Member::new("hidden", "Int!", "The number of its changes that the actor may not make."))
        .member(Member::new("at", "DateTime", "When it is published, if it is or was scheduled."))
        .member(Member::new("localTime", "String", "The local time, if it was given with a zone."))
        .member(Member::new("zone", "String", "The time zone, if one was given."))
        .member(Member::new("problems", "[PublishProblem!]!", "Why it failed at its time."))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that scheduled it, or else made it."))
        .member(Member::new("actor", "ID", "The id of that user or API token."))
        .member(Member::new("role", "String", "The role of the actor at that time."))
        .member(Member::new("createdAt", "DateTime!", "When it was made."))
        .member(Member::new("publishedAt", "DateTime", "When it was published."))
}

fn change() -> Definition {
    Definition::new(Kind::Object, "ReleaseChange", "A change that a release makes.")
        .member(Member::new("entry", "ID!", "The id of the entry."))
        .member(Member::new("type", "String!", "The name of its content type in this API."))
        .member(Member::new("action", "ReleaseAction!", "What is done."))
        .member(Member::new("revision", "Int", "The revision that is published; null for the draft at that time."))
        .member(Member::new("isImplied", "Boolean!", "Whether it was not asked for: the entry left with another one."))
        .member(Member::new("before", "Int", "The revision that was live before, once the release is published."))
        .member(Member::new(
            "otherReleases",
            "[ID!]!",
            "Other releases that are not published yet and change this entry too.",
        ))
}

fn change_input() -> Definition {
    Definition::new(Kind::Input, "ReleaseChangeInput", "A change to add to a release.")
        .member(Member::new("entry", "ID!", "The id of an entry of any type."))
        .member(Member::new("action", "ReleaseAction!", "What is done.").default("PUBLISH"))
        .member(Member::new("revision", "Int", "The revision to publish. If omitted, the draft as it is at that time."))
        .member(super::schedules::force())
}

fn action() -> Definition {
    Definition::new(Kind::Enum, "ReleaseAction", "What a release does with an entry.")
        .member(Member::value("PUBLISH", "Publishes the entry."))
        .member(Member::value("UNPUBLISH", "Unpublishes the entry."))
        .member(Member::value("DELETE", "Deletes the entry: it is in the bin then."))
}

fn state() -> Definition {
    Definition::new(Kind::Enum, "ReleaseState", "How far a release is.")
        .member(Member::value("OPEN", "It is being prepared."))
        .member(Member::value("SCHEDULED", "It is published at its time."))
        .member(Member::value("FAILED", "It was refused at its time; `problems` says why. Nothing was changed."))
        .member(Member::value("PUBLISHED", "All its changes were made."))
        .member(Member::value("UNDONE", "It was published, and this was undone."))
}
