//! `Query`, `Mutation` and `Subscription`.

use crate::emit::sdl::types::page_args;
use crate::emit::sdl::{
    Definition, Kind, Member, access, aggregates, collaboration, described, history, previews, publishing, redirects,
    releases, review, schedules, search, search_rules, spoken, webhooks, words,
};
use crate::schema::api::{self, RootField, Verb};
use crate::schema::{Argument, ContentType, Operation, Returns, Schema};

pub fn query(schema: &Schema) -> Definition {
    // Relay's compiler requires `node` to take only the id; drafts are read with `nodes`.
    let node = Member::new("node", "Node", "The published object with this id; null if it does not exist.")
        .args([id("The id of the object.")]);
    let nodes =
        Member::new("nodes", "[Node]!", "The objects with these ids, in this order; null for those that do not exist.")
            .args([Member::new("ids", "[ID!]!", "The ids of the objects.")])
            .args(versions());
    Definition::new(Kind::Object, "Query", "All queries. Reading the stage `DRAFT` needs a token; `LIVE` is public.")
        .members([node, nodes])
        .members(access::roots())
        .members(history::reads())
        .members(schedules::reads())
        .members(publishing::reads())
        .members(releases::reads())
        .members(previews::reads())
        .members(redirects::reads())
        .members(collaboration::reads())
        .members(review::reads())
        .members(webhooks::queries())
        .members(search::reads(schema))
        .members(search_rules::reads(schema))
        .members(schema.types.iter().flat_map(reads))
        .members(schema.queries.iter().map(|query| operation(query, true)))
}

pub fn mutation(schema: &Schema) -> Definition {
    let about = "All mutations. Each field is one transaction; fields run one after the other.";
    Definition::new(Kind::Object, "Mutation", about)
        .members(history::writes())
        .members(schedules::writes())
        .members(publishing::writes())
        .members(releases::writes())
        .members(previews::writes())
        .members(redirects::writes())
        .members(search_rules::writes(schema))
        .members(collaboration::writes())
        .members(review::writes())
        .members(webhooks::mutations())
        .members(schema.types.iter().flat_map(writes))
        .members(schema.mutations.iter().map(|mutation| operation(mutation, false)))
}

pub fn subscription(schema: &Schema) -> Definition {
    let about =
        "All subscriptions, over WebSocket (`graphql-transport-ws`) or server-sent events. An operation has one field.";
    Definition::new(Kind::Object, "Subscription", about).members(schema.types.iter().map(changed))
}

fn changed(ty: &ContentType) -> Member {
    let name = ty.name.pascal();
    let filter = "Only entries that match; one that no longer matches is reported as `GONE`.";
    let after = "The `position` of the last change that was received: the changes after it come first.";
    let about = format!("Reports each change of {}, from now on or after a position.", words(&ty.plural));
    Member::new(api::changed(ty).name, format!("{}!", api::change(&name)), about).args([
        Member::new("id", "ID", "Only changes of the entry with this id."),
        Member::new("filter", format!("{name}Filter"), filter),
        stage(),
        Member::new("after", "String", after),
    ])
}

fn reads(ty: &ContentType) -> Vec<Member> {
    let (name, one, many) = (ty.name.pascal(), words(&ty.name), words(&ty.plural));
    let read = |root: RootField<'_>| match root.verb {
        Verb::ByKey { field, input } => {
            let about = format!("The {one} with this {}.", words(&field.name));
            let key = Member::new(field.name.camel(), format!("{input}!"), "The value of the field.");
            Member::new(root.name, &name, about).args([key]).args(versions())
        }
        Verb::List => {
            let pages = format!("{}!", api::connection(&name));
            let list = Member::new(root.name, pages, format!("The {many}, as a connection."));
            list.args(page_args(&name, "newest first")).args(versions())
        }
        Verb::Aggregate => aggregates::root(ty, root.name).args(versions()),
        Verb::Revision => {
            let about = format!(
                "The {one} as it was at a revision, for those who may read its history. Entries that it refers to are read as drafts."
            );
            let number = Member::new("revision", "Int!", "The number of the revision.");
            Member::new(root.name, &name, about).args([id("The id of the entry, which may be in the bin."), number])
        }
        _ => Member::new(root.name, &name, format!("The {one} with this id."))
            .args([id("The id of the entry.")])
            .args(versions()),
    };
    api::reads(ty).into_iter().map(read).collect()
}

fn writes(ty: &ContentType) -> Vec<Member> {
    api::writes(ty).into_iter().map(|root| write(ty, root)).collect()
}

