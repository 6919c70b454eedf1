//! `Name`: every spelling of a name, computed once.

/// A name as written in YAML (`snake_case`), with its spellings for Rust, GraphQL and SQL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    snake: String,
}

impl Name {
    /// The name must be `snake_case`: `[a-z][a-z0-9]*(_[a-z0-9]+)*`. The analyzer has checked that.
    pub fn new(snake: impl Into<String>) -> Self {
        Self { snake: snake.into() }
    }

    /// `compare_at_price`: YAML, SQL, Rust fields and modules.
    pub fn snake(&self) -> &str {
        &self.snake
    }

    /// `CompareAtPrice`: Rust and GraphQL types.
    pub fn pascal(&self) -> String {
        self.snake.split('_').map(capitalized).collect()
    }

    /// `compareAtPrice`: GraphQL fields and arguments.
    pub fn camel(&self) -> String {
        model::names::camel(&self.snake)
    }

    /// `COMPARE_AT_PRICE`: GraphQL enum values and Rust constants.
    pub fn upper(&self) -> String {
        self.snake.to_ascii_uppercase()
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
