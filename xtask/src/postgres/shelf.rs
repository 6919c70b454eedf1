//! The development databases of a checkout: one per branch, and copies from before each uncommitted migration.
//!
//! Each records its applied migrations, so that a database matching the current files can be found.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::account::Account;
use super::cluster::{self, Cluster};
use super::state::Lock;
use crate::history::draft;
use crate::history::next::{self, History};
use crate::project::Project;

const HAD: &str = "migrations";
const CATALOG: &str = "catalog.json";
/// Separates the name of a branch's database from the migration that it was copied before.
const BEFORE: &str = "--before--";
const ASIDE: &str = "--aside";

/// A migration, by its name and the hash of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub hash: String,
    /// Whether the generator made it from the schema alone.
    pub generated: bool,
}

/// The migrations that a database has applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Had {
    pub migrations: Vec<Entry>,
    /// The text of `catalog.json` after the last of them.
    pub catalog: String,
}

impl Had {
    /// `None` for a database without a record.
    pub fn read(cluster: &Path) -> Option<Self> {
        let text = fs::read_to_string(cluster.join(HAD)).ok()?;
        let catalog = fs::read_to_string(cluster.join(CATALOG)).ok()?;
        let entry = |line: &str| {
            let [name, hash, kind] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
            Some(Entry { name: name.to_owned(), hash: hash.to_owned(), generated: kind == "generated" })
        };
        Some(Self { migrations: text.lines().map(entry).collect::<Option<_>>()?, catalog })
    }

    pub fn write(&self, cluster: &Path) -> anyhow::Result<()> {
        let kind = |entry: &Entry| if entry.generated { "generated" } else { "written" };
        let line = |entry: &Entry| format!("{} {} {}\n", entry.name, entry.hash, kind(entry));
        let text: String = self.migrations.iter().map(line).collect();
        fs::write(cluster.join(HAD), text)
            .and_then(|()| fs::write(cluster.join(CATALOG), &self.catalog))
            .with_context(|| format!("cannot write into {}", cluster.display()))
    }

    /// Whether these files begin with the applied migrations.
    pub fn leads_to(&self, files: &[Entry]) -> bool {
        let same = |(had, file): (&Entry, &Entry)| (&had.name, &had.hash) == (&file.name, &file.hash);
        self.migrations.len() <= files.len() && self.migrations.iter().zip(files).all(same)
    }
}

/// The migrations of the project.
pub fn files(project: &Project) -> anyhow::Result<Vec<Entry>> {
    let history = History::read(project)?;
    let entry = |name: String| {
        let path = project.path(next::FOLDER).join(&name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Entry { generated: draft::is_generated(project, &name), hash: codegen::catalog::hash(&text), name })
    };
    history.files.into_iter().map(entry).collect()
}

/// The folder of a checkout's clusters.
pub struct Shelf<'a> {
    pub folder: &'a Path,
    pub account: Account,
}

