//! `Stage`: the two copies of the content.

/// Which copy of the content is read: what is published, or what editors work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Live,
    Draft,
}

impl Stage {
    /// The PostgreSQL schema that holds its tables.
    pub fn schema(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Draft => "draft",
        }
    }
}
