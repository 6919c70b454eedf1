//! The settings document is generated from the table, and no document names an unknown setting.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use runtime::settings;

/// The text above the tables.
const HEAD: &str = "# Settings

A server is configured by environment variables; an empty variable counts as not set.
At start, the server reports all wrong values at once, each with the values that the variable takes; secrets are never shown.
An unknown variable that begins with `TYPECASE_` gives a warning with the nearest known name.
`typecase doctor` shows the value of each setting.

This file is generated from the table in `runtime/base/src/settings/table.rs` by `UPDATE_EXPECT=1 cargo xtask test -p runtime --test settings`.
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

#[test]
fn the_document_is_the_table() {
    let path = root().join("docs/settings.md");
    let expected = format!("{HEAD}{}", settings::document());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &expected).expect("docs/settings.md can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/settings.md is not what the table says: run with UPDATE_EXPECT=1");
}

/// The names of server variables in a text, without those of tests and without prefixes of names.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("TYPECASE_") && !word.ends_with('_')).collect()
}

#[test]
fn documents_name_settings_that_there_are() {
    let docs = std::fs::read_dir(root().join("docs")).expect("docs").flatten().map(|entry| entry.path());
    let files = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let more = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name));
    for path in files.chain(more) {
        let text = std::fs::read_to_string(&path).expect("a text");
        let unknown = settings::unknown(named(&text), &["name", "google"]);
        assert_eq!(unknown, [], "{}", path.display());
    }
    assert_eq!(named("`TYPECASE_RATE`, TYPECASE_OIDC_... NOT_TYPECASE_RATE"), BTreeSet::from(["TYPECASE_RATE"]));
}
