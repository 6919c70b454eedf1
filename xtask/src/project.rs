//! The layout of a project, and reading and writing its files.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A working tree: the folder with `schema/` and `Cargo.toml`.
#[derive(Clone, Debug)]
pub struct Project {
    pub root: PathBuf,
}

impl Project {
    /// Finds the project of the current folder or of one above it.
    pub fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("the current folder is not readable")?;
        let root = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
        let root = root.with_context(|| format!("{} is not in a Typecase project", here.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The private folder of this checkout: databases, logs, tokens. Never committed.
    pub fn private(&self) -> PathBuf {
        self.path(".dev")
    }
}

/// Writes a file that only its owner can read.
pub fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
