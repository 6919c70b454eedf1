//! The files a schema is written in, and places in them.

/// One file of the schema, as read from disk.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Path as shown to people, relative to the project's root with `/`: `schema/product.yaml`.
    pub path: String,
    pub text: String,
}

/// A range of bytes in one file; `file` indexes the list of sources that was compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub file: usize,
    pub start: usize,
    pub end: usize,
}

/// A value and where it was written. Two values are equal wherever they stand.
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
