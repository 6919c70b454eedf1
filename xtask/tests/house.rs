//! The rules of the house that no compiler checks; each failure names the file and the rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each crate may know of the others, and of the world's crates what it must not.
const LAYERS: [(&str, &[&str], &[&str]); 9] = [
    ("model", &[], &["sqlx", "tokio", "axum", "async-graphql", "getrandom"]),
    ("codegen", &["model"], &["sqlx", "tokio", "axum", "async-graphql"]),
    ("runtime", &["model"], &["syn", "quote", "prettyplease"]),
    ("generated", &["runtime"], &["sqlx", "async-graphql", "axum"]),
    ("app", &["generated", "runtime"], &[]),
    ("shop", &["generated", "runtime"], &[]),
    ("shop/generated", &["runtime"], &["sqlx", "async-graphql", "axum"]),
    ("bench", &["runtime"], &[]),
    ("xtask", &["codegen"], &["sqlx", "tokio"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Crates of the runtime lie in its folder.
fn folder(name: &str) -> PathBuf {
    root().join(if name == "model" { "runtime/model" } else { name })
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a section of a manifest, such as `dependencies`, without comments.
fn section(manifest: &str, name: &str) -> Vec<String> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            inside = line == format!("[{name}]");
        } else if inside {
            lines.push(line.to_owned());
        }
    }
    lines
}

fn dependency(line: &str) -> &str {
    line.split(['.', ' ', '=']).next().unwrap_or_default()
}

#[test]
fn crates_know_only_the_layers_below() {
    let ours: BTreeSet<&str> = LAYERS.iter().map(|(name, ..)| *name).collect();
    for (name, allowed, forbidden) in LAYERS {
        let manifest = read(&folder(name).join("Cargo.toml"));
        for line in section(&manifest, "dependencies") {
            let dependency = dependency(&line);
            assert!(!ours.contains(dependency) || allowed.contains(&dependency), "{name} must not know {dependency}");
            assert!(!forbidden.contains(&dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn versions_and_lints_are_kept_in_one_place() {
    for (name, ..) in LAYERS {
        let manifest = read(&folder(name).join("Cargo.toml"));
        assert_eq!(section(&manifest, "lints"), ["workspace = true"], "{name}/Cargo.toml: [lints]");
        for line in ["dependencies", "dev-dependencies"].into_iter().flat_map(|name| section(&manifest, name)) {
            let own_part = line.contains("path = \"");
            assert!(
                own_part || line.contains("workspace"),
                "{name}/Cargo.toml: `{line}` takes no version from the workspace"
            );
        }
    }
}

/// The Rust files that people write.
fn sources() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    for (name, ..) in LAYERS {
        collect(&folder(name), &mut files);
    }
    assert!(files.len() > 20, "the sources are not where this test looks");
    files
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(path.clone(), read(&path));
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> =
        sources().into_iter().filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "begin with `//! what the file is for`: {silent:#?}");
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    // In two parts, or this file would find itself.
    let allow = concat!("#[", "allow(");
    let inner = concat!("#![", "allow(");
    for (path, text) in sources() {
        assert!(!text.contains(allow) && !text.contains(inner), "{}: write #[expect(.., reason)]", path.display());
    }
}

#[test]
fn no_test_is_switched_off() {
    let ignore = concat!("#[", "ignore");
    for (path, text) in sources() {
        assert!(!text.contains(ignore), "{}: mend or delete the test", path.display());
    }
}
