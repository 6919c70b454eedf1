//! Shortens text from a client for use in a message.

/// Number of characters shown.
const SHOWN: usize = 60;

/// The beginning of the text, with `…` if it was cut.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
