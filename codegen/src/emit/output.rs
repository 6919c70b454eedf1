//! `Output`: the text of every generated file, keyed by its path from the project root.

use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    files: BTreeMap<String, String>,
}

impl Output {
    /// Folders that contain only generated files: a file that is there but not in the output is an orphan.
    pub const OWNED: [&'static str; 1] = ["generated/src"];

    /// Panics if two emitters write the same file: one would overwrite the other.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<String>) {
        let path = path.into();
        let before = self.files.insert(path.clone(), text.into());
        assert!(before.is_none(), "codegen bug: {path} is written twice");
    }

    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    pub fn into_files(self) -> BTreeMap<String, String> {
        self.files
    }
}

/// Panics if the text is not valid Rust, which the compiler would report far from its cause. Files that are unchanged
/// on disk were checked when they were written and are skipped, so that saving a field checks only the few that change.
pub fn check(path: &str, text: &str) {
    if let Some(fault) = fault(path, text) {
        panic!("codegen bug: {fault}");
    }
}

fn fault(path: &str, text: &str) -> Option<String> {
    let error = path.ends_with(".rs").then(|| syn::parse_file(text).err())??;
    let place = error.span().start();
    Some(format!("{path}:{}:{} is not Rust: {error}", place.line, place.column + 1))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn what_is_no_rust_is_found_with_its_place() {
        assert_eq!(fault("a.rs", "pub static A: &str = \"a\";\n"), None);
        assert_eq!(fault("a.md", "# A\n"), None);
        let found = fault("a.rs", "pub struct A {\n    type: u8,\n}\n").expect("a keyword");
        assert!(found.starts_with("a.rs:2:5 is not Rust: "), "{found}");
    }
}
