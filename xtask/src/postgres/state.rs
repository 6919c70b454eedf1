//! The folder of a checkout's clusters, and the locks on it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use nix::unistd::geteuid;

use super::account::Account;
use crate::project::Project;

/// `.dev/postgres`, or a folder elsewhere if the database's account cannot enter the project.
pub fn folder(project: &Project, account: Account) -> anyhow::Result<PathBuf> {
    let usual = project.private().join("postgres");
    std::fs::create_dir_all(&usual).with_context(|| format!("cannot make {}", usual.display()))?;
    if account.can_enter(&usual)? {
        return Ok(usual);
    }
    // Root's home is closed to others. Not /tmp: entered data should survive a restart of the machine.
    let path = usual.to_string_lossy();
    let elsewhere = PathBuf::from(format!("/var/tmp/typecase-{:016x}", fnv1a(path.as_bytes())));
    private(&elsewhere)?;
    std::fs::write(usual.join("README"), format!("The databases of this checkout are in {}.\n", elsewhere.display()))?;
    Ok(elsewhere)
}

/// Creates a folder that others may enter but not list or change; refuses one that somebody else created.
fn private(folder: &Path) -> anyhow::Result<()> {
    match DirBuilder::new().mode(0o711).create(folder) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("cannot make {}", folder.display())),
    }
    let found = std::fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        bail!(
            "{} belongs to another user; remove it, or move the project to a folder that others can enter",
            folder.display()
        );
    }
    Ok(())
}

/// A lock that is released with its holder, however that ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock.
    pub fn wait(path: &Path) -> anyhow::Result<Self> {
        let file = open(path)?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self { _file: file })
    }

    /// The lock, unless it is held.
    pub fn take(path: &Path) -> anyhow::Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    file.with_context(|| format!("cannot open {}", path.display()))
}

/// A hash that is the same on every machine and with every compiler, so that a database is found again.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