impl Shelf<'_> {
    /// The database of a branch; without git there is only one.
    pub fn of_branch(folder: &Path, branch: Option<&str>) -> PathBuf {
        let Some(branch) = branch else { return folder.join("dev") };
        let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
        let mut name: String = branch.chars().map(plain).take(60).collect();
        if name != branch {
            // Branches whose names differ only in replaced characters get different databases.
            name.push_str(&format!("-{}", &codegen::catalog::hash(branch)[..6]));
        }
        folder.join(format!("dev-{name}"))
    }

    /// Keeps a copy of a stopped database, from before this migration.
    pub fn keep(&self, cluster: &Path, before: &str) -> anyhow::Result<()> {
        let copy = with_suffix(cluster, &format!("{BEFORE}{before}"));
        cluster::remove(&copy)?;
        Cluster::new(copy).copy_from(&Cluster::new(cluster.to_owned()), self.account)
    }

    /// Whether there is a copy from before this migration.
    pub fn keeps(&self, cluster: &Path, before: &str) -> bool {
        with_suffix(cluster, &format!("{BEFORE}{before}")).is_dir()
    }

    /// Removes this database's copies from before migrations that are now committed.
    pub fn prune(&self, cluster: &Path, committed: &[String]) -> anyhow::Result<()> {
        let stem = |file: &String| file.trim_end_matches(".sql").to_owned();
        committed
            .iter()
            .map(stem)
            .try_for_each(|name| cluster::remove(&with_suffix(cluster, &format!("{BEFORE}{name}"))))
    }

    /// Removes the copies of this database.
    pub fn delete_copies(&self, cluster: &Path) -> anyhow::Result<()> {
        self.delete_named(|name, own| name.starts_with(&format!("{own}{BEFORE}")), cluster)
    }

    /// The stopped database with the shortest way to the files; `own` databases are preferred.
    pub fn best(&self, own: &Path, files: &[Entry]) -> anyhow::Result<Option<PathBuf>> {
        let mut best: Option<(usize, bool, PathBuf)> = None;
        for entry in fs::read_dir(self.folder).with_context(|| format!("cannot read {}", self.folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let usable = name.starts_with("dev") && !name.ends_with(ASIDE) && path.is_dir() && path != own;
            let Some(had) = Had::read(&path).filter(|had| usable && had.leads_to(files)) else { continue };
            let is_own = path.to_string_lossy().starts_with(&format!("{}{BEFORE}", own.display()));
            let better =
                best.as_ref().is_none_or(|(steps, owned, _)| (had.migrations.len(), is_own) > (*steps, *owned));
            // A running one cannot be copied.
            if better && Lock::take(&path.with_extension("lock"))?.is_some() {
                best = Some((had.migrations.len(), is_own, path));
            }
        }
        Ok(best.map(|(.., path)| path))
    }

    /// Replaces a stopped database with a copy of another and sets the replaced one aside.
    pub fn replace(&self, cluster: &Path, by: &Path) -> anyhow::Result<PathBuf> {
        let aside = self.set_aside(cluster)?;
        Cluster::new(cluster.to_owned()).copy_from(&Cluster::new(by.to_owned()), self.account)?;
        Ok(aside)
    }

    /// Moves a stopped database away, in case somebody wants it back.
    pub fn set_aside(&self, cluster: &Path) -> anyhow::Result<PathBuf> {
        let aside = with_suffix(cluster, ASIDE);
        cluster::remove(&aside)?;
        if cluster.is_dir() {
            fs::rename(cluster, &aside).with_context(|| format!("cannot move {}", cluster.display()))?;
        }
        Ok(aside)
    }

    /// Deletes a branch's database and its copies.
    pub fn delete(&self, cluster: &Path) -> anyhow::Result<()> {
        self.delete_named(|name, own| name == own || name.starts_with(&format!("{own}--")), cluster)
    }

    fn delete_named(&self, is_it: impl Fn(&str, &str) -> bool, cluster: &Path) -> anyhow::Result<()> {
        let own = cluster.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for entry in fs::read_dir(self.folder).with_context(|| format!("cannot read {}", self.folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && is_it(&name, &own) {
                cluster::remove(&path)?;
            }
        }
        Ok(())
    }
}

fn with_suffix(cluster: &Path, suffix: &str) -> PathBuf {
    let name = cluster.file_name().unwrap_or_default().to_string_lossy();
    cluster.with_file_name(format!("{name}{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, hash: &str) -> Entry {
        Entry { name: name.to_owned(), hash: hash.to_owned(), generated: true }
    }

    #[test]
    fn a_database_goes_on_where_the_files_begin_with_what_it_has_had() {
        let files = [entry("0001_a", "1"), entry("0002_b", "2")];
        let had = |migrations: &[Entry]| Had { migrations: migrations.to_vec(), catalog: String::new() };
        assert!(had(&[]).leads_to(&files) && had(&files[..1]).leads_to(&files) && had(&files).leads_to(&files));
        assert!(!had(&[entry("0001_a", "9")]).leads_to(&files), "edited");
        assert!(!had(&files).leads_to(&files[..1]), "ahead");
        assert!(!had(&[files[0].clone(), entry("0002_c", "2")]).leads_to(&files), "another branch");
    }

    #[test]
    fn each_branch_has_a_name_that_a_folder_can_have() {
        let name = |branch| Shelf::of_branch(Path::new("/x"), Some(branch)).display().to_string();
        assert_eq!(name("main"), "/x/dev-main");
        assert_ne!(name("a/b"), name("a-b"));
        assert!(!name("feature/../x").contains(".."));
        assert_eq!(Shelf::of_branch(Path::new("/x"), None), Path::new("/x/dev"));
    }
}
