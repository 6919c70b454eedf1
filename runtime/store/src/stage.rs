//! `Stage`: the two copies of the content.

/// Which copy of the content is read: the published one, or the one that editors work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Live,
    Draft,
}

impl Stage {
    /// The PostgreSQL schema of its tables.
    pub fn schema(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Draft => "draft",
        }
    }
}
