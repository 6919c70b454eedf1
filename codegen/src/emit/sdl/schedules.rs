//! Scheduled publishing: the part of the API that is the same for every content type.

use crate::emit::sdl::{Definition, Kind, Member};

/// The fields of `Query`.
pub fn reads() -> [Member; 1] {
    let about =
        "Changes that are scheduled, were made or failed, of entries that the actor may publish, by their time.";
    [Member::new("scheduledChanges", "[ScheduledChange!]!", about).args([
        Member::new("entry", "ID", "Return only changes of this entry."),
        Member::new("state", "ScheduleState", "Return only changes in this state."),
        Member::new("first", "Int!", "The number of changes to return at most.").default("20"),
        Member::new("after", "ID", "Return changes after the one with this id."),
    ])]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 6] {
    let change = |name: &str, about: &str| Member::new(name, "ScheduledChange", about);
    [
        change(
            "schedulePublish",
            "Schedules the publication of an entry. It is made with the rights that the user or token that scheduled it has at that time.",
        )
        .args([entry(), at("at"), zone(), revision()]),
        change(
            "scheduleUnpublish",
            "Schedules the end of a publication. It is made with the rights that the user or token that scheduled it has at that time.",
        )
        .args([entry(), at("at"), zone(), force()]),
        Member::new("scheduleWindow", "[ScheduledChange!]", "Schedules the publication of an entry and its end.")
            .args([entry(), at("from"), at("until"), zone(), revision(), force()]),
        change(
            "moveScheduledChange",
            "Gives a scheduled or failed change another time. The actor is the one who moves it.",
        )
        .args([id(), at("at"), zone()]),
        change("cancelScheduledChange", "Cancels a scheduled or failed change.").args([id()]),
        change("retryScheduledChange", "Makes a failed change at once, with the rights of the actor who asks.")
            .args([id()]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    vec![change(), action(), state()]
}

fn entry() -> Member {
    Member::new("id", "ID!", "The id of an entry of any type with drafts.")
}

fn id() -> Member {
    Member::new("id", "ID!", "The id of the scheduled change.")
}

pub fn at(name: &'static str) -> Member {
    let about = "A time with an offset, such as `2026-12-24T08:00:00+01:00`; with `zone`, a local time, such as `2026-12-24T08:00`. One in the past is due at once.";
    Member::new(name, "String!", about)
}

pub fn zone() -> Member {
    let about = "The IANA time zone of a local time, such as `Europe/Vienna`. The wall clock time stays the same if the rules of the zone change.";
    Member::new("zone", "String", about)
}

fn revision() -> Member {
    Member::new("revision", "Int", "The revision to publish. If omitted, the draft as it is at that time.")
}

pub fn force() -> Member {
    let about = "Whether to unpublish the entry although live entries refer to it. Their references read as null, or are left out of lists.";
    Member::new("force", "Boolean!", about).default("false")
}

fn change() -> Definition {
    Definition::new(Kind::Object, "ScheduledChange", "A change of an entry that is made at a time.")
        .member(Member::new("id", "ID!", "The id of the scheduled change."))
        .member(Member::new("entry", "ID!", "The id of the entry."))
        .member(Member::new("type", "String!", "The name of its content type in this API."))
        .member(Member::new("action", "ScheduleAction!", "What is done."))
        .member(Member::new("revision", "Int", "The revision that is published; null for the draft at that time."))
        .member(Member::new("force", "Boolean!", "Whether the entry is unpublished although live entries refer to it."))
        .member(Member::new("at", "DateTime!", "When it is due."))
        .member(Member::new("localTime", "String", "The local time, if it was given with a zone."))
        .member(Member::new("zone", "String", "The time zone, if one was given."))
        .member(Member::new("state", "ScheduleState!", "How far it is."))
        .member(Member::new("problems", "[PublishProblem!]!", "Why it failed."))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that scheduled it."))
        .member(Member::new("actor", "ID", "The id of the user or API token that scheduled it."))
        .member(Member::new("role", "String", "The role of the actor at that time."))
        .member(Member::new("endedAt", "DateTime", "When it was made, failed or was cancelled."))
}

fn action() -> Definition {
    Definition::new(Kind::Enum, "ScheduleAction", "What a scheduled change does.")
        .member(Member::value("PUBLISH", "Publishes the entry."))
        .member(Member::value("UNPUBLISH", "Unpublishes the entry."))
}

fn state() -> Definition {
    Definition::new(Kind::Enum, "ScheduleState", "How far a scheduled change is.")
        .member(Member::value("PENDING", "It is not due yet, or about to be made."))
        .member(Member::value("DONE", "It was made."))
        .member(Member::value("FAILED", "It was refused; `problems` says why. It can be retried, moved or cancelled."))
        .member(Member::value("CANCELLED", "It was cancelled."))
}
