//! Golden files: `cases/<name>/schema` becomes `cases/<name>/expected`. Accept a change with `UPDATE_EXPECT=1`.
//!
//! The Rust files of `every_field` are also compiled, as an example of the generated crate.

use std::fs;
use std::path::Path;

use crate::support::{files, generate, root, sources};

#[test]
fn cases_become_what_is_expected() {
    let folder = root().join("codegen/tests/cases");
    let cases = fs::read_dir(&folder).expect("the cases").map(|entry| entry.expect("a readable folder").path());
    let cases: Vec<_> = cases.filter(|path| path.is_dir()).collect();
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases.iter().for_each(|case| check(case));
}

fn check(case: &Path) {
    // The reference and the JSON Schema of the language do not depend on the case.
    let mut made = generate(&sources(case));
    made.retain(|path, _| path.starts_with("generated/"));
    let expected = case.join("expected");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let _ = fs::remove_dir_all(&expected);
        for (path, text) in &made {
            let path = expected.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder that can be made");
            fs::write(path, text).expect("a file that can be written");
        }
    }
    let known = files(&expected, "");
    let paths = |files: &std::collections::BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&made), paths(&known), "{}: accept with UPDATE_EXPECT=1", case.display());
    for (path, text) in &made {
        let diff = similar::TextDiff::from_lines(&known[path], text);
        let diff = diff.unified_diff().header("expected", "made").to_string();
        assert!(diff.is_empty(), "{}/{path}: accept with UPDATE_EXPECT=1\n{diff}", case.display());
    }
}
