//! A PostgreSQL for development, tests and benchmarks: the one at `DATABASE_URL`, otherwise a private one.

mod account;
mod binaries;
mod cluster;
pub mod fetch;
mod orphan;
pub mod shelf;
mod state;

use std::path::{Path, PathBuf};
use std::time::Instant;

pub use account::Account;
use anyhow::{Context, bail};
use binaries::Binaries;
pub use cluster::free_port;
use cluster::{Cluster, Running};
use shelf::Shelf;
pub use state::Lock;

use crate::git::Git;
use crate::progress::{say, since};
use crate::project::Project;

/// The variable with the URL of a PostgreSQL on which tests may create databases.
pub const TEST_VARIABLE: &str = "TYPECASE_TEST_DATABASE_URL";

const IN_USE: &str = "the development database of this branch is in use by another `cargo xtask` command";

/// The purpose of a database, which determines how it is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Kept between runs and safe against a crash of the machine.
    Development,
    /// New in each run, fast, and deleted at its end.
    Test,
    /// Like `Test`, with the memory settings and statistics of a production database.
    Bench,
}

impl Purpose {
    /// The variable that names a database for this purpose, and its value.
    fn given(self) -> Option<(&'static str, String)> {
        let variables: &[&str] = match self {
            Self::Development => &["DATABASE_URL"],
            Self::Test => &[TEST_VARIABLE, "DATABASE_URL"],
            // A benchmark, which loads made-up content, never uses an existing database.
            Self::Bench => &[],
        };
        let set = |name: &&'static str| Some((*name, std::env::var(name).ok().filter(|url| !url.is_empty())?));
        variables.iter().find_map(set)
    }

    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Development => &[],
            Self::Test => &["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"],
            Self::Bench => &["fsync=off", "synchronous_commit=off", "shared_buffers=512MB", "jit=off"],
        }
    }
}

/// A database that is available as long as this value exists.
pub struct Postgres {
    pub url: String,
    pub kept: Kept,
    /// Whether this command has created it and it is still empty.
    pub is_new: bool,
    /// The part that can be stopped and restarted: the cluster that this command started.
    own: Option<Own>,
    /// Stops the server on drop; before the lock, so that nobody finds it half stopped.
    running: Option<Running>,
    _lock: Option<Lock>,
}

struct Own {
    account: Account,
    binaries: Binaries,
}

/// Where the database is kept.
pub enum Kept {
    /// At `DATABASE_URL`.
    Elsewhere,
    /// A private one in this folder.
    Here(PathBuf),
}

impl Postgres {
    /// Starts what the purpose needs, or uses the database in `DATABASE_URL`.
    pub fn start(project: &Project, purpose: Purpose) -> anyhow::Result<Self> {
        if let Some((variable, url)) = purpose.given() {
            say("Using", format!("PostgreSQL of {variable} ({})", without_password(&url)));
            return Ok(Self { url, kept: Kept::Elsewhere, is_new: false, own: None, running: None, _lock: None });
        }
        let account = Account::choose()?;
        let folder = state::folder(project, account)?;
        match purpose {
            Purpose::Development => Self::start_kept(project, &folder, account),
            Purpose::Test | Purpose::Bench => Self::start_passing(&folder, account, purpose),
        }
    }

    /// Starts the development database, or joins it if another command has started it.
    pub fn start_or_join(project: &Project) -> anyhow::Result<Self> {
        if Purpose::Development.given().is_none() {
            let cluster = kept(project, &state::folder(project, Account::choose()?)?);
            if Lock::take(&lock_of(&cluster.folder))?.is_none() {
                let url = cluster.running_url().context("another command is starting the database: try again")?;
                return Ok(Self {
                    url,
                    kept: Kept::Here(cluster.folder),
                    is_new: false,
                    own: None,
                    running: None,
                    _lock: None,
                });
            }
        }
        Self::start(project, Purpose::Development)
    }

    /// The databases of this checkout, and the one that this command has started.
    pub fn shelf(&self) -> Option<(Shelf<'_>, &Path)> {
        let (Some(own), Kept::Here(cluster)) = (&self.own, &self.kept) else { return None };
        Some((Shelf { folder: cluster.parent()?, account: own.account }, cluster))
    }

    /// Stops the cluster that this command started, and releases it.
    pub fn stop(&mut self) {
        drop(self.running.take());
        drop(self._lock.take());
    }

