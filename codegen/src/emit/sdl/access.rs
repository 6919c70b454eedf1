//! Who asks, what they may do, and who did what: the part of every API that is not about content.

use crate::emit::sdl::{Definition, Kind, Member};
use crate::schema::access::Action;

/// The fields of `Query`.
pub fn roots() -> [Member; 3] {
    let explain = Member::new("explainAccess", "AccessExplanation!", "Whether somebody may do something, and why.");
    let log = Member::new(
        "auditLog",
        "AuditConnection!",
        "Who did what, newest first, in pages; for roles that manage `audit`.",
    );
    [
        Member::new("me", "Me!", "Who asks."),
        explain.args([
            Member::new("type", "String!", "The content type, as it is named here: `Product`."),
            Member::new("id", "ID", "The entry; without it the answer is about entries in general."),
            Member::new("action", "AccessAction!", "What is to be done."),
            Member::new("role", "String", "As somebody with this role; for roles that manage `users`."),
            Member::new("user", "ID", "As this user; for roles that manage `users`."),
        ]),
        log.args([
            Member::new("filter", "AuditFilter", "Which of them; all without it."),
            Member::new("first", "Int", "How many at most, from the start or from `after`."),
            Member::new("after", "String", "The cursor after which the page starts."),
            Member::new("last", "Int", "How many at most, up to the end or to `before`."),
            Member::new("before", "String", "The cursor before which the page ends."),
        ]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    let mut definitions = vec![me(), actor_kind(), action(), explanation()];
    definitions.extend([audit_connection(), audit_edge(), audit_entry(), audit_filter()]);
    definitions
}

fn me() -> Definition {
    Definition::new(Kind::Object, "Me", "Who asks.")
        .member(Member::new("id", "ID", "The user; null for all who are none."))
        .member(Member::new("kind", "ActorKind!", "What kind of actor it is."))
        .member(Member::new("email", "String", "The user's address."))
        .member(Member::new("name", "String", "The name of the user, or of the API token."))
        .member(Member::new("role", "String!", "The role, as the schema names it."))
        .member(Member::new(
            "manages",
            "[String!]!",
            "What the role manages beside content: `users`, `tokens`, `audit`.",
        ))
}

fn actor_kind() -> Definition {
    Definition::new(Kind::Enum, "ActorKind", "What kind of actor does something.")
        .member(Member::value("ANONYMOUS", "Anybody."))
        .member(Member::value("USER", "Somebody who has signed in."))
        .member(Member::value("TOKEN", "A machine with an API token."))
        .member(Member::value("DEVELOPER", "Whoever has the development token."))
        .member(Member::value("SYSTEM", "The server itself, or the operator at its command line."))
}

fn action() -> Definition {
    let values = Action::ALL.into_iter().map(|action| Member::value(action.name().upper(), action.about()));
    Definition::new(Kind::Enum, "AccessAction", "What rules of access are about.").members(values)
}

fn explanation() -> Definition {
    Definition::new(Kind::Object, "AccessExplanation", "Whether something is allowed, and why.")
        .member(Member::new("allowed", "Boolean!", "Whether it is allowed."))
        .member(Member::new("role", "String!", "The role that was asked about."))
        .member(Member::new("reasons", "[String!]!", "The rules that decide, in words."))
}

fn audit_connection() -> Definition {
    Definition::new(Kind::Object, "AuditConnection", "A page of the audit log.")
        .member(Member::new("edges", "[AuditEdge!]!", "The page's lines, each with its cursor."))
        .member(Member::new("nodes", "[AuditEntry!]!", "The page's lines."))
        .member(Member::new("pageInfo", "PageInfo!", "Whether there is more, and how to get it."))
        .member(Member::new("totalCount", "Int!", "How many there are on all pages; counted only when asked for."))
}

fn audit_edge() -> Definition {
    Definition::new(Kind::Object, "AuditEdge", "One line of a page.")
        .member(Member::new("cursor", "String!", "The line's place, for `after` and `before`."))
        .member(Member::new("node", "AuditEntry!", "The line."))
}

fn audit_entry() -> Definition {
    Definition::new(Kind::Object, "AuditEntry", "Somebody did something.")
        .member(Member::new("id", "ID!", "Names the line."))
        .member(Member::new("at", "DateTime!", "When it was done."))
        .member(Member::new("actor", "ID", "Who did it: a user or an API token."))
        .member(Member::new("actorKind", "ActorKind!", "What kind of actor did it."))
        .member(Member::new("actorName", "String", "The actor's name at that time."))
        .member(Member::new("role", "String", "The actor's role at that time."))
        .member(Member::new("address", "String", "The network address that it came from."))
        .member(Member::new("requestId", "String", "The request, as the server's log names it."))
        .member(Member::new("action", "String!", "What was done."))
        .member(Member::new("type", "String", "The content type of the entry."))
        .member(Member::new("entry", "ID", "The entry that it was done to."))
        .member(Member::new("fields", "[String!]!", "The fields that changed."))
        .member(Member::new("before", "JSON", "Their values before."))
        .member(Member::new("after", "JSON", "Their values after."))
}

fn audit_filter() -> Definition {
    let about = "Which lines of the audit log; all conditions that are given must hold.";
    Definition::new(Kind::Input, "AuditFilter", about)
        .member(Member::new("actor", "ID", "Done by this user or API token."))
        .member(Member::new("action", "[String!]", "One of these was done."))
        .member(Member::new("type", "String", "Done to entries of this content type."))
        .member(Member::new("entry", "ID", "Done to this entry."))
        .member(Member::new("since", "DateTime", "Done at this moment or later."))
        .member(Member::new("until", "DateTime", "Done before this moment."))
}
