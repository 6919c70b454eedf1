//! House rules that no compiler checks; each failure names the file and the rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Which workspace crates each crate may use, and which external crates it must not.
const LAYERS: [(&str, &[&str], &[&str]); 24] = [
    ("model", &[], &["sqlx", "tokio", "axum", "async-graphql", "getrandom"]),
    ("codegen", &["model"], &["sqlx", "tokio", "axum", "async-graphql"]),
    ("base", &["model"], &["async-graphql", "async-graphql-value"]),
    ("store", &["model", "base"], &["axum", "redis", "clap", "async-graphql", "async-graphql-value"]),
    ("migrate", &["model", "base", "store"], &["axum", "async-graphql"]),
    ("events", &["model", "base", "store"], &["axum", "async-graphql"]),
    ("jobs", &["model", "base", "store"], &["axum", "async-graphql"]),
    ("lifecycle", &["model", "base", "store", "jobs"], &["axum", "async-graphql"]),
    ("webhooks", &["model", "base", "store", "events"], &["axum", "async-graphql"]),
    ("purge", &["base", "store", "events", "jobs"], &["axum", "async-graphql"]),
    ("search", &["model", "base", "store", "events", "jobs"], &["axum", "async-graphql"]),
    ("search-engine", &["model", "base", "store", "events", "jobs"], &["axum", "async-graphql"]),
    ("identity", &["model", "base", "store"], &["axum", "async-graphql"]),
    ("cache", &["model", "base", "store"], &["axum", "async-graphql"]),
    ("graphql", &["model", "base", "store", "cache", "lifecycle", "webhooks"], &["axum"]),
    ("transfer", &["model", "base", "store"], &["axum", "async-graphql"]),
    ("web", &["model", "base", "store", "identity", "graphql"], &["sqlx"]),
    ("runtime", &OF_RUNTIME, &["syn", "quote", "prettyplease"]),
    ("generated", &["runtime"], &["sqlx", "async-graphql", "axum"]),
    ("app", &["generated", "runtime"], &[]),
    ("shop", &["generated", "runtime"], &[]),
    ("shop/generated", &["runtime"], &["sqlx", "async-graphql", "axum"]),
    ("bench", &["runtime"], &[]),
    ("xtask", &["codegen"], &["sqlx", "tokio"]),
];

/// The crates in the runtime's folder.
const OF_RUNTIME: [&str; 16] = [
    "model",
    "base",
    "store",
    "migrate",
    "events",
    "jobs",
    "lifecycle",
    "search",
    "search-engine",
    "webhooks",
    "purge",
    "identity",
    "cache",
    "graphql",
    "transfer",
    "web",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// The folder of a crate; the runtime's crates are in its folder.
fn folder(name: &str) -> PathBuf {
    if OF_RUNTIME.contains(&name) { root().join("runtime").join(name) } else { root().join(name) }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a manifest section, such as `dependencies`, without comments.
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
fn the_modules_of_a_crate_have_one_direction() {
    // Content types refer to each other as the schema requires.
    for (name, ..) in LAYERS.iter().filter(|(name, ..)| !name.ends_with("generated")) {
        let src = folder(name).join("src");
        let mut files = BTreeMap::new();
        collect(&src, &mut files);
        let top = |path: &Path| {
            let first = path.strip_prefix(&src).ok()?.components().next()?;
            Some(first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned())
        };
        let mut knows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, text) in &files {
            let module = top(path).expect("a file of the crate");
            knows.entry(module).or_default().extend(named_modules(text));
        }
        if let Some(circle) = circle(&knows) {
            panic!("modules of `{name}` know each other in a circle: {}", circle.join(" -> "));
        }
    }
}

/// The modules named after `crate::`, outside comments and tests.
fn named_modules(text: &str) -> BTreeSet<String> {
    let code: String = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let code: String = code.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect();
    let mut named = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let parts = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or_default(),
            None => rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default(),
        };
        let module = |part: &str| part.trim().split(':').next().unwrap_or_default().to_owned();
        named.extend(parts.split(',').map(module));
    }
    named
}

/// A dependency cycle, if there is one.
fn circle(knows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk<'a>(
        at: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
        knows: &'a BTreeMap<String, BTreeSet<String>>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = way.iter().position(|module| *module == at) {
            return Some(way[begin..].iter().copied().chain([at]).map(str::to_owned).collect());
        }
        if !done.insert(at) {
            return None;
        }
        way.push(at);
        let others = knows.get(at).into_iter().flatten().filter(|other| *other != at && knows.contains_key(*other));
        let found = others.into_iter().find_map(|other| walk(other, way, done, knows));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    knows.keys().find_map(|module| walk(module, &mut Vec::new(), &mut done, knows))
}

#[test]
fn a_circle_is_found() {
    let knows = |pairs: &[(&str, &[&str])]| {
        pairs
            .iter()
            .map(|(name, others)| ((*name).to_owned(), others.iter().map(|&one| one.to_owned()).collect()))
            .collect::<BTreeMap<_, BTreeSet<String>>>()
    };
    assert_eq!(circle(&knows(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &["std"])])), None);
    let found = circle(&knows(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).expect("b and c");
    assert_eq!(found, ["b", "c", "b"]);
    let named =
        named_modules("use crate::read::Page;\nuse crate::{Stage, write::row}; // crate::no\ncrate::audit::record()");
    assert_eq!(named, ["Stage", "audit", "read", "write"].map(str::to_owned).into());
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

/// The hand-written Rust files.
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
    // Split in two, or this file would match itself.
    let allow = concat!("#[", "allow(");
    let inner = concat!("#![", "allow(");
    for (path, text) in sources() {
        assert!(!text.contains(allow) && !text.contains(inner), "{}: write #[expect(.., reason)]", path.display());
    }
}

#[test]
fn commands_of_the_server_print_so_that_a_reader_may_leave() {
    let runtime = root().join("runtime");
    let is_server = |path: &Path| path.starts_with(&runtime) && !path.iter().any(|folder| folder == "tests");
    for (path, text) in sources().into_iter().filter(|(path, _)| is_server(path)) {
        let prints = |line: &str| [" println!(", " print!("].iter().any(|print| format!(" {line}").contains(print));
        let is_found = text.lines().any(prints);
        assert!(!is_found, "{}: `say!` of `base` does not panic when the reader has left", path.display());
    }
}

#[test]
fn no_test_is_switched_off() {
    let ignore = concat!("#[", "ignore");
    for (path, text) in sources() {
        assert!(!text.contains(ignore), "{}: mend or delete the test", path.display());
    }
}
