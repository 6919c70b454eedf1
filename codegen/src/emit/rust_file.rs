//! `RustFile`: a generated file as its header, imports and items; and how names, texts and lists are spelled in Rust.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::Name;

/// Lines are filled up to here, as `rustfmt.toml` says.
const WIDTH: usize = 120;

pub struct RustFile {
    about: String,
    source: String,
    uses: BTreeMap<&'static str, BTreeSet<String>>,
    items: Vec<String>,
}

impl RustFile {
    /// `about` is what the file is, in one line; `source` where that is said.
    pub fn new(about: impl Into<String>, source: impl Into<String>) -> Self {
        Self { about: about.into(), source: source.into(), uses: BTreeMap::new(), items: Vec::new() }
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

    pub fn item(&mut self, item: impl Into<String>) {
        self.items.push(item.into());
    }

    pub fn items(&mut self, items: impl IntoIterator<Item = String>) {
        self.items.extend(items);
    }

    pub fn render(self) -> String {
        let mut parts = vec![format!(
            "//! {}\n//!\n//! Written by `cargo xtask generate` from {}; do not edit.",
            self.about.lines().next().unwrap_or_default(),
            self.source
        )];
        let uses = self.uses.into_iter().filter(|(_, names)| !names.is_empty()).map(import);
        let uses: Vec<_> = uses.collect();
        if !uses.is_empty() {
            parts.push(uses.join("\n"));
        }
        parts.extend(self.items.into_iter().map(|item| item.trim_end().to_owned()));
        parts.join("\n\n") + "\n"
    }
}

fn import((path, names): (&'static str, BTreeSet<String>)) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match &names[..] {
        [one] => format!("use {path}::{one};"),
        _ => list(&format!("use {path}::{{"), &names, "};", 0),
    }
}

/// `open`, the items, `close`: on one line when they fit, else filled line by line, indented by a level more.
pub fn list(open: &str, items: &[String], close: &str, indent: usize) -> String {
    let line = items.join(", ");
    if open.len() + line.len() + close.len() <= WIDTH {
        return format!("{open}{line}{close}");
    }
    let margin = " ".repeat(indent + 4);
    let (open, close) = (open.trim_end(), close.trim_start());
    let mut text = format!("{open}\n{margin}");
    let mut column = margin.len();
    for (index, item) in items.iter().enumerate() {
        if index > 0 && column + item.len() + 2 > WIDTH {
            text += &format!("\n{margin}");
            column = margin.len();
        } else if index > 0 {
            text.push(' ');
            column += 1;
        }
        text += &format!("{item},");
        column += item.len() + 1;
    }
    text + &format!("\n{}{close}", " ".repeat(indent))
}

/// A doc comment of the text, each line indented; empty for no text.
pub fn doc(text: &str, indent: &str) -> String {
    text.trim().lines().map(|line| format!("{indent}/// {}", comment(line)).trim_end().to_owned() + "\n").collect()
}

/// A line of a description, without what rustc refuses in comments: control characters and changes of direction.
pub fn comment(line: &str) -> String {
    let refused = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    line.trim().replace(refused, " ")
}

/// A string literal; a raw one where it would be full of escapes.
pub fn text(text: &str) -> String {
    let escaped = format!("{text:?}");
    if escaped.len() == text.len() + 2 {
        return escaped;
    }
    let only_quotes = escaped.len() == text.len() + 2 + text.matches(['"', '\\']).count();
    if text.contains(['"', '\\']) && only_quotes && !text.contains("\"#") {
        return format!("r#\"{text}\"#");
    }
    escaped
}

/// `["a", "b"]` for the names.
pub fn names<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| text(name.snake())).collect();
    format!("[{}]", names.join(", "))
}

/// A field, function or module of this name, also where Rust has the word for itself.
pub fn ident(name: &Name) -> String {
    let word = name.snake();
    match word {
        "self" | "super" | "crate" => format!("{word}_"),
        _ if KEYWORDS.contains(&word) => format!("r#{word}"),
        _ => word.to_owned(),
    }
}

const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
