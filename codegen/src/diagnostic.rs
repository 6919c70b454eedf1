//! `Diagnostic`: one mistake in the schema, its position, and how to fix it; `Diagnostics` collects them.

mod code;
mod render;

use std::collections::BTreeMap;

pub use code::Code;

use crate::source::{SourceFile, Span};

/// More errors or warnings per file are not helpful; the rest are counted.
const MOST_PER_FILE: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    /// The underlined source; absent if the mistake is in no file.
    pub span: Option<Span>,
    /// Short text next to the underlined source.
    pub label: Option<String>,
    /// Related positions.
    pub secondary: Vec<(Span, String)>,
    /// How to fix it.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        let message = message.into();
        let (label, secondary, help) = (None, Vec::new(), None);
        Self { code, severity: Severity::Error, message, span: Some(span), label, secondary, help }
    }

    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// A mistake that belongs to no particular file.
    pub fn nowhere(code: Code, message: impl Into<String>) -> Self {
        Self { span: None, ..Self::error(code, Span::default(), message) }
    }

    /// The same diagnostic with another code.
    pub fn code(mut self, code: Code) -> Self {
        self.code = code;
        self
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push((span, label.into()));
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Everything found in one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Number of omitted diagnostics per file.
    omitted: BTreeMap<usize, usize>,
    /// Per file and severity: warnings do not displace errors.
    count: BTreeMap<(usize, Severity), usize>,
}

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if let Some(span) = diagnostic.span {
            let count = self.count.entry((span.file, diagnostic.severity)).or_default();
            *count += 1;
            if *count > MOST_PER_FILE {
                *self.omitted.entry(span.file).or_default() += 1;
                return;
            }
        }
        self.list.push(diagnostic);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len() + self.omitted.values().sum::<usize>()
    }

    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Sorts by file path and position, whatever the order of discovery.
    pub(crate) fn sort(&mut self, sources: &[SourceFile]) {
        let path = |span: Option<Span>| span.and_then(|span| sources.get(span.file)).map(|file| file.path.as_str());
        self.list.sort_by(|a, b| {
            let key = |d: &Diagnostic| (d.span.map(|span| (span.start, span.end)), d.code);
            path(a.span).cmp(&path(b.span)).then_with(|| key(a).cmp(&key(b))).then_with(|| a.message.cmp(&b.message))
        });
        self.list.dedup();
    }

    /// A compiler-style report for people. `sources` must be the compiled ones.
    pub fn render(&self, sources: &[SourceFile]) -> String {
        let mut out = String::new();
        for diagnostic in &self.list {
            out.push_str(&render::render(diagnostic, sources));
            out.push('\n');
        }
        for (file, omitted) in &self.omitted {
            let path = sources.get(*file).map_or("", |file| file.path.as_str());
            out.push_str(&format!("{path}: {omitted} more not shown\n\n"));
        }
        out
    }
}
