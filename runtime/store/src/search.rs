//! The search index: `document` writes an entry's row of it, `matches` says what is found, `ask` ranks it, `facet` counts it, `suggest`
//! completes what is typed, `near` corrects misspelt words, `mark` shows where the words
//! are, `rules` has what editors say of queries, and `asked` counts them. `answer` asks a search engine, if there is one, by the tree
//! of `question`.

pub mod answer;
pub mod ask;
pub mod asked;
pub mod document;
pub mod facet;
pub mod mark;
pub mod matches;
mod near;
mod question;
pub mod rules;
pub mod suggest;
mod typed;

pub use typed::Search;