fn write(ty: &ContentType, root: RootField<'_>) -> Member {
    let (name, one) = (ty.name.pascal(), words(&ty.name));
    let input = |kind: &str| Member::new("input", format!("{name}{kind}Input!"), "The values to write.");
    let publish = || {
        let publish =
            Member::new("publish", "Boolean!", "Whether to publish the entry after saving it.").default("false");
        ty.drafts.then_some(publish)
    };
    let field = |result: &str, about: String| Member::new(root.name.clone(), result, about);
    match root.verb {
        Verb::Create => {
            field(&name, format!("Creates a new {one}.")).args([input("Create")]).args(publish()).args([note()])
        }
        Verb::Update => {
            let update = field(&name, format!("Updates the {one}."));
            update
                .args([entry_id(), revision(), input("Update")])
                .args(publish())
                .args([note(), collaboration::on_conflict()])
        }
        Verb::Upsert => {
            let about = format!("Updates each {one} whose key is found, and creates the others: all of them or none.");
            let input = Member::new("input", format!("[{name}UpsertInput!]!"), "The entries to write.");
            field(&format!("[{name}!]"), about)
                .args([input])
                .args(publish())
                .args([note(), collaboration::on_conflict()])
        }
        Verb::Delete => {
            let about = format!("Deletes the {one}: the draft and the published version.");
            field("ID", about).args([entry_id(), revision()])
        }
        Verb::Publish => {
            let with = "Publish what it depends on as well: see `publishDependencies`.";
            let with = Member::new("withDependencies", "Boolean!", with).default("false");
            field(&name, format!("Publishes the {one} as it was last saved.")).args([entry_id(), revision(), with])
        }
        Verb::PublishAll => {
            let about = format!("Publishes these {} as they were last saved: all of them or none.", words(&ty.plural));
            let ids = Member::new("ids", "[ID!]!", "The ids of the entries.");
            field(&format!("[{name}!]"), about).args([ids])
        }
        Verb::DiscardDraft => {
            let about =
                format!("Discards the changes since the {one} was published: the draft becomes what is published.");
            field(&name, about).args([entry_id(), revision()])
        }
        Verb::Duplicate => {
            let about = format!(
                "Creates a new {one} from the draft of another. Unique values are left out, and slugs are made again."
            );
            let input =
                Member::new("input", format!("{name}UpdateInput"), "Values to use instead of those of the other.");
            field(&name, about).args([id("The id of the entry to copy."), input])
        }
        Verb::Restore => {
            let about = format!(
                "Makes the draft of the {one} what it was at an earlier revision. Nothing is published. See `restoreCheck`."
            );
            let from = Member::new("from", "Int!", "The number of the earlier revision.");
            let input =
                Member::new("input", format!("{name}UpdateInput"), "Values to use instead of those of the revision.");
            field(&name, about).args([entry_id(), revision(), from, input, note()])
        }
        Verb::Undelete => {
            let about = format!(
                "Takes a deleted {one} out of the bin, as a draft, with what was deleted with it and with the references to it that were cleared."
            );
            let input =
                "Values to use instead of those that it had, such as a unique value that another entry has by now.";
            let input = Member::new("input", format!("{name}UpdateInput"), input);
            field(&name, about).args([entry_id(), input])
        }
        Verb::Unpublish
        | Verb::ById
        | Verb::ByKey { .. }
        | Verb::List
        | Verb::Aggregate
        | Verb::Revision
        | Verb::Changed => {
            let force = "Unpublish the entry even if published entries refer to it. There it becomes null, or is missing from lists.";
            let force = Member::new("force", "Boolean!", force).default("false");
            let about = format!("Unpublishes the {one}, which remains as a draft.");
            field(&name, about).args([entry_id(), revision(), force])
        }
    }
}

fn id(about: &str) -> Member {
    Member::new("id", "ID!", about)
}

fn entry_id() -> Member {
    id("The id of the entry.")
}

fn revision() -> Member {
    Member::new("revision", "Int!", "The revision that was read. If there is a newer one, the change is refused.")
}

fn note() -> Member {
    Member::new("note", "String", "What the change is about, for the history. At most 1,000 characters.")
}

/// The arguments that choose a version of the site.
pub fn versions() -> [Member; 3] {
    [
        stage(),
        Member::new(
            "release",
            "ID",
            "Read what is published as it will be with this release. For roles that may publish or delete entries.",
        ),
        Member::new(
            "at",
            "DateTime",
            "Read what is published as it will be at this moment, by what is scheduled until then, for those who may read drafts.",
        ),
    ]
}

pub fn stage() -> Member {
    Member::new("stage", "Stage!", "Which version to read: the published one, or the draft that editors see.")
        .default("LIVE")
}

/// An own operation; a failed mutation returns null.
fn operation(operation: &Operation, never_null: bool) -> Member {
    let (item, many) = match &operation.returns {
        Returns::Scalar { scalar, many } => (scalar.mapping().graphql.to_owned(), *many),
        Returns::Content { of, many } => (of.pascal(), *many),
    };
    let ty = match (many, never_null) {
        (true, true) => format!("[{item}!]!"),
        (true, false) => format!("[{item}!]"),
        (false, _) => item,
    };
    let about = described(&operation.description, || spoken(&operation.name));
    Member::new(operation.name.camel(), ty, about).args(operation.args.iter().map(argument))
}

/// An argument of an own operation or of a computed field.
pub fn argument(argument: &Argument) -> Member {
    let item = argument.scalar.mapping().input;
    let ty = if argument.many { format!("[{item}!]") } else { item.to_owned() };
    let ty = if argument.required { ty + "!" } else { ty };
    let mut member =
        Member::new(argument.name.camel(), ty, described(&argument.description, || spoken(&argument.name)));
    member.default = argument.default.as_ref().map(|default| literal(&default.0));
    member
}

/// JSON as a GraphQL literal: object keys are unquoted names.
fn literal(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(items) => {
            let items: Vec<_> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        serde_json::Value::Object(entries) => {
            let entries: Vec<_> = entries.iter().map(|(key, value)| format!("{key}: {}", literal(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        scalar => scalar.to_string(),
    }
}