    /// Stops the cluster that this command started, runs `work` on its files, and starts it again.
    pub fn pause<T>(&mut self, work: impl FnOnce(&Shelf<'_>, &Path) -> anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        let port = self.shelf().and_then(|(_, cluster)| Cluster::new(cluster.to_owned()).ready_port());
        drop(self.running.take());
        let (Some((shelf, cluster)), Some(own)) = (self.shelf(), &self.own) else { return Ok(None) };
        let (folder, done) = (shelf.folder, work(&shelf, cluster)?);
        let cluster = Cluster::new(cluster.to_owned());
        if !cluster.is_made() {
            let _shared = Lock::wait(&folder.join("lock"))?;
            cluster.copy_from(&template(folder, own.account, &own.binaries)?, own.account)?;
        }
        let settings = Purpose::Development.settings();
        let running = cluster.start_again(own.account, &own.binaries, settings, false, port)?;
        self.url.clone_from(&running.url);
        self.running = Some(running);
        Ok(Some(done))
    }

    /// Deletes the development database of this branch; fails if it is in use.
    pub fn delete_kept(project: &Project) -> anyhow::Result<()> {
        if let Some((variable, _)) = Purpose::Development.given() {
            bail!("{variable} names a database that does not belong to this checkout: it is not changed");
        }
        let account = Account::choose()?;
        let folder = state::folder(project, account)?;
        let cluster = kept(project, &folder).folder;
        let Some(_lock) = Lock::take(&lock_of(&cluster))? else { bail!("{IN_USE}") };
        Cluster::new(cluster.clone()).stop_orphan()?;
        Shelf { folder: &folder, account }.delete(&cluster)
    }

    fn start_kept(project: &Project, folder: &Path, account: Account) -> anyhow::Result<Self> {
        let cluster = kept(project, folder);
        let Some(lock) = Lock::take(&lock_of(&cluster.folder))? else {
            bail!("{IN_USE}");
        };
        let start = Instant::now();
        let binaries = choose(account, folder, cluster.major())?;
        let mut is_new = false;
        if !cluster.is_made() {
            let _shared = Lock::wait(&folder.join("lock"))?;
            let other = Shelf { folder, account }.best(&cluster.folder, &shelf::files(project)?)?;
            let source = match other {
                Some(other) if Cluster::new(other.clone()).major() == Some(binaries.major) => {
                    let name = other.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    say("Copying", format!("the database {name} for this branch"));
                    Cluster::new(other)
                }
                _ => {
                    is_new = true;
                    template(folder, account, &binaries)?
                }
            };
            cluster.copy_from(&source, account)?;
        }
        let running = cluster.start(account, &binaries, Purpose::Development.settings(), false)?;
        announce(&binaries, &running.url, start);
        Ok(Self {
            url: running.url.clone(),
            kept: Kept::Here(cluster.folder),
            is_new,
            own: Some(Own { account, binaries }),
            running: Some(running),
            _lock: Some(lock),
        })
    }

    fn start_passing(folder: &Path, account: Account, purpose: Purpose) -> anyhow::Result<Self> {
        let start = Instant::now();
        let binaries = choose(account, folder, None)?;
        let shared = Lock::wait(&folder.join("lock"))?;
        clean(folder)?;
        let template = template(folder, account, &binaries)?;
        let cluster = Cluster::new(folder.join(format!("passing-{}", crate::random::hex(4)?)));
        let lock = Lock::take(&lock_of(&cluster.folder))?.context("a new lock cannot be taken")?;
        drop(shared);
        cluster.copy_from(&template, account)?;
        let running = cluster.start(account, &binaries, purpose.settings(), true)?;
        announce(&binaries, &running.url, start);
        Ok(Self {
            url: running.url.clone(),
            kept: Kept::Here(cluster.folder),
            is_new: true,
            own: None,
            running: Some(running),
            _lock: Some(lock),
        })
    }
}

fn announce(binaries: &Binaries, url: &str, start: Instant) {
    let address = without_password(url).replace("?sslmode=disable", "");
    say("Started", format!("PostgreSQL {} at {address} {}", binaries.version, since(start)));
}

/// The folder of the programs downloaded for this checkout, and the account that runs them.
pub fn programs(project: &Project) -> anyhow::Result<(PathBuf, Account)> {
    let account = Account::choose()?;
    Ok((state::folder(project, account)?.join("programs"), account))
}

/// The development database of the current branch.
fn kept(project: &Project, folder: &Path) -> Cluster {
    let branch = Git::of(project).and_then(|git| git.branch());
    Cluster::new(Shelf::of_branch(folder, branch.as_deref()))
}

fn lock_of(cluster: &Path) -> PathBuf {
    cluster.with_extension("lock")
}

/// Programs for a new cluster, or for one created by a certain version.
fn choose(account: Account, folder: &Path, major: Option<u32>) -> anyhow::Result<Binaries> {
    if let Some(found) = Binaries::find(account, major) {
        return Ok(found);
    }
    let fetched = fetch::fetch(account, &folder.join("programs"))?;
    match major {
        Some(major) if major != fetched.major => bail!(
            "the development database was created by PostgreSQL {major}, which is no longer installed; \
             install it again, or start over with `cargo xtask dev --reset`"
        ),
        _ => Ok(fetched),
    }
}

/// An empty cluster to copy others from: copying takes a tenth of the time of creating one.
fn template(folder: &Path, account: Account, binaries: &Binaries) -> anyhow::Result<Cluster> {
    let template = Cluster::new(folder.join(format!("template-{}", binaries.major)));
    if !template.is_made() {
        say("Making", format!("a private PostgreSQL {} with {}", binaries.version, binaries.folder.display()));
        template.make(account, binaries)?;
    }
    Ok(template)
}

/// Removes leftovers of killed runs. The caller must hold the folder's lock.
fn clean(folder: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with("passing-") || !name.ends_with(".lock") || Lock::take(&path)?.is_none() {
            continue;
        }
        let cluster = Cluster::new(path.with_extension(""));
        cluster.stop_orphan()?;
        cluster::remove(&cluster.folder)?;
        cluster::remove(&cluster.folder.with_extension("unfinished"))?;
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

/// An address without its password: `postgres://user@host:5432/shop`.
fn without_password(url: &str) -> String {
    let Some((before, after)) = url.rsplit_once('@') else { return url.to_owned() };
    let user_start = before.find("//").map_or(0, |at| at + 2);
    let user_end = before[user_start..].find(':').map_or(before.len(), |at| user_start + at);
    format!("{}@{after}", &before[..user_end])
}
