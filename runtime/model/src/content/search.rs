//! What of a content type is in the search index.

/// The search of a content type.
#[derive(Debug)]
pub struct SearchInfo {
    /// The text search configuration of PostgreSQL that finds the words: `english`.
    pub language: &'static str,
    pub texts: &'static [SearchText],
    /// Words that mean the same, in groups.
    pub synonyms: &'static [&'static [&'static str]],
    /// Words of a query that are not looked for.
    pub stop_words: &'static [&'static str],
    /// How the value of an enum or boolean field (by `snake`) changes the score: `("stock_status", "in_stock", 1.5)`.
    pub boosts: &'static [(&'static str, &'static str, f32)],
    /// After how many days of being published the bonus of a new entry is half as much.
    pub recency: Option<u32>,
    /// The API's name of the type that has the facets; empty if there are none.
    pub facets_type: &'static str,
    pub facets: &'static [FacetInfo],
}

/// A field whose values are counted among what a search finds.
#[derive(Clone, Copy, Debug)]
pub struct FacetInfo {
    /// By `snake`.
    pub field: &'static str,
    /// The API's name of the type of what is counted; empty if it is a number.
    pub type_name: &'static str,
}

/// A text of an entry that is searched.
#[derive(Clone, Copy, Debug)]
pub struct SearchText {
    /// The names (by `snake`) that lead to it: a field; a field of children or of a relation's target after the field; for a component or
    /// blocks, the field alone means all texts in it.
    pub path: &'static [&'static str],
    /// `None`: it is a key, and its words are not searched.
    pub weight: Option<SearchWeight>,
    /// Whether an entry comes first if this is what was searched for, such as a stock keeping unit.
    pub exact: bool,
}

/// PostgreSQL's weights, from the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchWeight {
    A,
    B,
    C,
    D,
}

impl SearchWeight {
    pub fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
        }
    }
}
