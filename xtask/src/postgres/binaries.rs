//! PostgreSQL's programs: found on this machine, otherwise downloaded once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;

/// The oldest major version that Typecase is tested with.
pub const OLDEST: u32 = 14;

/// A folder with `initdb` and `postgres` of one version.
#[derive(Clone, Debug)]
pub struct Binaries {
    pub folder: PathBuf,
    pub major: u32,
    /// As reported by the program: `15.18`.
    pub version: String,
}

impl Binaries {
    /// The first usable ones on this machine; `major` restricts them to those that can open an existing cluster.
    pub fn find(account: Account, major: Option<u32>) -> Option<Self> {
        let wanted = |found: &Self| major.map_or(found.major >= OLDEST, |major| found.major == major);
        candidates().into_iter().filter_map(|folder| Self::inspect(account, &folder)).find(wanted)
    }

    /// The programs in a folder, if this account can run them.
    pub fn inspect(account: Account, folder: &Path) -> Option<Self> {
        // A link such as /usr/local/bin/postgres leads to the folder with the other programs.
        let postgres = folder.join("postgres").canonicalize().ok()?;
        let folder = postgres.parent()?.to_owned();
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = account.command(&postgres).arg("--version").stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        let version = text.split_whitespace().nth(2)?.to_owned();
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        Some(Self { folder, major: digits.parse().ok()?, version })
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Folders to search: `PATH`, then `pg_config`'s folder, then where packages install the newest version.
fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    folders.extend(configured());
    let mut versioned = Vec::new();
    for parent in [
        "/usr/lib/postgresql",
        "/usr/local/lib/postgresql",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/home/linuxbrew/.linuxbrew/opt",
        "/Applications/Postgres.app/Contents/Versions",
        "/Library/PostgreSQL",
    ] {
        versioned.extend(subfolders(Path::new(parent)));
    }
    // Red Hat's packages: /usr/pgsql-16.
    versioned.extend(
        subfolders(Path::new("/usr")).into_iter().filter(|(_, path)| path.to_string_lossy().contains("pgsql-")),
    );
    versioned.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    folders.extend(versioned.into_iter().map(|(_, path)| path.join("bin")));
    folders
}

fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// Folders named after a version, such as `15`, `postgresql@16` or `pgsql-17`.
fn subfolders(parent: &Path) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((version_in(&entry.file_name().to_string_lossy())?, entry.path()))).collect()
}

fn version_in(name: &str) -> Option<u32> {
    let number = ["postgresql@", "pgsql-", ""].iter().find_map(|prefix| name.strip_prefix(prefix))?;
    number.split('.').next()?.parse().ok()
}
