//! The search index: `document` writes an entry's row of it, `parsed` reads what is asked, `matches` says what is found, `ask` ranks it,
//! `best` ranks the first page with less work, `facet` counts it, `suggest` completes what is typed, `near` corrects misspelt words,
//! `mark` shows where the words are, `rules` has what editors say of queries, and `asked` counts them. `answer` asks a search engine, if
//! there is one, by the tree of `question`.

pub mod answer;
pub mod ask;
pub mod asked;
mod best;
pub mod document;
pub mod facet;
pub mod mark;
pub mod matches;
mod near;
mod parsed;
mod question;
pub mod rules;
pub mod suggest;
mod typed;

pub use typed::Search;
