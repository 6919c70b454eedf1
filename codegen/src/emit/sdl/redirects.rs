//! Paths of the site: what a path leads to, and the redirects that people manage.

use crate::emit::sdl::{Definition, Kind, Member};
use crate::schema::Schema;

/// The fields of `Query`.
pub fn reads() -> [Member; 2] {
    let resolve = "What a path of the site leads to: an entry or a redirect; null if it is neither. `docs/paths.md` has an example.";
    let list = "Redirects in the order of their paths, as a connection. Only for roles that manage `redirects`.";
    [
        Member::new("resolve", "Resolved", resolve)
            .args([Member::new(
                "path",
                "String!",
                "The path as it was requested, such as `/blog/hello`. A query and a fragment are ignored.",
            )])
            .args(super::roots::versions()),
        Member::new("redirects", "RedirectConnection!", list).args([
            Member::new("filter", "RedirectFilter", "Return only redirects that match. If omitted, all are returned."),
            Member::new("first", "Int", "The number of items to return at most, from the start or after `after`."),
            Member::new("after", "String", "Return items after this cursor."),
        ]),
    ]
}

/// The fields of `Mutation`.
pub fn writes() -> [Member; 4] {
    let id = || Member::new("id", "ID!", "The id of the redirect.");
    let import = "Creates the redirects, and changes those whose path has one that was made by hand: all of them or none. Returns their number.";
    [
        Member::new("createRedirect", "Redirect", "Creates a redirect. Only for roles that manage `redirects`.")
            .args([Member::new("input", "RedirectInput!", "The redirect.")]),
        Member::new("updateRedirect", "Redirect", "Replaces a redirect. Only for roles that manage `redirects`.")
            .args([id(), Member::new("input", "RedirectInput!", "The redirect as it shall be.")]),
        Member::new(
            "deleteRedirect",
            "ID",
            "Deletes a redirect. For roles that manage `redirects`; one that a renamed entry has left, also for those who may publish the entry.",
        )
        .args([id()]),
        Member::new("importRedirects", "Int", format!("{import} Only for roles that manage `redirects`."))
            .args([Member::new("input", "[RedirectInput!]!", "The redirects.")]),
    ]
}

pub fn definitions(schema: &Schema) -> Vec<Definition> {
    let with_paths = schema.types.iter().filter(|ty| !ty.path.is_empty());
    let members = with_paths.map(|ty| ty.name.pascal()).chain(["Redirection".to_owned()]).map(Member::of_union);
    vec![
        Definition::new(Kind::Union, "Resolved", "What a path of the site leads to.").members(members),
        Definition::new(Kind::Object, "Redirection", "Where a path leads instead.")
            .member(Member::new("status", "Int!", "The status of HTTP to answer with: 301, 302, 307 or 308."))
            .member(Member::new(
                "location",
                "String!",
                "A path of the site, percent-encoded, or an address with `https:` or `http:`.",
            )),
        redirect(),
        origin(),
        input(),
        filter(),
        Definition::new(Kind::Object, "RedirectConnection", "A page of redirects.")
            .member(Member::new("edges", "[RedirectEdge!]!", "The redirects of this page, each with its cursor."))
            .member(Member::new("nodes", "[Redirect!]!", "The redirects of this page."))
            .member(Member::new("pageInfo", "PageInfo!", "Information for reading more pages.")),
        Definition::new(Kind::Object, "RedirectEdge", "An edge of a page of redirects.")
            .member(Member::new("cursor", "String!", "The cursor of the redirect, for `after`."))
            .member(Member::new("node", "Redirect!", "The redirect.")),
    ]
}

fn redirect() -> Definition {
    Definition::new(Kind::Object, "Redirect", "A path that leads to an entry or to another address.")
        .member(Member::new("id", "ID!", "The id of the redirect."))
        .member(Member::new("from", "String!", "The path, decoded."))
        .member(Member::new("entry", "ID", "The id of the entry that it leads to, wherever that is."))
        .member(Member::new("to", "String", "The path or address that it leads to; null if that is an entry."))
        .member(Member::new("status", "Int!", "The status of HTTP: 301, 302, 307 or 308."))
        .member(Member::new("origin", "RedirectOrigin!", "How it came about."))
        .member(Member::new("createdAt", "DateTime!", "When it was created."))
        .member(Member::new("createdBy", "ID", "The id of the user who caused it; null if it was not a user."))
}

fn origin() -> Definition {
    Definition::new(Kind::Enum, "RedirectOrigin", "How a redirect came about.")
        .member(Member::value("HISTORY", "A published entry had this path before."))
        .member(Member::value("MANUAL", "It was made by hand or imported."))
}

fn input() -> Definition {
    Definition::new(Kind::Input, "RedirectInput", "A redirect. Give either `entry` or `to`.")
        .member(Member::new("from", "String!", "A path of the site, such as `/old-shop`, without query and fragment."))
        .member(Member::new("entry", "ID", "The id of an entry of a type with paths."))
        .member(Member::new("to", "String", "A path of the site, or an address with `https:` or `http:`."))
        .member(Member::new("status", "Int!", "301, 302, 307 or 308.").default("301"))
}

fn filter() -> Definition {
    Definition::new(Kind::Input, "RedirectFilter", "Conditions on redirects; all must hold.")
        .member(Member::new("from", "String", "The beginning of the path."))
        .member(Member::new("entry", "ID", "The entry that it leads to."))
        .member(Member::new("origin", "RedirectOrigin", "How it came about."))
}
