//! `RustFile`: the frame of a generated Rust file, what it is and imports; and what descriptions become in comments.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::template;

pub struct RustFile {
    about: String,
    source: String,
    uses: BTreeMap<&'static str, BTreeSet<String>>,
}

/// What `rust_file.rs.j2` has beside what the template of the file has.
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
    /// `about` is what the file is, in one line; `source` where that is said.
    pub fn new(about: impl Into<String>, source: impl Into<String>) -> Self {
        Self { about: about.into(), source: source.into(), uses: BTreeMap::new() }
    }

    /// `use path::{names}`; the names of several calls are joined.
    pub fn uses(&mut self, path: &'static str, names: impl IntoIterator<Item = String>) {
        self.uses.entry(path).or_default().extend(names);
    }

    /// Takes back imports, of what the file itself defines.
    pub fn without(&mut self, path: &'static str, names: impl IntoIterator<Item = String>) {
        let used = self.uses.entry(path).or_default();
        names.into_iter().for_each(|name| {
            used.remove(&name);
        });
    }

    /// The template with all that it names.
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

/// The first line of a description, for a comment behind a line or the first one of a file.
pub fn first_line(text: &str) -> String {
    comment(text.trim().lines().next().unwrap_or_default())
}

/// The lines of a doc comment; none for no text.
pub fn doc(text: &str) -> Vec<String> {
    text.trim().lines().map(comment).collect()
}

/// A line of a description, without what rustc refuses in comments: control characters and changes of direction.
fn comment(line: &str) -> String {
    let refused = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    line.trim().replace(refused, " ")
}
