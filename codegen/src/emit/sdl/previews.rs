//! Preview links: the part of the API that is the same for every content type.

use crate::emit::sdl::{Definition, Kind, Member};

/// The fields of `Query`.
pub fn reads() -> [Member; 1] {
    let about = "Preview links whose time has not run out, also revoked ones, newest first: those of the actor, or all for a role that manages `users`.";
    [Member::new("previewLinks", "[PreviewLink!]!", about).args([
        Member::new("first", "Int!", "The number of links to return at most.").default("20"),
        Member::new("after", "ID", "Return links after the one with this id."),
    ])]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 2] {
    [
        Member::new(
            "createPreviewLink",
            "NewPreviewLink",
            "Makes a link that shows drafts to people without an account: an entry, a release or all drafts.",
        )
        .args([
            Member::new("entry", "ID", "The id of an entry whose draft is shown."),
            Member::new("release", "ID", "The id of a release whose changes are shown."),
            Member::new("drafts", "Boolean", "Whether to show all drafts."),
            Member::new("hours", "Int!", "For how long it is valid: 1 to 720 hours.").default("72"),
        ]),
        Member::new("revokePreviewLink", "ID", "Ends a preview link at once.").args([Member::new(
            "id",
            "ID!",
            "The id of the link.",
        )]),
    ]
}

pub fn definitions() -> Vec<Definition> {
    vec![link(), new(), kind()]
}

fn link() -> Definition {
    Definition::new(Kind::Object, "PreviewLink", "A link that shows drafts to people without an account.")
        .member(Member::new("id", "ID!", "The id of the link."))
        .member(Member::new("kind", "PreviewKind!", "What it shows."))
        .member(Member::new("target", "ID", "The id of the entry or release."))
        .member(Member::new("actorKind", "ActorKind!", "The kind of actor that made it."))
        .member(Member::new("actor", "ID", "The id of that user or API token."))
        .member(Member::new("role", "String", "The role of the actor at that time."))
        .member(Member::new("createdAt", "DateTime!", "When it was made."))
        .member(Member::new("expiresAt", "DateTime!", "When it ends."))
        .member(Member::new("revokedAt", "DateTime", "When it was revoked."))
}

fn new() -> Definition {
    Definition::new(Kind::Object, "NewPreviewLink", "A preview link with its token, which is shown this once.")
        .member(Member::new("link", "PreviewLink!", "The link."))
        .member(Member::new("token", "String!", "The token, for the header `Typecase-Preview`."))
        .member(Member::new(
            "url",
            "String!",
            "The address to open in a browser. It sets a cookie and leads to the site.",
        ))
}

fn kind() -> Definition {
    Definition::new(Kind::Enum, "PreviewKind", "What a preview link shows.")
        .member(Member::value("ENTRY", "The draft of an entry."))
        .member(Member::value("RELEASE", "What a release will publish."))
        .member(Member::value("DRAFTS", "The drafts of all entries."))
}
