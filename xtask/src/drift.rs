//! The differences between generated files and the files on disk: how they are shown and fixed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use similar::TextDiff;

use crate::project::Project;

/// By path from the project root.
#[derive(Debug, Default)]
pub struct Drift {
    changes: BTreeMap<String, Change>,
}

#[derive(Debug)]
enum Change {
    Add {
        text: String,
    },
    Update {
        before: String,
        text: String,
    },
    /// A file that is no longer generated, in a folder with only generated files.
    Remove {
        before: String,
    },
}

impl Drift {
    /// Compares bytes; files of the `owned` folders that are not `wanted` are orphans.
    pub fn between(project: &Project, wanted: &BTreeMap<String, String>, owned: &[&str]) -> anyhow::Result<Self> {
        let mut drift = Self::default();
        for (path, text) in wanted {
            let change = match read(&project.path(path))? {
                None => Change::Add { text: text.clone() },
                Some(bytes) if bytes == text.as_bytes() => continue,
                Some(bytes) => Change::Update { before: shown(&bytes), text: text.clone() },
            };
            drift.changes.insert(path.clone(), change);
        }
        for folder in owned {
            for path in files(project, folder)? {
                if !wanted.contains_key(&path) {
                    let before = read(&project.path(&path))?.unwrap_or_default();
                    drift.changes.insert(path, Change::Remove { before: shown(&before) });
                }
            }
        }
        Ok(drift)
    }

    /// The same drift, with paths from the root above this folder.
    pub fn within(self, folder: &str) -> Self {
        Self { changes: self.changes.into_iter().map(|(path, change)| (format!("{folder}/{path}"), change)).collect() }
    }

    /// Combines both.
    pub fn and(mut self, other: Self) -> Self {
        self.changes.extend(other.changes);
        self
    }

    /// Also removes these files, by path from the root.
    pub fn removing(mut self, project: &Project, paths: &[String]) -> anyhow::Result<Self> {
        for path in paths {
            if let Some(before) = read(&project.path(path))? {
                self.changes.insert(path.clone(), Change::Remove { before: shown(&before) });
            }
        }
        Ok(self)
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// A unified diff of everything.
    pub fn diff(&self) -> String {
        self.changes.iter().map(|(path, change)| change.diff(path)).collect()
    }

    /// One line per file: what was done to it.
    pub fn summary(&self) -> String {
        let line = |(path, change): (&String, &Change)| match change {
            Change::Add { .. } => format!("  new      {path}\n"),
            Change::Update { .. } => format!("  changed  {path}\n"),
            Change::Remove { .. } => format!("  removed  {path}\n"),
        };
        self.changes.iter().map(line).collect()
    }

    /// Writes everything to temporary files before anything is moved into place, so that a full disk changes nothing.
    pub fn mend(&self, project: &Project) -> anyhow::Result<()> {
        let texts = self.changes.iter().filter_map(|(path, change)| Some((path, change.text()?)));
        let mut staged = Vec::new();
        for (path, text) in texts {
            codegen::emit::check(path, text);
            let target = project.path(path);
            match stage(&target, text) {
                Ok(temporary) => staged.push((temporary, target)),
                Err(error) => {
                    staged.iter().for_each(|(temporary, _)| drop(fs::remove_file(temporary)));
                    return Err(error);
                }
            }
        }
        for (temporary, target) in &staged {
            fs::rename(temporary, target).with_context(|| format!("{} cannot be written", target.display()))?;
        }
        for path in self.changes.iter().filter(|(_, change)| change.text().is_none()).map(|(path, _)| path) {
            fs::remove_file(project.path(path)).with_context(|| format!("{path} cannot be removed"))?;
        }
        Ok(())
    }
}

impl Change {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Add { text } | Self::Update { text, .. } => Some(text),
            Self::Remove { .. } => None,
        }
    }

    fn diff(&self, path: &str) -> String {
        let (from, to) = (format!("a/{path}"), format!("b/{path}"));
        let (before, after, from, to) = match self {
            Self::Add { text } => ("", text.as_str(), "/dev/null", to.as_str()),
            Self::Update { before, text } => (before.as_str(), text.as_str(), from.as_str(), to.as_str()),
            Self::Remove { before } => (before.as_str(), "", from.as_str(), "/dev/null"),
        };
        TextDiff::from_lines(before, after).unified_diff().header(from, to).to_string()
    }
}

/// Writes the text to a temporary file next to the target.
fn stage(target: &Path, text: &str) -> anyhow::Result<std::path::PathBuf> {
    let name = target.file_name().with_context(|| format!("{} is not a file", target.display()))?;
    let folder = target.parent().with_context(|| format!("{} has no folder", target.display()))?;
    let temporary = folder.join(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    fs::write(&temporary, text).with_context(|| format!("{} cannot be written", temporary.display()))?;
    Ok(temporary)
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every file under the folder, by its path from the root with `/`; empty if the folder does not exist.
pub fn files(project: &Project, folder: &str) -> anyhow::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let entries = match fs::read_dir(project.path(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error).with_context(|| format!("{folder} cannot be read")),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("{folder} cannot be read"))?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(files(project, &path)?);
        } else {
            found.insert(path);
        }
    }
    Ok(found)
}
