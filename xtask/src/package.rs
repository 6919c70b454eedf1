//! Programs that tests need, from the packages of the system, if they can be installed without a prompt.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

use crate::progress::say;

/// Where programs are, beside the folders of PATH: that of a user often lacks those for administrators.
const MORE: [&str; 2] = ["/usr/sbin", "/opt/homebrew/bin"];

/// A program of the machine.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = MORE.iter().map(|folder| Path::new(folder).to_owned());
    std::env::split_paths(&path).chain(more).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Installs a package with apt, as root: anybody else would be asked for a password.
pub fn install(package: &str) -> bool {
    if !geteuid().is_root() {
        return false;
    }
    say("Installing", format!("{package} with apt-get"));
    let install = ["install", "-y", package];
    // A new machine may have no lists of packages, or old ones.
    apt_get(&install) || (apt_get(&["update"]) && apt_get(&install))
}

fn apt_get(arguments: &[&str]) -> bool {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
