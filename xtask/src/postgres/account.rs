//! The user that PostgreSQL runs as: the current one, or another one if that is root, which PostgreSQL refuses.

use std::io::ErrorKind;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::unistd::{User, geteuid};

/// The user that owns the database's processes and files.
#[derive(Clone, Copy)]
pub struct Account {
    other: Option<(u32, u32)>,
}

impl Account {
    pub fn choose() -> anyhow::Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self { other: None });
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) = User::from_name(name).with_context(|| format!("cannot look up the user `{name}`"))? {
                return Ok(Self { other: Some((user.uid.as_raw(), user.gid.as_raw())) });
            }
        }
        bail!("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody` to run it as")
    }

    /// User and group to switch to, if not the current ones.
    pub fn ids(self) -> Option<(u32, u32)> {
        self.other
    }

    /// A command that runs as this user, without input and without settings meant for other databases.
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null());
        without_postgres_settings(&mut command);
        if let Some((uid, gid)) = self.other {
            command.uid(uid).gid(gid);
        }
        command
    }

    pub fn own(self, path: &Path) -> anyhow::Result<()> {
        let Some((uid, gid)) = self.other else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).with_context(|| format!("cannot hand over {}", path.display()))
    }

    /// Whether this user can enter a folder. It is tried, since file modes alone do not tell.
    pub fn can_enter(self, folder: &Path) -> anyhow::Result<bool> {
        let mut probe = self.command(Path::new("/bin/sh"));
        match probe.args(["-c", ":"]).current_dir(folder).status() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error).with_context(|| format!("cannot look into {}", folder.display())),
        }
    }
}

/// Variables such as PGPORT and PGDATA from the user's shell must not reach a private cluster.
pub fn without_postgres_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
}
