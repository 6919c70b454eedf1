//! Rewrites comparisons by order as calls of a filter, which refuses values without an order, such as a text and a
//! number.

use std::ops::Range;

use minijinja::machinery::Span;

use crate::import::filters::COMPARED;

/// The position of a comparison in the text of an expression.
pub struct Comparison {
    whole: Range<usize>,
    operator: Range<usize>,
}

impl Comparison {
    /// The parser's span of a comparison begins with the token before it, and the span of its left side excludes
    /// brackets.
    pub fn find(text: &str, span: Span, left: Span) -> Option<Self> {
        let (before, after) = (span.start_offset as usize, left.end_offset as usize);
        let start = before + if before == 0 { 0 } else { token(text.get(before..)?) };
        let rest = text.get(after..)?;
        let at = after + rest.find(|letter: char| !letter.is_whitespace() && letter != ')')?;
        let operator = ["<=", ">=", "<", ">"].into_iter().find(|operator| text[at..].starts_with(operator))?;
        Some(Self { whole: start..span.end_offset as usize, operator: at..at + operator.len() })
    }
}

/// The length of a token that can precede an expression: a word, a splat or a punctuation mark.
fn token(text: &str) -> usize {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let is_more: &dyn Fn(char) -> bool = if text.starts_with(is_word) { &is_word } else { &|letter| letter == '*' };
    text.find(|letter| !is_more(letter)).unwrap_or(text.len()).max(1)
}

/// Rewrites `a < b` as `((a)|compared("<", b))`.
pub fn checked(text: &str, comparisons: &[Comparison]) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for Comparison { whole, operator } in comparisons {
        let called = format!(")|{COMPARED}(\"{}\", ", &text[operator.clone()]);
        edits.push((whole.start..whole.start, " ((".to_owned()));
        edits.push((operator.clone(), called));
        edits.push((whole.end..whole.end, "))".to_owned()));
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut checked = text.to_owned();
    edits.into_iter().for_each(|(range, edit)| checked.replace_range(range, &edit));
    checked
}
