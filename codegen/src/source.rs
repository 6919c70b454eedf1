//! Source files of a schema, and positions in them.

/// One file of the schema, as read from disk.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path for display, relative to the project root and with `/`: `schema/product.yaml`.
    pub path: String,
    pub text: String,
}

/// A byte range in one file; `file` is an index into the compiled sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub file: usize,
    pub start: usize,
    pub end: usize,
}

/// A value and its position. Equality ignores the position.
#[derive(Clone, Debug, Default)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
