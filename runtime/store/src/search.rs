//! The search index: `document` writes an entry's row of it, `ask` finds entries by it, `near` corrects misspelt words, and `mark` shows
//! where the words are.

pub mod ask;
pub mod document;
pub mod mark;
mod near;
