//! White space as HTML renders it, and addresses that Markdown does not cut short.

use crate::import::html::content::{Marks, Run, What};

/// The allowed schemes of links; an address without a scheme is on the same site.
const SCHEMES: [&str; 5] = ["http", "https", "mailto", "tel", "ftp"];

/// Collapses blanks as HTML shows them: single ones, and none at the ends of lines. Empty if nothing is visible.
pub fn collapsed(runs: Vec<Run>) -> Vec<Run> {
    let mut line: Vec<Run> = Vec::new();
    let mut spaced = true;
    for Run { what, marks } in runs {
        match what {
            What::Text(text) => push_text(&mut line, &text, marks, &mut spaced),
            What::Code(text) => {
                let (start, end) = (text.starts_with(is_space), text.ends_with(is_space));
                if start {
                    push_text(&mut line, " ", marks, &mut spaced);
                }
                let text = self::spaced(&text);
                if !text.is_empty() {
                    line.push(Run { what: What::Code(text), marks });
                    spaced = false;
                }
                if end {
                    push_text(&mut line, " ", marks, &mut spaced);
                }
            }
            What::Image { .. } => {
                line.push(Run { what, marks });
                spaced = false;
            }
            What::Break | What::Line => {
                trim_end(&mut line);
                if !line.is_empty() {
                    line.push(Run { what, marks: Marks::default() });
                }
                spaced = true;
            }
        }
    }
    trim_end(&mut line);
    while matches!(line.last(), Some(Run { what: What::Break | What::Line, .. })) {
        line.pop();
        trim_end(&mut line);
    }
    let seen = |run: &Run| match &run.what {
        What::Text(text) => !text.trim().is_empty(),
        What::Code(_) | What::Image { .. } => true,
        What::Break | What::Line => false,
    };
    if line.iter().any(seen) { line } else { Vec::new() }
}

fn push_text(line: &mut Vec<Run>, text: &str, marks: Marks, spaced: &mut bool) {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if !is_space(letter) {
            if is_shown(letter) {
                plain.push(letter);
                *spaced = false;
            }
        } else if !*spaced {
            plain.push(' ');
            *spaced = true;
        }
    }
    match line.last_mut() {
        Some(Run { what: What::Text(before), marks: same }) if *same == marks => before.push_str(&plain),
        _ if plain.is_empty() => {}
        _ => line.push(Run { what: What::Text(plain), marks }),
    }
}

fn trim_end(line: &mut Vec<Run>) {
    while let Some(Run { what: What::Text(text), .. }) = line.last_mut() {
        text.truncate(text.trim_end_matches(' ').len());
        if !text.is_empty() {
            break;
        }
        line.pop();
    }
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// False for control characters, which fields refuse.
pub fn is_shown(letter: char) -> bool {
    letter == '\t' || !letter.is_control()
}

pub fn spaced(text: &str) -> String {
    let shown: String = text.chars().filter(|&letter| is_space(letter) || is_shown(letter)).collect();
    shown.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An address that is a link and cannot run code, escaped so that Markdown reads it whole.
pub fn address(text: &str) -> Option<String> {
    let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter.is_control());
    // Browsers ignore these, even inside the scheme.
    let text: String = text.chars().filter(|letter| !matches!(letter, '\t' | '\n' | '\r')).collect();
    let scheme = text.find([':', '/', '?', '#']).filter(|at| text[*at..].starts_with(':')).map(|at| &text[..at]);
    if scheme.is_some_and(|scheme| !SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme))) || text.is_empty() {
        return None;
    }
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' | '>' | '\\' | '`' | '|' | '"' => written.push_str(&format!("%{:02X}", u32::from(letter))),
            letter if letter.is_control() => {}
            letter => written.push(letter),
        }
    }
    Some(written)
}
