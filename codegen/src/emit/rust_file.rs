//! `RustFile`: the frame of a generated Rust file (header and imports), and descriptions as comments.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::template;

pub struct RustFile {
    about: String,
    source: String,
    uses: BTreeMap<&'static str, BTreeSet<String>>,
}

/// Variables of `rust_file.rs.j2`, in addition to those of the file's own template.
#[derive(Serialize)]
struct Framed<T> {
    about: String,
    source: String,
    imports: Vec<Import>,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
struct Import {
    path: &'static str,
    names: Vec<String>,
    several: bool,
}

impl RustFile {
    /// `about` describes the file in one line; `source` is what it was generated from.
    pub fn new(about: impl Into<String>, source: impl Into<String>) -> Self {
        Self { about: about.into(), source: source.into(), uses: BTreeMap::new() }
    }

    /// `use path::{names}`; names from several calls are merged.
    pub fn uses(&mut self, path: &'static str, names: impl IntoIterator<Item = String>) {
        self.uses.entry(path).or_default().extend(names);
    }

    /// Removes imports of names that the file itself defines.
    pub fn without(&mut self, path: &'static str, names: impl IntoIterator<Item = String>) {
        let used = self.uses.entry(path).or_default();
        names.into_iter().for_each(|name| {
            used.remove(&name);
        });
    }

    /// Renders the template with the imports.
    pub fn render(self, template: &str, body: impl Serialize) -> String {
        let uses = self.uses.into_iter().filter(|(_, names)| !names.is_empty());
        let import = |(path, names): (&'static str, BTreeSet<String>)| Import {
            path,
            several: names.len() > 1,
            names: names.into_iter().collect(),
        };
        let imports = uses.map(import).collect();
        let framed = Framed { about: first_line(&self.about), source: self.source, imports, body };
        template::fill(&template::render(template, framed))
    }
}

/// The first line of a description, for a trailing comment or the first line of a file.
pub fn first_line(text: &str) -> String {
    comment(text.trim().lines().next().unwrap_or_default())
}

/// The lines of a doc comment; empty for an empty text.
pub fn doc(text: &str) -> Vec<String> {
    text.trim().lines().map(comment).collect()
}

/// A line of a description, without what rustc rejects in comments: control characters and direction overrides.
fn comment(line: &str) -> String {
    let refused = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    line.trim().replace(refused, " ")
}
