//! Which files the server is built from, and whether one of them has been saved.
//!
//! It polls: a few dozen files take less than a millisecond, and it works on every file system, including mounted ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::project::Project;

const INTERVAL: Duration = Duration::from_millis(150);

/// Folders with hand-written files, and the relevant file extensions.
const WATCHED: [(&str, &[&str]); 5] = [
    ("schema", &["yaml", "yml"]),
    ("migrations", &["sql"]),
    ("app", &["rs", "toml"]),
    ("generated", &["toml"]),
    ("runtime", &["rs", "toml", "sql"]),
];

/// Files saved since the last accepted state.
pub struct Watch {
    root: PathBuf,
    head: Option<PathBuf>,
    accepted: Snapshot,
    seen: Snapshot,
    looked: Instant,
}

type Snapshot = BTreeMap<PathBuf, (SystemTime, u64)>;

impl Watch {
    /// `head` is the file that changes with the git branch.
    pub fn new(project: &Project, head: Option<PathBuf>) -> Self {
        let mut watch = Self {
            root: project.root.clone(),
            head,
            accepted: Snapshot::new(),
            seen: Snapshot::new(),
            looked: Instant::now(),
        };
        watch.accepted = watch.snapshot();
        watch.seen = watch.accepted.clone();
        watch
    }

    fn snapshot(&self) -> Snapshot {
        let mut files = snapshot(&self.root);
        let head = self.head.iter().filter_map(|path| Some((path.clone(), std::fs::metadata(path).ok()?)));
        files.extend(head.map(|(path, data)| (path, state(&data))));
        files
    }

    /// The changed files, once they are unchanged between two looks: editors save in several steps.
    pub fn changed(&mut self) -> Vec<PathBuf> {
        if self.looked.elapsed() < INTERVAL {
            return Vec::new();
        }
        let now = self.snapshot();
        self.looked = Instant::now();
        let quiet = now == self.seen;
        self.seen = now;
        if quiet { differences(&self.accepted, &self.seen) } else { Vec::new() }
    }

    /// Accepts the current state: only later changes are reported.
    pub fn accept(&mut self) {
        self.accepted = self.seen.clone();
    }

    /// Likewise, for files that the generator itself has just written.
    pub fn accept_generated(&mut self) {
        let generated = |path: &Path| path.starts_with("migrations");
        self.accepted.retain(|path, _| !generated(path));
        self.accepted.extend(snapshot(&self.root).into_iter().filter(|(path, _)| generated(path)));
    }
}

fn differences(before: &Snapshot, after: &Snapshot) -> Vec<PathBuf> {
    let changed = after.iter().filter(|(path, state)| before.get(*path) != Some(*state)).map(|(path, _)| path);
    let removed = before.keys().filter(|path| !after.contains_key(*path));
    changed.chain(removed).cloned().collect()
}

fn snapshot(root: &Path) -> Snapshot {
    let mut files = Snapshot::new();
    for (folder, endings) in WATCHED {
        collect(root, Path::new(folder), endings, &mut files);
    }
    files
}

/// Unreadable files are skipped; the next look finds them again.
fn collect(root: &Path, folder: &Path, endings: &[&str], files: &mut Snapshot) {
    for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
        let path = folder.join(entry.file_name());
        // Follows links, as the generator and the compiler do.
        let Ok(data) = std::fs::metadata(root.join(&path)) else { continue };
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if data.is_dir() && !hidden {
            collect(root, &path, endings, files);
        } else if !hidden && path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
            files.insert(path, state(&data));
        }
    }
}

fn state(data: &std::fs::Metadata) -> (SystemTime, u64) {
    (data.modified().unwrap_or(SystemTime::UNIX_EPOCH), data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Project) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("schema")).expect("a folder");
        std::fs::write(folder.path().join("schema/product.yaml"), "type: product").expect("a file");
        let project = Project { root: folder.path().to_owned() };
        (folder, project)
    }

    /// Looks until something is reported, for at most two seconds.
    fn look(watch: &mut Watch) -> Vec<PathBuf> {
        let start = Instant::now();
        loop {
            let changed = watch.changed();
            if !changed.is_empty() || start.elapsed() > Duration::from_secs(2) {
                return changed;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn saved_renamed_and_deleted_files_are_changes() {
        let (folder, project) = project();
        let schema = folder.path().join("schema");
        let mut watch = Watch::new(&project, None);
        // As editors save: write a new file, then rename it over the old one.
        std::fs::write(schema.join(".product.yaml.swp"), "type: product\nfields: {}").expect("a file");
        std::fs::rename(schema.join(".product.yaml.swp"), schema.join("product.yaml")).expect("a rename");
        assert_eq!(look(&mut watch), [Path::new("schema/product.yaml")]);
        watch.accept();
        std::fs::remove_file(schema.join("product.yaml")).expect("it is there");
        assert_eq!(look(&mut watch), [Path::new("schema/product.yaml")]);
    }

    #[test]
    fn files_of_editors_and_of_the_generator_are_none() {
        let (folder, project) = project();
        let mut watch = Watch::new(&project, None);
        std::fs::create_dir(folder.path().join("migrations")).expect("a folder");
        std::fs::write(folder.path().join("migrations/0001_first.sql"), "").expect("a file");
        for name in [".product.yaml.swp", "product.yaml~", "4913", "schema.json"] {
            std::fs::write(folder.path().join("schema").join(name), "x").expect("a file");
        }
        watch.accept_generated();
        assert_eq!(look(&mut watch), Vec::<PathBuf>::new());
    }
}
