//! Renders one diagnostic as text: the message, the position, the underlined source, the help.

use super::{Diagnostic, Severity};
use crate::source::{SourceFile, Span};

/// Longer lines are cut around the position.
const WIDEST: usize = 140;

struct Place<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    /// The whole line, without its line ending.
    text: &'a str,
    /// Number of underlined characters.
    length: usize,
}

pub fn render(diagnostic: &Diagnostic, sources: &[SourceFile]) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut out = format!("{severity}[{}]: {}\n", diagnostic.code, diagnostic.message);
    let primary = diagnostic.span.map(|span| (span, diagnostic.label.as_deref().unwrap_or_default(), '^'));
    let secondary = diagnostic.secondary.iter().map(|(span, label)| (*span, label.as_str(), '-'));
    let places: Vec<_> = primary
        .into_iter()
        .chain(secondary)
        .filter_map(|(span, label, mark)| Some((place(span, sources)?, label, mark)))
        .collect();
    let gutter = places.iter().map(|(place, ..)| place.line.to_string().len()).max().unwrap_or(1);
    for (index, (place, label, mark)) in places.iter().enumerate() {
        let arrow = if index == 0 { "-->" } else { ":::" };
        out.push_str(&format!("{:gutter$}{arrow} {}:{}:{}\n", "", place.path, place.line, place.column));
        out.push_str(&excerpt(place, label, *mark, gutter));
    }
    if let Some(help) = &diagnostic.help {
        out.push_str(&format!("{:gutter$} = help: {help}\n", ""));
    }
    out
}

/// The line and the marks under it.
fn excerpt(place: &Place<'_>, label: &str, mark: char, gutter: usize) -> String {
    let before = place.column - 1;
    let from = if before + place.length > WIDEST { before.saturating_sub(WIDEST / 2) } else { 0 };
    let cut = if from > 0 { "…" } else { "" };
    let shown: String = place.text.chars().skip(from).take(WIDEST).map(printable).collect();
    let more = if place.text.chars().skip(from).nth(WIDEST).is_some() { "…" } else { "" };
    let pad: usize = shown.chars().take(before - from).map(width).sum::<usize>() + cut.chars().count();
    let length: usize = shown.chars().skip(before - from).take(place.length).map(width).sum();
    let marks = mark.to_string().repeat(length.max(1));
    let under = format!("{:pad$}{marks} {label}", "");
    let number = place.line;
    format!("{:gutter$} |\n{number:gutter$} | {cut}{shown}{more}\n{:gutter$} | {}\n", "", "", under.trim_end())
}

fn place<'a>(span: Span, sources: &'a [SourceFile]) -> Option<Place<'a>> {
    let file = sources.get(span.file)?;
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let bom = file.text.len() - text.len();
    let start = floor(text, span.start.saturating_sub(bom));
    let end = floor(text, span.end.saturating_sub(bom)).max(start);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let line = text[line_start..line_end].trim_end_matches('\r');
    let column = text[line_start..start].chars().count() + 1;
    let length = text[start..end.min(line_start + line.len()).max(start)].chars().count();
    let number = text[..line_start].matches('\n').count() + 1;
    Some(Place { path: &file.path, line: number, column, text: line, length })
}

/// The nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A tab or control character would shift the marks below it.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// The terminal width of a character, accurate enough for underlining.
fn width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => 2,
        0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1f64f | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
