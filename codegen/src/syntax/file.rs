//! Which files exist, what each declares, and which cannot be read.

use std::collections::BTreeSet;

use super::language::FileKind;
use super::node::{Node, Value};
use super::shape::{check_record, is_snake_case};
use super::yaml;
use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::{SourceFile, Span, Spanned};

/// A file that is valid YAML; its shapes have been checked.
#[derive(Debug)]
pub struct File {
    pub kind: FileKind,
    /// The declared name; `cms` for `cms.yaml`.
    pub name: Spanned<String>,
    pub node: Node,
}

#[derive(Debug, Default)]
pub struct Files {
    /// In the order of their paths.
    pub files: Vec<File>,
    /// Names of all files, readable or not: a reference to something in a broken file is not an error.
    pub type_stems: BTreeSet<String>,
    pub component_stems: BTreeSet<String>,
    pub has_site: bool,
}

/// Reads every file and reports all mistakes in their form.
pub fn read(sources: &[SourceFile], found: &mut Diagnostics) -> Files {
    let mut files = Files::default();
    let mut order: Vec<_> = (0..sources.len()).collect();
    order.sort_by_key(|index| &sources[*index].path);
    for index in order {
        read_one(index, &sources[index], &mut files, found);
    }
    if !files.has_site {
        let help = "write `site: { name: My shop, currency: EUR }` there";
        found.push(Diagnostic::nowhere(Code::NoSite, "`schema/cms.yaml` is missing").help(help));
    }
    files
}

fn read_one(index: usize, source: &SourceFile, files: &mut Files, found: &mut Diagnostics) {
    let start = Span { file: index, start: 0, end: 0 };
    let Some((kind, stem)) = classify(&source.path) else {
        let message = format!("`{}` is not a folder for schema files", source.path);
        if let Some(stem) = source.path.strip_suffix(".yml") {
            let diagnostic = Diagnostic::error(Code::UnknownFile, start, "schema files end with `.yaml`");
            return found.push(diagnostic.help(format!("rename the file to `{stem}.yaml`")));
        }
        let help = "content types are `schema/<type>.yaml`, components are `schema/components/<component>.yaml`";
        return found.push(Diagnostic::error(Code::UnknownFile, start, message).help(help));
    };
    match kind {
        FileKind::Site => files.has_site = true,
        FileKind::Type => drop(files.type_stems.insert(stem.to_owned())),
        FileKind::Component => drop(files.component_stems.insert(stem.to_owned())),
    }
    let Some(node) = yaml::parse(index, &source.text, found) else { return };
    let first_key = node.entries().first().map_or(start, |entry| entry.key.span);
    let file = Spanned { value: source.path.clone(), span: first_key };
    if !matches!(node.value, Value::Map(_)) {
        let message = format!("the file must be a map that begins with `{}:`", kind.keys()[0].name);
        return found.push(Diagnostic::error(Code::WrongShape, node.span, message));
    }
    if let Some(misplaced) = misplaced(kind, &node) {
        return found.push(misplaced);
    }
    check_record(&node, kind.keys(), &file, found);
    let name = match kind {
        FileKind::Site => Spanned { value: stem.to_owned(), span: first_key },
        FileKind::Type | FileKind::Component => match node.get(kind.keys()[0].name).and_then(Node::spanned_text) {
            Some(name) => name,
            None => return,
        },
    };
    if name.value != stem && is_snake_case(&name.value) {
        let message = format!("the file declares `{}`, but is named `{stem}.yaml`", name.value);
        let help = format!("rename the file to `{}.yaml`, or write `{stem}` here", name.value);
        found.push(Diagnostic::error(Code::UnknownFile, name.span, message).help(help));
    }
    files.files.push(File { kind, name, node });
}

/// The kind of file expected at the path, and the file's name without its extension.
fn classify(path: &str) -> Option<(FileKind, &str)> {
    let path = path.strip_prefix("schema/")?.strip_suffix(".yaml")?;
    match path.split_once('/') {
        None if path == "cms" => Some((FileKind::Site, path)),
        None => Some((FileKind::Type, path)),
        Some(("components", stem)) if !stem.contains('/') => Some((FileKind::Component, stem)),
        Some(_) => None,
    }
}

/// Reports a component in the folder of content types, or the reverse.
fn misplaced(kind: FileKind, node: &Node) -> Option<Diagnostic> {
    let (other, place) = match kind {
        FileKind::Type => ("component", "schema/components/"),
        FileKind::Component => ("type", "schema/"),
        FileKind::Site => return None,
    };
    if node.get(kind.keys()[0].name).is_some() {
        return None;
    }
    let key = &node.entry(other)?.key;
    let message = format!("the file declares a {}", if other == "type" { "content type" } else { other });
    Some(Diagnostic::error(Code::UnknownFile, key.span, message).help(format!("move it to `{place}`")))
}
