//! The search index: `document` writes an entry's row of it, `matches` says what is found, `ask` ranks it, `facet` counts it, `suggest`
//! completes what is typed, `near` corrects misspelt words, and `mark` shows where the words are.

pub mod ask;
pub mod document;
pub mod facet;
pub mod mark;
pub mod matches;
mod near;
pub mod suggest;
