//! Shortens text from a client for use in a message.

/// Letters that are shown.
const SHOWN: usize = 60;

/// The beginning of the text, with `…` where more follows.
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
