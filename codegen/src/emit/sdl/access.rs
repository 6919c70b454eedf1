//! The part of every API that belongs to no single content type: the current user, permissions, audit log,
//! `publishCheck`.

use crate::emit::sdl::{Definition, Kind, Member};
use crate::schema::Name;
use crate::schema::access::Action;

/// The fields of `Query`.
pub fn roots() -> [Member; 5] {
    let explain =
        Member::new("explainAccess", "AccessExplanation!", "Whether a user or role may perform an action, and why.");
    let log = Member::new(
        "auditLog",
        "AuditConnection!",
        "The audit log, newest first, as a connection. Only for roles that manage `audit`.",
    );
    [
        Member::new("me", "Me!", "The actor that sends the request."),
        Member::new(
            "people",
            "[Person!]!",
            "The names of users, for accounts that may read drafts: whom a comment can mention, and who an `actor` is.",
        )
        .args([
            Member::new("search", "String", "Return only users whose name contains this text, ignoring case."),
            Member::new("first", "Int!", "The number of users to return at most, in the order of their names.").default("20"),
            Member::new(
                "ids",
                "[ID!]",
                "Instead of `search`: the users and API tokens with these ids, in this order. Those that do not exist are left out.",
            ),
        ]),
        explain.args([
            Member::new("type", "String!", "The name of the content type in this API, such as `Product`."),
            Member::new("id", "ID", "The entry. If omitted, the explanation is about entries in general."),
            Member::new("action", "AccessAction!", "The action."),
            Member::new("role", "String", "Explain access for this role. Only for roles that manage `users`."),
            Member::new("user", "ID", "Explain access for this user. Only for roles that manage `users`."),
        ]),
        log.args([
            Member::new("filter", "AuditFilter", "Return only lines that match. If omitted, all are returned."),
            Member::new("first", "Int", "The number of items to return at most, from the start or after `after`."),
            Member::new("after", "String", "Return items after this cursor."),
            Member::new("last", "Int", "The number of items to return at most, from the end or before `before`."),
            Member::new("before", "String", "Return items before this cursor."),
        ]),
        Member::new(
            "publishCheck",
            "[PublishProblem!]!",
            "Everything that publishing the entry as it was last saved would be refused for.",
        )
        .args([Member::new("id", "ID!", "The id of an entry of any type.")]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    let mut definitions = vec![me(), person(), actor_kind(), action(), explanation()];
    definitions.push(publish_problem());
    definitions.extend([audit_connection(), audit_edge(), audit_entry(), audit_filter()]);
    definitions
}

fn publish_problem() -> Definition {
    Definition::new(Kind::Object, "PublishProblem", "A reason why an entry cannot be published.")
        .member(Member::new("code", "String!", "The code that the error would have, such as `INVALID_VALUE`."))
        .member(Member::new("message", "String!", "The reason, in words."))
        .member(Member::new("path", "[String!]!", "The way to the field, from the entry down: `variants`, `0`, `sku`."))
        .member(Member::new(
            "details",
            "JSON",
            "More for programs, such as the ids of the targets that are not published.",
        ))
}

fn person() -> Definition {
    Definition::new(Kind::Object, "Person", "A user or an API token, for those who work on entries with it.")
        .member(Member::new("id", "ID!", "The id, as in `actor`, `mentions` or `publishedBy`."))
        .member(Member::new("name", "String!", "The name of the user, or of the API token."))
}

fn me() -> Definition {
    Definition::new(Kind::Object, "Me", "The actor that sends the request.")
        .member(Member::new("id", "ID", "The id of the user; null if the actor is not a user."))
        .member(Member::new("kind", "ActorKind!", "The kind of actor."))
        .member(Member::new("email", "String", "The email address of the user."))
        .member(Member::new("name", "String", "The name of the user, or of the API token."))
        .member(Member::new("role", "String!", "The name of the role in the schema."))
        .member(Member::new(
            "manages",
            "[String!]!",
            "What the role manages in addition to content: `users`, `tokens`, `audit`, `webhooks`, `redirects`.",
        ))
}

fn actor_kind() -> Definition {
    Definition::new(Kind::Enum, "ActorKind", "The kind of actor.")
        .member(Member::value("ANONYMOUS", "A request without a token."))
        .member(Member::value("USER", "A signed-in user."))
        .member(Member::value("TOKEN", "A program with an API token."))
        .member(Member::value("DEVELOPER", "The holder of the development token."))
        .member(Member::value("SYSTEM", "The server itself, or an operator on the command line."))
}

fn action() -> Definition {
    let values =
        Action::ALL.into_iter().map(|action| Member::value(Name::new(action.as_str()).upper(), action.about()));
    Definition::new(Kind::Enum, "AccessAction", "The actions that access rules control.").members(values)
}

fn explanation() -> Definition {
    Definition::new(Kind::Object, "AccessExplanation", "Whether an action is allowed, and why.")
        .member(Member::new("allowed", "Boolean!", "Whether the action is allowed."))
        .member(Member::new("role", "String!", "The role that is explained."))
        .member(Member::new("reasons", "[String!]!", "The deciding rules, in words."))
}

fn audit_connection() -> Definition {
    Definition::new(Kind::Object, "AuditConnection", "A page of the audit log.")
        .member(Member::new("edges", "[AuditEdge!]!", "The lines of this page, each with its cursor."))
        .member(Member::new("nodes", "[AuditEntry!]!", "The lines of this page."))
        .member(Member::new("pageInfo", "PageInfo!", "Information for reading more pages."))
        .member(Member::new("totalCount", "Int!", "The number of items on all pages. It is counted only if selected."))
}

fn audit_edge() -> Definition {
    Definition::new(Kind::Object, "AuditEdge", "A line of the audit log with its cursor.")
        .member(Member::new("cursor", "String!", "The cursor of the line, for `after` and `before`."))
        .member(Member::new("node", "AuditEntry!", "The line."))
}

fn audit_entry() -> Definition {
    Definition::new(Kind::Object, "AuditEntry", "A line of the audit log: what an actor did.")
        .member(Member::new("id", "ID!", "The id of the line."))
        .member(Member::new("at", "DateTime!", "When it was done."))
        .member(Member::new("actor", "ID", "The id of the user or API token that did it."))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that did it."))
        .member(Member::new("actorName", "String", "The actor's name at that time."))
        .member(Member::new("role", "String", "The actor's role at that time."))
        .member(Member::new("address", "String", "The network address of the client."))
        .member(Member::new("requestId", "String", "The id of the request, as in the server's log."))
        .member(Member::new("action", "String!", "What was done."))
        .member(Member::new("type", "String", "The content type of the entry."))
        .member(Member::new("entry", "ID", "The id of the entry that was affected."))
        .member(Member::new("fields", "[String!]!", "The fields that changed."))
        .member(Member::new("before", "JSON", "Their values before."))
        .member(Member::new("after", "JSON", "Their values after."))
}

fn audit_filter() -> Definition {
    let about = "A filter for the audit log. All given conditions must match.";
    Definition::new(Kind::Input, "AuditFilter", about)
        .member(Member::new("actor", "ID", "The id of the user or API token that did it."))
        .member(Member::new("action", "[String!]", "Any of these actions."))
        .member(Member::new("type", "String", "The name of the content type."))
        .member(Member::new("entry", "ID", "The id of the entry."))
        .member(Member::new("since", "DateTime", "Done at or after this time."))
        .member(Member::new("until", "DateTime", "Done before this time."))
}
