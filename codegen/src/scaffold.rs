//! The initial file of a new content type: it compiles unchanged and shows what can be written.

use crate::analyze::access::EXAMPLE;
use crate::analyze::names::plural;
use crate::source::SourceFile;

/// The text of `schema/<name>.yaml`, or why the name is not valid for a content type.
pub fn scaffold(name: &str) -> Result<String, String> {
    let text = TEMPLATE.to_owned() + ACCESS + &EXAMPLE.replace(PUBLIC, MAYBE_PUBLIC);
    let text =
        text.replace("{name}", name).replace("{plural}", &plural(name)).replace("{spoken}", &name.replace('_', " "));
    let site = "site: { name: Any, currency: EUR }".to_owned();
    let sources = [
        SourceFile { path: "schema/cms.yaml".to_owned(), text: site },
        SourceFile { path: format!("schema/{name}.yaml"), text: text.clone() },
    ];
    match crate::compile(&sources) {
        Ok(_) => Ok(text),
        Err(found) => Err(found.iter().map(|diagnostic| diagnostic.message.as_str()).collect::<Vec<_>>().join("; ")),
    }
}

const TEMPLATE: &str = "\
# yaml-language-server: $schema=schema.json
#
# The content type `{name}`. Every key is described in docs/schema-language.md; `cargo xtask dev` follows each save.
type: {name}
# plural: the name of the list in the API, where it is not the usual one.
description: One {spoken}.
# The field that stands for the entry in lists and messages.
title: name
# With drafts an entry is published after it is saved; without, it is public at once.
lifecycle: { drafts: true }

fields:
  name:
    type: string
    required: true
    max: 200
    filterable: true
    sortable: true
    description: The name, as readers see it.
  slug:
    type: slug
    from: name
    unique: true
    required: true
    description: The part of the address that names the {spoken}.
  summary:
    type: text
    max: 500
    description: A sentence or two for lists.

  # Take what fits, and remove the rest.
  #
  # Text of a page, and values with bounds:
  # body: { type: markdown, required: publish }
  # price: { type: money, min: 0, filterable: true, sortable: true }
  # places: { type: integer, min: 1, max: 1000, default: 1 }
  # starts_at: { type: datetime, filterable: true, sortable: true }
  #
  # One of several values:
  # state: { type: enum, values: [open, closed], default: open, filterable: true }
  #
  # Other entries: one, several in order, one of several types. `inverse` shows this end at the other.
  # image: { type: media }
  # products: { type: relation, to: product, many: true, on_delete: set_null, inverse: {plural} }
  # about: { type: relation, to: [product, post] }
  #
  # Groups of fields and page builders, made of schema/components/:
  # seo: { type: component, of: seo }
  # page: { type: blocks, of: [text, gallery] }
  #
  # Rows of its own, saved with it:
  # dates:
  #   type: children
  #   singular: date
  #   fields:
  #     starts_at: { type: datetime, required: true, filterable: true }
  #
  # A field that gets another name, and one that goes:
  # headline: { type: string, was: title }
  # legacy: { drop: true }

# Indexes over several fields:
# indexes:
#   - { on: [name, created_at desc] }
";

const ACCESS: &str = "
# Who may do what: what is not written is denied. `where`, `check`, `fields` and `set` narrow an action:
# update: { where: { created_by: $user }, fields: [name, summary] }
";

const PUBLIC: &str = "  anonymous: { read: all }\n";

/// A template must not make anybody's orders public.
const MAYBE_PUBLIC: &str = "  # Everybody, without signing in, reads what is published:
  # anonymous: { read: all }
";

#[cfg(test)]
mod tests {
    use super::scaffold;
    use crate::{SourceFile, compile};

    /// Compiles the file together with the shipped files that it refers to.
    fn check(text: String) {
        let mut sources: Vec<_> = SHIPPED.iter().map(|(path, text)| source(path, (*text).to_owned())).collect();
        sources.push(source("schema/event.yaml", text));
        let compiled = compile(&sources);
        let _ = compiled.unwrap_or_else(|found| panic!("{}", found.render(&sources)));
    }

    fn source(path: &str, text: String) -> SourceFile {
        SourceFile { path: path.to_owned(), text }
    }

    const SHIPPED: &[(&str, &str)] = &[
        ("schema/cms.yaml", "site: { name: Test, currency: EUR }"),
        (
            "schema/media.yaml",
            "type: media\nplural: media_items\nfields: { url: { type: url } }\naccess: { admin: { read: all } }",
        ),
        ("schema/post.yaml", "type: post\nfields: { title: { type: string } }\naccess: { admin: { read: all } }"),
        ("schema/product.yaml", "type: product\nfields: { title: { type: string } }\naccess: { admin: { read: all } }"),
        ("schema/components/seo.yaml", "component: seo\nfields: { title: { type: string } }"),
        ("schema/components/text.yaml", "component: text\nfields: { body: { type: markdown } }"),
        ("schema/components/gallery.yaml", "component: gallery\nfields: { heading: { type: string } }"),
    ];

    #[test]
    fn it_compiles_as_it_is() {
        check(scaffold("event").expect("the name is one"));
        let order = scaffold("order").expect("the name is one");
        assert!(order.contains("\n  # anonymous: { read: all }\n") && !order.contains("\n  anonymous"), "{order}");
        assert_eq!(scaffold("Event"), Err("the name `Event` is not in `snake_case`".to_owned()));
        assert!(scaffold("match").is_err() && scaffold("money").is_err() && scaffold("a: b").is_err());
    }

    #[test]
    fn what_it_shows_compiles_too() {
        let shown = |line: &str| match line.strip_prefix("  # ") {
            Some(rest) if rest.starts_with(|first: char| first.is_lowercase() || first == ' ') => format!("  {rest}\n"),
            _ => format!("{line}\n"),
        };
        let text: String = scaffold("event").expect("the name is one").lines().map(shown).collect();
        assert!(text.contains("\n  dates:\n") && text.contains("\n  anonymous: { read: all }\n"));
        check(text.replace("# indexes:", "indexes:").replace("#   - {", "  - {"));
    }
}
