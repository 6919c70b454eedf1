//! Programs that tests need, from the system's packages, where they can be installed without a prompt.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use crate::progress::say;

/// Folders to search besides PATH: a user's PATH often lacks those for administrators.
const MORE: [&str; 2] = ["/usr/sbin", "/opt/homebrew/bin"];

/// The path of an installed program.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = MORE.iter().map(|folder| Path::new(folder).to_owned());
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Installs a package with apt, only as root: other users would be asked for a password.
pub fn install(package: &str) -> bool {
    if !geteuid().is_root() {
        return false;
    }
    say("Installing", format!("{package} with apt-get"));
    let install = ["install", "-y", package];
    // A new machine may have missing or outdated package lists.
    apt_get(&install) || (apt_get(&["update"]) && apt_get(&install))
}

fn apt_get(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
